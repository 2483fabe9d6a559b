// The store (spec: 4.2.3): the accounts and limits that the instances in it share. What is
// allocated is counted here, so that a limit has one place to be checked. What dies gives its part
// back when the host's garbage collector notices, not earlier than the next task of the event loop:
// a program that must not depend on that moment gives each tenant a store of its own.

import { CodeAccount } from "../code/room.ts";
import { checkedPrices, PRICE_TABLE_2, type PriceTable } from "../isa/prices.ts";
import { amount, anObject, nested, type OptionTable, oneOf, tableOf } from "../module/options.ts";
import type { Growth } from "./growth.ts";
import { GuestObjects } from "./roots.ts";
import { DEFAULT_TIER, TIERS, type Tier } from "./tier.ts";
import { Exhaustion } from "./trap.ts";

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
  /**
   * Bytes of the host's memory for what is neither linear memory nor table elements: instances with
   * their functions, globals and segments, exceptions, frames of suspended calls. By formulas of
   * what they take in V8. Default 256 MiB.
   */
  readonly hostBytes: number;
  /**
   * Bytes of the host's memory for structs and arrays that are alive. By formulas of what they take
   * in V8. Default 256 MiB.
   */
  readonly gcBytes: number;
  /**
   * Bytes of the host's memory for code that its own engine has compiled. By formulas likewise.
   * What there is no room for is interpreted. Default 256 MiB.
   */
  readonly compiledBytes: number;
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
  hostBytes: 2 ** 28,
  gcBytes: 2 ** 28,
  compiledBytes: 2 ** 28,
  callDepth: 200_000,
  stackBytes: 2 ** 24,
};

/** What a store's accounts may be when somebody outside opens them. */
export interface AccountOptions {
  readonly fuel?: number;
  readonly limits?: Partial<RuntimeLimits>;
  readonly prices?: PriceTable;
  readonly tier?: Tier;
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
  tier: oneOf(TIERS),
};

/** Kinds of things a store counts; also keys of its limits. */
export type Counted =
  | "memoryBytes"
  | "tableElements"
  | "instances"
  | "globals"
  | "hostBytes"
  | "gcBytes"
  | "compiledBytes";

const UNITS: Readonly<Record<Counted, string>> = {
  memoryBytes: "bytes of linear memory",
  tableElements: "table elements",
  instances: "module instances",
  globals: "globals",
  hostBytes: "bytes of the host's memory",
  gcBytes: "bytes of structs and arrays",
  compiledBytes: "bytes of compiled code",
};

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

  /** Holds `amount` more, whatever the limit is. */
  hold(amount: number): true {
    this.store.reserve(this.what, amount, true);
    this.held += amount;
    return true;
  }

  /** `extend` for who cannot go on without. @throws Exhaustion */
  require(amount: number): void {
    if (!this.extend(amount)) throw this.store.overLimit(this.what, amount);
  }

  /** Gives `amount` of it back. */
  shrink(amount: number): void {
    this.store.reserve(this.what, -amount);
    this.held -= amount;
  }

  /** Gives everything back. Harmless when nothing is held any more. */
  release(): void {
    this.shrink(this.held);
  }
}

/** A store: accounts and limits of the instances that were made in it. */
export class Store {
  readonly limits: RuntimeLimits;
  readonly prices: PriceTable;
  readonly tier: Tier;
  /** Fuel that is left; Infinity: not metered. Assignable at any time. */
  fuel: number;
  private readonly used: Record<Counted, number> = {
    memoryBytes: 0,
    tableElements: 0,
    instances: 0,
    globals: 0,
    hostBytes: 0,
    gcBytes: 0,
    compiledBytes: 0,
  };
  /** What guests have made: exceptions, a part of `hostBytes`, and `gcBytes`. */
  readonly objects: GuestObjects;
  /** Most bytes of linear memory that there have been at once. */
  peakMemoryBytes = 0;
  /**
   * What the host has done for guests of this store besides executing instructions, and no slice
   * has counted yet; in units of fuel, of about 5 ns. It costs no fuel.
   */
  work = 0;
  /** The growth of a memory that a guest has begun and nobody has completed. */
  growth: Growth | null = null;
  /** Register code of the modules that were called here first. */
  readonly code = new CodeAccount();
  /** Whether JavaScript asks exported memories for their buffers. Default false. */
  exposesMemories = false;
  /** Calls of host functions so far. */
  hostCalls = 0;
  /** Fuel that was used by what another tier than the interpreter executes. */
  compiledFuel = 0;
  /** Of this store alone, so that a store that dies with everything in it leaves nothing to do. */
  private readonly mourner: FinalizationRegistry<Lease> | null;

  constructor(
    limits: Partial<RuntimeLimits> = {},
    fuel = Number.POSITIVE_INFINITY,
    prices: PriceTable = PRICE_TABLE_2,
    tier: Tier = DEFAULT_TIER,
  ) {
    this.limits = { ...DEFAULT_RUNTIME_LIMITS, ...limits };
    this.fuel = fuel;
    this.prices = checkedPrices(prices);
    this.tier = tier;
    this.objects = new GuestObjects(this);
    // Without it (very small engines) what was counted stays counted.
    this.mourner =
      typeof FinalizationRegistry === "undefined"
        ? null
        : new FinalizationRegistry((lease) => lease.release());
  }

  /**
   * Whether a guest may run: not while its objects are counted or one of its memories grows. If
   * not, a piece of that has been done.
   */
  isReady(): boolean {
    if (this.growth !== null && !this.growth.advance()) return false;
    return !this.objects.isCounting || this.objects.advance();
  }

  /** Whether the limit allows `amount` more. */
  allows(what: Counted, amount: number): boolean {
    if (this.usage(what) + amount <= this.limits[what]) return true;
    if (what !== "hostBytes" || this.objects.bytes === 0) return false;
    // Garbage must not stand in the way of what has a lease.
    this.objects.count();
    return this.usage(what) + amount <= this.limits[what];
  }

  /**
   * Counts `amount` more; false, with nothing counted, if the limit does not allow it and it is not
   * to be counted anyway.
   */
  reserve(what: Counted, amount: number, anyway = false): boolean {
    // Giving back is allowed even where a limit was exceeded from the start.
    if (amount > 0 && !anyway && !this.allows(what, amount)) return false;
    this.used[what] += amount;
    if (this.used.memoryBytes > this.peakMemoryBytes) this.peakMemoryBytes = this.used.memoryBytes;
    return true;
  }

  /** The error of an amount that the limit does not allow. */
  overLimit(what: Counted, amount: number): Exhaustion {
    const used = `${this.usage(what)} of at most ${this.limits[what]} are in use`;
    return new Exhaustion(what, `${amount} more ${UNITS[what]} asked for, ${used}`);
  }

  /** An empty lease, which is released at the latest when `holder` has died. */
  lease(what: Counted, holder: object): Lease {
    const lease = new Lease(this, what);
    this.mourner?.register(holder, lease);
    return lease;
  }

  /**
   * How much of something there is now. `hostBytes` include exceptions that nobody can reach any
   * more, until the limit is reached and they are counted again; so do `gcBytes` objects.
   */
  usage(what: Counted): number {
    if (what === "gcBytes") return this.objects.gcBytes;
    return what === "hostBytes" ? this.used[what] + this.objects.bytes : this.used[what];
  }
}
