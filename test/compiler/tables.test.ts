// Tables of compiled instances: the host's follow ours, whoever writes to them, and functions of
// others are called through them.

import { describe, expect, it } from "vitest";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { allocateHostFunction } from "../../src/runtime/allocate.ts";
import type { FunctionInstance, ModuleInstance } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import type { TableInstance } from "../../src/runtime/table.ts";
import { idOfFuncType } from "../../src/validation/type-ids.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compileInstance } from "./compiled.ts";
import { story } from "./nested.ts";
import { compareTiers, nothingSeen } from "./tiers.ts";

const ENDLESS = Number.POSITIVE_INFINITY;

function compare(text: string, sizes: readonly number[]) {
  const record = load(assemble(text));
  const seen = nothingSeen();
  for (const size of sizes) {
    for (const [fuel, slice] of [
      [ENDLESS, ENDLESS],
      [ENDLESS, 1],
      [30, ENDLESS],
    ]) {
      compareTiers(record, DEFAULT_FEATURES, 1, { fuel, slice }, seen, size);
    }
  }
  expect(seen.differences).toEqual([]);
  expect([...seen.reasons.keys()]).toEqual([]);
}

const CALL = "(type $t (func (result i32))) (type $other (func (param i32)))";

function tableOf(instance: ModuleInstance): TableInstance {
  return instance.exports.get("t")?.value as TableInstance;
}

/** Instances of modules, each with what the ones before it export, compiled or not. */
function linked(texts: readonly string[], isCompiled: boolean): ModuleInstance[] {
  const store = new Store();
  const made: ModuleInstance[] = [];
  for (const text of texts) {
    const record = load(assemble(text));
    const items = new Map(made.flatMap((instance) => [...instance.exports]));
    const imports = record.imports.map(({ name }) => items.get(name) as never);
    const instance = moduleInstantiate(store, record, imports);
    if (isCompiled) expect(compileInstance(instance, DEFAULT_FEATURES)).toBeNull();
    made.push(instance);
  }
  return made;
}

describe.skipIf(localHost() === null)("a table of a compiled instance", () => {
  it("is written by the instance itself", () => {
    compare(
      `(module ${CALL}
        (table $a 4 funcref) (table $b 3 8 funcref)
        (elem $e func $one $two $none)
        (func $one (result i32) (i32.const 1))
        (func $two (result i32) (i32.const 2))
        (func $none (param i32))
        (elem (table $a) (i32.const 0) func $two)
        (func (export "init") (param i32) (result i32)
          (table.init $a $e (i32.const 1) (i32.const 0) (local.get 0))
          (call_indirect $a (type $t) (local.get 0)))
        (func (export "copy") (param i32) (result i32)
          (table.copy $b $a (i32.const 0) (i32.const 1) (i32.const 3))
          (call_indirect $b (type $t) (local.get 0)))
        (func (export "drop") (param i32) (result i32)
          (elem.drop $e)
          (call_indirect $a (type $t) (local.get 0))))`,
      [0, 1, 2, 3, 4, -1],
    );
  });

  it("has functions that are left to the interpreter", () => {
    compare(
      `(module ${CALL}
        (func $large (result i32) (local ${"i32 ".repeat(1000)}) (i32.const 7))
        (table 2 2 funcref) (elem (i32.const 0) func $large)
        (func (export "f") (param i32) (result i32)
          (i32.add (i32.const 1) (call_indirect (type $t) (local.get 0)))))`,
      [0, 1, 2],
    );
  });

  it("has more elements than the host's", () => {
    compare(
      `(module ${CALL}
        (func $one (result i32) (i32.const 1))
        (func $other (param i32))
        (table 100000 funcref)
        (elem (i32.const 65535) func $one $one $other)
        (elem (i32.const 99999) func $one)
        (func (export "f") (param i32) (result i32)
          (call_indirect (type $t) (local.get 0))))`,
      [0, 65535, 65536, 65537, 65538, 99999, 100000, -1],
    );
  });

  it("is shared with others, which write to it", () => {
    const first = `(module ${CALL} (table (export "t") 4 funcref)
      (func $one (export "one") (result i32) (i32.const 1))
      (elem (i32.const 0) func $one)
      (func (export "call") (param i32) (result i32)
        (i32.add (i32.const 100) (call_indirect (type $t) (local.get 0)))))`;
    const second = `(module ${CALL} (import "m" "t" (table 4 funcref))
      (import "m" "one" (func $one (result i32)))
      (func $two (result i32) (i32.add (i32.const 1) (call $one)))
      (func $bits (param f32 v128) (result v128 f64)
        (v128.not (local.get 1)) (f64.promote_f32 (local.get 0)))
      (elem (i32.const 1) func $two $bits $one)
      (func (export "back") (param i32) (result i32)
        (call_indirect (type $t) (local.get 0))))`;
    const third = `(module (type $t (func (param f32 v128) (result v128 f64)))
      (import "m" "t" (table 4 funcref))
      (func (export "vector") (param i32) (result i32) (local f64)
        (call_indirect (type $t)
          (f32.const 1.5) (v128.const i32x4 1 2 3 4) (local.get 0))
        (local.set 1)
        (i32.add (i32x4.extract_lane 2) (i32.trunc_f64_s (local.get 1)))))`;
    const stories = [false, true].map((isCompiled) => {
      const instances = linked([first, second, third], isCompiled);
      return instances.flatMap((instance) =>
        [...instance.exports].flatMap(([name, { kind }]) => {
          if (kind !== "func") return [];
          const world = { store: instance.store, instance, log: [] };
          const count = name === "one" ? 0 : 5;
          if (count === 0) return story(world, name, []);
          return [0, 1, 2, 3, 4].flatMap((at) => [
            ...story(world, name, [at]),
            ...story(world, name, [at], { fuel: 5 }),
          ]);
        }),
      );
    });
    expect(stories[1]).toEqual(stories[0]);
    expect(stories[0].some((line) => line.startsWith("returned 102"))).toBe(true);
  });

  it("is grown and written by the host", () => {
    const text = `(module ${CALL} (table (export "t") 1 funcref)
      (func $one (export "one") (result i32) (i32.const 1))
      (func (export "call") (param i32) (result i32)
        (call_indirect (type $t) (local.get 0))))`;
    const [instance] = linked([text], true);
    const world = { store: instance.store, instance, log: [] };
    const table = tableOf(instance);
    const type = { kind: "func", params: [], results: [1] } as const;
    const host = allocateHostFunction(idOfFuncType(type), () => 42, "host");
    expect(table.grow(5, host)).toBe(1);
    table.set(2, instance.exports.get("one")?.value as FunctionInstance);
    expect(story(world, "call", [1])[0]).toMatch(/^returned 42;/);
    expect(story(world, "call", [2])[0]).toMatch(/^returned 1;/);
    table.fill(null, 1, 3);
    expect(story(world, "call", [1])[0]).toMatch(/^trapped uninitialized element/);
    expect(story(world, "call", [5])[0]).toMatch(/^returned 42;/);
    expect(story(world, "call", [6])[0]).toMatch(/^trapped undefined element/);
  });

  const MANY = `(module ${CALL} (table (export "t") 1000 1000 funcref)
    (func $one (export "one") (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (elem (i32.const 0) func $one $one $one $two)
    (elem (i32.const 990) func $two)
    (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))`;

  it("is brought over as its elements are called, and is in an account", () => {
    const [instance] = linked([MANY], true);
    const { store } = instance;
    const world = { store, instance, log: [] };
    const before = store.usage("compiledBytes");
    const call = (at: number) => story(world, "call", [at])[0];
    expect(call(990)).toMatch(/^returned 2;/);
    // The first 256, and one for what is called beyond them.
    expect(store.usage("compiledBytes") - before).toBe(40 * 256);
    for (let i = 0; i < 5; i++) expect(call(990)).toMatch(/^returned 2;/);
    expect(store.usage("compiledBytes") - before).toBe(40 * 1000);
  });

  it("is not brought over where there is no room", () => {
    const [first] = linked([MANY], true);
    const compiledBytes = first.store.usage("compiledBytes") + 1_000;
    const store = new Store({ compiledBytes });
    const instance = moduleInstantiate(store, load(assemble(MANY)), []);
    expect(compileInstance(instance, DEFAULT_FEATURES)).toBeNull();
    const world = { store, instance, log: [] };
    for (const [at, ending] of [
      [3, "returned 2"],
      [0, "returned 1"],
      [990, "returned 2"],
      [4, "trapped uninitialized element"],
      [1000, "trapped undefined element"],
    ]) {
      expect(story(world, "call", [Number(at)])[0].startsWith(String(ending))).toBe(true);
    }
    expect(store.usage("compiledBytes")).toBeLessThanOrEqual(compiledBytes);
  });

  it("is written in a moment by what writes much, whoever has a copy", () => {
    const [instance] = linked([MANY], true);
    const { store } = instance;
    const world = { store, instance, log: [] };
    const table = tableOf(instance);
    const one = instance.exports.get("one")?.value as FunctionInstance;
    const call = (at: number) => story(world, "call", [at])[0];
    expect(call(3)).toMatch(/^returned 2;/);
    store.work = 0;
    table.fill(one, 2, 1000);
    expect(store.work).toBe(0);
    expect(call(1)).toMatch(/^returned 1;/);
    expect(call(3)).toMatch(/^returned 1;/);
    expect(call(999)).toMatch(/^returned 1;/);
    store.work = 0;
    table.set(3, null);
    table.set(999, null);
    expect(store.work).toBe(30);
    expect(call(3)).toMatch(/^trapped uninitialized element/);
    expect(call(999)).toMatch(/^trapped uninitialized element/);
  });

  it("of which too many instances have a copy is left to the interpreter", () => {
    const owner = `(module (table (export "t") 1 funcref))`;
    const user = `(module ${CALL} (import "m" "t" (table 1 funcref))
      (func (export "f") (result i32) (call_indirect (type $t) (i32.const 0))))`;
    const [first] = linked([owner], true);
    const record = load(assemble(user));
    const made = Array.from({ length: 17 }, () =>
      moduleInstantiate(first.store, record, [first.exports.get("t") as never]),
    );
    const reasons = made.map((instance) => compileInstance(instance, DEFAULT_FEATURES));
    expect(reasons.slice(0, 16).every((reason) => reason === null)).toBe(true);
    expect(reasons[16]).toBe("too many instances have its table");
  });
});
