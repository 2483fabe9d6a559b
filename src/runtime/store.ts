// The store (spec: 4.2.3): the accounts and limits that the instances in it share. What is
// allocated is counted here, so that a limit has one place to be checked. What dies gives its part
// back when the host's garbage collector notices, not earlier than the next task of the event loop:
// a program that must not depend on that moment gives each tenant a store of its own.

import { checkedPrices, PRICE_TABLE_2, type PriceTable } from "../code/prices.ts";
import { CodeAccount } from "../code/room.ts";
import { amount, anObject, nested, type OptionTable, tableOf } from "../module/options.ts";

/** What the instances of a store may use together. Exceeding one never harms the store. */
export interface RuntimeLimits {
  /** Bytes of linear memory, over all memories. Default 4 GiB. */
  readonly memoryBytes: number;
  /** Table elements, over all tables. Default 10,000,000. */
  readonly tableElements: number;
  /** Module instances. Default 100,000. */
  readonly instances: number;
  /** Global instances. Default 1,000,000. */
  readonly globals: number;
  /** Calls in progress. Default 200,000. */
  readonly callDepth: number;
  /** Bytes of frames on the value stack. Default 16 MiB, which is the most there can be. */
  readonly stackBytes: number;
}

export const DEFAULT_RUNTIME_LIMITS: RuntimeLimits = {
  memoryBytes: 2 ** 32,
  tableElements: 10_000_000,
  instances: 100_000,
  globals: 1_000_000,
  callDepth: 200_000,
  stackBytes: 2 ** 24,
};

/** What a store's accounts may be when somebody outside opens them. */
export interface AccountOptions {
  readonly fuel?: number;
  readonly limits?: Partial<RuntimeLimits>;
  readonly prices?: PriceTable;
}

const RUNTIME_LIMIT_OPTIONS: OptionTable<Partial<RuntimeLimits>> = tableOf(
  Object.keys(DEFAULT_RUNTIME_LIMITS) as (keyof RuntimeLimits)[],
  amount(),
);

/** The check of fuel, wherever it comes from. */
export const fuelOption = amount();

/** What the options that open accounts must be. */
export const ACCOUNT_OPTIONS: OptionTable<AccountOptions> = {
  fuel: fuelOption,
  limits: nested(RUNTIME_LIMIT_OPTIONS),
  // What is in it is looked at by the store.
  prices: anObject,
};

/** Kinds of things a store counts; also keys of its limits. */
export type Counted = "memoryBytes" | "tableElements" | "instances" | "globals";

/** A part of one of a store's accounts, held by a single thing until that dies. */
export class Lease {
  private readonly store: Store;
  private readonly what: Counted;
  private held = 0;

  constructor(store: Store, what: Counted) {
    this.store = store;
    this.what = what;
  }

  /** Holds `amount` more; false, with nothing changed, if the limit does not allow it. */
  extend(amount: number): boolean {
    if (!this.store.reserve(this.what, amount)) return false;
    this.held += amount;
    return true;
  }

  /** Gives everything back. Harmless when nothing is held any more. */
  release(): void {
    this.store.reserve(this.what, -this.held);
    this.held = 0;
  }
}

/** A store: accounts and limits of the instances that were made in it. */
export class Store {
  readonly limits: RuntimeLimits;
  readonly prices: PriceTable;
  /** Fuel that is left; Infinity: not metered. Assignable at any time. */
  fuel: number;
  private readonly used: Record<Counted, number> = {
    memoryBytes: 0,
    tableElements: 0,
    instances: 0,
    globals: 0,
  };
  /** Most bytes of linear memory that there have been at once. */
  peakMemoryBytes = 0;
  /**
   * What the host has done for guests of this store besides executing instructions, and no slice
   * has counted yet; in units of fuel, of about 5 ns. It costs no fuel.
   */
  work = 0;
  /**
   * How often somebody has begun or gone on to run a guest of this store, or the host has reached
   * into one of its memories.
   */
  entries = 0;
  /** Register code of the modules that were called here first. */
  readonly code = new CodeAccount();
  /** Whether JavaScript asks exported memories for their buffers. Default false. */
  exposesMemories = false;
  /** Calls of host functions so far. */
  hostCalls = 0;
  /** Of this store alone, so that a store that dies with everything in it leaves nothing to do. */
  private readonly mourner: FinalizationRegistry<Lease> | null;

  constructor(
    limits: Partial<RuntimeLimits> = {},
    fuel = Number.POSITIVE_INFINITY,
    prices: PriceTable = PRICE_TABLE_2,
  ) {
    this.limits = { ...DEFAULT_RUNTIME_LIMITS, ...limits };
    this.fuel = fuel;
    this.prices = checkedPrices(prices);
    // Without it (very small engines) what was counted stays counted.
    this.mourner =
      typeof FinalizationRegistry === "undefined"
        ? null
        : new FinalizationRegistry((lease) => lease.release());
  }

  /** Whether the limit allows `amount` more. */
  allows(what: Counted, amount: number): boolean {
    return this.used[what] + amount <= this.limits[what];
  }

  /** Counts `amount` more; false, with nothing counted, if the limit does not allow it. */
  reserve(what: Counted, amount: number): boolean {
    // Giving back is allowed even where a limit was exceeded from the start.
    if (amount > 0 && !this.allows(what, amount)) return false;
    this.used[what] += amount;
    if (this.used.memoryBytes > this.peakMemoryBytes) this.peakMemoryBytes = this.used.memoryBytes;
    return true;
  }

  /** An empty lease, which is released at the latest when `holder` has died. */
  lease(what: Counted, holder: object): Lease {
    const lease = new Lease(this, what);
    this.mourner?.register(holder, lease);
    return lease;
  }

  /** How much of something there is now. */
  usage(what: Counted): number {
    return this.used[what];
  }
}
