// Several workers, each with a store of its own, on one memory.

import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { plainScript } from "../../bench/plain.ts";
import { Epoch } from "../../src/api/index.ts";
import { sleep } from "../api/support.ts";
import { FOREVER, guest } from "./guests.ts";
import type { Task } from "./worker.ts";

const script = await plainScript(new URL("worker.ts", import.meta.url));
afterAll(() => script.remove());

/** Has a worker do something: when it is about to, and what came of it. */
function begin(task: Task) {
  const worker = new Worker(script.path, { workerData: task });
  const messages: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  worker.on("message", (message) => {
    const next = waiting.shift();
    if (next === undefined) messages.push(message);
    else next(message);
  });
  const next = () => {
    if (messages.length > 0) return Promise.resolve(messages.shift());
    return new Promise<unknown>((resolve, reject) => {
      waiting.push(resolve);
      worker.once("error", reject);
    });
  };
  const ready = next();
  return { ready, result: ready.then(next) };
}

describe("four workers", () => {
  it.each([false, true])("count without losing one, suspended or not: %s", async (isAsync) => {
    const times = 3_000;
    const { exports, memory } = guest();
    const workers = Array.from({ length: 4 }, () =>
      begin({ memory: memory.share(), call: ["count", times], isAsync }),
    );
    await Promise.all(workers.map(({ result }) => result));
    expect([exports.load(0), exports.load(4), exports.load(8)]).toEqual([0, 4 * times, 4 * times]);
  });
});

describe("a worker", () => {
  it("that waits is woken by the main thread, and by its guest", async () => {
    const { exports, memory } = guest();
    for (const isAsync of [false, true]) {
      for (const notify of [() => memory.notify(8), () => exports.notify(8, 1)]) {
        const call = ["wait32", 8, 0, FOREVER] as const;
        const { ready, result } = begin({ memory: memory.share(), call, isAsync });
        await ready;
        while (notify() === 0) await sleep(1);
        expect(await result).toBe(0);
      }
    }
  });

  it("that waits is found by an epoch", async () => {
    const { exports, memory } = guest();
    const { buffer } = new Epoch();
    const call = ["wait32", 8, 0, FOREVER] as const;
    const { ready, result } = begin({ memory: memory.share(), call, epoch: buffer });
    await ready;
    Epoch.from(buffer).advance();
    expect(await result).toMatch("Exhaustion: epoch deadline exceeded");
    expect(exports.notify(8, 1)).toBe(0);
  });

  it("wakes a guest that blocks the main thread", async () => {
    const { exports, instance, memory } = guest();
    const { ready } = begin({ memory: memory.share(), call: ["wake", 8] });
    await ready;
    expect(exports.wait32(8, 0, 30_000_000_000n)).toBe(0);
    // The same where somebody watches, so that it is done in pieces.
    const other = begin({ memory: memory.share(), call: ["wake", 8] });
    await other.ready;
    const epoch = new Epoch();
    const watched = guest({ epoch, epochDeadline: 1 }, memory.share());
    expect(watched.exports.wait32(8, 0, 30_000_000_000n)).toBe(0);
    const late = begin({ memory: memory.share(), call: ["wake", 8] });
    await late.ready;
    expect(instance.func("wait32").with({ timeout: 30_000 }).call(8, 0, FOREVER)).toBe(0);
  });
});
