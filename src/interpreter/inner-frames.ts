// Frames of a thread's that lie above frames of the host's, taken off the machine while these come
// down: they go on above what becomes of them.

import type { Place } from "../code/space.ts";
import { slotCount } from "../isa/types.ts";
import type { FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import type { Store } from "../runtime/store.ts";
import { CONTROL, machine } from "./loop.generated.ts";
import { type Depth, Part } from "./parts.ts";
import { goOnAt, isParkedReturn, savedPlace } from "./places.ts";
import { HOST_PC, RESTORE_PC } from "./registers.ts";
import { frameTop } from "./stack.ts";

/** A word with its part of a reference; and the objects around. */
const WORD_BYTES = 8;
const BLOCK_BYTES = 600;

const BOTTOM: Depth = { slots: 0, calls: 0 };

/** What there is above a thread's frames in the host. */
export class InnerFrames {
  /** Instances that frames among them restore, and that of the uppermost. */
  readonly callers: readonly (ModuleInstance | null)[];
  readonly instance: ModuleInstance | null;
  /** What is called in their place: they are its arguments only. */
  readonly call: FunctionInstance | null;
  /** Whether the lowest thing there is a frame that gives the caller its instance back. */
  readonly restores: boolean;
  private readonly store: Store;
  private readonly part: Part;
  private readonly fp: number;
  /** Where the uppermost goes on; undefined: in the host, or it is a host function's. */
  private readonly place: Place | undefined;
  private readonly isReturn: boolean;

  /**
   * Those that begin at these words of the slots and of the control stack; with the arguments of a
   * host function that has promised, up to the word `argumentsEnd`.
   */
  constructor(
    store: Store,
    slots: number,
    calls: number,
    callers: readonly (ModuleInstance | null)[],
    instance: ModuleInstance | null,
    call: FunctionInstance | null,
    argumentsEnd = 0,
  ) {
    const { fp, ksp, pc } = machine;
    this.store = store;
    this.callers = callers;
    this.instance = instance;
    this.call = call;
    this.restores = ksp > calls && CONTROL[calls] === RESTORE_PC - 2;
    this.fp = fp - slots;
    this.place = savedPlace(pc, ksp);
    this.isReturn = isParkedReturn();
    const top = Math.max(this.place === undefined ? fp : frameTop(), argumentsEnd);
    const end = call === null ? top : slots + 2 * slotCount(call.type.params);
    this.part = new Part(BOTTOM, { slots: end - slots, calls: ksp - calls });
    this.part.fill(slots, calls, store);
    store.work += this.part.words;
  }

  /** Puts them back from the word `slots` on, and above what is on the control stack. */
  restore(slots: number): void {
    const { ksp } = machine;
    this.part.restore(slots, ksp);
    this.drop();
    if (this.call !== null) return;
    machine.fp = slots + this.fp;
    machine.ksp = ksp + this.part.to.calls;
    if (this.place === undefined) machine.pc = HOST_PC;
    else goOnAt(this.place, this.isReturn);
  }

  /** Bytes of the host's memory that they take. */
  get hostBytes(): number {
    return BLOCK_BYTES + WORD_BYTES * this.part.words;
  }

  /** They are of no use any more. */
  drop(): void {
    this.part.drop(this.store);
  }
}
