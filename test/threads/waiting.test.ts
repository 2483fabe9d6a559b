// memory.atomic.wait and notify: what they give, and that nothing that waits is out of reach.

import { describe, expect, it, vi } from "vitest";
import { Epoch, Exhaustion, Memory, Store, Trap } from "../../src/api/index.ts";
import { instanceOf, rejected, sleep, thrown } from "../api/support.ts";
import { FOREVER, guest, NOT_EQUAL, pair, TIMED_OUT } from "./guests.ts";

describe("a guest that waits", () => {
  it("goes on at once if the value is another one", () => {
    const { exports } = guest();
    expect(exports.wait32(8, 1, FOREVER)).toBe(NOT_EQUAL);
    expect(exports.wait64(8, 1n << 32n, FOREVER)).toBe(NOT_EQUAL);
  });

  it("goes on when its time is up", () => {
    const { exports, memory } = guest();
    memory.bytes.fill(0xff, 8, 16);
    for (const nanoseconds of [0n, 1n, 20_000_000n]) {
      const began = performance.now();
      expect(exports.wait32(8, -1, nanoseconds)).toBe(TIMED_OUT);
      expect(exports.wait64(8, -1n, nanoseconds)).toBe(TIMED_OUT);
      expect(performance.now() - began).toBeGreaterThanOrEqual(Number(2n * nanoseconds) / 1e6);
    }
    expect(exports.notify(8, 1)).toBe(0);
  });

  it("is suspended under callAsync, until another one notifies", async () => {
    const [a, b] = pair();
    const waiting = a.instance.func("wait32").callAsync(8, 0, FOREVER);
    await sleep(200);
    expect(b.exports.notify(12, 1)).toBe(0);
    expect(b.exports.notify(8, 1)).toBe(1);
    expect(await waiting).toBe(0);
    expect(b.exports.notify(8, 1)).toBe(0);
  });

  it("sleeps on when the value changes and nobody notifies", async () => {
    const [a, b] = pair();
    const waiting = a.instance.func("wait32").callAsync(8, 0, 500_000_000n);
    await sleep(200);
    b.exports.store(8, 5);
    expect(await waiting).toBe(TIMED_OUT);
  });

  it("is woken in the order in which it came, as many as wanted, at its address alone", () => {
    const [a, b] = pair();
    const waiting = [
      ["a", a, "wait32", 8, 0],
      ["b", b, "wait32", 8, 0],
      ["other", a, "wait32", 16, 0],
      ["c", a, "wait64", 8, 0n],
      ["d", a, "wait32", 8, 0],
    ] as const;
    const executions = waiting.map(([name, { instance }, wait, address, zero]) => {
      const execution = instance.func(wait).start(address, zero, FOREVER);
      execution.run();
      return { name, execution };
    });
    const woken = () => {
      const over = executions.filter(({ execution }) => execution.run().kind === "returned");
      return over.map(({ name }) => name).join(" ");
    };
    const seen = [1, 2, -1, -1].map((count) => [b.exports.notify(8, count), woken()]);
    expect(seen).toEqual([
      [1, "a"],
      [2, "a b c"],
      [1, "a b c d"],
      [0, "a b c d"],
    ]);
    expect([a.memory.notify(16), woken()]).toEqual([1, "a b other c d"]);
  });

  it("is woken by the embedder, and wakes who waits by Atomics.wait", async () => {
    const { exports, instance, memory } = guest();
    const waiting = instance.func("wait32").callAsync(8, 0, FOREVER);
    await sleep(200);
    expect([memory.notify(12), memory.notify(8, 0), memory.notify(8)]).toEqual([0, 0, 1]);
    expect(await waiting).toBe(0);
    thrown(RangeError, () => memory.notify(65_536));
    thrown(RangeError, () => memory.notify(2));
    const words = new Int32Array(memory.bytes.buffer);
    const { value } = (
      Atomics as unknown as { waitAsync(...args: unknown[]): { value: Promise<string> } }
    ).waitAsync(words, 2, 0);
    expect(exports.notify(8, 5)).toBe(1);
    expect(await value).toBe("ok");
  });

  it("suspends an execution, which may be run before anything has happened", async () => {
    const [a, b] = pair();
    const execution = a.instance.func("wait32").start(8, 0, FOREVER);
    const first = execution.run({ slice: 1 });
    if (first.kind !== "suspended" || first.reason !== "slice") throw new Error(first.kind);
    const outcomes = [0, 1].map(() => execution.run({ slice: 100 }));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ kind: "suspended", reason: "wait" });
    }
    expect(b.exports.notify(8, 1)).toBe(1);
    if (outcomes[1].kind === "suspended" && "promise" in outcomes[1]) await outcomes[1].promise;
    expect(execution.run()).toMatchObject({ kind: "returned", value: 0 });
    // What it has used does not depend on how long it waited.
    const { usage } = execution;
    a.exports.wait32(8, 1, FOREVER);
    expect(a.store.lastUsage?.fuel).toBe(usage.fuel);
  });

  it("leaves its place when it is given up", async () => {
    const [a, b] = pair();
    const execution = a.instance.func("wait32").start(8, 0, FOREVER);
    expect(execution.run()).toMatchObject({ reason: "wait" });
    execution.cancel();
    expect(b.exports.notify(8, 1)).toBe(0);
    const waiting = a.instance.func("wait32").with({ timeout: 5 }).callAsync(8, 0, FOREVER);
    expect((await rejected(Exhaustion, waiting)).kind).toBe("deadline");
    expect(b.exports.notify(8, 1)).toBe(0);
  });

  it("is found by a deadline, a signal and an epoch", async () => {
    const epoch = new Epoch();
    const { exports, instance, store } = guest({ epoch });
    const wait = instance.func("wait32");
    const began = performance.now();
    const late = thrown(Exhaustion, () => wait.with({ timeout: 20 }).call(8, 0, FOREVER));
    expect([late.kind, late.backtrace[0].funcName]).toEqual(["deadline", "wait32"]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(20);
    const controller = new AbortController();
    const { signal } = controller;
    const call = wait.with({ signal }).callAsync(8, 0, FOREVER);
    setTimeout(() => controller.abort(new Error("enough")), 5);
    expect((await rejected(Error, call)).message).toBe("enough");
    store.epochDeadline = 1;
    setTimeout(() => epoch.advance(), 5);
    expect((await rejected(Exhaustion, wait.callAsync(8, 0, FOREVER))).kind).toBe("epoch");
    expect(thrown(Exhaustion, () => exports.wait32(8, 0, FOREVER)).kind).toBe("epoch");
    store.epochDeadline = 2;
    expect(exports.notify(8, 1)).toBe(0);
    // It is looked at again and again, also if it has its own time.
    expect(exports.wait32(8, 0, 30_000_000n)).toBe(TIMED_OUT);
  });

  it("is billed as any instruction, in every slicing", () => {
    const { instance } = guest();
    const used = [1, 2, 1_000].map((slice) => {
      const execution = instance.func("wait32").start(8, 0, 2_000_000n);
      while (execution.run({ slice }).kind === "suspended");
      return [execution.run(), execution.usage.fuel];
    });
    const returned = expect.objectContaining({ value: TIMED_OUT });
    expect(used).toEqual(used.map(() => [returned, 4]));
  });

  it("finds no room when 8000 do already", () => {
    const { exports, instance } = guest();
    const waiting = Array.from({ length: 8_000 }, () => {
      const execution = instance.func("wait32").start(8, 0, FOREVER);
      execution.run();
      return execution;
    });
    const error = thrown(Exhaustion, () => exports.wait32(8, 0, FOREVER));
    expect([error.kind, error.message]).toEqual([
      "hostMemory",
      "out of memory: too many guests wait at one memory",
    ]);
    for (const execution of waiting.splice(0, 10)) execution.cancel();
    expect(exports.wait32(8, 0, 0n)).toBe(TIMED_OUT);
    expect(exports.notify(8, -1)).toBe(7_990);
    for (const execution of waiting) expect(execution.run()).toMatchObject({ value: 0 });
    expect(exports.notify(8, -1)).toBe(0);
  });

  it("is a trap where the host does not let its thread stand still", () => {
    const { exports } = guest();
    const wait = vi.spyOn(Atomics, "wait").mockImplementation(() => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    });
    try {
      expect(thrown(Trap, () => exports.wait32(8, 0, FOREVER)).code).toBe("waitNotAllowed");
    } finally {
      wait.mockRestore();
    }
    expect(exports.notify(8, 1)).toBe(0);
  });
});

describe("traps", () => {
  const traps = (action: () => unknown) => thrown(Trap, action).code;

  it("of addresses that are not aligned come before those of bounds", () => {
    const { exports } = guest();
    expect(traps(() => exports.wait32(2, 0, 0n))).toBe("unalignedAtomic");
    expect(traps(() => exports.wait64(4, 0n, 0n))).toBe("unalignedAtomic");
    expect(traps(() => exports.notify(65_537, 0))).toBe("unalignedAtomic");
    expect(traps(() => exports.wait64(65_536, 0n, 0n))).toBe("memoryOutOfBounds");
    expect(traps(() => exports.notify(-4, 0))).toBe("memoryOutOfBounds");
  });

  it("are what memories get that are not shared; nobody waits there to be notified", () => {
    const { exports } = instanceOf(`(module (memory 1)
      (func (export "wait") (param i32) (result i32)
        (memory.atomic.wait32 (local.get 0) (i32.const 0) (i64.const 0)))
      (func (export "notify") (param i32) (result i32)
        (memory.atomic.notify (local.get 0) (i32.const 1))))`);
    expect(traps(() => exports.wait(0))).toBe("expectedSharedMemory");
    expect(traps(() => exports.wait(1))).toBe("unalignedAtomic");
    expect(exports.notify(65_532)).toBe(0);
    expect(traps(() => exports.notify(65_536))).toBe("memoryOutOfBounds");
  });
});

it("a memory is shared only if its type says so", () => {
  const store = new Store();
  const memory = new Memory(store, { min: 1, max: 2 });
  expect(thrown(TypeError, () => memory.share()).message).toBe("the memory is not shared");
  expect(memory.notify(0)).toBe(0);
  thrown(TypeError, () => new Memory(store, { min: 1, shared: true }));
  for (const value of [memory, null, {}, { type: { shared: true } }]) {
    thrown(TypeError, () => Memory.from(store, value as ReturnType<Memory["share"]>));
  }
});
