// Memory instances (spec: 4.2.8). Bytes live in a plain ArrayBuffer that is larger than the memory; a
// view as long as the memory makes growth cheap as long as the buffer lasts (design: section 3.12).

import type { MemoryType } from "../module/module.ts";
import type { Store } from "./store.ts";

/** The longest memory whose accesses the loop itself checks; see interpreter/slow paths. */
const FAST_LIMIT = 2 ** 31 - 1;

/** A linear memory. */
export class MemoryInstance {
  readonly type: MemoryType;
  readonly store: Store;
  pages = 0;
  /** All of the memory, and not a byte more. */
  view: DataView = new DataView(new ArrayBuffer(0));
  bytes: Uint8Array = new Uint8Array(0);
  /** Length in bytes, but at most 2^31 - 1. */
  fastLength = 0;

  constructor(store: Store, type: MemoryType) {
    this.store = store;
    this.type = type;
  }

  get pageSize(): number {
    return 2 ** this.type.pageSizeLog2;
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  /**
   * Grows by `delta` pages: the former size in pages, or -1 if the type's maximum, the store's
   * limit or the host does not allow it (spec: 4.5.3.6). The contents stay, new pages are zero.
   */
  grow(delta: number): number {
    const { pages, pageSize, store, type } = this;
    const wanted = pages + delta;
    const most = Math.min(Number(type.max ?? Number.POSITIVE_INFINITY), 2 ** 32 / pageSize);
    if (wanted > most) return -1;
    if (!store.reserve("memoryBytes", delta * pageSize)) return -1;
    try {
      this.resize(wanted * pageSize);
    } catch (error) {
      // The host has no such ArrayBuffer to give.
      store.reserve("memoryBytes", -delta * pageSize);
      if (error instanceof RangeError) return -1;
      throw error;
    }
    this.pages = wanted;
    return pages;
  }

  private resize(length: number): void {
    let { buffer } = this.bytes;
    if (length > buffer.byteLength) {
      buffer = new ArrayBuffer(this.capacityFor(length));
      new Uint8Array(buffer).set(this.bytes);
    }
    this.bytes = new Uint8Array(buffer, 0, length);
    this.view = new DataView(buffer, 0, length);
    this.fastLength = Math.min(length, FAST_LIMIT);
  }

  /** A memory that grows once will grow again: half as much in reserve, within its maximum. */
  private capacityFor(length: number): number {
    if (this.pages === 0) return length;
    const most = Math.min(Number(this.type.max ?? 65536n) * this.pageSize, 2 ** 32);
    return Math.max(length, Math.min(Math.ceil(length * 1.5), most));
  }
}
