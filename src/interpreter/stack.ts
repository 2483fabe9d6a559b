// What the threads of the realm share besides the machine's registers: where on its stacks the next
// one may begin, and which one is running (see thread.ts). Keeps the frames of a thread that is
// suspended: where they are until somebody else needs the room, so that a thread that is run in
// many slices costs the same however deep its calls are; then in copies.

import { CODE, CONTROL, machine, REFERENCES, SLOT_WORDS, SLOTS } from "./loop.generated.ts";
import { codeAt, releaseReferences, reserveReferences } from "./registers.ts";
import type { Thread } from "./thread.ts";

/** The machine's stacks between two threads. */
export const stack = {
  /** First free word of the slots and of the control stack: a thread that starts begins there. */
  slotTop: 0,
  controlTop: 0,
  /** Threads that keep frames, and with them positions in the register code. */
  suspended: 0,
  /** The suspended thread's frames that still lie on the stacks, above what is in use. */
  resident: null as Frames | null,
  /** The innermost thread that is on the machine. */
  current: null as Thread | null,
};

/** A thread's frames while it is suspended, from its bases up to the current one. */
export class Frames {
  private readonly slotBase: number;
  private readonly controlBase: number;
  private readonly slotTop: number;
  private readonly ksp = machine.ksp;
  private readonly fp = machine.fp;
  private readonly pc = machine.pc;
  private slots: Int32Array | null = null;
  private references: readonly unknown[] = [];
  private control: Int32Array | null = null;

  /** Of the thread that is on the machine; it has to leave now. */
  constructor(slotBase: number, controlBase: number) {
    this.slotBase = slotBase;
    this.controlBase = controlBase;
    const code = codeAt(machine.pc);
    const words = code === undefined ? 0 : CODE[code.entry - 1];
    // The instruction at pc may still read operands above the frame's own size: the callee's.
    this.slotTop = Math.min(machine.fp + words + 64, SLOT_WORDS);
    stack.suspended++;
    stack.resident = this;
  }

  /** Makes room on the stacks. */
  moveOut(): void {
    this.slots = SLOTS.slice(this.slotBase, this.slotTop);
    this.references = REFERENCES.slice(this.slotBase >> 1, this.slotTop >> 1);
    this.control = CONTROL.slice(this.controlBase, this.ksp);
    this.leave();
  }

  /**
   * Puts frames and registers back, at bases that may be others: not if the frames are still on the
   * stacks, whose top only a running thread moves, and that would have made room.
   */
  restore(slotBase: number, controlBase: number): void {
    stack.suspended--;
    stack.resident = null;
    if (this.slots !== null) SLOTS.set(this.slots, slotBase);
    if (this.control !== null) CONTROL.set(this.control, controlBase);
    reserveReferences((slotBase >> 1) + this.references.length);
    this.references.forEach((reference, i) => {
      REFERENCES[(slotBase >> 1) + i] = reference;
    });
    machine.pc = this.pc;
    machine.fp = this.fp + slotBase - this.slotBase;
    machine.ksp = this.ksp + controlBase - this.controlBase;
  }

  /** They are of no use any more. */
  abandon(): void {
    stack.suspended--;
    if (stack.resident === this) this.leave();
  }

  private leave(): void {
    stack.resident = null;
    releaseReferences(this.slotBase >> 1);
  }
}

/** Makes sure that all above the top of the stacks is free; frames of `but` may stay. */
export function clearStacks(but: Frames | null = null): void {
  if (stack.resident !== null && stack.resident !== but) stack.resident.moveOut();
}
