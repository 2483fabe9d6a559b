// The bytes of a shared memory (proposal "threads"), which several workers have, each in a store of
// its own. They grow in place: in memory of the host or, where it has none, in a buffer that is as
// long as they may ever become. That somebody else has made them longer is found out by asking for
// the length.

import { GrowingBytes, growingBytes, HOST_PAGE, type HostMemory } from "./host-memory.ts";
import { WAIT_LIST_WORDS, WaitList } from "./wait-list.ts";

/** Words: the length in pages, where it is not the host that knows it; the list of who waits. */
const LENGTH = 0;
const WAITERS = 1;

/** What another worker has to be sent. */
export interface SharedParts {
  readonly bytes: HostMemory | SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
}

/** Bytes that several workers have. */
export class SharedBytes {
  readonly parts: SharedParts;
  readonly waiters: WaitList;
  private readonly growing: GrowingBytes | null;
  private readonly words: Int32Array<SharedArrayBuffer>;
  private readonly pageSize: number;

  constructor(parts: SharedParts, pageSize: number) {
    const { bytes, words } = parts;
    this.parts = parts;
    this.growing = "grow" in bytes && "buffer" in bytes ? new GrowingBytes(bytes) : null;
    this.words = new Int32Array(words);
    this.waiters = new WaitList(this.words.subarray(WAITERS));
    this.pageSize = pageSize;
  }

  /** So many zeros, which may become `most`; null, or a RangeError: the host has not got them. */
  static allocate(length: number, most: number, pageSize: number): SharedBytes | null {
    if (typeof SharedArrayBuffer === "undefined") return null;
    const growing = growingBytes(length, most, true);
    const words = new SharedArrayBuffer(4 * (WAITERS + WAIT_LIST_WORDS));
    new Int32Array(words)[LENGTH] = length / pageSize;
    return new SharedBytes(
      { bytes: growing?.memory ?? new SharedArrayBuffer(most), words },
      pageSize,
    );
  }

  /** A buffer that begins with the bytes. */
  get buffer(): ArrayBufferLike {
    return this.growing?.buffer ?? (this.parts.bytes as SharedArrayBuffer);
  }

  /** How many there are by now. */
  get length(): number {
    const { growing } = this;
    if (growing === null) return (Atomics.load(this.words, LENGTH) >>> 0) * this.pageSize;
    // What others have done shows after a while, or at once if the host is asked to grow.
    growing.grow(0);
    return growing.buffer.byteLength;
  }

  /** Adds `delta` bytes; how many there were, or -1 if the host or the maximum do not allow it. */
  grow(delta: number): number {
    const { growing, pageSize, words } = this;
    if (growing !== null) {
      const pages = growing.grow(delta / HOST_PAGE);
      return pages < 0 ? -1 : pages * HOST_PAGE;
    }
    for (;;) {
      const before = Atomics.load(words, LENGTH);
      const after = (before >>> 0) + delta / pageSize;
      if (after * pageSize > this.buffer.byteLength) return -1;
      if (Atomics.compareExchange(words, LENGTH, before, after) === before) {
        return (before >>> 0) * pageSize;
      }
    }
  }
}
