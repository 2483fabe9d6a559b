// Programs in which keeping operands in locals, taking back instructions and moving operands at
// branches could go wrong. Expected values were worked out by hand from the specification
// (4.4 Instructions); where the host has the instructions, it must agree with them.

import { describe, expect, it } from "vitest";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { Store } from "../../src/runtime/store.ts";
import { assemble, load } from "../validation/assemble.ts";
import { callHost, callOurs, HOST, hostExports, type Scalar } from "./differential.ts";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly args: readonly Scalar[];
  /** Results as hexadecimal bits. */
  readonly expected: string;
  /** The host of Node.js 20 does not have exnref. */
  readonly host?: false;
}

const CASES: readonly Case[] = [
  {
    name: "a local is set while it is on the stack twice, with another one in between",
    text: `(func (export "f") (param i32 i32) (result i32)
      local.get 0 local.get 0 drop local.get 1 i32.const 99 local.set 0 i32.sub)`,
    args: [5, 7],
    expected: "0xfffffffe",
  },
  {
    name: "operands of three locals whose places on the stack were used by others",
    text: `(func (export "f") (param i32 i32 i32) (result i32 i32 i32)
      local.get 0 local.get 0 local.get 0 drop drop local.get 1 local.get 2 drop local.get 1
      i32.const 70 local.set 0 i32.const 71 local.set 1 i32.const 72 local.set 2)`,
    args: [1, 2, 3],
    expected: "0x1 0x2 0x2",
  },
  {
    name: "a condition is not the comparison that was dropped",
    text: `(func (export "f") (param i32 i32 i32) (result i32)
      local.get 0 local.get 1 i32.eq drop local.get 2
      if (result i32) i32.const 1 else i32.const 2 end)`,
    args: [1, 1, 0],
    expected: "0x2",
  },
  {
    name: "a negation is not of the comparison that was dropped",
    text: `(func (export "f") (param i32 i32 i32) (result i32)
      local.get 0 local.get 1 i32.eq drop local.get 2 i32.eqz)`,
    args: [1, 2, 9],
    expected: "0x0",
  },
  {
    name: "a constant condition is not the comparison that was dropped",
    text: `(func (export "f") (param i32) (result i32)
      block local.get 0 i32.const 3 i32.gt_s drop i32.const 1 br_if 0 i32.const 5 return end
      i32.const 6)`,
    args: [2],
    expected: "0x6",
  },
  {
    name: "a counted local is compared with itself",
    text: `(func (export "f") (param i32) (result i32)
      local.get 0 i32.const 1 i32.add local.tee 0 local.get 0 i32.ne
      if (result i32) i32.const 1 else i32.const 2 end)`,
    args: [3],
    expected: "0x2",
  },
  {
    name: "a chain of tees",
    text: `(func (export "f") (param i32) (result i32 i32 i32 i32) (local i32 i32)
      local.get 0 local.get 0 i32.const 2 i32.mul local.tee 1 local.tee 2 local.tee 0
      local.get 1 i32.const 50 local.set 1 local.get 2 i32.const 60 local.set 0 i32.const 1 i32.add)`,
    args: [4],
    expected: "0x4 0x8 0x8 0x9",
  },
  {
    name: "the two ends of an if leave a constant and a local",
    text: `(func (export "f") (param i32 i64) (result i64 i64)
      local.get 1
      local.get 0 if (result i64) i64.const -2 else local.get 1 i64.const 5 local.set 1 end)`,
    args: [0, 0x1_0000_0001n],
    expected: "0x100000001 0x100000001",
  },
  {
    name: "br_if takes operands to an outer label and leaves them where they are otherwise",
    text: `(func (export "f") (param i32) (result i32 i32)
      block (result i32 i32) i32.const 9 i32.const 8
        block (result i32 i32) local.get 0 i32.const 6 local.get 0 br_if 1
          i32.const 1 i32.add i32.const 100 local.set 0 end
        i32.add i32.add i32.add local.get 0 end)`,
    args: [0],
    expected: "0x18 0x64",
  },
  {
    name: "br_if to an outer label, taken",
    text: `(func (export "f") (param i32) (result i32 i32)
      block (result i32 i32) i32.const 9 i32.const 8
        block (result i32 i32) local.get 0 i32.const 6 local.get 0 br_if 1
          i32.const 1 i32.add i32.const 100 local.set 0 end
        i32.add i32.add i32.add local.get 0 end)`,
    args: [3],
    expected: "0x3 0x6",
  },
  ...[0, 1, 2, 3].map((index) => ({
    name: `br_table with an operand to labels at different heights: ${index}`,
    text: `(func (export "f") (param i32 i64) (result i64)
      i64.const 1000 block (result i64) i64.const 100
        block (result i64) i64.const 10 block (result i64)
          i64.const 7 local.get 1 local.get 0 br_table 0 1 2 3 end
        i64.add end i64.add end i64.add)`,
    args: [index, 5n],
    expected: ["0x45b", "0x451", "0x3ed", "0x5"][index],
  })),
  {
    name: "results of a call are operands of fused instructions",
    text: `(func $g (param i32) (result i32 i32) local.get 0 i32.const 3 i32.mul local.get 0)
      (func (export "f") (param i32) (result i32)
        local.get 0 call $g i32.const 2 i32.shl i32.add local.get 0 call $g i32.sub i32.add)`,
    args: [5],
    expected: "0x2d",
  },
  {
    name: "the low words of an i64 local, a constant and a sum",
    text: `(func (export "f") (param i64) (result i32 i32 i32)
      local.get 0 i32.wrap_i64 i64.const 0x1_0000_0007 i32.wrap_i64
      local.get 0 i64.const -1 local.set 0 i64.const 0xffffffff i64.add i32.wrap_i64)`,
    args: [0x5_8000_0003n],
    expected: "0x80000003 0x7 0x80000002",
  },
  {
    name: "an i64 that is extended from a wrapped local with high bits",
    text: `(func (export "f") (param i64) (result i64 i64)
      local.get 0 i32.wrap_i64 i64.extend_i32_u local.get 0 i32.wrap_i64 i64.extend_i32_s)`,
    args: [0x7777_0000_8000_0001n],
    expected: "0x80000001 0xffffffff80000001",
  },
  {
    name: "a wrapped sum in an i32 local",
    text: `(func (export "f") (param i64 i32) (result i32 i64)
      local.get 0 i64.const 1 i64.add i32.wrap_i64 local.set 1 local.get 1
      local.get 1 i64.extend_i32_u)`,
    args: [0x9_ffff_fffen, 0],
    expected: "0xffffffff 0xffffffff",
  },
  {
    name: "select of i64 and of f64, its result over an operand",
    text: `(func (export "f") (param i64 i64 f64 f64 i32) (result i64 f64)
      local.get 0 local.get 1 local.get 4 select local.set 1
      local.get 2 local.get 3 local.get 4 i32.eqz select local.tee 2 local.set 3
      local.get 1 local.get 3)`,
    args: [0x1_0000_0002n, 0x3_0000_0004n, 0.5, -2, 0],
    expected: "0x300000004 0x3fe0000000000000",
  },
  {
    name: "a tail call whose arguments are each other's places",
    text: `(func $g (param i32 i32 i32) (result i32)
        local.get 0 i32.const 100 i32.mul local.get 1 i32.const 10 i32.mul i32.add local.get 2
        i32.add)
      (func (export "f") (param i32 i32 i32) (result i32)
        local.get 2 local.get 0 local.get 1 return_call $g)`,
    args: [1, 2, 3],
    expected: "0x138",
  },
  {
    name: "a tail call through a table with more arguments than the caller has slots",
    text: `(type $t (func (param i32 i32 i32 i32 i32) (result i32))) (table funcref (elem $g))
      (func $g (type $t) (local i32) local.get 0 local.get 1 i32.sub local.get 2 i32.sub
        local.get 3 i32.sub local.get 4 i32.sub local.get 5 i32.add)
      (func (export "f") (param i32) (result i32)
        i32.const 50 local.get 0 i32.const 2 local.get 0 i32.const 4
        local.get 0 i32.const 9 i32.sub return_call_indirect (type $t))`,
    args: [9],
    expected: "0x1a",
  },
  {
    name: "a loop with operands that swaps them",
    text: `(func (export "f") (param i32) (result i32 i32) (local i32 i32)
      i32.const 1 i32.const 2
      loop (param i32 i32) (result i32 i32) local.set 1 local.set 2 local.get 1 local.get 2
        local.get 0 i32.const -1 i32.add local.tee 0 br_if 0 end)`,
    args: [3],
    expected: "0x2 0x1",
  },
  {
    name: "a payload lands on top of operands, some of them in locals",
    text: `(tag $e (param i32 i64))
      (func $g (param i32) local.get 0 i64.const 0x2_0000_0005 throw $e)
      (func (export "f") (param i32) (result i32 i32 i64) (local i32)
        local.get 0 i32.const 40 local.set 1
        block (result i32 i64)
          try_table (catch $e 0) local.get 0 i32.const 1 i32.add local.tee 0 call $g end
          i32.const 0 i64.const 0 end)`,
    args: [3],
    expected: "0x3 0x4 0x200000005",
    host: false,
  },
  {
    name: "an exception lands at the function's own label",
    text: `(tag $e (param i64))
      (func (export "f") (param i64 i32) (result i64)
        i32.const 3 try_table (result i32) (catch $e 0)
          local.get 1 if local.get 0 i64.const 1 i64.add throw $e end i32.const 2 end
        i32.add i64.extend_i32_u)`,
    args: [0xffff_ffffn, 1],
    expected: "0x100000000",
    host: false,
  },
];

function resultsOfOurs(bytes: Uint8Array, args: readonly Scalar[], slice: number): string {
  const store = new Store();
  const item = moduleInstantiate(store, load(bytes), []).exports.get("f");
  if (item?.kind !== "func") throw new Error("no function f");
  return callOurs(store, item.value, args, () => slice).ending;
}

describe("operands", () => {
  it.each(CASES.map((item) => [item.name, item] as const))("%s", (_, item) => {
    const { args, expected, text } = item;
    const bytes = assemble(`(module ${text})`);
    expect(resultsOfOurs(bytes, args, Number.POSITIVE_INFINITY)).toBe(expected);
    expect(resultsOfOurs(bytes, args, 1)).toBe(expected);
    if (HOST === undefined || item.host === false) return;
    const found = moduleInstantiate(new Store(), load(bytes), []).exports.get("f");
    const types = found?.kind === "func" ? found.value.type.results : [];
    expect(callHost(hostExports(bytes).f, args, types)).toBe(expected);
  });
});
