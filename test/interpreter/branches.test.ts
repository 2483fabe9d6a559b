// Conditional branches to the function's own label: a return on one path, while the operands stay
// on the stack on the other.

import { expect, test } from "vitest";
import loadWabt from "wabt";
import { Module, Store } from "../../src/api/index.ts";

const wabt = await loadWabt();

function call(text: string, ...args: number[]): unknown {
  const { buffer } = wabt.parseWat("test.wat", `(module ${text})`).toBinary({});
  const { exports } = new Store().instantiate(Module.from(buffer));
  return exports.f(...args);
}

test("the operand of a branch that is not taken is still there", () => {
  const text = `(func (export "f") (param i32) (result i32)
    (i32.add (br_if 0 (i32.const 5) (local.get 0)) (i32.const 1)))`;
  expect(call(text, 0)).toBe(6);
  expect(call(text, 1)).toBe(5);
});

test("so are several, in their order", () => {
  const text = `(func (export "f") (param i32) (result i32 i32)
    (i32.const 9) (i32.const 5) (br_if 0 (local.get 0)) (i32.add (i32.const 100)))`;
  expect(call(text, 0)).toEqual([9, 105]);
  expect(call(text, 1)).toEqual([9, 5]);
});

test("a constant and a local as results of an outer block", () => {
  const text = `(func (export "f") (param i32 i32) (result i32)
    (block $out (result i32)
      (local.get 1)
      (br_if $out (i32.const 40) (local.get 0))
      (local.set 1 (i32.const 1000))
      (i32.add)))`;
  expect(call(text, 0, 2)).toBe(42);
  expect(call(text, 1, 2)).toBe(40);
});
