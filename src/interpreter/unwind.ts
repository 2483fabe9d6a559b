// Finds the handler of an exception (spec: 4.4.4, 4.4.5): goes through the frames on the control
// stack until a handler that protects the position has a clause for the tag. A search may pass
// hundreds of thousands of frames and clauses: it goes on in pieces, and until it has ended it
// changes nothing, so that the frames are still there for a backtrace if nobody catches.

import type { CatchClause, FunctionCode, Handler, Place } from "../code/space.ts";
import type { ExceptionInstance, ModuleInstance } from "../runtime/instances.ts";
import type { Outcome } from "../runtime/outcome.ts";
import type { GuestObjects, Root } from "../runtime/roots.ts";
import { machine, REFERENCES } from "./loop.generated.ts";
import type { Parts } from "./parts.ts";
import { goOnAt } from "./places.ts";
import { reserveReferences } from "./registers.ts";
import { writeException } from "./values.ts";

/** Frames, handlers and clauses of one piece: some 0.1 ms. */
const PIECE = 2_048;

/** The search for the handler of an exception. */
export class Search {
  readonly exception: ExceptionInstance;
  /** What was thrown by the host, if the exception stands for that. */
  readonly origin: { readonly error: unknown } | null;
  /** The instance of the frame it has come to, and how many of the thread's callers lie below. */
  within: ModuleInstance | null;
  above: number;
  /** The clause that was found; null, once it has ended, if there is none. */
  clause: CatchClause | null = null;
  private landing: FunctionCode | null = null;
  ended = false;
  /** How far below the machine's registers that frame lies: they may move while it pauses. */
  slots = 0;
  calls = 0;
  /** Of that frame: the handler that is next, -1 after the last, and its clause that is next. */
  private handler = -1;
  private next = 0;
  private frameIsNew = true;
  /** Frames that are no more, and are passed first. */
  private gone: number;
  /** The words of the call that the host has thrown it in, 0 of a tail call; null: a guest has. */
  readonly callWords: number | null;
  /** What it has searched and been paid for, and what not; below 0 as long as it is paid ahead. */
  searched: number;
  private unpaid: number;
  /** While it pauses: makes the exception count as alive, which may be in no frame. */
  private root: Root | null = null;
  private held: readonly ExceptionInstance[] = [];

  constructor(
    exception: ExceptionInstance,
    within: ModuleInstance | null,
    above: number,
    origin: { readonly error: unknown } | null,
    callWords: number | null,
    searched = 0,
  ) {
    this.exception = exception;
    this.within = within;
    this.above = above;
    this.origin = origin;
    this.callWords = callWords;
    // The frame of a function that has made a tail call is no more, and neither are its handlers.
    this.gone = callWords === 0 ? 1 : 0;
    this.searched = searched;
    this.unpaid = -searched;
  }

  /** The thread pauses like this, until `goOn`. */
  pause(objects: GuestObjects, outcome: Outcome): Outcome {
    this.held = [this.exception];
    this.root = objects.hold(this.held);
    return outcome;
  }

  /** It goes on, or never will. */
  goOn(objects: GuestObjects): void {
    if (this.root !== null) objects.drop(this.root);
    this.root = null;
  }

  /** Units of fuel for what was searched since it was last paid, if one pays for `perUnit`. */
  price(perUnit: number): number {
    return Math.max(0, Math.floor(this.unpaid / perUnit));
  }

  /** The price was paid; what is less than a unit is kept for later. */
  paid(perUnit: number): void {
    const paid = perUnit * this.price(perUnit);
    this.searched += paid;
    this.unpaid -= paid;
  }

  /** Goes on to the frame beneath. */
  private leaveFrame(parts: Parts): void {
    this.calls += 2;
    this.slots += parts.deltaAt(machine.ksp - this.calls);
    this.frameIsNew = true;
  }

  /**
   * Searches on, for a piece; `callers` are the instances that frames of the machine restore,
   * `parts` those that are not there: they are looked through where they are.
   */
  advance(callers: readonly (ModuleInstance | null)[], parts: Parts): void {
    const end = this.unpaid + PIECE;
    for (; this.gone > 0; this.gone--) this.leaveFrame(parts);
    while (!this.ended && this.unpaid < end) {
      const at = machine.ksp - this.calls;
      const place = parts.placeAt(at);
      if (place !== undefined) {
        if (this.searchFrame(place, end)) this.leaveFrame(parts);
      } else if (this.calls > 0 && parts.bringsBack(at)) {
        this.within = callers[--this.above];
        this.leaveFrame(parts);
      } else this.ended = true;
    }
  }

  /** Whether there is nothing in a frame. */
  private searchFrame({ code, offset }: Place, end: number): boolean {
    if (this.frameIsNew) {
      this.frameIsNew = false;
      this.handler = code.handlerAt(offset);
      this.next = 0;
      this.unpaid++;
    }
    while (this.handler >= 0) {
      const handler = code.handlers[this.handler];
      if (this.unpaid >= end || this.searchClauses(handler, code, end)) return false;
      this.handler = handler.outer;
      this.next = 0;
    }
    return true;
  }

  /** Whether a clause was found, or the piece is at its end. */
  private searchClauses({ clauses }: Handler, code: FunctionCode, end: number): boolean {
    const { tags } = this.within as ModuleInstance;
    for (; this.next < clauses.length; this.next++) {
      if (this.unpaid >= end) return true;
      this.unpaid++;
      const clause = clauses[this.next];
      if (clause.tag >= 0 && tags[clause.tag] !== this.exception.tag) continue;
      this.clause = clause;
      this.landing = code;
      this.ended = true;
      return true;
    }
    // A handler without clauses takes time as well.
    this.unpaid++;
    return false;
  }

  /** Goes on in the handler that was found: its operands where its label wants them. */
  land(parts: Parts): void {
    const { clause, exception, landing } = this;
    if (clause === null || landing === null) return;
    const { reference, slot, tag, target } = clause;
    parts.unwind(this);
    const base = machine.fp >> 1;
    reserveReferences(base + Math.max(slot + exception.tag.slots, reference + 1));
    if (tag >= 0) writeException(2 * (base + slot), exception);
    if (reference >= 0) REFERENCES[base + reference] = exception;
    goOnAt({ code: landing, offset: target });
  }
}
