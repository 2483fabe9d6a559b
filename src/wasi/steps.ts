// Functions of WASI that take long or have to wait are generators: they yield where the guest may be
// looked at, and go on only if the guest does. So what comes after the end of a guest's time is
// never done: no input is taken and nothing is written for a guest that has been stopped.

import { currentThread } from "../interpreter/thread.ts";
import { Unfinished } from "../interpreter/unfinished.ts";
import { errnoOf, WasiError } from "./errno.ts";
import type { Process } from "./process.ts";

/** Yields nothing for a look, or what to wait for; afterwards `process` shows the caller again. */
export type Steps = Generator<Promise<unknown> | undefined, number, void>;

/** What an action gives: its error code, or the steps to it. */
export type Action = (...args: never[]) => number | Steps;

/** The error code for what a function threw; goes on throwing what is none. */
function errnoFrom(error: unknown): number {
  if (error instanceof WasiError) return error.errno;
  throw error;
}

type Progress = number | Unfinished | Promise<Unfinished>;

/** Goes on with the steps: `step` takes the next one. */
function proceed(process: Process, steps: Steps, step: () => ReturnType<Steps["next"]>): Progress {
  try {
    const { done, value } = step();
    if (done) return value;
    const rest = (next: () => ReturnType<Steps["next"]>) => {
      const caller = process.caller;
      return new Unfinished(() => {
        process.reenter(caller);
        return proceed(process, steps, next);
      });
    };
    if (value === undefined) return rest(() => steps.next());
    return value.then(
      () => rest(() => steps.next()),
      (error: unknown) => rest(() => steps.throw(error)),
    );
  } catch (error) {
    return errnoFrom(error);
  }
}

/** Calls an action for a guest; `args` are its parameters. */
export function begin(process: Process, action: Action, args: readonly unknown[]): Progress {
  try {
    process.enter();
    const result = (action as (...args: readonly unknown[]) => number | Steps)(...args);
    return typeof result === "number" ? result : proceed(process, result, () => result.next());
  } catch (error) {
    return errnoFrom(error);
  }
}

/** Brings to its end what was begun for a caller that knows nothing of unfinished work. */
export function toEnd(process: Process, begun: Progress): number | Promise<number> {
  let progress = begun;
  while (progress instanceof Unfinished) {
    if (currentThread()?.mustStop) return errnoOf("intr");
    progress = progress.proceed() as Progress;
  }
  if (typeof progress === "number") return progress;
  return progress.then((rest) => {
    return process.caller.execution?.timeLeft === 0 ? errnoOf("intr") : toEnd(process, rest);
  });
}
