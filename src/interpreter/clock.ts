// The clock that durations are measured with.

/** What engines may have or not. */
interface Host {
  readonly performance?: { now(): number };
}

const host = globalThis as unknown as Host;

/** Milliseconds on a clock that does not jump, where there is one. */
export function millisecondsNow(): number {
  return host.performance === undefined ? Date.now() : host.performance.now();
}
