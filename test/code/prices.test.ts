// What a price table may be: nothing in it may make a program free that does not end.

import { expect, test } from "vitest";
import { PRICE_TABLE_2, type PriceTable, priceTable, Store } from "../../src/api/index.ts";
import { instanceOf } from "../api/support.ts";

test.each([
  ...["br", "br_if", "br_table", "br_on_null", "br_on_non_null", "call", "call_indirect"],
  ...["call_ref", "return_call", "return_call_indirect", "return_call_ref"],
  ...["throw", "throw_ref", "rethrow", "br_on_cast", "br_on_cast_fail"],
])("%s can close a cycle and is not free", (name) => {
  expect(() => priceTable("test", { [name]: 0 })).toThrow(RangeError);
  expect(priceTable("test", { [name]: 1 }).version).toBe("test");
});

test.each([-1, 0.5, 65_536, Number.NaN])("%s is no price", (price) => {
  expect(() => priceTable("test", { "i32.add": price })).toThrow(RangeError);
});

const free = PRICE_TABLE_2.fixed.slice();
free[0x0c] = 0;

test.each<[string, Partial<Record<keyof PriceTable, unknown>>, typeof RangeError]>([
  ["bytes for nothing", { bytesPerUnit: Number.POSITIVE_INFINITY }, RangeError],
  ["units of no bytes", { bytesPerUnit: 0 }, RangeError],
  ["negative units", { elementsPerUnit: -16 }, RangeError],
  ["half a unit per page", { perPage: 0.5 }, RangeError],
  ["pages beyond a price", { perPage: 1e9 }, RangeError],
  ["a free cycle", { fixed: free }, RangeError],
  ["too few prices", { fixed: new Uint16Array(8) }, TypeError],
  ["prices that wrap", { fixed: Array.from(PRICE_TABLE_2.fixed) }, TypeError],
  ["a version that is a number", { version: 3 }, TypeError],
])("a table made by hand is refused for %s", (_, wrong, error) => {
  const prices = { ...PRICE_TABLE_2, ...wrong } as PriceTable;
  expect(() => new Store({ prices })).toThrow(error);
});

test("the highest price does not wrap the cost of a long segment", () => {
  const text = `(module (func (export "main")
    ${"(drop (i32.const 0))".repeat(40_000)}))`;
  const store = new Store({ prices: priceTable("test", { drop: 65_535, "i32.const": 65_535 }) });
  instanceOf(text, {}, store).func("main").call();
  expect(store.usage.fuel).toBe(80_000 * 65_535);
});

test("a segment ends after a thousand instructions", () => {
  const text = `(module (func (export "main")
    ${"(drop (i32.const 0))".repeat(5_000)} unreachable))`;
  const store = new Store();
  const run = instanceOf(text, {}, store).func("main").start();
  for (let last = 0; run.run({ slice: 1 }).kind === "suspended"; last = run.usage.fuel) {
    expect(run.usage.fuel - last).toBeLessThanOrEqual(1_000);
  }
  expect(run.usage.fuel).toBe(10_001);
});

test.each([1, 2, 3, 4, 5, 8_191, 8_192])("%d times i32.eqz in front of a branch", (times) => {
  const text = `(module (func (export "main") (param i32) (result i32)
    block local.get 0 ${"i32.eqz ".repeat(times)} br_if 0 i32.const 10 return end
    i32.const 20))`;
  const main = instanceOf(text).func("main");
  const expected = (n: number) => ((n === 0 ? times : times + 1) % 2 === 1 ? 20 : 10);
  expect([main.call(0), main.call(5)]).toEqual([expected(0), expected(5)]);
});

test.each([0, 1, 2, 3, 4, 5, 6])("a comparison and %d times i32.eqz", (times) => {
  const text = `(module (func (export "main") (param i32) (result i32)
    block local.get 0 i32.const 1 i32.add i32.const 3 i32.lt_s ${"i32.eqz ".repeat(times)}
      br_if 0 i32.const 10 return end
    i32.const 20))`;
  const main = instanceOf(text).func("main");
  const less = times % 2 === 0 ? 20 : 10;
  expect([main.call(1), main.call(2)]).toEqual([less, 30 - less]);
});
