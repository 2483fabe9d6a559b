// Calls that are suspended in the middle of something that no frame says: it goes on, or is begun
// again, wherever the call is put.

import { describe, expect, it } from "vitest";
import { Module, Store, Tag } from "../../src/api/index.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import type { Value } from "../../src/runtime/instances.ts";
import { moduleOf } from "../api/support.ts";
import { evictAll } from "../interpreter/evicting.ts";
import { resumed } from "./resumed.ts";

type Imports = Parameters<Store["instantiate"]>[1];

/** The last stops, at which calls are moved: some are deep. */
const MOVED = 60;

/** How a call goes in slices of a unit; it is moved at every stop from that number on. */
function course(module: Module, args: readonly Value[], imports: Imports, first: number) {
  const store = new Store({ fuel: 1e6 });
  const { target } = store.instantiate(module, imports).func("f");
  let thread = new Thread(store.runtime, target, args, true);
  const doing = new Set<string>();
  for (let stops = 0; ; stops++) {
    if (stops >= first) {
      thread = resumed(thread, ({ doing: now }) => {
        if (now !== null) doing.add(now.kind);
      });
    }
    const outcome = thread.run(1);
    if (outcome.kind === "suspended") continue;
    const end = outcome.kind === "returned" ? outcome.values : String(Object.values(outcome)[1]);
    return { end, fuel: store.fuel, used: thread.fuelUsed, doing: [...doing], stops };
  }
}

/** What a call was doing at its stops, and its end, which is the same if it is left alone. */
function doingOf(
  text: string | Module,
  args: readonly Value[] = [],
  calm: Imports = {},
  imports: Imports = calm,
) {
  const module = typeof text === "string" ? moduleOf(text) : text;
  const { end, fuel, stops, used } = course(module, args, calm, Number.POSITIVE_INFINITY);
  // Functions are translated again.
  evictAll();
  const { doing, ...moved } = course(module, args, imports, Math.max(0, stops - MOVED));
  expect(moved).toMatchObject({ end, fuel, used });
  return { doing, end };
}

const sum = (...values: number[]) => values.reduce((a, b) => a + b, 0);

/** A host function that promises, and then, when it is called again, gives the sum. */
function promising() {
  let calls = 0;
  return (...values: number[]) => (calls++ === 0 ? Promise.resolve(0) : sum(...values));
}

describe("a call that is about to be made", () => {
  it("of a function that has no code yet", () => {
    const adds = "(local.set 0 (i32.add (local.get 0) (i32.const 3)))".repeat(5_000);
    const text = `(module
      (func $long (param i32 externref) (result i32 externref) ${adds}
        (local.get 0) (local.get 1))
      (func (export "f") (param i32 externref) (result i64 i32 externref)
        (i64.const 7) (call $long (local.get 0) (local.get 1))))`;
    const object = { argument: 1 };
    const { doing, end } = doingOf(text, [5, object]);
    expect(doing).toEqual(["call"]);
    expect(end).toEqual([7n, 15_005, object]);
  });

  it("of a host function that has promised", () => {
    const text = `(module
      (import "e" "add" (func $add (param i32 i32) (result i32)))
      (func (export "f") (param i32) (result i32)
        (i32.mul (local.get 0) (call $add (local.get 0) (i32.const 4)))))`;
    const { doing, end } = doingOf(text, [3], { e: { add: sum } }, { e: { add: promising() } });
    expect([doing, end]).toEqual([["call"], [21]]);
  });

  const many = 200;
  const params = `(param ${"i32 ".repeat(many)})`;
  const gets = Array.from({ length: many }, (_, i) => `(local.get ${i})`).join(" ");
  const args = Array.from({ length: many }, (_, i) => i);

  it.each([
    ["called from outside", `(export "f" (func $add))`],
    ["by a tail call", `(func (export "f") ${params} (result i32) (return_call $add ${gets}))`],
    ["by a call", `(func (export "f") ${params} (result i32) (call $add ${gets}))`],
  ])("%s, with many arguments", (_, caller) => {
    const type = `${params} (result i32)`;
    const text = `(module (import "e" "add" (func $add ${type})) ${caller})`;
    const { end } = doingOf(text, args, { e: { add: sum } }, { e: { add: promising() } });
    expect(end).toEqual([sum(...args)]);
  });
});

describe("the search for a handler", () => {
  const deep = (thrower: string) => `(module
    (import "e" "tag" (tag $e (param i32)))
    (import "e" "fail" (func $fail))
    (func $down (param i32)
      (if (local.get 0)
        (then (call $down (i32.sub (local.get 0) (i32.const 1))))
        (else ${thrower})))
    (func (export "f") (param i32) (result i32)
      (block $caught (result i32)
        (try_table (catch $e $caught) (call $down (local.get 0)))
        (i32.const -1))))`;

  it.each([
    ["of what a guest has thrown", "(throw $e (i32.const 9))"],
    ["of what the host has thrown", "(call $fail)"],
    ["of what the host has thrown after a tail call", "(return_call $fail)"],
  ])("%s", (_, thrower) => {
    const tag = new Tag("(i32)");
    const fail = () => {
      throw tag.exception(9);
    };
    const { doing, end } = doingOf(deep(thrower), [5_000], { e: { tag, fail } });
    expect(end).toEqual([9]);
    expect(doing).toContain("throw");
  });

  it("that finds none", () => {
    const tag = new Tag("(i32)");
    const other = new Tag("(i32)");
    const text = deep("(throw $e (i32.const 9))").replace("(catch $e", "(catch $o");
    const twoTags = text.replace(
      `(import "e" "fail"`,
      `(import "e" "other" (tag $o (param i32))) (import "e" "fail"`,
    );
    const { doing, end } = doingOf(twoTags, [5_000], { e: { tag, other, fail: () => {} } });
    expect(end).toMatch(/WasmException/);
    expect(doing).toContain("throw");
  });
});

describe("an instruction in pieces", () => {
  it("memory.grow has grown the memory", () => {
    const text = `(module (memory 40) (func (export "f") (result i32 i32)
      (i32.store (i32.const 2000000) (i32.const 77))
      (memory.grow (i32.const 5)) (i32.load (i32.const 2000000))))`;
    const { doing, end } = doingOf(text);
    expect(doing).toContain("grown");
    expect(end).toEqual([40, 77]);
  });

  it("array.new has made the array", () => {
    // wabt has no arrays.
    const body = [
      ...[0x41, 0x81, 0x04, 0x41, 0xa0, 0x8d, 0x06, 0xfb, 0x06, 0x00], // 100,000 of 513
      ...[0x41, 0x9f, 0x8d, 0x06, 0xfb, 0x0d, 0x00, 0x0b], // array.get_u of the last
    ];
    const module = Module.from(
      Uint8Array.from([
        ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
        ...[0x01, 0x08, 0x02, 0x5e, 0x77, 0x01, 0x60, 0x00, 0x01, 0x7f],
        ...[0x03, 0x02, 0x01, 0x01, 0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
        ...[0x0a, body.length + 3, 0x01, body.length + 1, 0x00, ...body],
      ]),
    );
    const { doing, end } = doingOf(module);
    expect(doing).toContain("made");
    expect(end).toEqual([513]);
  });
});
