// Memory instances (spec: 4.2.8). Bytes live in a plain ArrayBuffer that is larger than the memory;
// a view as long as the memory makes growth cheap as long as the buffer lasts (design: section
// 3.12). What reads and writes many bytes at once is in bulk.ts.

import type { MemoryType } from "../module/module.ts";
import type { Lease, Store } from "./store.ts";

/** The longest memory whose accesses the loop itself checks; see interpreter/slow paths. */
const FAST_LIMIT = 2 ** 31 - 1;
/** The most bytes of any memory, whatever its addresses. */
const MOST_BYTES = 2 ** 32;
const DEFAULT_PAGE_LOG2 = 16;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** A linear memory. It has no pages until it grows. */
export class MemoryInstance {
  readonly type: MemoryType;
  readonly store: Store;
  /** Its part of the store's `memoryBytes`. */
  readonly lease: Lease;
  pages = 0;
  /** All of the memory, and not a byte more. */
  view: DataView = NO_VIEW;
  bytes: Uint8Array = NO_BYTES;
  /** Length in bytes, but at most 2^31 - 1. */
  fastLength = 0;

  constructor(store: Store, type: MemoryType) {
    this.store = store;
    this.type = type;
    this.lease = store.lease("memoryBytes", this);
  }

  get pageSize(): number {
    return 2 ** this.type.pageSizeLog2;
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  /** The most pages that the type allows, and the size of addresses and the host's buffers. */
  private get mostPages(): number {
    const { address64, max, pageSizeLog2 } = this.type;
    const pages = MOST_BYTES / this.pageSize;
    // With other page sizes, the number of pages has to be an address itself.
    const most = address64 || pageSizeLog2 === DEFAULT_PAGE_LOG2 ? pages : pages - 1;
    return max === null ? most : Math.min(Number(max), most);
  }

  /**
   * Grows by `delta` pages: the former size in pages, or -1 if the type's maximum, the store's
   * limit or the host does not allow it (spec: growing memories). The contents stay, new pages are
   * zero. A `delta` beyond 2^53 may be rounded.
   */
  grow(delta: number): number {
    const { lease, pages, pageSize, store } = this;
    const wanted = pages + delta;
    if (wanted > this.mostPages || !store.allows("memoryBytes", delta * pageSize)) return -1;
    try {
      this.resize(wanted * pageSize);
    } catch (error) {
      // The host has no such ArrayBuffer to give.
      if (error instanceof RangeError) return -1;
      throw error;
    }
    // Only now, so that what the host refused is in no peak.
    lease.extend(delta * pageSize);
    this.pages = wanted;
    return pages;
  }

  private resize(length: number): void {
    let { buffer } = this.bytes;
    if (length > buffer.byteLength) {
      buffer = this.bufferFor(length);
      new Uint8Array(buffer).set(this.bytes);
    }
    const bytes = new Uint8Array(buffer, 0, length);
    this.view = new DataView(buffer, 0, length);
    this.bytes = bytes;
    this.fastLength = Math.min(length, FAST_LIMIT);
  }

  /** A memory that grows once will grow again: half as much in reserve, if the host has it. */
  private bufferFor(length: number): ArrayBuffer {
    const capacity = this.capacityFor(length);
    if (capacity > length) {
      try {
        return new ArrayBuffer(capacity);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return new ArrayBuffer(length);
  }

  /** No more than the memory may ever have: its maximum, and what the store's limit leaves. */
  private capacityFor(length: number): number {
    if (this.pages === 0) return length;
    const { limits } = this.store;
    const most = Math.min(this.mostPages * this.pageSize, limits.memoryBytes);
    return Math.max(length, Math.min(Math.ceil(length * 1.5), most));
  }
}
