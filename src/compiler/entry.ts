// One call of compiled code from outside, while it is in progress: whose budget it spends, and the
// frames that it leaves when it has to come down.

import { readRaw } from "../interpreter/values.ts";
import type { ValType } from "../isa/types.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Budgets, CostsAhead, OutsideInstruction } from "../runtime/tier.ts";
import type { HostGlobal } from "./border.ts";
import { deepen, undeepen } from "./host-stack.ts";
import type { Written } from "./places.ts";
import { LEAF_BYTES } from "./room.ts";
import { frameOf, SAVING, type Site, type Sites } from "./sites.ts";
import { Stop } from "./stops.ts";
import { Transfer } from "./transfer.ts";

/**
 * Bytes of room that are kept back: for a call that does not ask, and the arguments or results of
 * one on the way out, of which there are a thousand at most.
 */
export const SPARE_BYTES = LEAF_BYTES + 8_192;
/** No budget is withheld. */
const NOTHING = -1;

/** A host module whose function is entered. */
export interface Entered {
  readonly written: Written;
  /** Gives what was left of the budget where the module's own code trapped. */
  readonly keptBudget: HostGlobal["get"];
}

/** A call of compiled code from outside. */
export class Entry {
  readonly thread: Budgets;
  /** Where its arguments were: the slots from here on are free. */
  readonly frame: number;
  /** Bytes of stack that calls may take. */
  readonly room: number;
  /** What has to be left of them for there to be any for certain: see `HostGlobals`. */
  floor = 0;
  /** Whether compiled code is running, whose budget and globals are valid, or what it calls. */
  isInside = false;
  /** How deep errors know the stack otherwise. */
  private depthBefore: unknown;
  private readonly instance: ModuleInstance;
  private readonly sites: Sites;
  /** What it has left frames in. */
  private frames: Stop | null = null;
  /** What is left of the budget, where code has been given none of it: see `comeDown`. */
  private withheld = NOTHING;
  /** The host module whose function was entered last. */
  entered: Entered;

  constructor(
    instance: ModuleInstance,
    sites: Sites,
    entered: Entered,
    thread: Budgets,
    frame: number,
    room: number,
  ) {
    this.instance = instance;
    this.sites = sites;
    this.entered = entered;
    this.thread = thread;
    this.frame = frame;
    this.room = room - SPARE_BYTES;
    this.findFloor();
  }

  private findFloor(): void {
    this.floor = Math.max(0, this.room + SPARE_BYTES - this.thread.knownRoom);
  }

  /** A function would leave so much of the room: false if that is too little, whoever is asked. */
  hasRoom(left: number): boolean {
    while (left < this.floor) {
      if (!this.thread.findRoom()) return false;
      this.findFloor();
    }
    return left >= 0;
  }

  /** What comes down. */
  get stop(): Stop {
    this.frames ??= new Stop(this.instance, this.sites);
    return this.frames;
  }

  /** Whether code has left a frame: if it does not come down, that is at the header of a loop. */
  get hasLeft(): boolean {
    return this.frames !== null && !this.frames.isEmpty;
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
    Transfer.of(params).put(frame, bits);
    thread.book(left);
    thread.callFromBelow(callee);
    return SAVING;
  }

  /** Has it come down where it goes on with so much left: the budget that brings it there. */
  comeDown(left: number): number {
    this.withheld = left;
    return 0;
  }

  /** What is left of the budget, if code has left so much. */
  leftOf(left: number): number {
    const { withheld } = this;
    this.withheld = NOTHING;
    return withheld === NOTHING ? left : withheld;
  }

  /** A site: gives a new budget, or keeps the frame and gives `SAVING`. */
  reached(number: number, values: readonly unknown[], left: number): number {
    if (this.withheld !== NOTHING) {
      this.thread.book(this.leftOf(left));
      this.stop.keepSeen(number, values);
      return SAVING;
    }
    const isComingDown = left <= SAVING / 2;
    if (!isComingDown) {
      const budget = this.thread.allot(left, this.sites.worstAt(number));
      if (budget >= 0) return budget;
    }
    this.stop.keep(number, values, isComingDown);
    return SAVING;
  }

  /**
   * An instruction of the runtime's, whose operands of these types lie where the arguments were: a
   * new budget, or `SAVING`.
   */
  execute(
    instruction: OutsideInstruction,
    params: readonly ValType[],
    left: number,
    ahead: CostsAhead,
  ): number {
    const budget = this.thread.execute(instruction, this.frame, left, ahead);
    if (budget >= 0) return budget;
    this.stop.undone = readRaw(this.frame, params);
    return SAVING;
  }

  /** The frame goes on in a function of another host module. */
  goOn(entered: Entered): void {
    this.stop.clear();
    this.entered = entered;
  }
}
