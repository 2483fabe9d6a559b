// What the threads of the realm share besides the machine's registers: where on its stacks the next
// one may begin, and which one is running (see thread.ts). Keeps the frames of a thread that is
// suspended: where they are until somebody else needs the room, so that a thread that is run in
// many slices costs the same however deep its calls are; then in copies.

import type { FunctionCode, Place } from "../code/space.ts";
import type { Root } from "../runtime/roots.ts";
import {
  CONTROL,
  CONTROL_WORDS,
  machine,
  REFERENCES,
  SLOT_WORDS,
  SLOTS,
} from "./loop.generated.ts";
import type { Occupant } from "./occupant.ts";
import {
  goOnAt,
  isParkedReturn,
  parkPositions,
  placeAt,
  savedPlace,
  writeReturn,
} from "./places.ts";
import { PARKED_PC, releaseReferences, reserveReferences, room } from "./registers.ts";
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
};

/** Words at the end of the control stack that no call of a guest's takes. */
const SPARE_CALLS = 16;

/** Returns of a suspended thread, none of them to a position: code may be evicted meanwhile. */
class Returns {
  /** For each call where it returns to, relative to the code of a function, and what it adds. */
  private readonly words: Int32Array;
  /** For each call the index of that function, or -1 for the machine's own code. */
  private readonly owners: Int32Array;
  private readonly codes: FunctionCode[] = [];

  /** Of what lies between `from` and `to` on the control stack. */
  constructor(from: number, to: number) {
    this.words = CONTROL.slice(from, to);
    this.owners = new Int32Array((to - from) >> 1).fill(-1);
    const indices = new Map<FunctionCode, number>();
    // In a deep recursion most calls return to the same place.
    let last = -1;
    let place: Place | undefined;
    for (let at = from; at < to; at += 2) {
      const position = CONTROL[at];
      // What is parked differs from call to call.
      if (position !== last || position === PARKED_PC - 2) place = savedPlace(position, at);
      last = position;
      if (place === undefined) continue;
      let index = indices.get(place.code);
      if (index === undefined) {
        index = this.codes.push(place.code) - 1;
        indices.set(place.code, index);
      }
      this.words[at - from] = place.offset;
      this.owners[(at - from) >> 1] = index;
    }
  }

  restore(to: number): void {
    const { codes, owners, words } = this;
    CONTROL.set(words, to);
    for (let i = 0; i < owners.length; i++) {
      if (owners[i] >= 0) writeReturn(to + 2 * i, codes[owners[i]], words[2 * i]);
    }
  }
}

/** Bytes of a copied slot, with its reference, and of the objects around the copies. */
const SLOT_BYTES = 16;
const FRAMES_BYTES = 600;

/** First word of the slots that the frame on the machine has no use for. */
export function frameTop(): number {
  const words = placeAt(machine.ksp)?.code.frameWords ?? 0;
  // The instruction at pc may still read operands above the frame's own size: the callee's.
  return Math.min(machine.fp + words + 64, SLOT_WORDS);
}

const NO_REFERENCES: readonly unknown[] = [];

/** A copy of references; none at all if they are null, as in most frames. */
function copyReferences(from: number, to: number): readonly unknown[] {
  for (let i = from; i < to; i++) {
    if (REFERENCES[i] !== null) return REFERENCES.slice(from, to);
  }
  return NO_REFERENCES;
}

/** A thread's frames while it is suspended, from its bases up to the current one. */
export class Frames {
  readonly owner: Occupant;
  private readonly slotBase: number;
  private readonly controlBase: number;
  readonly slotTop: number;
  private readonly ksp = machine.ksp;
  private readonly fp = machine.fp;
  private readonly pc = machine.pc;
  private slots: Int32Array | null = null;
  private references = NO_REFERENCES;
  /** So many reference slots there were, if they were all null or not. */
  private referenceCount = 0;
  /** What has taken the place of positions when it was moved out. */
  private returns: Returns | null = null;
  private place: Place | undefined;
  private readonly isReturn = isParkedReturn();
  /** The copied references as something that keeps objects alive. */
  private root: Root | null = null;

  /** Of the thread that is on the machine; it has to leave now. */
  constructor(owner: Occupant) {
    this.owner = owner;
    this.slotBase = owner.slotBase;
    this.controlBase = owner.controlBase;
    this.slotTop = frameTop();
    stack.resident = this;
  }

  /** What a copy of them takes of the host's memory. */
  get hostBytes(): number {
    const slots = this.slotTop - this.slotBase;
    return FRAMES_BYTES + (SLOT_BYTES / 2) * slots + 6 * (this.ksp - this.controlBase);
  }

  /** Makes room on the stacks. */
  moveOut(): void {
    this.slots = SLOTS.slice(this.slotBase, this.slotTop);
    const from = this.slotBase >> 1;
    const to = Math.min(this.slotTop >> 1, REFERENCES.length);
    this.referenceCount = to - from;
    this.references = copyReferences(from, to);
    this.returns = new Returns(this.controlBase, this.ksp);
    this.place = savedPlace(this.pc, this.ksp);
    if (this.references.length > 0) this.root = this.owner.store.objects.hold(this.references);
    this.leave();
  }

  /**
   * Whether there is room for them from these bases on, on the stacks and below the limits of their
   * store: `mostSlots` words, `mostCalls` words of the control stack.
   */
  fit(slotBase: number, controlBase: number, mostSlots: number, mostCalls: number): boolean {
    const slots = slotBase + this.slotTop - this.slotBase;
    const calls = controlBase + this.ksp - this.controlBase;
    if (slots > SLOT_WORDS || calls > CONTROL_WORDS - SPARE_CALLS) return false;
    return slots - 64 <= mostSlots && calls <= mostCalls;
  }

  /**
   * Puts frames and registers back, at bases that may be others: not if the frames are still on the
   * stacks, whose top only a running thread moves, and that would have made room.
   */
  restore(slotBase: number, controlBase: number): void {
    stack.resident = null;
    if (this.slots !== null) SLOTS.set(this.slots, slotBase);
    this.returns?.restore(controlBase);
    const { references } = this;
    const first = slotBase >> 1;
    reserveReferences(first + this.referenceCount);
    for (let i = 0; i < references.length; i++) REFERENCES[first + i] = references[i];
    this.dropRoot();
    machine.pc = this.pc;
    machine.fp = this.fp + slotBase - this.slotBase;
    machine.ksp = this.ksp + controlBase - this.controlBase;
    if (this.place !== undefined) goOnAt(this.place, this.isReturn);
  }

  /** They are of no use any more. */
  abandon(): void {
    this.dropRoot();
    if (stack.resident === this) this.leave();
  }

  private dropRoot(): void {
    if (this.root !== null) this.owner.store.objects.drop(this.root);
    this.root = null;
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

room.beforeEviction = (goes) => {
  clearStacks();
  parkPositions(goes, machine.ksp + 2);
};
