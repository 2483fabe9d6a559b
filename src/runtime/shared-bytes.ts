// The bytes of a shared memory (proposal "threads"), which several workers have, each in a store of
// its own. They grow in place: in memory of the host or, where it has none, in a buffer that is as
// long as they may ever become. That somebody else has made them longer is found out by asking for
// the length.

import { GrowingBytes, growingBytes, HOST_PAGE, type HostMemory } from "./host-memory.ts";
import { raise, WAIT_LIST_WORDS, WaitList } from "./wait-list.ts";

/** Words: the length in pages, and the list of who waits. */
const LENGTH = 0;
const WAITERS = 1;

/** What another worker has to be sent. */
export interface SharedParts {
  readonly bytes: HostMemory | SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
}

function newWords(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * (WAITERS + WAIT_LIST_WORDS));
}

/** Bytes that several workers have. */
export class SharedBytes {
  readonly parts: SharedParts;
  readonly waiters: WaitList;
  private readonly growing: GrowingBytes | null;
  private readonly words: Int32Array<SharedArrayBuffer>;
  private readonly pageSize: number;
  /** Whether others may have been sent the bytes alone, whose length the words do not tell then. */
  private readonly outside: boolean;
  /** The length when it was last asked for. */
  private seen = 0;

  constructor(parts: SharedParts, pageSize: number, outside: boolean) {
    const { bytes, words } = parts;
    this.parts = parts;
    this.growing = bytes instanceof SharedArrayBuffer ? null : new GrowingBytes(bytes);
    this.words = new Int32Array(words);
    this.waiters = new WaitList(this.words.subarray(WAITERS));
    this.pageSize = pageSize;
    this.outside = outside;
  }

  /** Zeros of a memory; null, or a RangeError: the host has not got so many. Sizes in bytes. */
  static allocate(
    length: number,
    most: number,
    pageSize: number,
    outside: boolean,
  ): SharedBytes | null {
    if (typeof SharedArrayBuffer === "undefined") return null;
    const bytes = growingBytes(length, most, true)?.memory ?? new SharedArrayBuffer(most);
    const words = newWords();
    new Int32Array(words)[LENGTH] = length / pageSize;
    return new SharedBytes({ bytes, words }, pageSize, outside);
  }

  /** Those of a shared memory of the host. */
  static of(bytes: HostMemory, pageSize: number): SharedBytes {
    return new SharedBytes({ bytes, words: newWords() }, pageSize, true);
  }

  /** A buffer that begins with the bytes. */
  get buffer(): ArrayBufferLike {
    return this.growing?.buffer ?? (this.parts.bytes as SharedArrayBuffer);
  }

  /** The host's memory that they are in; null: they are in none. */
  inHost(): HostMemory | null {
    return this.growing?.memory ?? null;
  }

  /** How many there are by now, and then `buffer` has as many. */
  get length(): number {
    const { growing, outside, pageSize, seen, words } = this;
    const told = (Atomics.load(words, LENGTH) >>> 0) * pageSize;
    // What others have done shows in the host's memory after a while, or once it is asked to grow.
    if (growing !== null && (outside || told > seen)) growing.grow(0);
    this.seen = outside && growing !== null ? growing.buffer.byteLength : told;
    return this.seen;
  }

  /** Adds `delta` bytes; how many there were, or -1 if the host or the maximum do not allow it. */
  grow(delta: number): number {
    const { growing, pageSize, words } = this;
    if (growing !== null) {
      const pages = growing.grow(delta / HOST_PAGE);
      if (pages < 0) return -1;
      raise(words, LENGTH, pages + delta / HOST_PAGE);
      return pages * HOST_PAGE;
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
