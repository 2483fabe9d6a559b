// Executions that overlap: in one instance, under callAsync, cancelled, dropped. What belongs to
// each of them, what they share, and that none of them harms the others.

import { describe, expect, it } from "vitest";
import { type Execution, Exhaustion, Store, Trap } from "../../src/api/index.ts";
import { collectGarbage } from "../garbage.ts";
import { instanceOf, moduleOf, rejected, sleep, thrown } from "./support.ts";

/** Counts for ever, each with its own counter and one that they share; traps; grows its memory. */
const GUEST = `(module
  (import "env" "wait" (func $wait))
  (memory (export "memory") 1)
  (global $sum (export "sum") (mut i32) (i32.const 0))
  (func (export "count") (param i32) (result i32) (local $mine i32)
    (loop
      (global.set $sum (i32.add (global.get $sum) (i32.const 1)))
      (local.set $mine (i32.add (local.get $mine) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $mine) (local.get 0))))
    (local.get $mine))
  (func (export "loop") (loop (br 0)))
  (func (export "keep") (param externref) (loop (drop (local.get 0)) (br 0)))
  (func (export "trap") (loop (global.set $sum (i32.add (global.get $sum) (i32.const 1)))
    (br_if 0 (i32.lt_u (global.get $sum) (i32.const 100)))) (unreachable))
  (func (export "grow") (drop (memory.grow (i32.const 3))) (call $wait))
  (func (export "waits") (result i32) (call $wait) (i32.const 7)))`;

const guest = (store = new Store(), wait: () => unknown = () => {}) =>
  instanceOf(GUEST, { env: { wait } }, store);

/** Runs executions by turns to their ends; in which order they came to it. */
function byTurns(executions: readonly Execution[], slice: number): number[] {
  const order: number[] = [];
  for (let left = executions.length; left > 0; ) {
    executions.forEach((execution, i) => {
      if (execution.status !== "suspended") return;
      if (execution.run({ slice }).kind === "suspended") return;
      order.push(i);
      left--;
    });
  }
  return order;
}

describe("executions that overlap in one instance", () => {
  it("have their own locals and usage, and share globals and the store's fuel", () => {
    const store = new Store({ fuel: 100_000 });
    const instance = guest(store);
    const counts = [300, 100, 200];
    const alone = counts.map((count) => {
      const execution = guest().func("count").start(count);
      execution.run();
      return execution.usage.fuel;
    });
    const executions = counts.map((count) => instance.func("count").start(count));
    expect(byTurns(executions, 50)).toEqual([1, 2, 0]);
    expect(executions.map((execution) => execution.run())).toMatchObject(
      counts.map((value) => ({ kind: "returned", value })),
    );
    expect(instance.global("sum").value).toBe(600);
    expect(executions.map(({ usage }) => usage.fuel)).toEqual(alone);
    expect(100_000 - store.fuel).toBe(alone.reduce((sum, fuel) => sum + fuel));
  });

  it("have their own deadlines", () => {
    const instance = guest();
    const [late, never] = [instance.func("loop").start(), instance.func("count").start(1_000)];
    expect(late.run({ timeout: 0 })).toEqual({ kind: "suspended", reason: "deadline" });
    expect(never.run()).toMatchObject({ kind: "returned", value: 1_000 });
    expect(late.run({ slice: 10 })).toEqual({ kind: "suspended", reason: "slice" });
  });

  it("do not end with each other's traps, nor for lack of fuel of one", () => {
    const store = new Store({ fuel: 2_000 });
    const instance = guest(store);
    const [trap, count] = [instance.func("trap").start(), instance.func("count").start(80)];
    byTurns([trap, count], 20);
    expect([trap.status, count.status]).toEqual(["trapped", "returned"]);
    const [greedy, modest] = [instance.func("loop").start(), instance.func("count").start(10)];
    expect(greedy.run()).toEqual({ kind: "suspended", reason: "fuel" });
    store.fuel = 1_000;
    expect(modest.run()).toMatchObject({ kind: "returned", value: 10 });
  });

  it("have seen the peak of the store's memory while they ran", () => {
    const instance = guest();
    const [small, large] = [instance.func("loop").start(), instance.func("grow").start()];
    small.run({ slice: 10 });
    large.run();
    expect([small, large].map(({ usage }) => usage.peakMemoryBytes / 65536)).toEqual([1, 4]);
    small.run({ slice: 10 });
    expect(small.usage.peakMemoryBytes / 65536).toBe(4);
  });

  it("take turns under callAsync, and end one by one", async () => {
    const instance = guest();
    const count = instance.func("count").with({ slice: 100 });
    const order: number[] = [];
    const sizes = [3_000, 1_000, 2_000];
    const calls = sizes.map((size) => count.callAsync(size).then((n) => order.push(n as number)));
    const stopped = rejected(Exhaustion, instance.func("loop").with({ timeout: 5 }).callAsync());
    const trapped = rejected(Trap, instance.func("trap").callAsync());
    await Promise.all(calls);
    expect(order).toEqual([1_000, 2_000, 3_000]);
    expect((await stopped).kind).toBe("deadline");
    await trapped;
  });
});

describe("cancel", () => {
  it("ends an execution wherever it is suspended, once and for all", async () => {
    const instance = guest(new Store(), () => sleep(1).then(() => Promise.reject(new Error("no"))));
    const fresh = instance.func("count").start(5);
    const sliced = instance.func("count").start(500);
    sliced.run({ slice: 50 });
    const waiting = instance.func("waits").start();
    const outcome = waiting.run();
    for (const execution of [fresh, sliced, waiting]) {
      const { usage } = execution;
      execution.cancel();
      execution.cancel();
      expect(execution.status).toBe("cancelled");
      expect(execution.run()).toEqual({ kind: "cancelled" });
      expect(execution.usage).toEqual(usage);
    }
    if (outcome.kind !== "suspended" || outcome.reason !== "host") throw new Error(outcome.kind);
    await outcome.promise;
    expect(waiting.run()).toEqual({ kind: "cancelled" });
    expect(instance.func("count").call(3)).toBe(3);
  });

  it("leaves an execution that has ended as it is", () => {
    const execution = guest().func("count").start(5);
    const outcome = execution.run();
    execution.cancel();
    expect(execution.run()).toBe(outcome);
  });

  it("cannot be wanted by its own host function; others may be cancelled there", () => {
    const instance = guest(new Store(), () => {
      other.cancel();
      expect(thrown(Error, () => execution.cancel()).message).toMatch(/is running/);
    });
    const other = instance.func("loop").start();
    other.run({ slice: 10 });
    const execution = instance.func("waits").start();
    expect(execution.run()).toMatchObject({ kind: "returned", value: 7 });
    expect(other.status).toBe("cancelled");
  });

  it("gives references back at once, although the execution is kept", async () => {
    const { collect, reference } = tracked();
    const execution = guest().func("keep").start(reference());
    execution.run({ slice: 10 });
    expect(await collect()).toBe(1);
    execution.cancel();
    // Another thread takes the place of what it has left on the machine.
    guest().func("count").call(5);
    expect(await collect()).toBe(0);
    expect(execution.status).toBe("cancelled");
  });
});

describe("an execution that has ended", () => {
  it("keeps no instance alive, whose account has room again", async () => {
    const { collect } = tracked();
    const store = new Store({ limits: { instances: 1 } });
    const failing = moduleOf("(module (memory 1) (func $start unreachable) (start $start))");
    thrown(Trap, () => store.instantiate(failing));
    for (let i = 0; i < 50 && store.runtime.usage("instances") > 0; i++) await collect();
    expect(store.runtime.usage("instances")).toBe(0);
  });
});

/** Objects that are referred to weakly, and how many of them are alive after a collection. */
function tracked() {
  const objects: WeakRef<object>[] = [];
  return {
    reference() {
      const object = {};
      objects.push(new WeakRef(object));
      return object;
    },
    async collect() {
      await sleep(0);
      collectGarbage();
      return objects.filter((object) => object.deref() !== undefined).length;
    },
  };
}

describe("an execution that is run inside of another one's host function", () => {
  const DEEP = `(module (import "env" "visit" (func $visit))
    (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0))
        (then (call $visit) (i32.const 0))
        (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))))))`;

  it.each([
    ["stackBytes", 1 << 24, 200_000],
    ["calls", 1 << 24, 1_000],
    ["bytes", 40_000, 200_000],
  ])("where the stacks have no room stays suspended (%s)", (_, stackBytes, callDepth) => {
    const store = new Store({ limits: { callDepth, stackBytes } });
    let visit = () => {};
    const deep = instanceOf(DEEP, { env: { visit: () => visit() } }, store).func("deep");
    // As deep as there is room for.
    let depth = 1;
    for (let step = 1 << 18; step >= 1; step >>= 1) {
      const { kind } = deep.start(depth + step).run();
      if (kind === "returned") depth += step;
    }
    const inner = deep.start(depth);
    inner.run({ slice: 7 * depth });
    expect(inner.status).toBe("suspended");
    let refused: unknown;
    visit = () => {
      visit = () => {};
      refused = thrown(Exhaustion, () => inner.run()).kind;
    };
    expect(deep.call(depth >> 1)).toBe(depth >> 1);
    expect([refused, inner.status]).toEqual(["stackBytes", "suspended"]);
    expect(inner.run()).toMatchObject({ kind: "returned", value: depth });
  });

  it("as the last of too many stays suspended", () => {
    let levels = 0;
    const deep = instanceOf(DEEP, { env: { visit: () => void deep.call(levels++ && 0) } }).func(
      "deep",
    );
    expect(thrown(Exhaustion, () => deep.call(0)).kind).toBe("callDepth");
    expect(levels).toBe(200);
  });
});

describe("executions that are dropped", () => {
  it("are collected, and the rest goes on", async () => {
    const instance = guest();
    const { collect, reference } = tracked();
    const keep = instance.func("keep");
    for (let i = 0; i < 1_000; i++) keep.start(reference()).run({ slice: 10 });
    expect(instance.func("count").call(5)).toBe(5);
    expect(await collect()).toBeLessThan(10);
    const call = instance.func("count").callAsync(1_000);
    expect(await call).toBe(1_000);
  });
});
