// The account `hostBytes`: what guests make the host keep besides linear memory and table elements.
// Exceptions that are kept and that are not, suspended executions, instances.

import { describe, expect, it } from "vitest";
import { Exhaustion, type RuntimeLimits, Store, Tag } from "../../src/api/index.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { collectGarbage } from "../garbage.ts";
import { inSlices, moduleOf, rejected, thrown } from "./support.ts";

const MIB = 1 << 20;

/** Values that each exception carries. */
const VALUES = 50;
const params = (type: string) => `(param${` ${type}`.repeat(VALUES)})`;
const values = (text: string) => `${text} `.repeat(VALUES);

/** Throws exceptions and forgets them, keeps them in a table, a chain, a global, or its frames. */
const THROWS = `
  (tag $plain ${params("i64")})
  (tag $link (param exnref i64))
  (table $kept 100000 exnref)
  (global $last (mut exnref) (ref.null exn))
  (func $catch (param $n i32) (result exnref)
    (block $caught (result exnref)
      (block $values (result ${"i64 ".repeat(VALUES)} exnref)
        (try_table (catch_ref $plain $values)
          ${values("(i64.extend_i32_u (local.get $n))")} (throw $plain))
        (unreachable))
      (br $caught)))
  (func (export "garbage") (param $n i32)
    (loop $next
      (drop (call $catch (local.get $n)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "table") (param $n i32)
    (loop $next
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (table.set $kept (local.get $n) (call $catch (local.get $n)))
      (br_if $next (local.get $n))))
  (func (export "chain") (param $n i32)
    (loop $next
      (block $caught (result exnref i64 exnref)
        (try_table (catch_ref $link $caught)
          (throw $link (global.get $last) (i64.const 1)))
        (unreachable))
      (global.set $last) (drop) (drop)
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $frames (export "frames") (param $n i32) (local $mine exnref)
    (local.set $mine (call $catch (local.get $n)))
    (if (local.get $n) (then (call $frames (i32.sub (local.get $n) (i32.const 1)))))
    (drop (local.get $mine)))
  (func (export "first") (result i64)
    (block $values (result ${"i64 ".repeat(VALUES)} exnref)
      (try_table (catch_ref $plain $values) (throw_ref (table.get $kept (i32.const 7))))
      (unreachable))
    ${"(drop) ".repeat(VALUES)})
  (func (export "forget")
    (table.fill $kept (i32.const 0) (ref.null exn) (i32.const 100000))
    (global.set $last (ref.null exn)))`;

function guest(limits: Partial<RuntimeLimits>) {
  const store = new Store({ limits });
  const instance = store.instantiate(moduleOf(`(module ${THROWS})`));
  return { store, instance, exports: instance.exports };
}

const hostBytes = (store: Store) => store.runtime.usage("hostBytes");

describe("exceptions", () => {
  it("that nobody keeps never reach the limit", () => {
    const { exports, store } = guest({ hostBytes: MIB });
    exports.garbage(10_000);
    collectGarbage();
    const { heapUsed } = process.memoryUsage();
    exports.garbage(100_000);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(4 * MIB);
    expect(hostBytes(store)).toBeLessThan(2 * MIB);
  });

  it.each(["table", "chain", "frames"])("that are kept in a %s reach it", (name) => {
    const { exports, store } = guest({ hostBytes: MIB });
    const error = thrown(Exhaustion, () => exports[name](20_000));
    expect([error.kind, error.phrase]).toEqual(["hostBytes", "host memory limit exceeded"]);
    expect(hostBytes(store)).toBeLessThan(2 * MIB);
    // What the guest forgets it has again.
    exports.forget();
    exports[name](100);
    exports.garbage(10_000);
  });

  it("below the limit keep what they carry", () => {
    const { exports } = guest({ hostBytes: 8 * MIB });
    exports.table(1000);
    exports.garbage(20_000);
    expect(exports.first()).toBe(7n);
  });

  it("are counted alike in every slicing", () => {
    const run = (slice: number) => {
      const { instance } = guest({ hostBytes: MIB });
      const execution = instance.func("chain").start(20_000);
      const outcome = inSlices(execution, slice);
      const kind = outcome.kind === "threw" && (outcome.error as Exhaustion).kind;
      return { kind, fuel: execution.usage.fuel };
    };
    const whole = run(Number.POSITIVE_INFINITY);
    expect(whole.kind).toBe("hostBytes");
    const sliced = run(7);
    expect(sliced.kind).toBe(whole.kind);
    // A call that is suspended takes room for its frames: a few exceptions' worth.
    expect(Math.abs(sliced.fuel - whole.fuel) / whole.fuel).toBeLessThan(0.01);
  });

  it("count where they are kept by a suspended execution", () => {
    const { instance, store } = guest({ hostBytes: MIB });
    const kept = 500;
    const execution = instance.func("frames").start(kept);
    let outcome = execution.run({ slice: kept * 2 * VALUES });
    const before = hostBytes(store);
    // Others make it leave the machine, and their garbage makes the store count again.
    guest({}).exports.garbage(1);
    instance.func("garbage").call(5_000);
    expect(hostBytes(store)).toBeGreaterThan(before * 0.9);
    while (outcome.kind === "suspended") outcome = execution.run();
    expect(outcome.kind).toBe("returned");
    store.runtime.objects.count();
    expect(hostBytes(store)).toBeLessThan(before * 0.1);
  });

  it("of the host's count where they are thrown", () => {
    const failure = new Tag("(i64 i64)");
    const fail = () => {
      throw failure.exception(1n, 2n);
    };
    const store = new Store({ limits: { hostBytes: MIB } });
    const { exports } = store.instantiate(
      moduleOf(`(module
        (import "env" "failure" (tag $failure (param i64 i64)))
        (import "env" "fail" (func $fail))
        (table $kept 10000 exnref)
        (func (export "keep") (param $n i32)
          (loop $next
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (local.get $n)
            (block $caught (result exnref)
              (try_table (catch_all_ref $caught) (call $fail))
              (unreachable))
            (table.set $kept)
            (br_if $next (local.get $n)))))`),
      { env: { failure, fail } },
    );
    exports.keep(100);
    expect(thrown(Exhaustion, () => exports.keep(10_000)).kind).toBe("hostBytes");
  });

  it("are alive while a handler is looked for", () => {
    const failure = new Tag("(i64)");
    const fail = () => {
      throw failure.exception(1n);
    };
    const store = new Store();
    const instance = store.instantiate(
      moduleOf(`(module
        (import "env" "fail" (func $fail))
        (func $deep (export "deep") (param $n i32)
          (if (local.get $n)
            (then (call $deep (i32.sub (local.get $n) (i32.const 1))))
            (else (call $fail)))))`),
      { env: { fail } },
    );
    const { objects } = store.runtime;
    const execution = instance.func("deep").start(100_000);
    while (store.runtime.hostCalls === 0) execution.run({ slice: 1_000 });
    expect(execution.status).toBe("suspended");
    objects.count();
    expect(objects.bytes).toBeGreaterThan(0);
    const outcome = execution.run();
    expect(outcome).toMatchObject({ kind: "threw" });
    objects.count();
    expect(objects.bytes).toBe(0);
  });

  it("are looked at in pieces, in which guests of the store wait", () => {
    const { exports, instance, store } = guest({ hostBytes: 16 * MIB });
    exports.table(20_000);
    const thread = (n: number) => {
      return new Thread(store.runtime, instance.func("garbage").target, [n], true);
    };
    const { objects } = store.runtime;
    const before = hostBytes(store);
    const [throwing, waiting] = [thread(50_000), thread(1)];
    let outcome = throwing.run(1_000);
    while (outcome.kind === "suspended" && !objects.isCounting) outcome = throwing.run(1_000);
    expect(objects.isCounting).toBe(true);
    let pauses = 0;
    while (waiting.run(1_000).kind === "suspended") pauses++;
    expect(pauses).toBeGreaterThan(1);
    expect(objects.isCounting).toBe(false);
    while (outcome.kind === "suspended") outcome = throwing.run(100_000);
    expect(outcome.kind).toBe("returned");
    expect(hostBytes(store)).toBeGreaterThanOrEqual(before);
  });
});

const DEEP = `
  (func $deep (export "deep") (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
      (else (loop $spin (br $spin)) (i32.const 0))))
  (func (export "short") (result i32) (i32.const 1))`;

describe("suspended executions", () => {
  const LEVELS = 10_000;

  function deepGuest(limits: Partial<RuntimeLimits>) {
    const store = new Store({ limits });
    const instance = store.instantiate(moduleOf(`(module ${DEEP})`));
    const start = () => {
      const execution = instance.func("deep").start(LEVELS);
      return { execution, outcome: execution.run({ slice: 100_000 }) };
    };
    return { store, instance, start };
  }

  it("hold what their frames take, until they go on or are dropped", async () => {
    const { instance, start, store } = deepGuest({});
    instance.exports.short();
    start();
    const base = hostBytes(store);
    const { execution } = start();
    const held = hostBytes(store) - base;
    expect(held).toBeGreaterThan(LEVELS * 16);
    expect(execution.run({ slice: 10 }).kind).toBe("suspended");
    expect(hostBytes(store) - base).toBe(held);
    for (let i = 0; i < 100; i++) start();
    // Whoever runs next makes the last one leave the machine.
    expect(instance.exports.short()).toBe(1);
    expect(hostBytes(store) - base).toBe(101 * held);
    for (let i = 0; i < 20 && hostBytes(store) > base; i++) {
      await new Promise((resolve) => setTimeout(resolve));
      collectGarbage();
    }
    expect(hostBytes(store) - base).toBeLessThanOrEqual(held);
    expect(execution.run({ slice: 10 }).kind).toBe("suspended");
  });

  it("end where there is no room for their frames, and nobody else does", () => {
    const { instance, start, store } = deepGuest({ hostBytes: MIB });
    const outcomes = [1, 2, 3, 4].map(() => start().outcome);
    const ended = outcomes.filter((outcome) => outcome.kind !== "suspended");
    expect(ended.length).toBeGreaterThan(0);
    for (const outcome of ended) {
      expect(outcome.kind === "threw" && (outcome.error as Exhaustion).kind).toBe("hostBytes");
    }
    expect(hostBytes(store)).toBeLessThanOrEqual(MIB);
    expect(instance.exports.short()).toBe(1);
    expect(deepGuest({}).start().outcome.kind).toBe("suspended");
  });
});

describe("instances", () => {
  const COUNT = 50_000;
  const HEAVY = `(module
    (func $f (export "f") (result i32) (i32.const 7))
    (table (export "t") 3 funcref)
    (elem $passive func ${"$f ".repeat(COUNT)})
    (elem $values funcref (ref.null func) ${"(ref.func $f) ".repeat(COUNT)})
    (func (export "init") (table.init $passive (i32.const 0) (i32.const 1) (i32.const 3)))
    (func (export "call") (result i32) (call_indirect (result i32) (i32.const 2))))`;

  it("share the functions of passive segments, and count values that they keep", () => {
    const store = new Store();
    const module = moduleOf(HEAVY);
    const instance = store.instantiate(module);
    const once = hostBytes(store);
    const { exports } = instance;
    expect(once).toBeGreaterThan(8 * COUNT);
    expect(once).toBeLessThan(16 * COUNT);
    exports.init();
    expect(exports.call()).toBe(7);
    const tight = new Store({ limits: { hostBytes: once - 1_000 } });
    expect(thrown(Exhaustion, () => tight.instantiate(module)).kind).toBe("hostBytes");
    expect(hostBytes(tight)).toBe(0);
  });

  it("are made in pieces, between which deadlines and signals are looked at", async () => {
    const module = moduleOf(`(module
      (table 5000000 funcref)
      ${"(global i32 (i32.add (i32.const 1) (i32.const 2)))".repeat(2_000)}
      (memory 600)
      (data (i32.const 0) "${"0123456789".repeat(100_000)}")
      (func $f) (start $f))`);
    const store = new Store();
    const late = () => store.instantiate(module, {}, { timeout: 0 });
    expect(thrown(Exhaustion, late).kind).toBe("deadline");
    const reason = new Error("no longer wanted");
    const signal = { aborted: true, reason, addEventListener() {}, removeEventListener() {} };
    const aborted = store.instantiateAsync(module, {}, { signal });
    expect(await rejected(Error, aborted)).toBe(reason);
    for (const what of ["instances", "globals", "tableElements", "hostBytes"] as const) {
      expect(store.runtime.usage(what)).toBe(0);
    }
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    await store.instantiateAsync(module);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(1);
  });

  it("count functions when they are made, and exports", () => {
    const functions = Array.from({ length: 1_000 }, (_, i) => `(func (export "f${i}"))`);
    const module = moduleOf(`(module ${functions.join("")})`);
    const store = new Store({ limits: { hostBytes: 20_000 } });
    const instance = store.instantiate(module);
    const before = hostBytes(store);
    expect(before).toBeLessThan(10_000);
    expect(thrown(Exhaustion, () => instance.exports).kind).toBe("hostBytes");
    expect(hostBytes(store)).toBe(before);
  });
});
