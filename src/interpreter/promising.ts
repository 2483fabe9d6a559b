// Calls from JavaScript that wait for the promises of host functions (JS-API: JavaScript Promise
// Integration). Whoever drives one awaits a promise and goes on with what it gave; between two of
// them it runs as any call does, and it is looked at in the same way.

import { guestTime } from "../runtime/clock.ts";
import { requireHeadroom } from "../runtime/headroom.ts";
import type { FunctionInstance } from "../runtime/instances.ts";
import type { FrameReader, Outcome, Progress, Watch } from "../runtime/outcome.ts";
import type { Settled } from "../runtime/promises.ts";
import type { Store } from "../runtime/store.ts";
import { Exhaustion } from "../runtime/trap.ts";
import { CallThread, UNITS_PER_LOOK } from "./call.ts";
import { stack } from "./stack.ts";

/** Bytes of the objects around a call that waits, promises of the host included (V8 11 and 14). */
const DRIVER_BYTES = 1_600;

/** A thread for one such call. */
export class PromisingThread extends CallThread {
  private readonly reader: FrameReader;
  /** Milliseconds that it has run so far, on the clock of `guestTime`: waiting takes no time. */
  timeUsed = 0;

  constructor(store: Store, watch: Watch | null, callee: FunctionInstance, results: FrameReader) {
    super(store, watch, true);
    this.callee = callee;
    this.instance = callee.instance;
    this.reader = results;
  }

  /**
   * Runs until the call ends or waits: at first with the arguments that lie at `argumentsAt()`,
   * later with what the promise has come to. After an error it is to be abandoned.
   * @throws Trap, Exhaustion, Uncaught, and whatever a host function throws
   */
  advance(settled: Settled | null): Progress {
    if (stack.current !== null) {
      requireHeadroom();
      // It may go on inside of a host function that lets promises settle.
      if (!this.fits) throw new Exhaustion("stackBytes", "there is no room above what is beneath");
    }
    this.settled = settled;
    const began = guestTime();
    const outcome = this.stretch(UNITS_PER_LOOK);
    this.timeUsed += guestTime() - began;
    if (outcome.kind === "returned") return { value: outcome.values[0] };
    if (outcome.kind === "suspended" && outcome.reason === "host") return outcome;
    throw this.errorOf(outcome);
  }

  protected override get driverBytes(): number {
    return DRIVER_BYTES + super.driverBytes;
  }

  /** The arguments are there. */
  protected override begin(): Outcome | null {
    return this.invoke();
  }

  protected override finish(): Outcome {
    return { kind: "returned", values: [this.reader.read(this.slotBase)] };
  }
}
