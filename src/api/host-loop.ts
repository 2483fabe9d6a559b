// What stops a call that waits, besides what it waits for: a signal, a moment.

import { cancelTimer, setTimer } from "../embedding/turns.ts";

/** An `AbortSignal`, as far as it is used; not every engine has the class. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What waits for a signal that has not been given. */
const waiting = new WeakMap<AbortSignalLike, Waiting>();

interface Waiting {
  readonly actions: Set<() => void>;
  readonly listener: () => void;
}

/**
 * Calls `action` when the signal is given, until `forgetSignal`. A signal gets one listener of
 * ours: the host looks through all it has whenever one is added, and warns of more than ten.
 */
export function awaitSignal(signal: AbortSignalLike, action: () => void): void {
  let known = waiting.get(signal);
  if (known === undefined) {
    const actions = new Set<() => void>();
    known = { actions, listener: () => actions.forEach((item) => item()) };
    waiting.set(signal, known);
    signal.addEventListener("abort", known.listener);
  }
  known.actions.add(action);
}

export function forgetSignal(signal: AbortSignalLike, action: () => void): void {
  const known = waiting.get(signal);
  if (known === undefined || !known.actions.delete(action) || known.actions.size > 0) return;
  waiting.delete(signal);
  signal.removeEventListener("abort", known.listener);
}

/**
 * Waits until a promise is settled, the deadline has come or the signal was given; or for less, as
 * timers have a longest delay, and some hosts' fire too early.
 */
export function stopOrSettled(
  promise: Promise<void>,
  { deadline, signal }: { deadline: number; signal?: AbortSignalLike | undefined },
): Promise<void> {
  return new Promise((resolve) => {
    let timer: unknown;
    const done = () => {
      if (timer !== undefined) cancelTimer(timer);
      if (signal !== undefined) forgetSignal(signal, done);
      resolve();
    };
    if (deadline !== Number.POSITIVE_INFINITY) timer = setTimer(deadline, done);
    if (signal?.aborted) return done();
    if (signal !== undefined) awaitSignal(signal, done);
    promise.then(done);
  });
}
