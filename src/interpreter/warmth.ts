// Keeps the host from staying with slow code of the loop. V8 may optimise the loop in the middle of
// a stretch (on-stack replacement); that code is 1.6 times slower, is entered in the first round of
// every later stretch, and since the function then does nothing that V8 counts, it never becomes
// hot enough for code that is entered at its beginning. Calls that return before they have gone
// round once are counted and run no such code: some of them, now and then, lead V8 out. In code
// that is optimised already they cost 0.2 % (docs/rationale.md).

import { machine } from "./loop.generated.ts";
import { EXIT_PC } from "./registers.ts";

/** Stretches between two series of calls, a power of two; about 10 ms. */
const STRETCHES = 4096;
/** V8 11 wants about 1,000 calls of a function of this size before it optimises it. */
const CALLS = 400;

let stretches = 0;

/** Runs a stretch: the machine's registers say where from. Gives what the loop gives. */
export function runStretch(loop: () => number): number {
  stretches = (stretches + 1) & (STRETCHES - 1);
  if (stretches === 0) {
    const { pc } = machine;
    machine.pc = EXIT_PC;
    for (let i = 0; i < CALLS; i++) loop();
    machine.pc = pc;
  }
  return loop();
}
