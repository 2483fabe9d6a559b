// An instance goes to the host in pieces, between which guests run: functions are moved one after
// the other, and all that is seen is as if none had been.

import { describe, expect, it } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import { hostCode } from "../../src/compiler/host-code.ts";
import { dearPart, moveToHost } from "../../src/compiler/tier.ts";
import { hostNamespace } from "../../src/runtime/host-memory.ts";
import { assemble } from "../validation/assemble.ts";

const COUNT = 3_000;

/** Functions of which each calls the next one, and adds one to a global of its own. */
const CHAIN = `(module
  (memory 1)
  ${"(global (mut i32) (i32.const 0))".repeat(20)}
  ${"(global i64 (i64.const 1))".repeat(1_000)}
  (func (export "first") (result i32) (call 1))
  ${Array.from({ length: COUNT }, (_, i) => {
    const global = i % 20;
    return `(func (result i32)
      (global.set ${global} (i32.add (global.get ${global}) (i32.const 1)))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (drop (global.get ${20 + (i % 1_000)}))
      (call ${i + 2}))`;
  }).join("")}
  (func (result i32) (i32.load (i32.const 0))))`;

describe.skipIf(hostNamespace === undefined)("an instance on its way to the host", () => {
  it("is what it was between any two pieces", () => {
    const store = new Store();
    const module = Module.from(assemble(CHAIN));
    const instance = store.instantiate(module);
    const { target } = instance;
    for (let i = 0; i < target.module.functions.length; i++) target.functionAt(i);
    const code = hostCode(target.module, store.runtime.prices);
    while (!code.isComplete) code.advance(true);
    const move = moveToHost(target, code);
    const first = instance.func("first");
    let calls = 0;
    let pieces = 0;
    const check = () => {
      calls++;
      expect(first.call()).toBe(calls * COUNT);
      const values = target.globals.slice(0, 20).map(({ at, cells }) => cells[at]);
      expect(values).toEqual(new Array(20).fill((calls * COUNT) / 20));
    };
    check();
    for (; move.next().done !== true; pieces++) check();
    const before = store.runtime.compiledFuel;
    check();
    expect(store.runtime.compiledFuel - before).toBeGreaterThan(10 * COUNT);
    expect(target.interpretedBecause).toBe(null);
    // The memory, the instance, globals and functions.
    expect(pieces).toBeGreaterThan(1 + 1 + 7 + 2);
  });

  it("has parts that cannot be cut", () => {
    const store = new Store();
    const dear = (text: string) => dearPart(store.instantiate(Module.from(assemble(text))).target);
    expect(dear("(module (memory 256) (func))")).toBe(null);
    expect(dear("(module (memory 257) (func))")).toBe("its memory is too large");
    const many = (count: number) => `(module ${"(func)".repeat(count)})`;
    expect(dear(many(1 << 16))).toBe(null);
    expect(dear(many((1 << 16) + 1))).toBe("it has too many functions");
  });
});
