// Getting to speed before the first guest comes. What V8 needs for it is in interpreter/warmth.ts;
// otherwise it is done while guests run.

import { TRAINING_STEPS } from "../interpreter/training.ts";
import { isFast, showAgain, warmStep } from "../interpreter/warmth.ts";
import { guestTime, millisecondsNow } from "../runtime/clock.ts";
import { nextTask, setTimer } from "./turns.ts";

/** Longest time to wait for the compiler, and between two looks at it, in milliseconds. */
const MOST = 5_000;
const LOOK = 2;
/** Steps of the training that take a millisecond at most, once the loop is fast. */
const STEPS_PER_TASK = 4;

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
  do {
    do await nextTask();
    while (warmStep());
    // The compiler has a thread of its own, and may need the processor that spinning would take.
    while (!isFast() && millisecondsNow() - began < MOST) {
      await pause();
      warmStep();
    }
    // It may have begun before it was shown everything: what is shown again tells.
    for (let step = 0; step < TRAINING_STEPS; step++) {
      if (step % STEPS_PER_TASK === 0) await nextTask();
      showAgain(step);
    }
  } while (!isFast() && millisecondsNow() - began < MOST);
  return isFast();
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (setTimer(guestTime() + LOOK, resolve) === undefined) void nextTask().then(resolve);
  });
}
