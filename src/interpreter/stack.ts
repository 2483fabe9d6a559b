// What the threads of the realm share besides the machine's registers: where on its stacks the next
// one may begin, and which one is running (see thread.ts). Saves the frames of a thread that is
// suspended and puts them back, wherever on the stacks that is then.

import { CODE, CONTROL, machine, REFERENCES, SLOT_WORDS, SLOTS } from "./loop.generated.ts";
import { codeAt, reserveReferences } from "./registers.ts";
import type { Thread } from "./thread.ts";

/** The machine's stacks between two threads. */
export const stack = {
  /** First free word of the slots and of the control stack: a thread that starts begins there. */
  slotTop: 0,
  controlTop: 0,
  /** Threads that keep frames, and with them positions in the register code. */
  suspended: 0,
  /** The innermost thread that is on the machine. */
  current: null as Thread | null,
};

/** A thread's frames while others use the machine. */
export interface Saved {
  readonly slots: Int32Array;
  readonly references: readonly unknown[];
  readonly control: Int32Array;
  readonly pc: number;
  readonly fp: number;
}

/** Copies the frames from the bases up to the current one, with the registers. */
export function saveFrames(slotBase: number, controlBase: number): Saved {
  stack.suspended++;
  const code = codeAt(machine.pc);
  const words = code === undefined ? 0 : CODE[code.entry - 1];
  // The instruction at pc may still read operands above the frame's own size: the callee's.
  const top = Math.min(machine.fp + words + 64, SLOT_WORDS);
  return {
    slots: SLOTS.slice(slotBase, top),
    references: REFERENCES.slice(slotBase >> 1, top >> 1),
    control: CONTROL.slice(controlBase, machine.ksp),
    pc: machine.pc,
    fp: machine.fp - slotBase,
  };
}

/** Puts frames and registers back, at bases that may be others. */
export function restoreFrames(saved: Saved, slotBase: number, controlBase: number): void {
  stack.suspended--;
  SLOTS.set(saved.slots, slotBase);
  reserveReferences((slotBase >> 1) + saved.references.length);
  saved.references.forEach((reference, i) => {
    REFERENCES[(slotBase >> 1) + i] = reference;
  });
  CONTROL.set(saved.control, controlBase);
  machine.pc = saved.pc;
  machine.fp = slotBase + saved.fp;
  machine.ksp = controlBase + saved.control.length;
}
