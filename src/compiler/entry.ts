// One call of compiled code from outside, while it is in progress: whose budget it spends, and the
// frames that it leaves when it has to come down.

import { BEHIND, CALL, ENTRY, LOOP, type SiteKind, WITHIN } from "../code/sites.ts";
import { readRaw } from "../interpreter/values.ts";
import type { ValType } from "../isa/types.ts";
import type { ModuleInstance, RawValue } from "../runtime/instances.ts";
import type { SavedFrame } from "../runtime/saved.ts";
import type { Budgets, Descent, OutsideInstruction } from "../runtime/tier.ts";
import { type Frame, registerFrames } from "../state/frames.ts";
import { putBits, rawOfBits } from "./border.ts";
import { deepen, undeepen } from "./host-stack.ts";
import type { Written } from "./places.ts";
import { frameOf, SAVING, type Site } from "./sites.ts";

/** What a frame and a value of it take in V8, as here and as register code's. */
const FRAME_BYTES = 400;
const VALUE_BYTES = 80;

/** Frames of a call that has stopped, while they become those of register code. */
class Stop implements Descent {
  readonly kind = "descent";
  private readonly work: ReturnType<typeof registerFrames>;
  readonly hostBytes: number;
  frames: readonly SavedFrame[] = [];
  cost = 0;

  constructor(frames: readonly Frame[]) {
    this.work = registerFrames(frames);
    this.hostBytes = frames.reduce((sum, { locals, operands }) => {
      return sum + FRAME_BYTES + VALUE_BYTES * (locals.length + operands.length);
    }, 0);
  }

  advance(): boolean {
    const next = this.work.next();
    if (next.done !== true) return false;
    this.frames = next.value.saved;
    this.cost = next.value.cost;
    return true;
  }
}

const KINDS: Readonly<Record<Site["kind"], SiteKind>> = {
  entry: ENTRY,
  loop: LOOP,
  call: BEHIND,
  instruction: WITHIN,
};

/** A call of compiled code from outside. */
export class Entry {
  readonly thread: Budgets;
  /** Where its arguments were: the slots from here on are free. */
  readonly frame: number;
  /** Bytes of stack that calls may take. */
  readonly room: number;
  /** Whether compiled code is running, whose budget and globals are valid, or what it calls. */
  isInside = false;
  /** How deep errors know the stack otherwise. */
  private depthBefore: unknown;
  private readonly instance: ModuleInstance;
  private readonly frames: Frame[] = [];
  /** Operands of an instruction that it has to stop in front of. */
  private undone: readonly RawValue[] = [];
  /** The host module whose function was entered last. */
  entered: Written;

  constructor(
    instance: ModuleInstance,
    entered: Written,
    thread: Budgets,
    frame: number,
    room: number,
  ) {
    this.instance = instance;
    this.entered = entered;
    this.thread = thread;
    this.frame = frame;
    this.room = room;
  }

  /** Compiled code is to go on. */
  goIn(): void {
    this.isInside = true;
    this.depthBefore = deepen();
  }

  /** Others are. */
  goOut(): void {
    this.isInside = false;
    undeepen(this.depthBefore);
  }

  /** The entry of a function for which there is no room: it is called from below. */
  overflowed(site: Site, values: readonly unknown[], left: number): number {
    const { frame, instance, thread } = this;
    const callee = instance.functionAt(site.functionIndex);
    const { params } = callee.type;
    const bits = frameOf(site, values).locals.slice(0, params.length).flat();
    putBits(frame, params, bits);
    thread.book(left);
    thread.callFromBelow(callee);
    return SAVING;
  }

  /** A site: gives a new budget, or keeps the frame and gives `SAVING`. */
  reached(site: Site, values: readonly unknown[], left: number): number {
    const isComingDown = left <= SAVING / 2;
    if (!isComingDown) {
      const budget = this.thread.allot(left, site.worst);
      if (budget >= 0) return budget;
    }
    this.frames.push(this.canonical(site, values, isComingDown));
    return SAVING;
  }

  private canonical(site: Site, values: readonly unknown[], isAbove: boolean): Frame {
    const { locals, operands } = frameOf(site, values);
    const isCall = isAbove && site.kind !== "loop";
    const isInstruction = site.kind === "instruction";
    const kept = isCall ? operands.slice(0, operands.length - site.results) : operands;
    const beneath = kept.map(rawOfBits);
    return {
      instance: this.instance,
      funcIndex: site.functionIndex,
      kind: isCall && !isInstruction ? CALL : KINDS[site.kind],
      offset: site.offset,
      locals: locals.map(rawOfBits),
      operands: isInstruction ? [...beneath, ...this.undone] : beneath,
    };
  }

  /**
   * An instruction of the runtime's, whose operands of these types lie where the arguments were: a
   * new budget, or `SAVING`.
   */
  execute(
    instruction: OutsideInstruction,
    params: readonly ValType[],
    left: number,
    site: Site,
  ): number {
    const budget = this.thread.execute(instruction, this.frame, left, site);
    if (budget >= 0) return budget;
    this.undone = readRaw(this.frame, params);
    return SAVING;
  }

  /** A frame that code has left, which does not come down: at the header of a loop. */
  get leftFrame(): Frame | null {
    return this.frames[0] ?? null;
  }

  /** The frame goes on in a function of another host module. */
  goOn(entered: Written): void {
    this.frames.length = 0;
    this.entered = entered;
  }

  /** What it has come down with. */
  descend(): Descent {
    return new Stop(this.frames);
  }
}
