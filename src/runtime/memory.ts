// Memory instances (spec: 4.2.8). Bytes live in a plain ArrayBuffer that is larger than the memory;
// a view as long as the memory makes growth cheap as long as the buffer lasts (design: section
// 3.12). What reads and writes many bytes at once is in bulk.ts.

import { DEFAULT_PAGE_LOG2, type MemoryType } from "../module/module.ts";
import { viewForLoop } from "./frozen.ts";
import { Growth } from "./growth.ts";
import { requireHeadroom } from "./headroom.ts";
import {
  detach,
  type GrowingBytes,
  growingBytes,
  HOST_PAGE,
  type HostMemory,
  ResizableBytes,
} from "./host-memory.ts";
import { Integers } from "./integers.ts";
import { SharedBytes } from "./shared-bytes.ts";
import type { Lease, Store } from "./store.ts";

/** The longest memory whose accesses the loop itself checks; see interpreter/slow paths. */
const FAST_LIMIT = 2 ** 31 - 1;
/** The most bytes of a memory, by its addresses; those of 64 bits are V8's. */
const MOST_BYTES = 2 ** 32;
const MOST_BYTES_64 = 2 ** 34;
/** Bytes from the begin of one window to that of the next: half of what one shows. */
const WINDOW_STEP = 2 ** 31;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = viewForLoop(new DataView(NO_BYTES.buffer));

/** What asking how long a shared memory is counts for: the host takes half a microsecond. */
const REFRESH_WORK = 100;

/** From so many bytes on, moving them takes longer than having the host make a memory (25 µs). */
const OUTSIDE_BYTES = 1 << 19;

/** Bytes that a growth copies in one piece, and what that counts for (see `Store.work`). */
const PIECE_BYTES = 1 << 19;
const PIECE_WORK = 60_000;

/** The same number, as a small integer of V8's if it can be one: a quotient may be none. */
function smallInteger(value: number): number {
  const small = value | 0;
  return small === value ? small : value;
}

/** A linear memory. It has no pages until it grows. */
export class MemoryInstance {
  readonly type: MemoryType;
  readonly store: Store;
  /** Its part of the store's `memoryBytes`. */
  readonly lease: Lease;
  /** To V8 a small integer: another kind of number would change the shape of all memories. */
  pages = 0;
  /** All of the memory, and not a byte more. */
  view: DataView = NO_VIEW;
  bytes: Uint8Array<ArrayBufferLike> = NO_BYTES;
  /** Length in bytes, but at most 2^31 - 1. */
  fastLength = 0;
  /** What the loops for long memories see, and its length: all that there is, or a window of it. */
  window: DataView = NO_VIEW;
  /** No small integer to V8 even now: the first one above 2^31 would change all memories' shape. */
  windowLength = -0;
  /** Whether it has more bytes than addresses of 32 bits reach. */
  isHuge = false;
  /** The windows that have been looked through, by where they begin. */
  private readonly windows: DataView[] = [];
  private elements: Integers | null = null;
  /** The buffer that somebody outside has; null if nobody has asked since it last changed. */
  private exposed: ArrayBufferLike | null = null;
  /** The buffer that grows with the memory, if one was asked for instead; the bytes lie in it. */
  private resizable: ResizableBytes | null = null;
  /** Memory of the host that the bytes lie in; null while they lie in a buffer of our own. */
  private growing: GrowingBytes | null = null;
  /** Whether somebody will ask for the buffer. */
  readonly outside: boolean;
  /** What the type `shared` means: the bytes are those of others, too. */
  shared: SharedBytes | null = null;

  constructor(store: Store, type: MemoryType, outside = false) {
    this.store = store;
    this.type = type;
    this.outside = outside;
    this.lease = store.lease("memoryBytes", this);
  }

  get pageSize(): number {
    return 1 << this.type.pageSizeLog2;
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  /** The bytes as the host's `Atomics` want them. */
  get integers(): Integers {
    this.elements ??= new Integers(this.bytes);
    return this.elements;
  }

  /** The most pages that the type and its addresses allow. */
  get mostPages(): number {
    const { address64, max, pageSizeLog2, shared } = this.type;
    const pages = (address64 && !shared ? MOST_BYTES_64 : MOST_BYTES) / this.pageSize;
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
    if (!this.mayGrow(delta)) return -1;
    requireHeadroom();
    if (this.type.shared) return this.growShared(delta);
    return this.complete(delta, (length) => this.resize(length));
  }

  /** The same in pieces, where that takes long: the result, or what is to be advanced. */
  growInPieces(delta: number): number | Growth {
    const length = (this.pages + delta) * this.pageSize;
    if (this.bytes.length <= PIECE_BYTES || !this.mustMove(length)) return this.grow(delta);
    this.store.growth = new Growth(this, delta);
    return this.store.growth;
  }

  /** For `Growth`: does a piece of it; its result, or null if there is more to do. */
  advance(growth: Growth): number | null {
    const { bytes, store } = this;
    const { delta } = growth;
    const length = (this.pages + delta) * this.pageSize;
    if (!this.mayGrow(delta)) return -1;
    if (growth.from !== bytes.buffer) {
      // The host has grown it meanwhile, or asked for its buffer.
      if (!this.mustMove(length)) return this.grow(delta);
      growth.to = this.moveTo(length);
      growth.from = bytes.buffer;
      growth.copied = 0;
    }
    const { copied, to } = growth;
    if (to === null) return -1;
    const end = Math.min(copied + PIECE_BYTES, bytes.length);
    new Uint8Array(to).set(bytes.subarray(copied, end), copied);
    growth.copied = end;
    store.work += PIECE_WORK;
    if (end < bytes.length) return null;
    return this.complete(delta, () => {
      this.adopt(to, length);
      return true;
    });
  }

  /** `grow` of a shared memory, others of which may grow it at the same time. */
  private growShared(delta: number): number {
    const { pageSize, shared } = this;
    if (shared === null) {
      try {
        const most = this.mostPages * pageSize;
        this.shared = SharedBytes.allocate(delta * pageSize, most, pageSize, this.outside);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      if (this.shared === null) return -1;
      this.refresh();
      return 0;
    }
    const before = shared.grow(delta * pageSize);
    if (before < 0) return -1;
    this.refresh();
    this.exposed = null;
    return before / pageSize;
  }

  /** Takes note of what others have added to a shared memory; whether there was anything. */
  refresh(): boolean {
    const { lease, pageSize, shared, store } = this;
    if (shared === null) return false;
    store.work += REFRESH_WORK;
    const { length } = shared;
    if (length === this.bytes.length) return false;
    // Nobody here has asked for them, but here they are.
    lease.hold(length - this.bytes.length);
    this.pages = smallInteger(length / pageSize);
    this.adopt(shared.buffer, length);
    return true;
  }

  /** Whether the bytes below `end` are there; a shared memory may have become longer meanwhile. */
  reaches(end: number): boolean {
    return end <= this.bytes.length || (this.refresh() && end <= this.bytes.length);
  }

  /** Continues with bytes that somebody else shares. */
  join(shared: SharedBytes): void {
    this.shared = shared;
    this.refresh();
  }

  private mayGrow(delta: number): boolean {
    this.refresh();
    if (this.pages + delta > this.mostPages) return false;
    return this.store.allows("memoryBytes", delta * this.pageSize);
  }

  /** Grows by `resize`, which gives false or raises a RangeError if the host has not so much. */
  private complete(delta: number, resize: (length: number) => boolean): number {
    const { lease, pages, pageSize } = this;
    try {
      if (!resize((pages + delta) * pageSize)) return -1;
    } catch (error) {
      if (error instanceof RangeError) return -1;
      throw error;
    }
    // Only now, so that what the host refused is in no peak.
    lease.extend(delta * pageSize);
    this.pages = smallInteger(pages + delta);
    return pages;
  }

  /** The host may write to the bytes now: a growth that is under way must not lose that. */
  touched(): void {
    this.store.growth?.disturb(this);
  }

  /** Whether bytes in a buffer of our own have to go to another one to become so many. */
  private mustMove(length: number): boolean {
    const { bytes, exposed, growing, resizable, type } = this;
    if (exposed !== null || growing !== null || resizable !== null || type.shared) return false;
    return length > bytes.buffer.byteLength;
  }

  private moveTo(length: number): ArrayBuffer | null {
    try {
      return this.bufferFor(length);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  /**
   * The memory's bytes as a buffer of just their length (JS-API: 5.3, [[BufferObject]]): the same
   * one until the memory grows, which detaches it. From then on the memory keeps nothing in reserve
   * that the host does not hide. A shared memory's buffer is a SharedArrayBuffer, and frozen; where
   * the host has no memory of its own, it is as long as the memory may become.
   */
  expose(): ArrayBufferLike {
    const { shared } = this;
    if (shared !== null) {
      // The host's changes without becoming longer, too, whenever it is asked how long it is.
      const { buffer } = shared;
      if (buffer.byteLength !== this.exposed?.byteLength) this.exposed = Object.freeze(buffer);
    } else if (this.exposed === null) {
      requireHeadroom();
      if (this.growing === null) this.moveOut();
      this.exposed = this.bytes.buffer;
    }
    return this.exposed;
  }

  /**
   * The memory's bytes as a buffer that grows with them (JS-API: toResizableBuffer). Its `resize`
   * grows the memory. Accesses are many times slower from then on.
   * @throws TypeError without a maximum, for a shared memory, and where the host has none of these
   */
  exposeResizable(): ArrayBuffer {
    const { pageSize, type } = this;
    if (type.max === null) throw new TypeError("the memory must have a maximum");
    if (type.shared) throw new TypeError("a shared memory has no resizable buffer");
    if (this.resizable !== null) return this.resizable.buffer;
    requireHeadroom();
    const former = this.expose() as ArrayBuffer;
    const resizable = new ResizableBytes(this.bytes, this.mostPages * pageSize, (length) => {
      const delta = (length - this.byteLength) / pageSize;
      const isGrowth = delta >= 0 && Number.isInteger(delta);
      if (!isGrowth || this.grow(delta) < 0) throw new RangeError("the memory cannot grow to that");
    });
    this.replace(former, resizable.buffer);
    this.resizable = resizable;
    return resizable.buffer;
  }

  /** `expose`, also for a memory that has a resizable buffer, which is detached. */
  exposeFixed(): ArrayBufferLike {
    const { resizable } = this;
    if (resizable !== null) {
      requireHeadroom();
      this.moveOut();
      this.resizable = null;
      this.exposed = null;
      detach(resizable.buffer);
    }
    return this.expose();
  }

  /**
   * Whether somebody outside has taken the bytes away (`structuredClone` with `transfer`), which no
   * host allows that has memory of its own to hold them. Accesses raise the host's TypeError then.
   */
  get isDetached(): boolean {
    return this.pages > 0 && this.bytes.length === 0;
  }

  /** Continues with a copy of the bytes in place of a buffer that is known outside. */
  private replace(former: ArrayBuffer, buffer: ArrayBuffer): void {
    this.adopt(buffer);
    // A host's memory is detached by growing alone.
    if (this.growing === null) detach(former);
    else this.growing.grow(0);
    this.growing = null;
    this.exposed = buffer;
  }

  /** Whether the bytes have a buffer of their own that is no longer than they are. */
  private isExact(): boolean {
    const { buffer, length } = this.bytes;
    return this.resizable === null && buffer.byteLength === length && buffer !== NO_BYTES.buffer;
  }

  /**
   * Moves the bytes to where somebody outside may have the buffer, but not take it away: into
   * memory of the host. Where there is none, into a buffer that is as long as they are.
   */
  private moveOut(): void {
    const { bytes } = this;
    this.growing = this.growingBytes(bytes.length);
    if (this.growing === null && this.isExact()) return;
    const buffer = this.growing?.buffer ?? new ArrayBuffer(bytes.length);
    new Uint8Array(buffer).set(bytes);
    this.adopt(buffer);
  }

  /** The host's memory that the bytes lie in, moved there if they were not; null: it has none. */
  inHost(): HostMemory | null {
    if (this.type.shared) return this.shared?.inHost() ?? null;
    if (this.resizable !== null) return null;
    if (this.growing === null && this.exposed === null) {
      requireHeadroom();
      this.moveOut();
    }
    return this.growing?.memory ?? null;
  }

  /** Whether the bytes still lie in a memory of the host's that `inHost` gave. */
  liesIn(memory: object): boolean {
    return this.type.shared || this.growing?.memory === memory;
  }

  /** Continues with the bytes in `buffer`, the first `length` of them. */
  private adopt(buffer: ArrayBufferLike, length = buffer.byteLength): void {
    this.bytes = new Uint8Array(buffer, 0, length);
    this.view = viewForLoop(new DataView(buffer, 0, length));
    this.fastLength = Math.min(length, FAST_LIMIT);
    this.elements = null;
    this.window = this.view;
    this.windowLength = length;
    this.isHuge = length > MOST_BYTES;
    this.windows.length = 0;
  }

  /**
   * Of a huge memory: has the loops, which compute in 32 bits, see the window in whose lower half
   * `address` lies; its address there. Beyond the end they see nothing.
   */
  lookAt(address: number): number {
    const { bytes, windows } = this;
    const index = Math.floor(address / WINDOW_STEP);
    const begin = index * WINDOW_STEP;
    const length = Math.max(0, Math.min(bytes.length - begin, 2 * WINDOW_STEP));
    if (length === 0) this.window = NO_VIEW;
    else {
      windows[index] ??= viewForLoop(new DataView(bytes.buffer, begin, length));
      this.window = windows[index];
    }
    this.windowLength = length;
    return address - begin;
  }

  /** False if the host has not got so much, which it may also say by a RangeError. */
  private resize(length: number): boolean {
    const { bytes, exposed, growing, resizable } = this;
    if (resizable !== null) {
      resizable.setLength(length);
      this.adopt(resizable.buffer);
      return true;
    }
    if (growing !== null) {
      if (growing.grow((length - bytes.length) / HOST_PAGE) < 0) return false;
      this.adopt(growing.buffer);
    } else if (exposed !== null) this.growExposed(exposed, length);
    else if (!this.beginOutside(length)) {
      let { buffer } = bytes;
      if (length > buffer.byteLength) {
        buffer = this.bufferFor(length);
        new Uint8Array(buffer).set(bytes);
      }
      this.adopt(buffer, length);
    }
    this.exposed = null;
    return true;
  }

  /** The first bytes of a memory that will be exposed: where they need not be moved later. */
  private beginOutside(length: number): boolean {
    if (!this.outside || this.pages > 0 || length < OUTSIDE_BYTES) return false;
    this.growing = this.growingBytes(length);
    if (this.growing === null) return false;
    this.adopt(this.growing.buffer);
    return true;
  }

  /**
   * Growth of a memory whose buffer is known outside. Who has asked once will ask again: memory of
   * the host needs no copy then, neither for the next growth nor for the next question.
   */
  private growExposed(exposed: ArrayBufferLike, length: number): void {
    const { bytes } = this;
    this.growing = this.growingBytes(length);
    const buffer = this.growing?.buffer ?? new ArrayBuffer(length);
    new Uint8Array(buffer).set(bytes);
    this.adopt(buffer);
    detach(exposed as ArrayBuffer);
  }

  private growingBytes(length: number): GrowingBytes | null {
    if (this.type.pageSizeLog2 !== DEFAULT_PAGE_LOG2) return null;
    return growingBytes(length, this.mostPages * this.pageSize, false);
  }

  /** A memory that grows once will grow again: half as much in reserve, if the host has it. */
  private bufferFor(length: number): ArrayBuffer {
    const capacity = this.capacityFor(length);
    if (capacity > length) {
      try {
        return usableBuffer(capacity);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return usableBuffer(length);
  }

  /** No more than the memory may ever have: its maximum, and what the store's limit leaves. */
  private capacityFor(length: number): number {
    if (this.pages === 0) return length;
    const { limits } = this.store;
    const most = Math.min(this.mostPages * this.pageSize, limits.memoryBytes);
    return Math.max(length, Math.min(Math.ceil(length * 1.5), most));
  }
}

/**
 * Zeros that an array can be laid over: not so with the longest buffers of some hosts (Node 20).
 * @throws RangeError if the host has not got so many
 */
function usableBuffer(length: number): ArrayBuffer {
  return new Uint8Array(new ArrayBuffer(length)).buffer;
}
