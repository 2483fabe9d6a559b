// What there is once for each module under each price table, as long as both live.

import type { PriceTable } from "../isa/prices.ts";
import type { ModuleRecord } from "../module/module.ts";

/** Values that are made when they are first asked for. */
export class MadeOnce<V> {
  private readonly make: (module: ModuleRecord, prices: PriceTable) => V;
  private readonly made = new WeakMap<ModuleRecord, WeakMap<PriceTable, V>>();

  constructor(make: (module: ModuleRecord, prices: PriceTable) => V) {
    this.make = make;
  }

  of(module: ModuleRecord, prices: PriceTable): V {
    let byPrices = this.made.get(module);
    if (byPrices === undefined) {
      byPrices = new WeakMap();
      this.made.set(module, byPrices);
    }
    let value = byPrices.get(prices);
    if (value === undefined) {
      value = this.make(module, prices);
      byPrices.set(prices, value);
    }
    return value;
  }
}
