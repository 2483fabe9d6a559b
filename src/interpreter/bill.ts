// What an instruction costs that is executed for code outside of the loop: it is only paid once the
// instruction is done, so that nothing is if that fails.

import type { Growing } from "../runtime/growth.ts";
import type { Making } from "../runtime/making.ts";
import type { Store } from "../runtime/store.ts";
import type { Payer } from "./bulk.ts";

/** Adds up what is to be paid. */
export class Bill implements Payer {
  private readonly store: Store;
  /** What must be left for the code that goes on. */
  readonly ahead: number;
  cost = 0;
  growth: Growing | null = null;
  making: Making | null = null;

  constructor(store: Store, ahead: number) {
    this.store = store;
    this.ahead = ahead;
  }

  chargeWork(cost: number): boolean {
    if (this.store.fuel < this.cost + cost + this.ahead) return false;
    this.cost += cost;
    return true;
  }
}
