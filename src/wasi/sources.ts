// Clocks and random numbers that can be granted to a guest. The defaults depend on nothing: a run
// gives the same results everywhere and every time. The real ones are there to be asked for.

import { aBigint, checkedOptions, type OptionTable, objectWith } from "../module/options.ts";
import { millisecondsNow } from "../runtime/clock.ts";

/** Clocks of WASI (witx: $clockid). */
export type ClockName = "realtime" | "monotonic" | "process_cputime_id" | "thread_cputime_id";

/** Where a guest's time comes from. */
export interface Clock {
  /** Nanoseconds; of `realtime` since 1970. */
  now(clock: ClockName): bigint;
  /** Nanoseconds between two different values. */
  resolution(clock: ClockName): bigint;
  /**
   * Lets nanoseconds pass at once: for clocks that make up their time. Where it is missing, a
   * guest that sleeps waits for real.
   */
  advance?(nanoseconds: bigint): void;
}

/** The check of options that are clocks. */
export const CLOCK = objectWith("a clock", "now", "resolution");

/** Fills all of `bytes` with random numbers. */
export type RandomSource = (bytes: Uint8Array) => void;

/** Where `fixedClock` begins by default: 10^9 seconds after 1970, in September 2001. */
const BEGINNING = 1_000_000_000_000_000_000n;
const MICROSECOND = 1_000n;

interface FixedClockOptions {
  readonly start?: bigint;
  readonly step?: bigint;
}

const FIXED_CLOCK_OPTIONS: OptionTable<FixedClockOptions> = { start: aBigint, step: aBigint };

/**
 * A clock of its own: each look at it takes `step` nanoseconds (default 1,000), and sleeping
 * advances it at once. `start`: its first realtime, by default 10^9 s; the other clocks begin at 0.
 */
export function fixedClock(options: FixedClockOptions = {}): Clock {
  const checked = checkedOptions("fixedClock", options, FIXED_CLOCK_OPTIONS);
  const { start = BEGINNING, step = MICROSECOND } = checked;
  let passed = 0n;
  return {
    now(clock) {
      passed += step;
      return clock === "realtime" ? start + passed : passed;
    },
    resolution: () => (step > 0n ? step : 1n),
    advance(nanoseconds) {
      passed += nanoseconds;
    },
  };
}

interface Host {
  readonly crypto?: { getRandomValues(bytes: Uint8Array): unknown };
}

const host = globalThis as unknown as Host;

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1e3)) * MICROSECOND;
}

/** The host's clocks. A guest's processor time is real time since the clock was made. */
export function systemClock(): Clock {
  const monotonic = () => nanoseconds(millisecondsNow());
  const began = monotonic();
  return {
    now(clock) {
      if (clock === "realtime") return BigInt(Date.now()) * 1_000_000n;
      return clock === "monotonic" ? monotonic() : monotonic() - began;
    },
    resolution: (clock) => (clock === "realtime" ? 1_000_000n : MICROSECOND),
  };
}

/** Random numbers that are the same for the same `seed`: xorshift128 after Marsaglia (2003). */
export function seededRandom(seed = 0): RandomSource {
  let [x, y, z, w] = [seed | 0, 0x159a55e5, 0x1f123bb5, 0x05491333];
  const next = () => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ (t ^ (t >>> 8));
    return w;
  };
  // A seed of few bits must have reached all of the state.
  for (let i = 0; i < 32; i++) next();
  return (bytes) => {
    for (let i = 0; i < bytes.length; i += 4) {
      const word = next();
      bytes[i] = word;
      // Writes beyond the end of a typed array do nothing.
      bytes[i + 1] = word >> 8;
      bytes[i + 2] = word >> 16;
      bytes[i + 3] = word >> 24;
    }
  };
}

/** The most bytes that the host's generator gives at once. */
const CRYPTO_BYTES = 65_536;

/**
 * The host's cryptographic random numbers.
 * @throws TypeError if the host has none
 */
export function systemRandom(): RandomSource {
  const { crypto } = host;
  if (crypto === undefined) throw new TypeError("this host has no cryptographic random numbers");
  return (bytes) => {
    for (let at = 0; at < bytes.length; at += CRYPTO_BYTES) {
      // Not into the guest's memory: it may be shared, which the host's generator refuses.
      const chunk = new Uint8Array(Math.min(CRYPTO_BYTES, bytes.length - at));
      crypto.getRandomValues(chunk);
      bytes.set(chunk, at);
    }
  };
}
