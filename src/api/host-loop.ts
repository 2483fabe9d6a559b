// What the embedder API needs of the host's clock and event loop. Engines differ in what they have:
// everything is looked up when it is used.

import { millisecondsNow } from "../interpreter/clock.ts";

export { nextTask } from "../embedding/turns.ts";

/** An `AbortSignal`, as far as it is used; not every engine has the class. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Globals that an engine may have or not. */
interface Host {
  readonly setTimeout?: (action: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
}

const host = globalThis as unknown as Host;

/** Longest delay that timers take; beyond it they fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** Waits until a promise is settled, the deadline has come or the signal was given. */
export function stopOrSettled(
  promise: Promise<void>,
  { deadline, signal }: { deadline: number; signal?: AbortSignalLike | undefined },
): Promise<void> {
  return new Promise((resolve) => {
    let timer: unknown;
    const done = () => {
      if (timer !== undefined) host.clearTimeout?.(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    if (deadline !== Number.POSITIVE_INFINITY) {
      const delay = Math.max(0, Math.ceil(deadline - millisecondsNow()));
      timer = host.setTimeout?.(done, Math.min(delay, LONGEST_DELAY));
    }
    if (signal?.aborted) return done();
    signal?.addEventListener("abort", done);
    promise.then(done);
  });
}
