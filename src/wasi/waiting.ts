// Letting time pass: by a timer while the guest is suspended, or by blocking the thread where it
// cannot be. Both in short pieces, so that a deadline, an epoch or a signal is seen in time and no
// timer outlives the call by much.

import { fail } from "./errno.ts";

/** A call that may be stopped while it waits, such as an `Execution`. */
export interface Stoppable {
  /** Milliseconds until it is; 0: now. */
  readonly timeLeft: number;
}

/** Milliseconds until the next look at what may stop the guest. */
const LONGEST_TIMER = 250;
const LONGEST_BLOCK = 5;
/** Longest delay that timers take. */
const LONGEST_DELAY = 2 ** 31 - 1;

interface Host {
  readonly setTimeout?: (action: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
}

const host = globalThis as unknown as Host;

/** Nobody ever wakes it. */
let cell: Int32Array | null = null;

function piece(milliseconds: number, longest: number, execution: Stoppable | null): number {
  // A timer that fires just before a deadline would only have to be set again.
  const left = (execution?.timeLeft ?? Number.POSITIVE_INFINITY) + 1;
  // Who waits for no clock is woken by the deadline alone.
  const most = milliseconds === Number.POSITIVE_INFINITY ? LONGEST_DELAY : longest;
  return Math.min(Math.ceil(milliseconds), most, Math.ceil(left));
}

/**
 * Blocks this thread for a while, at most `milliseconds`.
 * @throws WasiError "notsup" where the host cannot block, as on a browser's main thread
 */
export function block(milliseconds: number, execution: Stoppable | null): void {
  if (typeof SharedArrayBuffer === "undefined") fail("notsup", "this host cannot block");
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  try {
    Atomics.wait(cell, 0, 0, piece(milliseconds, LONGEST_BLOCK, execution));
  } catch (error) {
    if (error instanceof TypeError) fail("notsup", "this thread must not block");
    throw error;
  }
}

/** Something that tells when there is more of it, such as an `Input`. */
export interface Source {
  readonly arrivals: Set<() => void>;
}

/** Fulfils after a while, at most `milliseconds`, or as soon as one of `sources` has something. */
export function pause(
  milliseconds: number,
  sources: Iterable<Source>,
  execution: Stoppable | null,
): Promise<void> {
  const { clearTimeout, setTimeout } = host;
  const isTimed = milliseconds !== Number.POSITIVE_INFINITY;
  if (isTimed && setTimeout === undefined) fail("notsup", "this host has no timers");
  const left = execution?.timeLeft ?? Number.POSITIVE_INFINITY;
  const isBounded = isTimed || left !== Number.POSITIVE_INFINITY;
  return new Promise((resolve) => {
    let timer: unknown;
    // Nothing may stay behind: a guest can wait for a silent source a thousand times a second.
    const wake = () => {
      clearTimeout?.(timer);
      for (const { arrivals } of sources) arrivals.delete(wake);
      resolve();
    };
    for (const { arrivals } of sources) arrivals.add(wake);
    if (isBounded) timer = setTimeout?.(wake, piece(milliseconds, LONGEST_TIMER, execution));
  });
}
