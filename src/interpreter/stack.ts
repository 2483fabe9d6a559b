// What the threads of the realm share besides the machine's registers: where on its stacks the next
// one may begin, and which one is running (see thread.ts). Keeps the frames of a thread that is
// suspended: where they are until somebody else needs the room, so that a thread that is run in
// many slices costs the same however deep its calls are; then in copies (parts.ts).

import type { Place } from "../code/space.ts";
import type { SavedFrames } from "../runtime/saved.ts";
import { CONTROL_WORDS, machine, SLOT_WORDS } from "./loop.generated.ts";
import type { Occupant } from "./occupant.ts";
import type { Depth } from "./parts.ts";
import { goOnAt, isParkedReturn, parkPositions, placeAt, savedPlace } from "./places.ts";
import { releaseReferences, room } from "./registers.ts";
import type { Thread } from "./thread.ts";

/** The machine's stacks between two threads. */
export const stack = {
  /** First free word of the slots and of the control stack: a thread that starts begins there. */
  slotTop: 0,
  controlTop: 0,
  /** The suspended thread's frames that still lie on the stacks, above what is in use. */
  resident: null as Frames | null,
  /** The innermost thread that is on the machine. */
  current: null as Thread | null,
  /** Bytes of the host's stack that calls between tiers, and in the host, take about. */
  hostBytes: 0,
};

/** The thread whose guest is running, or has called the host function that is running. */
export function currentThread(): Thread | null {
  return stack.current;
}

/** Words at the end of the control stack that no call of a guest's takes. */
const SPARE_CALLS = 16;

/** Bytes of a copied slot, with its reference, and of the objects around the copies. */
const SLOT_BYTES = 16;
const FRAMES_BYTES = 600;

/** First word of the slots that the frame on the machine has no use for. */
export function frameTop(): number {
  const words = placeAt(machine.ksp)?.code.frameWords ?? 0;
  // The instruction at pc may still read operands above the frame's own size: the callee's.
  return Math.min(machine.fp + words + 64, SLOT_WORDS);
}

/**
 * A thread's frames while it is suspended, from its bases up to the current one; the same object
 * each time.
 */
export class Frames {
  readonly owner: Occupant;
  /** On the machine, where they end. */
  slotTop = 0;
  /** In the thread (see parts.ts): where they end, and where the current one begins. */
  end: Depth = { slots: 0, calls: 0 };
  private fp = 0;
  private pc = 0;
  private isReturn = false;
  /** What has taken the place of pc when they were moved out. */
  private place: Place | undefined;
  private isAway = false;

  constructor(owner: Occupant) {
    this.owner = owner;
  }

  /** The thread is on the machine, and has to leave now, with all up to the word `top` at least. */
  keep(top: number): void {
    const { controlBase, parts, slotBase } = this.owner;
    const { away } = parts;
    this.slotTop = Math.max(frameTop(), top);
    const slots = this.slotTop - slotBase + away.slots;
    const calls = machine.ksp - controlBase + away.calls;
    if (slots !== this.end.slots || calls !== this.end.calls) this.end = { slots, calls };
    this.fp = machine.fp - slotBase + away.slots;
    this.pc = machine.pc;
    this.isReturn = isParkedReturn();
    this.place = undefined;
    this.isAway = false;
    stack.resident = this;
  }

  /** What a copy of them takes of the host's memory. */
  get hostBytes(): number {
    return FRAMES_BYTES + (SLOT_BYTES / 2) * this.end.slots + 6 * this.end.calls;
  }

  /** Makes room on the stacks. */
  moveOut(): void {
    const { controlBase, parts } = this.owner;
    this.place = savedPlace(this.pc, controlBase + this.end.calls - parts.away.calls);
    parts.moveOut(this.end);
    this.isAway = true;
    this.leave();
  }

  /** What they are, each by itself. They are moved out, and put back when the thread goes on. */
  saved(): Omit<SavedFrames, "pending"> {
    if (!this.isAway) this.moveOut();
    const { isReturn, owner, place } = this;
    return {
      ...owner.parts.saved(owner, this.fp, place),
      isInGuest: place !== undefined,
      isReturn,
    };
  }

  /**
   * Whether there is room for them from these bases on, on the stacks and below the limits of their
   * store: `mostSlots` words, `mostCalls` words of the control stack.
   */
  fit(slotBase: number, controlBase: number, mostSlots: number, mostCalls: number): boolean {
    const slots = slotBase + this.end.slots;
    const calls = controlBase + this.end.calls;
    if (slots > SLOT_WORDS || calls > CONTROL_WORDS - SPARE_CALLS) return false;
    return slots - 64 <= mostSlots && calls <= mostCalls;
  }

  /**
   * Puts frames, or the uppermost of them, and registers back, at bases that may be others: not if
   * the frames are still on the stacks, whose top only a running thread moves, and that would have
   * made room.
   */
  restore(): void {
    const { controlBase, parts, slotBase } = this.owner;
    stack.resident = null;
    if (this.isAway) parts.moveIn();
    const { away } = parts;
    machine.pc = this.pc;
    machine.fp = slotBase + this.fp - away.slots;
    machine.ksp = controlBase + this.end.calls - away.calls;
    if (this.place !== undefined) goOnAt(this.place, this.isReturn);
  }

  /** They are of no use any more. */
  abandon(): void {
    if (stack.resident === this) this.leave();
  }

  private leave(): void {
    stack.resident = null;
    releaseReferences(this.owner.slotBase >> 1);
  }
}

/** Makes sure that all above the top of the stacks is free; frames of `but` may stay. */
export function clearStacks(but: Frames | null = null): void {
  if (stack.resident !== null && stack.resident !== but) stack.resident.moveOut();
}

room.beforeEviction = (goes) => {
  clearStacks();
  parkPositions(goes, machine.ksp + 2);
};
