// The fuel account of a thread (design: section 2, Fuel): one counter in the loop, the smaller of
// what is left of the store's fuel and of the slice; the books are kept here, whenever the loop is
// left.

import { millisecondsNow } from "../runtime/clock.ts";
import type { Outcome } from "../runtime/outcome.ts";
import type { Store } from "../runtime/store.ts";
import { machine } from "./loop.generated.ts";
import { warmth } from "./warmth.ts";

/** The store has too little fuel for what comes next. */
export const OUT_OF_FUEL: Outcome = { kind: "suspended", reason: "fuel" };
/** The pause of a thread that has not been on the machine: its store was not ready. */
export const NOT_READY: Outcome = { kind: "suspended", reason: "slice" };
const END_OF_SLICE: Outcome = { kind: "suspended", reason: "slice" };

/**
 * What a unit of fuel of bulk operations counts for in a slice, besides itself: pages of memory
 * that are touched for the first time take so much longer than instructions.
 */
const BULK_WORK = 7;
/** Up to so many units it counts for itself only: stores can touch as many pages for less. */
export const SHORT_BULK = 1_024;

/** Milliseconds after which a slice ends with the next host call. */
const LONG_SLICE = 1;

/** Units after which it is told what the interpreter has spent. */
const WORTH_TELLING = 1_000;

/** The most that code outside of the loop gets at once. */
const MOST_BUDGET = 1 << 28;

/** Counts what an invocation spends. */
export class FuelMeter {
  readonly store: Store;
  /** Price of the segment that the thread stopped in front of. */
  protected pending = 0;
  /** Budget given to the loop when it was last entered, and what is left of the slice. */
  private granted = 0;
  protected slice = 0;
  /** Units that the loop may spend before another tier is looked for. */
  protected untilLook = Number.POSITIVE_INFINITY;
  /** When host calls end the slice, on the clock of `millisecondsNow`; null: never. */
  private sliceEnds: number | null = null;
  /** Units that the loop has spent, and nobody has been told. */
  private untold = 0;
  /** Fuel that this invocation has used. */
  fuelUsed = 0;
  /** What the host has done for it besides, see `Store.work`. */
  workDone = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** Whether nothing waits for the end of the slice, so that a pause of some 0.3 s does no harm. */
  protected get mayStall(): boolean {
    return this.slice === Number.POSITIVE_INFINITY;
  }

  protected beginSlice(slice: number): void {
    this.slice = slice;
    this.resetBudget();
  }

  /** From now on, host calls end a slice that has taken long. */
  protected timeSlice(): void {
    this.sliceEnds = this.mayStall ? null : millisecondsNow() + LONG_SLICE;
  }

  /**
   * Lets a host function's work count towards the slice, so that who watches the guest looks at it
   * sooner. Costs no fuel and changes nothing but when the guest pauses.
   */
  shortenSlice(units: number): void {
    this.slice -= units;
  }

  /** Whoever watches the thread is to look at it now. */
  endSlice(): void {
    this.slice = 0;
  }

  /** A host function has run: if all that took long, whoever watches the guest looks at it. */
  protected afterHost(): void {
    if (this.sliceEnds !== null && millisecondsNow() >= this.sliceEnds) this.slice = 0;
  }

  /**
   * Called between any two things that may take long: null, or how the thread pauses. What it
   * stopped in front of costs nothing that is not paid already.
   */
  protected look(): Outcome | null {
    this.settle();
    return this.slice > 0 ? null : END_OF_SLICE;
  }

  /** Whether the slice is used up: the thread is going to be suspended when it pays next. */
  protected get sliceEnded(): boolean {
    return this.slice <= 0;
  }

  /** The machine's budget is somebody else's: nothing of it was granted by this meter. */
  protected resetBudget(): void {
    this.granted = 0;
    machine.budget = 0;
  }

  /** What has been spent since the last time it was booked. */
  private get unbooked(): number {
    return this.granted - machine.budget;
  }

  /** Books what the loop has spent since the last time, and what the store has done besides. */
  protected settle(): void {
    const { store } = this;
    const spent = this.unbooked;
    this.granted = machine.budget;
    if (store.work !== 0) {
      this.slice -= store.work;
      this.workDone += store.work;
      store.work = 0;
    }
    if (spent === 0) return;
    store.fuel -= spent;
    this.slice -= spent;
    this.fuelUsed += spent;
    this.untold += spent;
    this.untilLook -= spent;
  }

  /** The loop has spent so much in the functions of an instance. */
  protected tell(_units: number): void {}

  /** Pays `cost` and gives the loop a new budget, or says why it cannot. */
  protected pay(cost: number): Outcome | null {
    this.settle();
    this.pending = cost;
    if (this.store.fuel < cost) return OUT_OF_FUEL;
    if (this.untold >= WORTH_TELLING) {
      this.tell(this.untold);
      this.untold = 0;
    }
    const pause = this.look();
    if (pause !== null) return pause;
    this.grant(cost);
    this.pending = 0;
    return null;
  }

  /** See `Budgets`. */
  book(left: number): void {
    machine.budget = left;
    this.store.compiledFuel += this.unbooked;
    this.untold -= this.unbooked;
    this.untilLook += this.unbooked;
    this.settle();
    this.resetBudget();
  }

  /** See `Budgets`. */
  allot(left: number, worst: number): number {
    this.book(left);
    if (!this.affords(worst)) return -1;
    this.granted = Math.floor(Math.min(this.store.fuel, this.slice, MOST_BUDGET));
    machine.budget = this.granted;
    return this.granted;
  }

  /** A new budget for code that goes on, whatever is left of the slice: `worst` can be paid. */
  protected allotAtLeast(left: number, worst: number): number {
    this.book(left);
    const wanted = Math.max(worst, Math.min(this.slice, MOST_BUDGET));
    this.granted = Math.floor(Math.min(this.store.fuel, wanted));
    machine.budget = this.granted;
    return this.granted;
  }

  /** Whether fuel and slice last for so much, so that no stop can come before. */
  protected affords(worst: number): boolean {
    return this.slice >= worst && this.store.fuel >= worst;
  }

  /** Pays for what a bulk operation costs beyond its base price; false if there is not enough. */
  protected charge(cost: number): boolean {
    this.settle();
    if (this.store.fuel < cost) return false;
    this.store.fuel -= cost;
    this.slice -= cost;
    this.fuelUsed += cost;
    this.grant(0);
    return true;
  }

  /** `charge` for what moves bytes or elements. */
  chargeWork(cost: number): boolean {
    if (cost > SHORT_BULK) this.slice -= BULK_WORK * cost;
    return this.charge(cost);
  }

  /** Gives the loop a budget for the next stretch, of which `cost` is spent at once. */
  private grant(cost: number): void {
    const most = Math.min(this.slice, warmth.stretchUnits, this.untilLook);
    const wanted = Math.max(cost, most);
    this.granted = Math.floor(Math.min(this.store.fuel, wanted));
    machine.budget = this.granted - cost;
  }
}
