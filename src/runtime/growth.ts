// The growth of a memory that takes long, in pieces, for the instruction that has begun it.

import type { MemoryInstance } from "./memory.ts";

/** A growth that an instruction has paid for and begun. */
export interface Growing {
  /** What the growth has given; null: it is not complete. */
  readonly result: number | null;
  /** Does a piece; whether it is complete. */
  advance(): boolean;
  /** Nobody waits for it any more. */
  abandon(): void;
}

/** One that is complete, and whose result the instruction has not given yet. */
export class Grown implements Growing {
  readonly result: number;

  constructor(result: number) {
    this.result = result;
  }

  advance(): boolean {
    return true;
  }

  abandon(): void {}
}

/**
 * A growth whose bytes go into a larger buffer, piece by piece. Until all are there the memory is
 * as it was, and no guest of the store runs: who wants to goes on with it first (`Store.isReady`).
 */
export class Growth implements Growing {
  private readonly memory: MemoryInstance;
  readonly delta: number;
  /** The buffer that the bytes come from, and the one that they go to; null before the first. */
  from: ArrayBufferLike | null = null;
  to: ArrayBuffer | null = null;
  /** Bytes that are there. */
  copied = 0;
  result: number | null = null;

  constructor(memory: MemoryInstance, delta: number) {
    this.memory = memory;
    this.delta = delta;
  }

  advance(): boolean {
    this.result ??= this.memory.advance(this);
    if (this.result !== null) this.abandon();
    return this.result !== null;
  }

  abandon(): void {
    const { store } = this.memory;
    if (store.growth === this) store.growth = null;
  }

  /** The host may write to the bytes of a memory: what is there of them is not right any more. */
  disturb(memory: MemoryInstance): void {
    if (memory === this.memory) this.copied = 0;
  }
}
