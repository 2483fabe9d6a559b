// Getting to speed before the first guest comes. What V8 needs for it is in interpreter/warmth.ts;
// otherwise it is done while guests run, out of their time.

import { nextTask } from "../embedding/turns.ts";
import { millisecondsNow } from "../interpreter/clock.ts";
import { isFast, warmStep } from "../interpreter/warmth.ts";

/**
 * Shows the interpreter's instructions to the host's compiler and waits until it has compiled them,
 * in pieces of some milliseconds between which the event loop turns. Fulfils with whether the
 * interpreter is fast now; false after about a second where the host does not optimise. For
 * servers, before they take the first job: the first guests of a process run up to a hundred times
 * slower, and short deadlines may stop them.
 *
 * ```ts
 * await warmUp();
 * ```
 */
export async function warmUp(): Promise<boolean> {
  const began = millisecondsNow();
  do await nextTask();
  while (warmStep(millisecondsNow() - began));
  return isFast();
}
