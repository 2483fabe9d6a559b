// Waking those who wait at an address of a shared memory (proposal "threads"): guests in the
// memory's own list, and scripts in the host's.

import type { MemoryInstance } from "./memory.ts";

/** Wakes at most `count` of those who wait at an address; how many. */
export function notify(memory: MemoryInstance, address: number, count: number): number {
  const { integers, outside, shared, store } = memory;
  if (shared === null) return 0;
  let woken = 0;
  if (!outside) {
    woken = shared.waiters.notify(address, count);
    store.work += shared.waiters.used;
  }
  return woken + Atomics.notify(integers.bySize[4], address / 4, count - woken);
}
