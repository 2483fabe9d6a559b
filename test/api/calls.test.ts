// Calls from the host: values, results, errors, backtraces, outcomes and usage of executions.

import { describe, expect, it } from "vitest";
import { Exhaustion, Func, Memory, Store, Trap, WasmException } from "../../src/api/index.ts";
import { HOSTILE, instanceOf, thrown } from "./support.ts";

const VALUES = `(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func $extern (export "extern") (param externref) (result externref) (local.get 0))
  (func (export "func") (param funcref) (result funcref) (local.get 0))
  (func (export "none") (param i32))
  (func (export "several") (param i32 i64) (result i64 i32 f64)
    (local.get 1) (local.get 0) (f64.const 0.5)))`;

describe("values", () => {
  const { exports } = instanceOf(VALUES);

  it.each([
    ["i32", 2 ** 31, -(2 ** 31)],
    ["i32", 2 ** 32 - 1, -1],
    ["i32", -1, -1],
    ["i32", true, 1],
    ["i64", 2n ** 64n - 1n, -1n],
    ["i64", -(2n ** 63n), -(2n ** 63n)],
    ["i64", 0x1_0000_0000n, 0x1_0000_0000n],
    ["f32", 0.1, Math.fround(0.1)],
    ["f64", 0.1, 0.1],
    ["f64", -0, -0],
    ["f64", Number.NaN, Number.NaN],
    ["extern", null, null],
    ["extern", undefined, undefined],
    ["extern", "text", "text"],
    ["func", null, null],
    ["none", 1, undefined],
  ])("%s takes %s and gives %s", (name, given, wanted) => {
    expect(exports[name](given)).toBe(wanted);
  });

  it("several results are an array", () => {
    expect(exports.several(7, 8n)).toEqual([8n, 7, 0.5]);
  });

  it("functions come back as what can be called, and keep identity", () => {
    const given = exports.func(exports.several);
    expect(given).toBeInstanceOf(Func);
    expect((given as Func).call(1, 2n)).toEqual([2n, 1, 0.5]);
    expect(exports.func(given)).toBe(given);
    const object = {};
    expect(exports.extern(object)).toBe(object);
  });

  it.each([
    ["i32", "1", /argument 1 of i32 must be a number \(i32\), found a string/],
    ["i32", 1n, /found the bigint 1n/],
    ["i64", 1, /must be a bigint \(i64\), found the number 1/],
    ["f64", 1n, /must be a number \(f64\)/],
    ["func", () => 1, /must be a funcref or null, found a function/],
    ["func", undefined, /found undefined/],
  ])("%s does not take %s", (name, given, message) => {
    expect(thrown(TypeError, () => exports[name](given)).message).toMatch(message);
  });

  it("as many arguments as parameters", () => {
    expect(thrown(TypeError, () => exports.several(1)).message).toMatch(/\(i32 i64\)/);
    thrown(TypeError, () => exports.none());
    thrown(TypeError, () => exports.none(1, 2));
  });

  it("a function of another store is refused", () => {
    const { message } = thrown(TypeError, () => exports.func(instanceOf(VALUES).exports.i32));
    expect(message).toMatch(/of another store/);
  });
});

describe("instances", () => {
  const instance = instanceOf(HOSTILE);

  it("describe their functions", () => {
    const deep = instance.func("deep");
    expect([deep.name, deep.params, deep.results]).toEqual(["deep", ["i32"], ["i32"]]);
  });

  it("say what they export where something is asked for that they do not", () => {
    const { message } = thrown(RangeError, () => instance.func("depe"));
    expect(message).toMatch(/no func is exported as "depe".*count, loop/);
    expect(thrown(RangeError, () => instance.func("memory")).message).toMatch(/it is a memory/);
  });

  it("have exports without prototype that cannot be changed", () => {
    const { exports } = instance;
    expect(Object.getPrototypeOf(exports)).toBeNull();
    expect(Object.isFrozen(exports)).toBe(true);
    expect(exports).toBe(instance.exports);
    expect(exports.toString).toBeUndefined();
  });
});

describe("errors", () => {
  const { exports, func } = (() => {
    const instance = instanceOf(`(module $m
      (tag $t (param i32 i64))
      (func $inner (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
      (func $outer (export "divide") (param i32) (result i32) (call $inner (local.get 0)))
      (func (export "throw") (throw $t (i32.const 5) (i64.const 6))))`);
    return { exports: instance.exports, func: instance.func("divide") };
  })();

  it("a trap has code, text and backtrace, and harms nothing", () => {
    const trap = thrown(Trap, () => exports.divide(0));
    expect(trap.code).toBe("divideByZero");
    expect(trap.message).toMatch(/^integer divide by zero \(function 0/);
    expect(trap.backtrace.map((frame) => frame.funcIndex)).toEqual([0, 1]);
    expect(exports.divide(1)).toBe(1);
  });

  it("an exception has its payload", () => {
    expect(thrown(WasmException, () => exports.throw()).payload).toEqual([5, 6n]);
  });

  it("an execution gives them as outcomes", () => {
    const execution = func.start(0);
    const outcome = execution.run();
    expect(outcome.kind).toBe("trapped");
    expect(execution.status).toBe("trapped");
    expect(execution.run()).toBe(outcome);
  });
});

describe("executions", () => {
  it("are suspended at the first instruction, and have used nothing", () => {
    const instance = instanceOf(HOSTILE);
    const execution = instance.func("loop").start();
    expect(execution.status).toBe("suspended");
    expect(execution.usage).toEqual({ fuel: 0, peakMemoryBytes: 0, hostCalls: 0 });
    expect(instance.exports.count()).toBe(0);
    execution.run({ slice: 100 });
    const count = instance.exports.count() as number;
    // A round of the loop: global.get, const, add, global.set, br.
    expect(count * 5).toBeLessThanOrEqual(execution.usage.fuel);
    expect(count).toBe(20);
  });

  it("stand side by side, each with frames of its own", () => {
    const instance = instanceOf(HOSTILE);
    const depths = [5, 300, 40, 1];
    const executions = depths.map((depth) => instance.func("deep").start(depth));
    for (let round = 0; round < 1000; round++) {
      for (const execution of executions) execution.run({ slice: 7 });
    }
    const last = executions.map((execution) => execution.run());
    expect(last).toEqual(depths.map((n) => ({ kind: "returned", value: n, values: [n] })));
  });

  it("refuse slices and timeouts that are none", () => {
    const func = instanceOf(HOSTILE).func("count");
    for (const slice of [0, -1, Number.NaN]) {
      thrown(RangeError, () => func.start().run({ slice }));
      thrown(RangeError, () => func.with({ slice }));
    }
    thrown(RangeError, () => func.start().run({ timeout: -1 }));
    thrown(RangeError, () => func.with({ timeout: Number.NaN }).call());
  });

  it("cannot be run by their own host functions", () => {
    const errors: string[] = [];
    const env = {
      again() {
        errors.push(thrown(Error, () => execution.run()).message);
      },
    };
    const text = `(module (import "env" "again" (func $again)) (func (export "f") (call $again)))`;
    const execution = instanceOf(text, { env }).func("f").start();
    expect(execution.run().kind).toBe("returned");
    expect(errors).toEqual([expect.stringMatching(/is running/)]);
  });

  it("count peak memory and host calls of the call alone", () => {
    const store = new Store({ limits: { memoryBytes: 10 * 65536 } });
    const text = `(module (import "env" "f" (func $f)) (memory 2)
      (func (export "grow") (param i32) (call $f) (call $f)
        (drop (memory.grow (local.get 0)))))`;
    const grow = instanceOf(text, { env: { f() {} } }, store).func("grow");
    grow.call(0);
    expect(store.lastUsage).toMatchObject({ peakMemoryBytes: 2 * 65536, hostCalls: 2 });
    grow.call(3);
    expect(store.lastUsage).toMatchObject({ peakMemoryBytes: 5 * 65536, hostCalls: 2 });
    expect(store.usage).toMatchObject({ peakMemoryBytes: 5 * 65536, hostCalls: 4 });
    // A memory that has died was part of the store's peak, but is of no later call's.
    new Memory(store, { min: 4 }).target.lease.release();
    grow.call(0);
    expect(store.lastUsage).toMatchObject({ peakMemoryBytes: 5 * 65536 });
    expect(store.usage).toMatchObject({ peakMemoryBytes: 9 * 65536, hostCalls: 6 });
  });

  it("that were given up leave the instance usable", () => {
    const instance = instanceOf(HOSTILE);
    for (let i = 0; i < 100; i++) instance.func("loop").start().run({ slice: 10 });
    expect(instance.exports.deep(100)).toBe(100);
    thrown(Exhaustion, () => instance.exports.recurse());
    expect(instance.exports.deep(100)).toBe(100);
  });
});
