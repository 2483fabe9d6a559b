// Brings the loop up to speed, and keeps it there. What V8 does by itself with a function of this
// size (docs/rationale.md, "What a cold loop needs"): it optimises what has been executed so far,
// gives that up when a program comes to another instruction, and starts again; each round costs a
// fifth of a second of code that is thirty times slower. So a run that proves hot executes every
// instruction once (training.ts), and then waits, outside of the loop, until V8 has compiled it.

import { millisecondsNow, spentForProcess } from "../runtime/clock.ts";
import { ELSEWHERE, machine } from "./loop.generated.ts";
import { LOOPS, type Loop, loopHere, SCALAR_LOOP } from "./loops.ts";
import { EXIT_PC } from "./registers.ts";
import { clearStacks } from "./stack.ts";
import { TRAINING_STEPS, traineeOf, trainStep } from "./training.ts";

/** Milliseconds in the loop after which a process is hot: about what getting to speed costs. */
const HOT_MILLISECONDS = 300;
/** The same where a guest's time is limited: it has less to lose than a deadline. */
const SOON_MILLISECONDS = 100;
/** If V8 has come to terms with the program by then, it is looked at again so much later. */
const AGAIN_MILLISECONDS = 50;
/** Of so many stretches, a power of two, the time of one is taken. */
const SAMPLED = 16;
/** V8 11 wants about 12,000 calls that return at once before it optimises the loop. */
const CALLS = 15_000;
/**
 * Longest time to wait for the compiler, and between two looks at it. It takes 0.15 s, and on busy
 * machines much longer: but until it is done, guests get a thirtieth of what they would.
 */
const MOST_MILLISECONDS = 1_000;
const LOOK_MILLISECONDS = 2;
/** A call that returns at once takes 0.015 µs optimised, and 0.1 µs or more before. */
const FAST_MICROSECONDS = 0.05;
const PROBES = 200;
/** Stretches between two series of calls that lead out of on-stack-replacement code. */
const STRETCHES = 1024;
const SERIES = 500;
/** Units of fuel after which the loop is left and entered again, before and after the training. */
const SHORT_STRETCH = 3_000;
const LONG_STRETCH = 15_000;

/** For the fuel meter. Coming back costs 2 % of a short stretch. */
export const warmth = { stretchUnits: SHORT_STRETCH };

/** How far a loop is: each has code of its own, and is shown its own instructions. */
interface Progress {
  readonly loop: Loop;
  /** Time in it, by samples, since the process began or V8 was last left to itself. */
  milliseconds: number;
  /** Steps of the training that are done; one more when its result is waited for or not. */
  steps: number;
}

const PROGRESS: readonly Progress[] = LOOPS.map((loop) => ({ loop, milliseconds: 0, steps: 0 }));
const [SCALARS] = PROGRESS;

let stretches = 0;
/** The loop in which the last stretch ended. */
let current = SCALARS;

/**
 * Runs a stretch: the machine's registers say where from. Gives what the loop gives in which it
 * ends. `isFar`: a memory is beyond the near loops; `mayWait`: nobody minds if it takes up to a
 * second longer.
 */
export function runStretch(isFar: boolean, mayWait: boolean): number {
  stretches = (stretches + 1) & (STRETCHES - 1);
  if (stretches === 0) enterForNothing(current.loop, SERIES);
  if (current.steps > TRAINING_STEPS) return runLoops(isFar);
  if (current.milliseconds >= (mayWait ? HOT_MILLISECONDS : SOON_MILLISECONDS)) {
    warmUp(current, mayWait);
  }
  if ((stretches & (SAMPLED - 1)) !== 0) return runLoops(isFar);
  const began = millisecondsNow();
  const status = runLoops(isFar);
  current.milliseconds += SAMPLED * (millisecondsNow() - began);
  return status;
}

/** Goes from loop to loop until something needs the world outside. */
function runLoops(isFar: boolean): number {
  current = SCALARS;
  let status = isFar ? SCALAR_LOOP.runFar() : SCALAR_LOOP.run();
  while (status === ELSEWHERE) {
    current = PROGRESS[loopHere()];
    status = isFar ? current.loop.runFar() : current.loop.run();
  }
  return status;
}

/**
 * The next step of a loop's training; all that are left, and the wait, where nobody minds. A
 * program that V8 has optimised the loop for is left alone, as long as that lasts. No deadline
 * counts this.
 */
function warmUp(progress: Progress, mayWait: boolean): void {
  const { loop } = progress;
  const began = millisecondsNow();
  if (progress.steps === 0 && isFast(loop)) {
    progress.milliseconds -= AGAIN_MILLISECONDS;
    return;
  }
  do {
    if (progress.steps < TRAINING_STEPS) trainStep(progress.steps, loop);
    else if (mayWait) settle(loop);
    progress.steps++;
    if (progress.steps > TRAINING_STEPS) warmth.stretchUnits = LONG_STRETCH;
  } while (mayWait && progress.steps <= TRAINING_STEPS);
  spentForProcess(millisecondsNow() - began);
}

/**
 * Makes V8 compile the loop, now that it knows everything. Not while a stretch is under way: what
 * is then compiled for on-stack replacement takes longer, is slower, and holds up the rest. Where
 * nobody may wait, V8 finds out by itself.
 */
function settle(loop: Loop): void {
  enterForNothing(loop, CALLS);
  const end = millisecondsNow() + MOST_MILLISECONDS;
  while (millisecondsNow() < end && !isFast(loop)) pause();
}

/** Series of calls that `warmStep` has made. */
let series = 0;

/**
 * A piece of getting the scalar loop to speed while no guest runs, of some milliseconds; whether
 * there is more to do. After that, it only remains to wait until it `isFast`.
 */
export function warmStep(): boolean {
  clearStacks();
  if (SCALARS.steps < TRAINING_STEPS) {
    trainStep(SCALARS.steps++);
    return true;
  }
  if (SCALARS.steps === TRAINING_STEPS) {
    SCALARS.steps++;
    warmth.stretchUnits = LONG_STRETCH;
  }
  enterForNothing(SCALAR_LOOP, SERIES);
  return ++series * SERIES < CALLS;
}

/** Does a step of the training of the scalar loop again: code that lacks any of it is given up. */
export function showAgain(step: number): void {
  clearStacks();
  trainStep(step);
}

/** Whether a loop is optimised, by the time that a call takes. */
export function isFast(loop: Loop = SCALAR_LOOP): boolean {
  const began = millisecondsNow();
  enterForNothing(loop, PROBES);
  return 1_000 * (millisecondsNow() - began) < PROBES * FAST_MICROSECONDS;
}

/** Calls that come back before the loop has gone round once: they are counted, and that is all. */
function enterForNothing({ run }: Loop, calls: number): void {
  const { instance, pc } = machine;
  machine.instance = instance ?? traineeOf();
  machine.pc = EXIT_PC;
  for (let i = 0; i < calls; i++) run();
  machine.instance = instance;
  machine.pc = pc;
}

/** Leaves the processor to the compiler's thread, where the host lets us. */
function pause(): void {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MILLISECONDS);
  } catch {
    // The main thread of a browser may not wait, and not every engine has shared memory.
    const end = millisecondsNow() + LOOK_MILLISECONDS;
    while (millisecondsNow() < end);
  }
}
