// Fuel: counted by hand from the price table, exact for every slicing, assignable at any time.
// Expected numbers come from the design: 1 per instruction, 0 for block, loop, else, end and nop.

import { describe, expect, it } from "vitest";
import { Exhaustion, type ImportMap, type Module, priceTable, Store } from "../../src/api/index.ts";
import { instanceOf, moduleOf, thrown } from "./support.ts";

/** Counts down from n. 1 (const) + n rounds of 6 + local.get at the end. */
const LOOP = `(module (func (export "main") (param $n i32) (result i32)
  (local $sum i32)
  (local.set $sum (i32.const 0))
  (loop $next
    (local.set $sum (i32.add (local.get $sum) (local.get $n)))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $sum)))`;

const CALLS = `(module
  (import "env" "note" (func $note (param i32)))
  (memory 1)
  (table funcref (elem $fib))
  (type $unary (func (param i32) (result i32)))
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (call $note (local.get 0)) (local.get 0))
      (else
        (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 2)) (i32.const 0))))))
  (func (export "main") (param i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 1000))
    (drop (memory.grow (i32.const 2)))
    (memory.copy (i32.const 100) (i32.const 0) (i32.const 500))
    (i32.add (call $fib (local.get 0)) (i32.load8_u (i32.const 150)))))`;

const EXCEPTIONS = `(module
  (tag $t (param i32))
  (func $throws (param i32) (throw $t (local.get 0)))
  (func (export "main") (param $n i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum)
        (block $caught (result i32)
          (try_table (catch $t $caught) (call $throws (local.get $n)))
          (i32.const 0))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))`;

const PROGRAMS: readonly [name: string, text: string, n: number, result: number][] = [
  ["a loop", LOOP, 20, 210],
  ["calls, host calls, bulk operations", CALLS, 7, 13 + 7],
  ["exceptions", EXCEPTIONS, 6, 21],
];

/** A program in a store of its own, ready to be called. */
function program(module: Module) {
  const noted: number[] = [];
  const imports: ImportMap = { env: { note: (n: number) => noted.push(n) } };
  const store = new Store();
  return { main: store.instantiate(module, imports).func("main"), store, noted };
}

describe("the bill", () => {
  it.each([
    ["(i32.const 1)", 1],
    ["(i32.add (i32.const 1) (i32.const 2))", 3],
    ["(block (result i32) (nop) (nop) (i32.const 1))", 1],
    ["(if (result i32) (i32.const 1) (then (i32.const 2)) (else (nop) (i32.const 3)))", 3],
    ["(block (result i32) (br 0 (i32.const 5)))", 2],
    ["(block (result i32) (return (i32.const 5)))", 2],
    ["(call $one)", 6],
    ["(memory.grow (i32.const 0))", 2],
    ["(memory.grow (i32.const 3))", 5],
    ["(memory.fill (i32.const 0) (i32.const 0) (i32.const 64)) (i32.const 0)", 6],
    ["(memory.fill (i32.const 0) (i32.const 0) (i32.const 65)) (i32.const 0)", 7],
    ["(memory.fill (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)", 5],
    ["(memory.copy (i32.const 9) (i32.const 0) (i32.const 640)) (i32.const 0)", 15],
    ["(table.fill (i32.const 0) (ref.null func) (i32.const 17)) (i32.const 0)", 7],
  ])("of %s is %d units", (code, fuel) => {
    const text = `(module (memory 1) (table 20 funcref)
      (func $one (result i32) (nop) (i32.add (i32.const 0) (i32.const 1)) (drop) (i32.const 1))
      (func (export "main") (result i32) ${code}))`;
    const store = new Store();
    instanceOf(text, {}, store).func("main").call();
    expect(store.usage.fuel).toBe(fuel);
    expect(store.lastUsage?.fuel).toBe(fuel);
  });

  it("of a loop is what its rounds cost", () => {
    const store = new Store({ fuel: 1_000_000 });
    // Set to 0: 2. A round: 4 for the sum, 4 for the countdown, br_if. The result: 1.
    expect(instanceOf(LOOP, {}, store).func("main").call(100)).toBe(5050);
    expect(1_000_000 - store.fuel).toBe(2 + 100 * 9 + 1);
  });

  it("follows the store's price table", () => {
    const prices = priceTable("test", { "i32.add": 100, "local.get": 0 });
    const store = new Store({ prices });
    instanceOf(LOOP, {}, store).func("main").call(10);
    // A round: 100 for the addition, 6 others with a price, 3 local.get for nothing.
    expect(store.usage.fuel).toBe(2 + 10 * (100 + 5) + 0);
  });
});

describe.each(PROGRAMS)("slices of %s", (_, text, n, result) => {
  const module = moduleOf(text);
  const whole = program(module);
  const value = whole.main.call(n);
  const total = whole.store.usage.fuel;

  it("the whole gives what it must", () => {
    expect(value).toBe(result);
    expect(total).toBeGreaterThan(50);
  });

  it("run(k) and then the rest equals run(all), for every k", () => {
    for (let k = 1; k <= total + 1; k++) {
      const { main, noted, store } = program(module);
      const execution = main.start(n);
      const first = execution.run({ slice: k });
      if (first.kind === "suspended") {
        expect(first.reason).toBe("slice");
        expect(execution.usage.fuel).toBeGreaterThanOrEqual(Math.min(k, total));
      }
      expect(execution.run()).toEqual({ kind: "returned", value: result, values: [result] });
      expect(execution.usage.fuel, `k = ${k}`).toBe(total);
      expect(store.usage).toEqual(whole.store.usage);
      expect(noted).toEqual(whole.noted);
    }
  });

  it.each([1, 2, 3, 7, 50])("slices of %d give the same bill", (slice) => {
    const { main, noted, store } = program(module);
    const execution = main.start(n);
    let pauses = 0;
    let outcome = execution.run({ slice });
    for (; outcome.kind === "suspended"; outcome = execution.run({ slice })) pauses++;
    expect(outcome).toEqual({ kind: "returned", value: result, values: [result] });
    expect(store.usage).toEqual(whole.store.usage);
    expect(noted).toEqual(whole.noted);
    expect(pauses).toBeGreaterThanOrEqual(1);
    expect(pauses).toBeLessThanOrEqual(total / slice);
  });

  it("exactly the price is enough, one unit less is not", () => {
    for (const missing of [0, 1]) {
      const { main, store } = program(module);
      store.fuel = total - missing;
      if (missing === 0) expect(main.call(n)).toBe(result);
      else expect(thrown(Exhaustion, () => main.call(n)).kind).toBe("fuel");
      expect(store.fuel).toBeGreaterThanOrEqual(0);
    }
  });

  it("fuel given bit by bit gives the same bill", () => {
    const { main, store } = program(module);
    store.fuel = 0;
    const execution = main.start(n);
    let outcome = execution.run();
    for (let given = 0; outcome.kind === "suspended" && given <= total; given++) {
      expect(outcome.reason).toBe("fuel");
      store.fuel += 1;
      outcome = execution.run();
    }
    expect(outcome).toEqual({ kind: "returned", value: result, values: [result] });
    expect(execution.usage.fuel).toBe(total);
    expect(store.fuel).toBe(0);
  });
});

describe("store.fuel", () => {
  it("is Infinity by default, and stays so", () => {
    const store = new Store();
    instanceOf(LOOP, {}, store).func("main").call(10);
    expect(store.fuel).toBe(Number.POSITIVE_INFINITY);
  });

  it("refuses what is no amount", () => {
    const store = new Store();
    for (const fuel of [-1, Number.NaN]) {
      thrown(RangeError, () => new Store({ fuel }));
      thrown(RangeError, () => {
        store.fuel = fuel;
      });
    }
    expect(store.fuel).toBe(Number.POSITIVE_INFINITY);
  });

  it("after running out the instance is usable again, and runs out again", () => {
    const store = new Store({ fuel: 100 });
    const main = instanceOf(LOOP, {}, store).func("main");
    const error = thrown(Exhaustion, () => main.call(100));
    expect(error.message).toMatch(/^out of fuel \(function 0/);
    expect(error.backtrace).toHaveLength(1);
    // What was left was too little for another round, and is still there.
    expect(store.fuel).toBe((100 - 2) % 9);
    store.fuel = 2 + 9 + 1;
    expect(main.call(1)).toBe(1);
    expect(store.fuel).toBe(0);
    expect(thrown(Exhaustion, () => main.call(1)).kind).toBe("fuel");
  });

  it("can be read and changed by host functions", () => {
    const store = new Store({ fuel: 50 });
    const seen: number[] = [];
    const env = {
      note() {
        seen.push(store.fuel);
        store.fuel = 1000;
      },
    };
    const text = `(module (import "env" "note" (func $note)) (func (export "main")
      (nop) (drop (i32.const 1)) (call $note) (drop (i32.const 1)) (call $note)))`;
    instanceOf(text, { env }, store).func("main").call();
    // Const, drop, call are paid before the host function runs.
    expect(seen).toEqual([50 - 3, 1000 - 3]);
    expect(store.fuel).toBe(1000);
  });

  it("can be taken away while an execution is suspended", () => {
    const store = new Store({ fuel: 10_000 });
    const execution = instanceOf(LOOP, {}, store).func("main").start(100);
    expect(execution.run({ slice: 20 })).toEqual({ kind: "suspended", reason: "slice" });
    store.fuel = 0;
    expect(execution.run()).toEqual({ kind: "suspended", reason: "fuel" });
    expect(execution.status).toBe("suspended");
    store.fuel = 10_000;
    expect(execution.run()).toMatchObject({ kind: "returned", value: 5050 });
    expect(execution.usage.fuel).toBe(2 + 100 * 9 + 1);
  });

  it("is one account for all instances and executions of the store", () => {
    const store = new Store({ fuel: 10_000 });
    const module = moduleOf(LOOP);
    const a = store.instantiate(module).func("main").start(10);
    const b = store.instantiate(module).func("main").start(20);
    while (a.status === "suspended" || b.status === "suspended") {
      a.run({ slice: 10 });
      b.run({ slice: 10 });
    }
    expect([a.usage.fuel, b.usage.fuel]).toEqual([3 + 90, 3 + 180]);
    expect(store.fuel).toBe(10_000 - (3 + 90) - (3 + 180));
  });
});
