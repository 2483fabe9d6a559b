// A thread's place on the machine: where its frames begin, whose instance it is in, what it may use
// of the stacks, and its frames while it is suspended. What it does there is in thread.ts.

import type { ModuleInstance } from "../runtime/instances.ts";
import type { Interruption, Watcher } from "../runtime/outcome.ts";
import { provideFrames, type Visit } from "../runtime/roots.ts";
import type { SavedFrame, SavedFrames } from "../runtime/saved.ts";
import type { Lease, Store } from "../runtime/store.ts";
import type { Descent } from "../runtime/tier.ts";
import {
  CONTROL,
  CONTROL_WORDS,
  machine,
  REFERENCES,
  SLOT_WORDS,
  SLOTS,
} from "./loop.generated.ts";
import { FuelMeter } from "./meter.ts";
import { Parts } from "./parts.ts";
import { forgetParked, goOnAt, writeReturn } from "./places.ts";
import { RESTORE_PC, reserveReferences, room } from "./registers.ts";
import { clearStacks, Frames, frameTop, stack } from "./stack.ts";
import type { Thread } from "./thread.ts";

/** Bytes of room that a call takes at least in another tier. */
export const LEAST_CALL = 128;

/** Who runs on the machine, or will again. */
export class Occupant extends FuelMeter {
  slotBase = 0;
  controlBase = 0;
  /** While it is suspended, what it was suspended with. */
  protected frames: Frames | null = null;
  private lastFrames: Frames | null = null;
  /** Those of its frames that there are copies of: few threads are ever that deep. */
  private copied: Parts | null = null;
  instance: ModuleInstance | null;
  /** Instances of the frames that called into another one, outermost first. */
  readonly callers: (ModuleInstance | null)[] = [];
  watcher: Watcher | null = null;
  /** The thread whose host function runs this one. */
  beneath: Thread | null = null;
  /** Frames in all threads beneath that are no calls of guests', and what of theirs is away. */
  private crossingsBeneath = 0;
  private slotsAwayBeneath = 0;
  private callsAwayBeneath = 0;
  /** Bytes that its frames in the host take there, or as register code's, at most. */
  protected bytesInHost = 0;
  /** What its frames take of the store's `hostBytes` while it is suspended. */
  private lease: Lease | null = null;

  constructor(store: Store, instance: ModuleInstance | null) {
    super(store);
    this.instance = instance;
  }

  protected override tell(units: number): void {
    this.instance?.promotion?.worked(units, this.mayStall);
  }

  get parts(): Parts {
    this.copied ??= new Parts(this);
    return this.copied;
  }

  /** Its frames are of no use any more, wherever they are. */
  protected dropParts(): void {
    this.copied?.drop();
  }

  /** Why this thread, or one beneath it, has to stop now, besides fuel; null: it need not. */
  get interruption(): Interruption | null {
    for (let occupant: Occupant | null = this; occupant !== null; occupant = occupant.beneath) {
      const reason = occupant.watcher?.reason() ?? null;
      if (reason !== null) return reason;
    }
    return null;
  }

  /** Milliseconds that nobody need ask for that again. */
  get patience(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let occupant: Occupant | null = this; occupant !== null; occupant = occupant.beneath) {
      least = Math.min(least, occupant.watcher?.patience ?? least);
    }
    return Math.max(0, least);
  }

  /** Whether something other than fuel stops the call now: for host functions that wait. */
  get mustStop(): boolean {
    return this.interruption !== null;
  }

  /** Bytes of the host's memory that it takes while it is suspended, besides its frames. */
  protected get driverBytes(): number {
    return 0;
  }

  /** Takes the machine over from who runs on it; to be undone with what was there before. */
  protected occupy(slice: number): void {
    const { current } = stack;
    if (this.store.objects.isCounting) this.store.objects.interrupt();
    clearStacks(this.frames);
    if (current === null && stack.resident === null) forgetParked();
    if (this.instance !== null) this.instance.compiled.usedAt = room.tick();
    this.slotBase = stack.slotTop;
    this.controlBase = stack.controlTop;
    this.beginSlice(slice);
    this.beneath = current;
    this.crossingsBeneath = current === null ? 0 : current.crossings;
    this.slotsAwayBeneath = current === null ? 0 : current.slotsAway;
    this.callsAwayBeneath = current === null ? 0 : current.callsAway;
    this.limitStacks();
  }

  /** Shows the references of `store` in the frames that lie on the machine. */
  static showFrames(store: Store, visit: Visit): void {
    let top = Math.min(frameTop() >> 1, REFERENCES.length);
    const show = (occupant: Occupant) => {
      const base = occupant.slotBase >> 1;
      if (occupant.store === store) visit(REFERENCES, base, top);
      top = base;
    };
    if (stack.resident !== null) {
      top = Math.min(stack.resident.slotTop >> 1, REFERENCES.length);
      show(stack.resident.owner);
    }
    let occupant: Occupant | null = stack.current;
    for (; occupant !== null; occupant = occupant.beneath) show(occupant);
  }

  /** The word where the arguments end of a call that it has paused in or in front of; 0: none. */
  protected get argumentsEnd(): number {
    return 0;
  }

  /**
   * Keeps the frames of a thread that pauses. False if others run meanwhile, so that they may have
   * to be copied, and the store has no room for that.
   */
  protected keepFrames(othersRun: boolean): boolean {
    this.lastFrames ??= new Frames(this);
    this.frames = this.lastFrames;
    this.frames.keep(this.argumentsEnd);
    if (!othersRun) return true;
    this.lease ??= this.store.lease("hostBytes", this);
    const { end } = this.frames;
    const hostBytes = this.frames.hostBytes + this.driverBytes;
    if (!this.store.objects.makeWay(hostBytes) || !this.lease.hold(hostBytes)) return false;
    this.parts.prepare(end);
    return true;
  }

  /**
   * The frames are back on the machine, or of no use any more. Those that are still away count as
   * being there: it must not depend on them what else there is room for.
   */
  protected forgetFrames(): void {
    this.frames = null;
    this.lease?.release();
  }

  /** Puts the frames of a suspended thread back. */
  protected restore(): void {
    if (this.frames === null) throw new Error("this execution is not suspended");
    this.frames.restore();
    this.forgetFrames();
    this.limitStacks();
  }

  /** The frames that it is suspended with; null: it is not. */
  saved(): SavedFrames | null {
    const { frames, pending } = this;
    return frames === null ? null : { ...frames.saved(), pending };
  }

  /** Lays frames upon those that are on the machine, where they go on; false: they do not fit. */
  protected lay(frames: readonly SavedFrame[]): boolean {
    for (let i = frames.length - 1; i >= 0; i--) {
      const { instance, place, references, words } = frames[i];
      this.switchTo(instance);
      const { fp, ksp } = machine;
      if (fp + words.length > machine.slotLimit || ksp > machine.controlLimit) return false;
      SLOTS.set(words, fp);
      reserveReferences((fp >> 1) + references.length);
      for (let k = 0; k < references.length; k++) REFERENCES[(fp >> 1) + k] = references[k];
      if (i === 0) goOnAt(place);
      else {
        writeReturn(ksp, place.code, place.offset);
        CONTROL[ksp + 1] = words.length;
        machine.ksp = ksp + 2;
        machine.fp = fp + words.length;
      }
    }
    return true;
  }

  /** The same for frames that have come down, which write themselves. */
  protected layDescent(descent: Descent): boolean {
    const { frames, instance } = descent;
    if (frames.length === 0) return true;
    this.switchTo(instance);
    let { fp, ksp } = machine;
    let words = 0;
    for (let i = 0; i < frames.length; i++) words += frames[i].words;
    const lastCall = ksp + 2 * (frames.length - 1);
    if (fp + words > machine.slotLimit || lastCall > machine.controlLimit) return false;
    descent.put(fp);
    for (let i = frames.length - 1; i >= 0; i--) {
      const { place, words } = frames[i];
      if (i === 0) break;
      writeReturn(ksp, place.code, place.offset);
      CONTROL[ksp + 1] = words;
      ksp += 2;
      fp += words;
    }
    machine.fp = fp;
    machine.ksp = ksp;
    goOnAt(frames[0].place);
    return true;
  }

  /**
   * Whether its frames, if it is suspended, fit where it would go on now: it may have been deep,
   * and be run again inside of a host function that a deep guest has called.
   */
  get fits(): boolean {
    const { controlTop, current, slotTop } = stack;
    const { callDepth, stackBytes } = this.store.limits;
    // Frames that bring an instance back, or that host functions have, are not limited.
    const others = this.callers.length + (current === null ? 0 : current.crossings);
    const slots = slotTop + (current === null ? 0 : current.slotsAway);
    const calls = controlTop + (current === null ? 0 : current.callsAway);
    return this.frames?.fit(slots, calls, stackBytes / 4, 2 * (callDepth + others)) ?? true;
  }

  /** Frames in this thread and in all beneath that are no calls of guests'. */
  protected get crossings(): number {
    return this.crossingsBeneath + this.callers.length + 1;
  }

  /** Words that this thread and all beneath have in copies or in the host, not on the machine. */
  protected get slotsAway(): number {
    return this.slotsAwayBeneath + (this.copied?.away.slots ?? 0) + (this.bytesInHost >> 2);
  }

  protected get callsAway(): number {
    const calls = Math.ceil((2 * this.bytesInHost) / LEAST_CALL);
    return this.callsAwayBeneath + (this.copied?.away.calls ?? 0) + calls;
  }

  /** Frames that are away count as if they were there. */
  protected limitStacks(): void {
    const words = Math.min(SLOT_WORDS - 64, this.store.limits.stackBytes / 4);
    machine.slotLimit = words - this.slotsAway;
    this.limitCalls();
  }

  /** Frames that bring an instance back, or that host functions have, are not limited. */
  protected limitCalls(): void {
    const frames = this.store.limits.callDepth + this.crossingsBeneath + this.callers.length;
    machine.controlLimit = Math.min(CONTROL_WORDS - 16, 2 * frames) - this.callsAway;
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

provideFrames(Occupant.showFrames);
