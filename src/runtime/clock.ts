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

let spent = 0;

/** Counts milliseconds that the process has taken for itself in the middle of a guest's run. */
export function spentForProcess(milliseconds: number): void {
  spent += milliseconds;
}

/**
 * The clock of deadlines, in milliseconds. It stands still while the loop is brought to speed: that
 * happens once in a process, and whose call it happens in is chance.
 */
export function guestTime(): number {
  return millisecondsNow() - spent;
}

/** The moment `timeout` milliseconds from now, on the clock of `guestTime`; Infinity: never. */
export function deadlineIn(timeout: number): number {
  return timeout === Number.POSITIVE_INFINITY ? timeout : guestTime() + timeout;
}

/** Whether such a moment has come. */
export function isOver(deadline: number): boolean {
  // Who has no deadline need not look at the clock.
  return deadline !== Number.POSITIVE_INFINITY && guestTime() >= deadline;
}

/** Milliseconds until such a moment; below 0 if it has passed. */
export function timeUntil(deadline: number): number {
  return deadline === Number.POSITIVE_INFINITY ? deadline : deadline - guestTime();
}
