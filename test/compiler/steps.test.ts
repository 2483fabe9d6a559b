// Steps of the host tier that protect what random programs hardly ever come to.

import { describe, expect, it, vi } from "vitest";
import { Entry } from "../../src/compiler/entry.ts";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { PRICE_TABLE_2, priceTable } from "../../src/isa/prices.ts";
import { Store } from "../../src/runtime/store.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compileInstance } from "./compiled.ts";
import { writeHostModule } from "./host.ts";
import { story, worldOf } from "./nested.ts";
import { compareTiers, nothingSeen } from "./tiers.ts";

const ENDLESS = Number.POSITIVE_INFINITY;

describe.skipIf(localHost() === null)("a loop's parameter", () => {
  it("stays what it is where br_table has a value for the loop and for a block in it", () => {
    const text = `(module
      (func (export "f") (param i32) (result i32)
        (i32.const 7)
        (loop $l (param i32) (result i32)
          (block $b (result i32)
            (i32.const 9)
            (br_table $b $l (local.get 0)))
          i32.add)))`;
    const seen = nothingSeen();
    const fuel = Number.POSITIVE_INFINITY;
    compareTiers(load(assemble(text)), DEFAULT_FEATURES, 1, { fuel, slice: fuel }, seen, 0);
    expect(seen).toMatchObject({ compiled: 1, calls: 1, differences: [] });
  });
});

/** Why functions of a module are left to the interpreter, by index. */
function leftOutOf(text: string, prices = PRICE_TABLE_2): ReadonlyMap<number, string> {
  const instance = moduleInstantiate(new Store({}, ENDLESS, prices), load(assemble(text)), []);
  expect(compileInstance(instance, DEFAULT_FEATURES)).toBeNull();
  return instance.leftOut;
}

describe.skipIf(localHost() === null)("a function that is left out alone", () => {
  it("has more values in its frames than JavaScript's functions have parameters", () => {
    const values = (count: number) => "(local.get 0)".repeat(count);
    const uses = (count: number, type: string) => {
      return `(local ${`${type} `.repeat(count)})
        ${Array.from({ length: count }, (_, i) => `(local.set ${i + 1} (local.get 0))`).join("")}
        ${values(count)} (call 0) ${"(drop)".repeat(count)}
        ${Array.from({ length: count }, (_, i) => `(drop (local.get ${i + 1}))`).join("")}`;
    };
    const left = leftOutOf(`(module (func)
      (func (param i64) ${uses(400, "i64")})
      (func (param i64) ${uses(460, "i64")})
      (func (param v128) ${uses(240, "v128")}))`);
    expect([...left.keys()]).toEqual([2, 3]);
    expect([...left.values()].join()).toMatch(/^\d+ values lie on its frame,\d+ values/);
  });

  it("has a path that costs more than a budget may be", () => {
    const prices = priceTable("dear", { "i32.const": 65_535 });
    const dear = (count: number) => `(func ${"(drop (i32.const 1))".repeat(count)})`;
    const left = leftOutOf(`(module ${dear(4_000)} ${dear(4_200)})`, prices);
    expect([...left]).toEqual([[1, expect.stringMatching(/^a path costs \d{9}$/)]]);
  });
});

describe.skipIf(localHost() === null)("the first call of a group of functions", () => {
  it("is the only one that asks", () => {
    const adds = "(local.set 0 (i32.add (local.get 0) (i32.const 3)))".repeat(250);
    const text = `(module ${`(func (param i32) ${adds})`.repeat(40)}
      (func (export "f") (param i32)
        (loop $l
          (call 0 (i32.const 1))
          (call 1 (i32.const 1))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`;
    const asked = vi.spyOn(Entry.prototype, "reached");
    const world = worldOf({ text }, true);
    story(world, "f", [1_000]);
    expect(asked.mock.calls.length).toBeGreaterThan(0);
    expect(asked.mock.calls.length).toBeLessThan(10);
    asked.mockRestore();
  });
});

describe.skipIf(localHost() === null)("the room for calls", () => {
  it("is given back by tail calls", () => {
    const text = `(module
      (global $sum (mut i32) (i32.const 0))
      (func $add (param i32) (global.set $sum (i32.add (global.get $sum) (local.get 0))))
      (func $even (param i32)
        (if (local.get 0) (then
          (return_call $odd (i32.sub (local.get 0) (i32.const 1))))))
      (func $odd (param i32)
        (call $add (local.get 0))
        (if (local.get 0) (then
          (return_call $even (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "f") (param i32) (call $even (local.get 0)) (nop)))`;
    const overflowed = vi.spyOn(Entry.prototype, "overflowed");
    const seen = nothingSeen();
    const fuel = ENDLESS;
    compareTiers(load(assemble(text)), DEFAULT_FEATURES, 1, { fuel, slice: fuel }, seen, 20_000);
    expect(seen).toMatchObject({ compiled: 1, calls: 1, differences: [] });
    expect(overflowed).not.toHaveBeenCalled();
    overflowed.mockRestore();
  });

  it("is taken by what the host keeps of long functions", () => {
    const bytes = (count: number) => {
      const text = `(module (func ${"(drop (i32.const 1))".repeat(count)} (call 0)))`;
      return writeHostModule(load(assemble(text)), DEFAULT_FEATURES).frameBytes;
    };
    expect(bytes(16_000) - bytes(100)).toBeGreaterThan((2 * 15_900) / 16);
  });
});
