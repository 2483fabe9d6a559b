// The fuel account of a thread (design: section 2, Fuel): one counter in the loop, the smaller of
// what is left of the store's fuel and of the slice; the books are kept here, whenever the loop is
// left.

import type { Value } from "../runtime/instances.ts";
import type { Store } from "../runtime/store.ts";
import type { Trap } from "../runtime/trap.ts";
import { machine } from "./loop.generated.ts";
import { warmth } from "./warmth.ts";

/** How a run ended, or why it paused. */
export type Outcome =
  | { readonly kind: "returned"; readonly values: Value[] }
  | { readonly kind: "trapped"; readonly trap: Trap }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "suspended"; readonly reason: "fuel" | "slice" }
  | { readonly kind: "suspended"; readonly reason: "host"; readonly promise: PromiseLike<unknown> };

/** Counts what an invocation spends. */
export class FuelMeter {
  readonly store: Store;
  /** Price of the segment that the thread stopped in front of. */
  protected pending = 0;
  /** Budget given to the loop when it was last entered, and what is left of the slice. */
  private granted = 0;
  private slice = 0;
  /** Fuel that this invocation has used. */
  fuelUsed = 0;

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

  /**
   * Lets a host function's work count towards the slice, so that who watches the guest looks at it
   * sooner. Costs no fuel and changes nothing but when the guest pauses.
   */
  shortenSlice(units: number): void {
    this.slice -= units;
  }

  /** The machine's budget is somebody else's: nothing of it was granted by this meter. */
  protected resetBudget(): void {
    this.granted = 0;
    machine.budget = 0;
  }

  /** Books what the loop has spent since the last time. */
  protected settle(): void {
    const spent = this.granted - machine.budget;
    this.granted = machine.budget;
    if (spent === 0) return;
    this.store.fuel -= spent;
    this.slice -= spent;
    this.fuelUsed += spent;
  }

  /** Pays `cost` and gives the loop a new budget, or says why it cannot. */
  protected pay(cost: number): Outcome | null {
    this.settle();
    const { store } = this;
    this.pending = cost;
    if (store.fuel < cost) return { kind: "suspended", reason: "fuel" };
    if (this.slice <= 0) return { kind: "suspended", reason: "slice" };
    this.grant(cost);
    this.pending = 0;
    return null;
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

  /** Gives the loop a budget for the next stretch, of which `cost` is spent at once. */
  private grant(cost: number): void {
    const wanted = Math.max(cost, Math.min(this.slice, warmth.stretchUnits));
    this.granted = Math.floor(Math.min(this.store.fuel, wanted));
    machine.budget = this.granted - cost;
  }
}
