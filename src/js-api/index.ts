// `wasmeter/js-api`: the `WebAssembly` namespace of the JavaScript API specification on this engine
// (https://webassembly.github.io/spec/js-api/), as one ready-made namespace and as a maker of more,
// each with accounts, limits and features of its own.

import { type FeatureSwitches, featureSet } from "../isa/features.ts";
import type { PriceTable } from "../isa/prices.ts";
import { DECODING_LIMIT_OPTIONS, type DecodingLimits } from "../module/limits.ts";
import {
  checkedOptions,
  checkOption,
  featureSwitches,
  nested,
  type OptionTable,
} from "../module/options.ts";
import { ACCOUNT_OPTIONS, fuelOption, type RuntimeLimits, Store } from "../runtime/store.ts";
import type { Tier } from "../runtime/tier.ts";
import { Context } from "./context.ts";
import { errorClasses } from "./errors.ts";
import { namespaceOf } from "./namespace.ts";
import type { WebAssemblyNamespace } from "./types.ts";
import { CallWatch, TIME_OPTIONS, type TimeLimits } from "./watch.ts";

export type { Tier } from "../runtime/tier.ts";
export type { ErrorClass } from "./errors.ts";
export type * from "./types.ts";
export type { EpochLike } from "./watch.ts";

/** What a namespace starts with. Without options nothing is metered and nothing stops a guest. */
export interface NamespaceOptions extends TimeLimits {
  /** Units of fuel: by default one per executed instruction. Default Infinity. */
  readonly fuel?: number;
  /** What instructions cost. Default: `PRICE_TABLE_2`. */
  readonly prices?: PriceTable;
  /** Who executes guests, as for stores of the embedder API. Default "interpreter". */
  readonly tier?: Tier;
  /**
   * Limits on what all instances of the namespace use together. Default: none, but for the depth of
   * calls and the bytes of their frames, which are those of `DEFAULT_RUNTIME_LIMITS`.
   */
  readonly limits?: Partial<RuntimeLimits>;
  /** Limits on modules. Default: those that the JavaScript API demands. */
  readonly decodingLimits?: Partial<DecodingLimits>;
  /**
   * Proposals switched on or off by name. Default: those of the embedder API. Of what is off
   * `WebAssembly.validate` says that it is invalid.
   */
  readonly features?: FeatureSwitches;
}

/** The accounts of a namespace: for who made it, not for the programs that run in it. */
export interface NamespaceControls {
  /** Units of fuel that are left. Assignable at any time, like the three below. */
  fuel: number;
  /** Milliseconds that a call from outside may take: each that begins from now on. */
  timeout: number;
  /** Moment, on the clock of `Date.now()`, after which guests are stopped. */
  deadline: number;
  /** The epoch's value at which guests are stopped. */
  epochDeadline: number;
  /** Bytes of linear memory and so on that there may be. */
  readonly limits: RuntimeLimits;
  /** Most bytes of linear memory that there have been at once. */
  readonly peakMemoryBytes: number;
  /** Calls of imported JavaScript functions so far. */
  readonly hostCalls: number;
}

/** Where the JavaScript API is stricter than the engine's defaults (JS-API: 7.3). */
const DECODING_LIMITS: Partial<DecodingLimits> = { memories: 100 };

const NO_LIMITS: Partial<RuntimeLimits> = {
  memoryBytes: Number.POSITIVE_INFINITY,
  tableElements: Number.POSITIVE_INFINITY,
  instances: Number.POSITIVE_INFINITY,
  globals: Number.POSITIVE_INFINITY,
  hostBytes: Number.POSITIVE_INFINITY,
  gcBytes: Number.POSITIVE_INFINITY,
  compiledBytes: Number.POSITIVE_INFINITY,
};

const NAMESPACE_OPTIONS: OptionTable<NamespaceOptions> = {
  ...TIME_OPTIONS,
  ...ACCOUNT_OPTIONS,
  decodingLimits: nested(DECODING_LIMIT_OPTIONS),
  features: featureSwitches,
};

class Controls implements NamespaceControls {
  private readonly store: Store;
  private readonly watch: CallWatch;

  constructor(store: Store, watch: CallWatch) {
    this.store = store;
    this.watch = watch;
    // What is assigned to a mistyped name is an error, not lost.
    Object.preventExtensions(this);
  }

  get fuel(): number {
    return this.store.fuel;
  }

  set fuel(fuel: number) {
    checkOption("controls", "fuel", fuel, fuelOption);
    this.store.fuel = fuel;
  }

  get timeout(): number {
    return this.watch.timeout;
  }

  set timeout(milliseconds: number) {
    this.watch.timeout = milliseconds;
  }

  get deadline(): number {
    return this.watch.deadline;
  }

  set deadline(moment: number) {
    this.watch.deadline = moment;
  }

  get epochDeadline(): number {
    return this.watch.epochDeadline;
  }

  set epochDeadline(deadline: number) {
    this.watch.epochDeadline = deadline;
  }

  get limits(): RuntimeLimits {
    return this.store.limits;
  }

  get peakMemoryBytes(): number {
    return this.store.peakMemoryBytes;
  }

  get hostCalls(): number {
    return this.store.hostCalls;
  }
}

const controls = new WeakMap<object, NamespaceControls>();

/**
 * A `WebAssembly` namespace of its own: its objects know nothing of those of other namespaces, and
 * everything in it is paid from one account.
 *
 * What stops a guest is an error like a trap, which the guest cannot catch: a `RuntimeError` whose
 * `code` is `"fuel"`, `"deadline"` or `"epoch"`, and whose `cause` is the engine's `Exhaustion`. A
 * stack that is used up is a RangeError, as in JavaScript, and so is a memory or a table beyond the
 * limits; `memory.grow` and `table.grow` give -1 there. The namespace and its instances stay
 * usable.
 *
 * ```ts
 * const WebAssembly = createNamespace({ fuel: 5_000_000, timeout: 50 });
 * const { instance } = await WebAssembly.instantiate(bytes, imports);
 * controlsOf(WebAssembly).fuel = 1_000_000;
 * ```
 *
 * @throws TypeError for an option, limit or feature that there is not, or of another kind
 * @throws RangeError for a number that is NaN or negative
 */
export function createNamespace(options: NamespaceOptions = {}): WebAssemblyNamespace {
  const checked = checkedOptions("createNamespace", options, NAMESPACE_OPTIONS);
  const { decodingLimits, features, fuel, limits, prices, tier } = checked;
  const store = new Store({ ...NO_LIMITS, ...limits }, fuel, prices, tier);
  const settings = {
    features: featureSet(features),
    limits: { ...DECODING_LIMITS, ...decodingLimits },
  };
  const watch = new CallWatch(checked);
  const namespace = namespaceOf(new Context(store, settings, errorClasses(), watch));
  controls.set(namespace, new Controls(store, watch));
  return namespace as WebAssemblyNamespace;
}

/** The accounts of a namespace that `createNamespace` has made. @throws TypeError for any other */
export function controlsOf(namespace: object): NamespaceControls {
  const found = controls.get(namespace);
  if (found === undefined) throw new TypeError("this is no namespace of wasmeter");
  return found;
}

/**
 * As many element segments as the JavaScript API demands, whatever it takes to describe them: for
 * the official tests, and for who trusts his modules.
 */
const TRUSTING: Partial<DecodingLimits> = {
  elementSegments: 10_000_000,
  recordBytes: Number.POSITIVE_INFINITY,
};

/** The namespace, as `globalThis.WebAssembly` would be: nothing is metered. */
export const WebAssembly: WebAssemblyNamespace = createNamespace({ decodingLimits: TRUSTING });
