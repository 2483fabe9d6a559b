// Memories of instances that the host's engine executes, where JavaScript asks for their bytes.

import { describe, expect, it } from "vitest";
import { controlsOf, createNamespace } from "../../src/js-api/index.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble } from "../validation/assemble.ts";

const TEXT = `(module
  (import "m" "f" (func $f (param i32) (result i32)))
  (memory (export "m") 1 9)
  (func $count (export "count") (result i32)
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (i32.load (i32.const 8)))
  (func $outer (param i32) (result i32) (local $sum i32)
    (loop $l
      (local.set $sum (i32.add (local.get $sum) (call $f (local.get 0))))
      (local.set $sum (i32.add (local.get $sum) (call $count)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func (export "f") (param i32) (result i32)
    (i32.add (call $count) (call $outer (local.get 0)))))`;

interface Resizable {
  readonly buffer: ArrayBuffer;
  toResizableBuffer(): ArrayBuffer;
  toFixedLengthBuffer(): ArrayBuffer;
}

/** What `f` gives, whose host function is told what is left of its rounds, and the memory. */
function run(
  tier: "compiled" | "interpreter",
  host: (left: number, memory: Resizable, nested: () => unknown) => void,
) {
  const namespace = createNamespace({ tier, fuel: 1_000_000 });
  const f = (left: number) => {
    const { f: again, m } = exports;
    host(left, m as unknown as Resizable, () => (again as (n: number) => unknown)(2));
    return 100;
  };
  const made = new namespace.Instance(new namespace.Module(assemble(TEXT)), { m: { f } });
  const { exports } = made;
  const results = [4, 2].map((rounds) => (exports.f as (n: number) => unknown)(rounds));
  const { buffer } = exports.m as unknown as Resizable;
  const { fuel } = controlsOf(namespace);
  return { results, fuel, bytes: new Uint8Array(buffer).slice(8, 12), length: buffer.byteLength };
}

describe.skipIf(localHost() === null)("a memory whose buffer becomes resizable", () => {
  it.each([
    [
      "before the first calls are left",
      (left: number, memory: Resizable) => {
        if (left === 3) memory.toResizableBuffer();
      },
    ],
    [
      "in a call within the call",
      (left: number, memory: Resizable, nested: () => unknown) => {
        if (left === 3) nested();
        if (left === 1) memory.toResizableBuffer();
      },
    ],
    [
      "and becomes fixed again",
      (left: number, memory: Resizable) => {
        if (left === 3) memory.toResizableBuffer();
        if (left === 2) memory.toFixedLengthBuffer();
      },
    ],
  ])("is the same in both tiers: %s", (_, host) => {
    const plain = run("interpreter", host);
    expect(run("compiled", host)).toEqual(plain);
    expect(plain.length).toBe(65_536);
  });
});
