// What stops the guests of a namespace besides fuel: a time limit for each call from outside, a
// moment for all of them, an epoch. Looked at between stretches of the interpreter's loop.

import { amount, checkOption, type OptionTable, objectWith } from "../module/options.ts";
import { deadlineIn, isOver, timeUntil } from "../runtime/clock.ts";
import { type Interruption, POLL, type Watch } from "../runtime/outcome.ts";

/** A counter that somebody advances, e.g. an `Epoch` of the embedder API. */
export interface EpochLike {
  /** Whether the counter has come to `deadline`. */
  reached(deadline: number): boolean;
}

/** When guests are to be stopped. */
export interface TimeLimits {
  /**
   * Milliseconds that a call from outside may take, with all calls inside it; while a promising
   * function waits for a promise, none pass. Default Infinity.
   */
  readonly timeout?: number;
  /** Moment, on the clock of `Date.now()`, after which guests are stopped. Default Infinity. */
  readonly deadline?: number;
  /** The counter that `epochDeadline` is compared with. */
  readonly epoch?: EpochLike;
  /** The epoch's value at which guests are stopped. Default Infinity: never. */
  readonly epochDeadline?: number;
}

export const TIME_OPTIONS: OptionTable<TimeLimits> = {
  timeout: amount(),
  deadline: amount(),
  epoch: objectWith("an Epoch", "reached"),
  epochDeadline: amount(Number.NEGATIVE_INFINITY),
};

const NEVER = Number.POSITIVE_INFINITY;

function checked(name: keyof TimeLimits, value: number): number {
  checkOption("controls", name, value, TIME_OPTIONS[name]);
  return value;
}

/** The watch over one namespace. */
export class CallWatch implements Watch {
  private readonly epoch: EpochLike | null;
  private timeLimit = NEVER;
  private moment = NEVER;
  private epochLimit = NEVER;
  /** When the call in progress must end, on the clock of `guestTime`; Infinity between calls. */
  private callEnds = NEVER;
  /** Whether there is anything to look at. */
  active = false;

  /** @throws RangeError for an epoch deadline without an epoch */
  constructor({ deadline, epoch, epochDeadline, timeout }: TimeLimits) {
    this.epoch = epoch ?? null;
    if (timeout !== undefined) this.timeout = timeout;
    if (deadline !== undefined) this.deadline = deadline;
    if (epochDeadline !== undefined) this.epochDeadline = epochDeadline;
  }

  get timeout(): number {
    return this.timeLimit;
  }

  set timeout(value: number) {
    this.timeLimit = checked("timeout", value);
    this.update();
  }

  get deadline(): number {
    return this.moment;
  }

  set deadline(value: number) {
    this.moment = checked("deadline", value);
    this.update();
  }

  get epochDeadline(): number {
    return this.epochLimit;
  }

  set epochDeadline(value: number) {
    if (value !== NEVER && this.epoch === null) {
      throw new RangeError("a namespace without epoch can have no epoch deadline");
    }
    this.epochLimit = checked("epochDeadline", value);
    this.update();
  }

  private update(): void {
    const { epochLimit, moment, timeLimit } = this;
    this.active = timeLimit !== NEVER || moment !== NEVER || epochLimit !== NEVER;
    // The end of a former call must not stop one that began while nothing was looked at.
    if (!this.active) this.callEnds = NEVER;
  }

  /**
   * A call from outside begins, or goes on after `timeUsed` milliseconds; why it must not, however
   * short it is.
   */
  begin(timeUsed = 0): Exclude<Interruption, "signal"> | null {
    const { epoch, epochLimit, moment, timeLimit } = this;
    this.callEnds = deadlineIn(timeLimit - timeUsed);
    if (epoch?.reached(epochLimit)) return "epoch";
    return moment !== NEVER && Date.now() >= moment ? "deadline" : null;
  }

  reason(): Exclude<Interruption, "signal"> | null {
    if (!this.active) return null;
    if (this.epoch?.reached(this.epochLimit)) return "epoch";
    if (isOver(this.callEnds)) return "deadline";
    return this.moment !== NEVER && Date.now() >= this.moment ? "deadline" : null;
  }

  get patience(): number {
    if (this.epochLimit !== NEVER) return POLL;
    return Math.min(timeUntil(this.callEnds), this.moment - Date.now());
  }
}
