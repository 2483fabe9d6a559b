// Invocations of scripts: to the end, in one go or in slices, with results as exact bits and with
// the fuel they used (spec: 4.5.5 Invocation).

import { beginRawCall } from "../../embedding/call.ts";
import { valuesOf } from "../../embedding/invoke.ts";
import type { FunctionInstance, RawValue, Value } from "../../runtime/instances.ts";
import type { Store } from "../../runtime/store.ts";
import { type ExactValue, exactValue } from "./values.ts";

/** Runs invocations and counts their fuel. */
export class Invoker {
  /** Fuel used so far. */
  fuelUsed = 0;
  /** How often an invocation stopped at the end of its slice and was resumed. */
  stops = 0;
  private readonly store: Store;
  private readonly slice: number;

  /** Invocations run in slices of `slice` units of fuel; Infinity: without a stop. */
  constructor(store: Store, slice: number) {
    this.store = store;
    this.slice = slice;
  }

  /**
   * The results of a function.
   * @throws whatever ends the invocation instead
   */
  invoke(func: FunctionInstance, args: readonly Value[]): ExactValue[] {
    const { slice, store } = this;
    const call = beginRawCall(store, func, args);
    try {
      let outcome = call.run(slice);
      while (outcome.kind === "suspended" && outcome.reason === "slice") {
        this.stops += 1;
        outcome = call.run(slice);
      }
      const { results } = func.type;
      return (valuesOf(outcome) as RawValue[]).map((raw, i) => exactValue(raw, results[i]));
    } finally {
      this.fuelUsed += call.fuelUsed;
    }
  }
}
