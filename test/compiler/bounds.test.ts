// What the host is made to keep for compiled code is bounded, counted, and given back.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Continuations } from "../../src/compiler/continuations.ts";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { I32 } from "../../src/isa/types.ts";
import { allocateGlobal } from "../../src/runtime/allocate.ts";
import type { GlobalInstance } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble, load } from "../validation/assemble.ts";
import { alternately } from "./alternately.ts";
import { compileInstance } from "./compiled.ts";
import { story, worldOf } from "./nested.ts";

const LOOP = "(loop (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))";
const AGAIN = `(local.set 1 (i32.const 9)) ${LOOP}`;

describe.skipIf(localHost() === null)("continuations", () => {
  const made: number[] = [];
  const prototype = Continuations.prototype as unknown as {
    instantiate(bytes: Uint8Array, ...rest: never[]): unknown;
  };

  beforeEach(() => {
    made.length = 0;
    const { instantiate } = prototype;
    vi.spyOn(prototype, "instantiate").mockImplementation(function (this: never, bytes, ...rest) {
      made.push(bytes.length);
      return instantiate.call(this, bytes, ...rest);
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Goes down at every site, and up at every loop. */
  function run(text: string): void {
    alternately(
      () => true,
      () => story(worldOf({ text }, true), "f", [1]),
    );
  }

  it("lie in 256 host modules at most", () => {
    const functions = `(func (param i32) (local i32) ${AGAIN.repeat(2)})`.repeat(300);
    const calls = Array.from({ length: 300 }, (_, i) => `(call ${i} (local.get 0))`.repeat(40));
    run(`(module ${functions} (func (export "f") (param i32) ${calls.join("")}))`);
    expect(made.length).toBe(256);
  });

  it("take eight bytes for one of the module at most, and some", () => {
    const text = `(module (func (export "f") (param i32) (local i32)
      (loop $all ${AGAIN.repeat(400)}
        (br_if $all (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 9))))))`;
    run(text);
    const bytes = made.reduce((sum, length) => sum + length, 0);
    expect(made.length).toBeGreaterThan(5);
    const most = 2 ** 18 + 8 * assemble(text).length;
    expect(bytes).toBeLessThan(most + Math.max(...made) + 1);
  });

  it("are made of what has been executed for long", () => {
    const text = `(module (func (export "f") (param i32) (local i32) ${AGAIN}))`;
    story(worldOf({ text }, true), "f", [1], { slice: 5 });
    expect(made).toEqual([]);
  });
});

describe.skipIf(localHost() === null)("an instance of the host's", () => {
  const record = load(assemble(`(module (memory 1 2) (func (export "f")))`));

  it("counts, and is none where there is no room", () => {
    const used = new Store();
    expect(compileInstance(moduleInstantiate(used, record, []), DEFAULT_FEATURES)).toBeNull();
    const one = used.usage("compiledBytes");
    expect(one).toBeGreaterThan(2 ** 20);
    const store = new Store({ compiledBytes: 1.5 * one });
    const reasons = [0, 1].map(() => {
      return compileInstance(moduleInstantiate(store, record, []), DEFAULT_FEATURES);
    });
    expect(reasons).toEqual([null, "its store has no room for it"]);
  });

  it("that cannot be made gives back what it was to take", () => {
    const store = new Store();
    const instance = moduleInstantiate(store, record, []);
    instance.memories[0].exposeResizable();
    expect(compileInstance(instance, DEFAULT_FEATURES)).toBe("the host has no memory for it");
    expect(store.usage("compiledBytes")).toBeLessThan(2 ** 20);
  });

  it("is none that imports a global twice", () => {
    const store = new Store();
    const text = `(module
      (import "" "a" (global $a (mut i32))) (import "" "b" (global $b (mut i32)))
      (func (export "f") (result i32) (global.set $a (i32.const 5)) (global.get $b)))`;
    const value = globalOf(store);
    const imports = [value, value].map((global) => ({ kind: "global", value: global }) as const);
    const instance = moduleInstantiate(store, load(assemble(text)), imports);
    expect(compileInstance(instance, DEFAULT_FEATURES)).toBe("it imports a global twice");
  });
});

function globalOf(store: Store): GlobalInstance {
  const zero = { low: 0, high: 0, reference: null };
  return allocateGlobal(store, { type: I32, mutable: true }, zero);
}
