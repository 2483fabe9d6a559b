// Epochs (design: section 2, Epoch and time): a counter in shared memory that anyone may advance,
// also another thread while a guest keeps this one busy. What a store does about it is its own
// `epochDeadline`; nothing here stops anything by itself.

import { checkOption, wholeNumber } from "../module/options.ts";

function newBuffer(): ArrayBufferLike {
  return typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(4) : new SharedArrayBuffer(4);
}

/**
 * A counter that stores compare with their `epochDeadline`.
 *
 * ```ts
 * const epoch = new Epoch();
 * const store = new Store({ epoch, epochDeadline: epoch.value + 1 });
 * new Worker("./watchdog.js", { workerData: epoch.buffer }); // there: Epoch.from(buffer).advance()
 * ```
 */
export class Epoch {
  /** Holds the counter. Shared wherever the host has shared memory: hand it to a worker. */
  readonly buffer: ArrayBufferLike;
  private readonly cell: Int32Array;

  /**
   * An epoch of its own, at 0, or the one whose counter is in `buffer`.
   * @throws TypeError if that is no buffer of at least 4 bytes
   */
  constructor(buffer: ArrayBufferLike = newBuffer()) {
    const tag = Object.prototype.toString.call(buffer);
    if (!/^\[object (Shared)?ArrayBuffer\]$/.test(tag) || buffer.byteLength < 4) {
      throw new TypeError("an epoch is made from the buffer of another one");
    }
    this.buffer = buffer;
    this.cell = new Int32Array(buffer, 0, 1);
  }

  /** The epoch whose counter is in `buffer`, e.g. one that another thread has sent. */
  static from(buffer: ArrayBufferLike): Epoch {
    return new Epoch(buffer);
  }

  /** Ticks so far, as a signed 32-bit number that wraps around. */
  get value(): number {
    return Atomics.load(this.cell, 0);
  }

  /** Lets `ticks` pass, 1 by default; the new value. @throws TypeError, RangeError */
  advance(ticks = 1): number {
    checkOption("advance", "ticks", ticks, wholeNumber(-(2 ** 31), 2 ** 31 - 1));
    return (Atomics.add(this.cell, 0, ticks) + ticks) | 0;
  }

  /** Whether the counter has come to `deadline`; wrapping around does no harm. */
  reached(deadline: number): boolean {
    return deadline !== Number.POSITIVE_INFINITY && ((this.value - deadline) | 0) >= 0;
  }
}
