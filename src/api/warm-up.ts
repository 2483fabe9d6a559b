// Getting to speed before the first guest comes. What V8 needs for it is in interpreter/warmth.ts;
// otherwise it is done while guests run.

import { nextTask } from "../embedding/turns.ts";
import { guestTime, millisecondsNow } from "../interpreter/clock.ts";
import { isFast, warmStep } from "../interpreter/warmth.ts";
import { setTimer } from "./host-loop.ts";

/** Longest time to wait for the compiler, and between two looks at it, in milliseconds. */
const MOST = 5_000;
const LOOK = 2;

/**
 * Shows the interpreter's instructions to the host's compiler and waits until it has compiled them,
 * in pieces of some milliseconds between which the event loop turns. Fulfils with whether the
 * interpreter is fast now: after 0.2 to 0.4 seconds, several on a busy machine; with false after
 * five, where the host does not optimise. For servers, before they take the first job: the first
 * guests of a process run up to a hundred times slower, and short deadlines may stop them.
 *
 * ```ts
 * await warmUp();
 * ```
 */
export async function warmUp(): Promise<boolean> {
  const began = millisecondsNow();
  do await nextTask();
  while (warmStep());
  // The compiler has a thread of its own, and may need the processor that spinning would take.
  while (!isFast() && millisecondsNow() - began < MOST) {
    await pause();
    warmStep();
  }
  return isFast();
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (setTimer(guestTime() + LOOK, resolve) === undefined) void nextTask().then(resolve);
  });
}
