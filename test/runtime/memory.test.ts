// Memories and tables grow within their type, the store's limit and what the host has, and keep
// what they hold.

import { afterEach, describe, expect, it, vi } from "vitest";
import type { MemoryType, TableType } from "../../src/module/module.ts";
import type { MemoryInstance } from "../../src/runtime/memory.ts";
import type { TableInstance } from "../../src/runtime/table.ts";
import { memory, Store, table, thrown } from "./support.ts";

const PAGE = 65536;

const memoryOf = (store: Store, type: Partial<MemoryType> = {}) =>
  memory(store, type).value as MemoryInstance;
const tableOf = (store: Store, type: Partial<TableType> = {}) =>
  table(store, type).value as TableInstance;

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A host whose buffers have at most `most` bytes. */
function smallHost(most: number): void {
  const Host = ArrayBuffer;
  vi.stubGlobal(
    "ArrayBuffer",
    class extends Host {
      constructor(length: number) {
        if (length > most) throw new RangeError("Array buffer allocation failed");
        super(length);
      }
    },
  );
}

describe("a memory", () => {
  it("keeps its bytes when it grows, and new ones are zero", () => {
    const grown = memoryOf(new Store(), { min: 1n });
    grown.bytes.fill(0xab);
    for (let pages = 1; pages < 20; pages++) {
      expect(grown.grow(1)).toBe(pages);
      expect(grown.bytes.length).toBe((pages + 1) * PAGE);
      expect(grown.view.byteLength).toBe((pages + 1) * PAGE);
      expect(grown.fastLength).toBe((pages + 1) * PAGE);
      // Every page but the first must be clean, also where the buffer was not replaced.
      expect(grown.bytes.subarray(0, PAGE).every((byte) => byte === 0xab)).toBe(true);
      expect(grown.bytes.subarray(pages * PAGE).every((byte) => byte === 0)).toBe(true);
    }
  });

  it("shows the same bytes through its view", () => {
    const grown = memoryOf(new Store(), { min: 1n });
    grown.grow(3);
    grown.view.setInt32(4 * PAGE - 4, 0x01020304, true);
    expect([...grown.bytes.subarray(-4)]).toEqual([4, 3, 2, 1]);
    expect(() => grown.view.getInt8(4 * PAGE)).toThrow(RangeError);
  });

  it("reaches its maximum and not a page more", () => {
    const grown = memoryOf(new Store(), { min: 1n, max: 3n });
    expect(grown.grow(3)).toBe(-1);
    expect(grown.pages).toBe(1);
    expect(grown.grow(2)).toBe(1);
    expect(grown.grow(1)).toBe(-1);
    expect(grown.grow(0)).toBe(3);
  });

  it("reaches the store's limit and not a page more", () => {
    const store = new Store({ memoryBytes: 3 * PAGE });
    const one = memoryOf(store, { min: 1n });
    const two = memoryOf(store, { min: 1n });
    expect(one.grow(2)).toBe(-1);
    expect(one.grow(1)).toBe(1);
    expect(two.grow(1)).toBe(-1);
    expect(store.usage("memoryBytes")).toBe(3 * PAGE);
    expect(memoryOf(new Store({ memoryBytes: 4 * PAGE }), { min: 1n }).grow(3)).toBe(1);
  });

  it.each([
    ["as numbers below 2^53", 65536],
    ["beyond every number of pages", 2 ** 64],
  ])("does not grow by too many pages, %s", (_, delta) => {
    const store = new Store({ memoryBytes: Number.POSITIVE_INFINITY });
    const grown = memoryOf(store, { min: 1n, address64: true });
    expect(grown.grow(delta)).toBe(-1);
    expect(store.usage("memoryBytes")).toBe(PAGE);
  });

  it("does not grow where the host has no buffer, and is as it was", () => {
    const store = new Store();
    const grown = memoryOf(store, { min: 1n });
    grown.bytes[7] = 7;
    smallHost(2 * PAGE);
    // 1.5 times 2 pages is more than the host has, but 2 pages it has.
    expect(grown.grow(1)).toBe(1);
    expect(grown.grow(1)).toBe(-1);
    expect(grown.pages).toBe(2);
    expect(grown.bytes[7]).toBe(7);
    expect(store.usage("memoryBytes")).toBe(2 * PAGE);
    expect(store.peakMemoryBytes).toBe(2 * PAGE);
  });

  it("is an error where the host has no buffer for its first pages", () => {
    const store = new Store();
    smallHost(PAGE);
    const error = thrown(() => memoryOf(store, { min: 2n }));
    expect(error).toMatchObject({ name: "Exhaustion", kind: "hostMemory" });
    expect(store.usage("memoryBytes")).toBe(0);
  });

  it("may have pages of one byte", () => {
    const store = new Store();
    const grown = memoryOf(store, { min: 3n, max: 70_000n, pageSizeLog2: 0 });
    expect(grown.byteLength).toBe(3);
    expect(grown.grow(69_997)).toBe(3);
    expect(grown.grow(1)).toBe(-1);
    expect(store.usage("memoryBytes")).toBe(70_000);
    // 2^32 pages would be one more than an i32 can say; 2^16 pages of 64 KiB are fine.
    const lavish = new Store({ memoryBytes: Number.POSITIVE_INFINITY });
    expect(memoryOf(lavish, { pageSizeLog2: 0 }).grow(2 ** 32)).toBe(-1);
  });

  it("remembers how much there was at most", () => {
    const store = new Store();
    const grown = memoryOf(store, { min: 1n });
    grown.grow(2);
    grown.lease.release();
    expect(store.usage("memoryBytes")).toBe(0);
    expect(store.peakMemoryBytes).toBe(3 * PAGE);
  });
});

describe("a table", () => {
  it("keeps its elements when it grows, and new ones hold the value", () => {
    const grown = tableOf(new Store(), { min: 2n });
    grown.head[1] = "kept";
    expect(grown.grow(2, "new")).toBe(2);
    expect(grown.head).toEqual([null, "kept", "new", "new"]);
  });

  it("reaches its maximum and the store's limit, and not an element more", () => {
    const store = new Store({ tableElements: 5 });
    const bounded = tableOf(store, { min: 1n, max: 3n });
    expect(bounded.grow(3, null)).toBe(-1);
    expect(bounded.grow(2, null)).toBe(1);
    const open = tableOf(store, { min: 1n });
    expect(open.grow(2, null)).toBe(-1);
    expect(open.head).toHaveLength(1);
    expect(open.grow(1, null)).toBe(1);
    expect(store.usage("tableElements")).toBe(5);
  });

  it("does not grow beyond what an array may hold, whatever the limits", () => {
    const grown = tableOf(new Store({ tableElements: Number.POSITIVE_INFINITY }));
    expect(grown.grow(2 ** 32 - 1, null)).toBe(-1);
    expect(grown.grow(2 ** 64, null)).toBe(-1);
    expect(grown.head).toHaveLength(0);
  });
});
