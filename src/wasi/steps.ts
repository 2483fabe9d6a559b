// Functions of WASI that take long or have to wait are generators: they yield where the guest may
// be looked at, and go on only if the guest does. So what comes after the end of a guest's time is
// never done: no input is taken and nothing is written for a guest that has been stopped.

import { currentCall } from "../embedding/call.ts";
import { Unfinished } from "../runtime/unfinished.ts";
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

/** What comes of the steps after one of them. */
function after(process: Process, steps: Steps, taken: ReturnType<Steps["next"]>): Progress {
  const { done, value } = taken;
  if (done) return value;
  const { caller } = process;
  const rest = (next: () => ReturnType<Steps["next"]>) => {
    return new Unfinished(() => {
      return asCaller(process, () => {
        process.reenter(caller);
        return after(process, steps, next());
      });
    });
  };
  if (value === undefined) return rest(() => steps.next());
  return value.then(
    () => rest(() => steps.next()),
    (error: unknown) => rest(() => steps.throw(error)),
  );
}

/** Runs a piece, and shows who called before afterwards: sinks of output may call guests. */
function asCaller(process: Process, piece: () => Progress): Progress {
  const before = process.caller;
  try {
    return piece();
  } catch (error) {
    return errnoFrom(error);
  } finally {
    process.caller = before;
  }
}

/** Calls an action for a guest; `args` are its parameters. */
export function begin(process: Process, action: Action, args: readonly unknown[]): Progress {
  return asCaller(process, () => {
    process.enter();
    const result = (action as (...args: readonly unknown[]) => number | Steps)(...args);
    return typeof result === "number" ? result : after(process, result, result.next());
  });
}

/** Brings to its end what was begun for a caller that knows nothing of unfinished work. */
export function toEnd(begun: Progress): number | Promise<number> {
  let progress = begun;
  while (progress instanceof Unfinished) {
    if (currentCall()?.mustStop) return errnoOf("intr");
    progress = progress.proceed() as Progress;
  }
  if (typeof progress === "number") return progress;
  return progress.then(toEnd);
}
