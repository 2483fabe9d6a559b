// Who runs under `callAsync` when there are many: shares of time, turns of the event loop, and that
// nobody waits for ever. The clock is a counter that the guests' host functions move on, so that
// what is measured is what the scheduler decides, and not how busy the machine is.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Exhaustion, type Instance, Store } from "../../src/api/index.ts";
import { instanceOf, moduleOf, rejected, sleep } from "./support.ts";

/** Calls `work` for ever, or the number of times that it is given. */
const WORKER = moduleOf(`(module (import "env" "work" (func $work))
  (func (export "main") (loop (call $work) (br 0)))
  (func (export "times") (param i32)
    (loop (call $work)
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`);

let now = 0;

beforeEach(() => {
  now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
});

afterEach(() => {
  vi.restoreAllMocks();
});

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** Milliseconds of the longest turn of the event loop until `done` says so. */
async function longestTurn(done: () => boolean): Promise<number> {
  let longest = 0;
  while (!done()) {
    const before = now;
    await turn();
    longest = Math.max(longest, now - before);
  }
  return longest;
}

/** A tenant whose every step takes so long, and which counts what it has taken. */
class Worker {
  taken = 0;
  readonly instance: Instance;

  constructor(cost: number, afterwards: () => unknown = () => {}) {
    const work = () => {
      now += cost;
      this.taken += cost;
      return afterwards();
    };
    this.instance = new Store().instantiate(WORKER, { env: { work } });
  }

  /** Runs for ever; until the signal is given. */
  run(signal: AbortSignal): Promise<unknown> {
    return this.instance
      .func("main")
      .with({ signal })
      .callAsync()
      .catch(() => {});
  }
}

/** Lets all of them run until they have taken so many milliseconds; the longest turn. */
async function compete(workers: readonly Worker[], milliseconds: number): Promise<number> {
  const controller = new AbortController();
  const calls = workers.map((worker) => worker.run(controller.signal));
  const longest = await longestTurn(() => now > milliseconds);
  const end = now;
  controller.abort();
  await Promise.all(calls);
  // What is stopped does nothing more.
  expect(now).toBe(end);
  return longest;
}

const many = (count: number, cost: number) => Array.from({ length: count }, () => new Worker(cost));

/** Least and most that they have taken, of what each would have if they were equal. */
function shares(workers: readonly Worker[]): [least: number, most: number] {
  const taken = workers.map((worker) => worker.taken);
  const equal = taken.reduce((sum, item) => sum + item, 0) / taken.length;
  return [Math.min(...taken) / equal, Math.max(...taken) / equal];
}

describe("tenants under callAsync", () => {
  it("have equal shares and short turns, 10,000 with a hostile one among them", async () => {
    const hostile = new Worker(4);
    const honest = many(9_999, 0.005);
    const longest = await compete([hostile, ...honest], 8_000);
    expect(longest).toBeLessThan(10);
    const [least, most] = shares(honest);
    expect(least).toBeGreaterThan(0.9);
    expect(most).toBeLessThan(1.1);
    // The grace for what may be the host's doing, and what a share is.
    expect(hostile.taken).toBeLessThan(20 + 4 + 1.6);
  });

  it("have equal shares of time, however slow they are per unit of fuel", async () => {
    const workers = [0.005, 0.01, 0.1, 1].map((cost) => new Worker(cost));
    await compete(workers, 2_000);
    const [least, most] = shares(workers);
    expect(least).toBeGreaterThan(0.9);
    expect(most).toBeLessThan(1.1);
    // Each of them had its share of the fuel for that.
    const [fast, , , slow] = workers.map(({ instance }) => instance.store.usage.fuel);
    expect(fast / slow).toBeGreaterThan(150);
  });

  it("have shares as stores, not as calls", async () => {
    const [one, crowd] = many(2, 0.01);
    const controller = new AbortController();
    const calls = Array.from({ length: 100 }, () => crowd.run(controller.signal));
    calls.push(one.run(controller.signal));
    await longestTurn(() => now > 1_000);
    controller.abort();
    await Promise.all(calls);
    expect(one.taken / crowd.taken).toBeGreaterThan(0.9);
    expect(one.taken / crowd.taken).toBeLessThan(1.1);
  });

  it("have them also if they call one after the other", async () => {
    const [one, other] = many(2, 0.01);
    const controller = new AbortController();
    const call = one.run(controller.signal);
    let calls = 0;
    for (const times = other.instance.func("times"); now < 500; calls++) await times.callAsync(3);
    controller.abort();
    await call;
    expect(calls).toBeGreaterThan(1_000);
    expect(one.taken / other.taken).toBeGreaterThan(0.9);
    expect(one.taken / other.taken).toBeLessThan(1.1);
  });

  it("are not starved, nor starve others, if they wait for promises that are settled", async () => {
    const waiting = new Worker(0.01, () => Promise.resolve());
    const [computing] = many(1, 0.01);
    const longest = await compete([waiting, computing], 500);
    expect(longest).toBeLessThan(10);
    expect(waiting.taken / computing.taken).toBeGreaterThan(0.9);
    expect(waiting.taken / computing.taken).toBeLessThan(1.1);
  });

  it("that are new or come back from the host wait for no round of all others", async () => {
    const others = many(1_000, 0.002);
    const controller = new AbortController();
    const calls = others.map((worker) => worker.run(controller.signal));
    await longestTurn(() => now > 200);
    const began = now;
    await new Worker(0.01).instance.func("times").callAsync(3);
    // A round takes 50 ms.
    expect(now - began).toBeLessThan(10);
    const slow = new Worker(0.01, async () => {
      const before = now;
      await longestTurn(() => now > before + 100);
    });
    await slow.instance.func("times").callAsync(3);
    expect(now - began).toBeLessThan(3 * 100 + 40);
    controller.abort();
    await Promise.all(calls);
  });
});

describe("the event loop", () => {
  it("turns although a guest only waits for promises that are settled", async () => {
    const controller = new AbortController();
    const worker = new Worker(0.1, () => Promise.resolve());
    setImmediate(() => setImmediate(() => controller.abort()));
    await worker.run(controller.signal);
    expect(worker.taken).toBeLessThan(10);
  });

  it("turns although calls only follow each other", async () => {
    const { instance } = new Worker(0.1);
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    let calls = 0;
    for (; !turned; calls++) await instance.func("times").callAsync(1);
    expect(calls).toBeLessThan(50);
  });

  it("sees a deadline of such a guest", async () => {
    const worker = new Worker(1, () => Promise.resolve());
    const call = worker.instance.func("main").with({ timeout: 50 }).callAsync();
    expect((await rejected(Exhaustion, call)).kind).toBe("deadline");
    expect(worker.taken).toBeLessThan(53);
  });

  it("turns after each slice that the caller has chosen", async () => {
    const { instance } = new Worker(0.001);
    let turns = 0;
    let ended = false;
    const call = instance
      .func("times")
      .with({ slice: 50 })
      .callAsync(100)
      .then(() => {
        ended = true;
      });
    for (; !ended; turns++) await turn();
    await call;
    expect(turns).toBeGreaterThan(instance.store.usage.fuel / 60);
  });

  it("is not held up when thousands are stopped at once", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const add = vi.spyOn(signal, "addEventListener");
    let ended = 0;
    const never = new Worker(0.001, () => new Promise(() => {}));
    const calls = Array.from({ length: 2_000 }, () => never.run(signal).then(() => void ended++));
    await longestTurn(() => now > 1.9);
    // Each look at the clock takes a hundredth of a millisecond from now on.
    vi.mocked(performance.now).mockImplementation(() => (now += 0.01));
    controller.abort();
    expect(await longestTurn(() => ended === 2_000)).toBeLessThan(10);
    await Promise.all(calls);
    expect(add).toHaveBeenCalledTimes(1);
  });
});

describe("calls in a queue", () => {
  it("end when their time is up, without their turn", async () => {
    vi.restoreAllMocks();
    const spin = instanceOf(`(module (func (export "main") (loop (br 0))))`).func("main");
    const controller = new AbortController();
    const others = Array.from({ length: 50 }, () => {
      return spin
        .with({ signal: controller.signal })
        .callAsync()
        .catch(() => {});
    });
    const stopped = await rejected(Exhaustion, spin.with({ timeout: 20 }).callAsync());
    expect(stopped.kind).toBe("deadline");
    const inner = new AbortController();
    const aborted = spin.with({ signal: inner.signal }).callAsync();
    await sleep(1);
    inner.abort(new RangeError("enough"));
    await rejected(RangeError, aborted);
    controller.abort();
    await Promise.all(others);
  });
});

describe("a signal that throws", () => {
  const thrower = (after: number) => ({
    looks: 0,
    get aborted() {
      if (++this.looks > after) throw new Error("no answer");
      return false;
    },
    addEventListener() {},
    removeEventListener() {},
  });

  it.each([0, 2, 50])("after %d looks ends its call, and nobody else's", async (after) => {
    const worker = new Worker(0.01);
    const call = worker.instance
      .func("main")
      .with({ signal: thrower(after) })
      .callAsync();
    const others = [1, 2].map(() => new Worker(0.01).instance.func("times").callAsync(100));
    await expect(call).rejects.toThrow("no answer");
    await expect(Promise.all(others)).resolves.toHaveLength(2);
  });
});
