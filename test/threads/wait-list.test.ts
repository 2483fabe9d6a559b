// The list of who waits by itself: order, places that are given back, hosts that have less.

import { afterEach, describe, expect, it, vi } from "vitest";
import { type Place, WAIT_LIST_WORDS, WaitList } from "../../src/runtime/wait-list.ts";
import { sleep } from "../api/support.ts";

function listOf(tickets = 0) {
  const words = new Int32Array(new SharedArrayBuffer(4 * WAIT_LIST_WORDS));
  words[0] = tickets;
  const list = new WaitList(words);
  return { list, words, join: (address = 8) => list.join(address, {}) as Place };
}

describe("a list", () => {
  it("wakes in the order of arrival, whatever places were free, also when tickets begin again", () => {
    for (const tickets of [0, 2 ** 30 - 3, 2 ** 31 - 3, -3]) {
      const { join, list } = listOf(tickets);
      const [a, b, c] = [join(), join(), join()];
      list.leave(a);
      const [d, e] = [join(), join(12)];
      expect(d.at).toBe(a.at);
      const woken = () => [b, c, d, e].map((place) => list.isNotified(place));
      expect([list.notify(8, 1), woken()]).toEqual([1, [true, false, false, false]]);
      expect([list.notify(8, 1), woken()]).toEqual([1, [true, true, false, false]]);
      expect([list.notify(8, 9), list.notify(8, 9)]).toEqual([1, 0]);
      expect([list.leave(b), list.leave(e), list.notify(12, 1)]).toEqual([true, false, 0]);
    }
  });

  it("knows addresses of which 32 bits are not enough", () => {
    const { join, list } = listOf();
    const far = 2 ** 33 + 8;
    const place = join(far);
    expect([list.notify(8, 1), list.notify(far, 1), list.leave(place)]).toEqual([0, 1, true]);
  });
});

describe("a promise", () => {
  afterEach(() => vi.unstubAllGlobals());

  const isFulfilled = async (promise: Promise<void>, within: number) =>
    await Promise.race([promise.then(() => true), sleep(within).then(() => false)]);

  it("fulfils when the place is notified, left, or the time is over", async () => {
    const { join, list } = listOf();
    for (const end of [() => list.notify(8, 1), (place: Place) => list.leave(place)]) {
      const place = join();
      const promise = list.promise(place, 60_000);
      expect(await isFulfilled(promise, 5)).toBe(false);
      end(place);
      expect(await isFulfilled(promise, 5_000)).toBe(true);
    }
    expect(await isFulfilled(list.promise(join(), 5), 5_000)).toBe(true);
    const place = join();
    list.notify(8, 9);
    expect(await isFulfilled(list.promise(place, 60_000), 5_000)).toBe(true);
  });

  it("where the host has no Atomics.waitAsync, does so by a timer, and without one at once", async () => {
    vi.stubGlobal("Atomics", Object.create(Atomics, { waitAsync: { value: undefined } }));
    const { join, list } = listOf();
    const promise = list.promise(join(), 20);
    expect(await isFulfilled(promise, 2)).toBe(false);
    expect(await isFulfilled(promise, 5_000)).toBe(true);
    const { setTimeout: real } = globalThis;
    vi.stubGlobal("setTimeout", undefined);
    const soon = list.promise(join(), 60_000).then(() => true);
    vi.stubGlobal("setTimeout", real);
    expect(await soon).toBe(true);
  });
});
