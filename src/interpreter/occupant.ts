// A thread's place on the machine: where its frames begin, whose instance it is in, what it may use
// of the stacks, and its frames while it is suspended. What it does there is in thread.ts.

import type { ModuleInstance } from "../runtime/instances.ts";
import type { Store } from "../runtime/store.ts";
import { CONTROL, CONTROL_WORDS, machine, SLOT_WORDS } from "./loop.generated.ts";
import { FuelMeter } from "./meter.ts";
import { forgetParked } from "./places.ts";
import { RESTORE_PC, room } from "./registers.ts";
import { clearStacks, type Frames, stack } from "./stack.ts";
import type { Thread } from "./thread.ts";

/** Who runs on the machine, or will again. */
export class Occupant extends FuelMeter {
  protected slotBase = 0;
  protected controlBase = 0;
  protected frames: Frames | null = null;
  instance: ModuleInstance | null;
  /** Instances of the frames that called into another one, outermost first. */
  readonly callers: (ModuleInstance | null)[] = [];
  /** The thread whose host function runs this one. */
  protected beneath: Thread | null = null;
  /** Frames in all threads beneath that are no calls of guests'. */
  private crossingsBeneath = 0;

  constructor(store: Store, instance: ModuleInstance | null) {
    super(store);
    this.instance = instance;
  }

  /** Takes the machine over from who runs on it; to be undone with what was there before. */
  protected occupy(slice: number): void {
    const { current } = stack;
    clearStacks(this.frames);
    if (current === null && stack.resident === null) forgetParked();
    if (this.instance !== null) this.instance.compiled.usedAt = room.tick();
    this.store.entries++;
    this.slotBase = stack.slotTop;
    this.controlBase = stack.controlTop;
    this.beginSlice(slice);
    this.beneath = current;
    this.crossingsBeneath =
      current === null ? 0 : current.crossingsBeneath + current.callers.length + 1;
    machine.slotLimit = Math.min(SLOT_WORDS - 64, this.store.limits.stackBytes / 4);
    this.limitCalls();
  }

  /** Frames that bring an instance back, or that host functions have, are not limited. */
  protected limitCalls(): void {
    const frames = this.store.limits.callDepth + this.crossingsBeneath + this.callers.length;
    machine.controlLimit = Math.min(CONTROL_WORDS - 16, 2 * frames);
  }

  protected pushControl(returnTo: number, delta: number): void {
    CONTROL[machine.ksp] = returnTo;
    CONTROL[machine.ksp + 1] = delta;
    machine.ksp += 2;
  }

  /** Goes over to another instance; a frame of the machine's own brings this one back. */
  protected switchTo(instance: ModuleInstance | null): void {
    if (instance === this.instance) return;
    this.callers.push(this.instance);
    this.pushControl(RESTORE_PC - 2, 0);
    this.limitCalls();
    this.instance = instance;
  }
}
