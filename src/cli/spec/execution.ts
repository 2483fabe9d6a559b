// Invocations of scripts: to the end, in one go or in slices, with results as exact bits and with
// the fuel they used (spec: 4.5.5 Invocation).

import { valuesOf } from "../../embedding/invoke.ts";
import { Thread } from "../../interpreter/thread.ts";
import { readRaw } from "../../interpreter/values.ts";
import type { ValType } from "../../isa/types.ts";
import type { FunctionInstance, Value } from "../../runtime/instances.ts";
import type { Store } from "../../runtime/store.ts";
import { type ExactValue, exactValue } from "./values.ts";

/** A thread that loses no bits of its results. */
class ExactThread extends Thread {
  protected override results(at: number, types: readonly ValType[]): ExactValue[] {
    return readRaw(at, types).map((raw, i) => exactValue(raw, types[i]));
  }
}

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
    const thread = new ExactThread(store, func, args, false);
    try {
      let outcome = thread.run(slice);
      while (outcome.kind === "suspended" && outcome.reason === "slice") {
        this.stops += 1;
        outcome = thread.run(slice);
      }
      return valuesOf(outcome) as ExactValue[];
    } finally {
      this.fuelUsed += thread.fuelUsed;
    }
  }
}
