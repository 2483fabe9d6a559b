// The embedder's Store (design: section 2): whose account is charged. Fuel, epoch deadline and
// limits belong to it, and what its instances use together is counted here.

import { inTurns } from "../embedding/turns.ts";
import type { PriceTable } from "../isa/prices.ts";
import {
  amount,
  checkedOptions,
  checkOption,
  type OptionTable,
  objectWith,
} from "../module/options.ts";
import type { FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import {
  ACCOUNT_OPTIONS,
  fuelOption,
  type RuntimeLimits,
  Store as RuntimeStore,
} from "../runtime/store.ts";
import type { Tier } from "../runtime/tier.ts";
import type { Epoch } from "./epoch.ts";
import { Execution, type Interrupts, type Usage } from "./execution.ts";
import { type CallOptions, callOptions, Func, interruptsOf } from "./func.ts";
import { keepStore, storesAreMadeBy } from "./handles.ts";
import { HostFunctions } from "./host.ts";
import { type ImportMap, Linking } from "./imports.ts";
import { type DefaultExports, Instance } from "./instance.ts";
import type { Module } from "./module.ts";
import { Tenant } from "./schedule.ts";
import {
  type Restored,
  type RestoreOptions,
  restoreSnapshot,
  type SnapshotContents,
  takeSnapshot,
} from "./snapshot.ts";

/** What a store starts with. Without options nothing is metered and nothing stops a guest. */
export interface StoreOptions {
  /** Units of fuel: by default one per executed instruction. Default Infinity. */
  readonly fuel?: number;
  /** Limits that differ from `DEFAULT_RUNTIME_LIMITS`. */
  readonly limits?: Partial<RuntimeLimits>;
  /** The counter that `epochDeadline` is compared with. */
  readonly epoch?: Epoch;
  /** The epoch's value at which guests are stopped. Default Infinity: never. */
  readonly epochDeadline?: number;
  /** What instructions cost. Default: `PRICE_TABLE_2`. */
  readonly prices?: PriceTable;
  /**
   * Who executes guests: the interpreter, so that the host's compiler never gets to see their code;
   * "compiled", the host's own engine, where there is one that takes the module; "auto", the one,
   * and the other where that pays. All else is the same in each. Default "interpreter".
   */
  readonly tier?: Tier;
}

const STORE_OPTIONS: OptionTable<StoreOptions> = {
  ...ACCOUNT_OPTIONS,
  epoch: objectWith("an Epoch", "reached"),
  epochDeadline: amount(Number.NEGATIVE_INFINITY),
};

/**
 * Accounts and limits of instances: of one tenant, as a rule.
 *
 * ```ts
 * const store = new Store({ fuel: 5_000_000, limits: { memoryBytes: 64 << 20 } });
 * const plugin = store.instantiate(module, { env: { log } });
 * ```
 */
export class Store {
  /** The store of the layers below. */
  readonly runtime: RuntimeStore;
  readonly epoch: Epoch | null;
  /** What the call that ended or was stopped last has used; null before the first one. */
  lastUsage: Usage | null = null;
  private deadline = Number.POSITIVE_INFINITY;
  private billed = 0;
  /** For calls under `callAsync`. */
  readonly tenant = new Tenant();
  /** For imports. */
  readonly hostFunctions: HostFunctions;
  private readonly funcs = new WeakMap<FunctionInstance, Func>();
  private readonly instances = new WeakMap<ModuleInstance, Instance>();

  /**
   * @throws TypeError for an option or a limit that there is not, or that is of another kind
   * @throws RangeError for fuel, a limit or a deadline that is NaN or negative
   */
  constructor(options: StoreOptions = {}, runtime?: RuntimeStore) {
    const checked = checkedOptions("Store", options, STORE_OPTIONS);
    const { epoch = null, epochDeadline, fuel, limits, prices, tier } = checked;
    this.runtime = runtime ?? new RuntimeStore(limits, undefined, prices, tier);
    this.hostFunctions = new HostFunctions(this.runtime);
    this.epoch = epoch;
    if (fuel !== undefined) this.fuel = fuel;
    if (epochDeadline !== undefined) this.epochDeadline = epochDeadline;
    keepStore(this.runtime, this);
    // A mistyped `store.fule = 5` is an error too; classes derived from it may have fields.
    if (new.target === Store) Object.preventExtensions(this);
  }

  /**
   * Units of fuel that are left. May be changed at any time, also by host functions and while
   * executions are suspended.
   */
  get fuel(): number {
    return this.runtime.fuel;
  }

  /** @throws TypeError if it is no number, RangeError if it is below 0 or NaN */
  set fuel(fuel: number) {
    checkOption("Store", "fuel", fuel, fuelOption);
    this.runtime.fuel = fuel;
  }

  /** The epoch's value at which guests of this store are stopped; Infinity: never. */
  get epochDeadline(): number {
    return this.deadline;
  }

  /** @throws TypeError if it is no number, RangeError if no 32-bit integer and not Infinity */
  set epochDeadline(deadline: number) {
    checkOption("Store", "epochDeadline", deadline, STORE_OPTIONS.epochDeadline);
    if (deadline !== Number.POSITIVE_INFINITY && (deadline | 0) !== deadline) {
      throw new RangeError(`an epoch deadline is a 32-bit integer or Infinity, not ${deadline}`);
    }
    if (deadline !== Number.POSITIVE_INFINITY && this.epoch === null) {
      throw new RangeError("a store without epoch can have no epoch deadline");
    }
    this.deadline = deadline;
  }

  get limits(): RuntimeLimits {
    return this.runtime.limits;
  }

  /** What everything in the store has used since it was made. */
  get usage(): Usage {
    const { hostCalls, peakMemoryBytes } = this.runtime;
    return { fuel: this.billed, peakMemoryBytes, hostCalls };
  }

  /**
   * Makes an instance of a module and runs its start function. `imports` is all that it reaches.
   * @throws LinkError for an import that is missing or has another type
   * @throws TypeError for what is no module; TypeError, RangeError for options that are wrong
   * @throws Exhaustion for a limit of the store, and what stops the start function
   * @throws Trap for a segment out of bounds, and what the start function raises
   */
  instantiate<E extends object = DefaultExports>(
    module: Module,
    imports: ImportMap = {},
    options: CallOptions = {},
  ): Instance<E> {
    const interrupts = interruptsOf(callOptions("instantiate", options));
    const linking = new Linking(this, module, imports);
    const mayStall = !Execution.isStoppable(this, interrupts);
    while (!this.advance(linking, interrupts, mayStall));
    const { instance, startFunction: start } = linking.complete;
    if (start !== null) new Execution(this, start, [], false, interrupts).finish();
    return this.instance(instance) as Instance<object> as Instance<E>;
  }

  /** The same like `callAsync`: the event loop gets its turns, and imports may return promises. */
  async instantiateAsync<E extends object = DefaultExports>(
    module: Module,
    imports: ImportMap = {},
    options: CallOptions = {},
  ): Promise<Instance<E>> {
    const checked = callOptions("instantiateAsync", options);
    const interrupts = interruptsOf(checked);
    const linking = new Linking(this, module, imports);
    await inTurns(() => !this.advance(linking, interrupts));
    const { instance, startFunction: start } = linking.complete;
    if (start !== null) {
      await new Execution(this, start, [], true, interrupts).finishAsync(checked.slice);
    }
    return this.instance(instance) as Instance<object> as Instance<E>;
  }

  /**
   * What is named and all that it leads to as bytes, of which `Store.restore` makes a store again:
   * here, in another process, in another version of the host. Nothing of it changes here. Calls
   * that wait for what a host function has promised will call that again. Not in bytes, and to be
   * given again: modules, functions and tags of the host's, and what is named in `refs` that is the
   * host's. Throws away nothing, and takes about 1 ms for a megabyte that is not as it began.
   *
   * ```ts
   * const bytes = store.snapshot({ instances: { plugin }, executions: { run } });
   * const { executions } = Store.restore(bytes, { modules: [module], imports: { env } });
   * executions.run.run();
   * ```
   * @throws SnapshotError while a guest of the store runs, for a call that is in the middle of a
   * host function's own work or waits at a shared memory, for shared memories, for things of other
   * stores, and for what guests have of the host's that is not named
   */
  snapshot(contents: SnapshotContents): Uint8Array {
    return takeSnapshot(this, contents);
  }

  /**
   * A store as `snapshot` has found it, and all that was named there. Options replace what was:
   * give `fuel` and `limits` where the bytes may be somebody else's. Everything in them is checked;
   * unless all fits together, there is no store.
   * @throws SnapshotError for bytes that are no snapshot, damaged, or of a newer version; for a
   * module or something named that is missing, another price table, and what makes no sense
   * @throws LinkError for an import that is missing or has another type
   * @throws Exhaustion for a limit, CodeLimitError for a function in progress that is too large
   * @throws TypeError, RangeError for options that are wrong
   */
  static restore(bytes: Uint8Array, options: RestoreOptions): Restored {
    return restoreSnapshot(bytes, options, ({ accounts }, given) => {
      const { fuelLeft: fuel, limits } = accounts;
      const { limits: changed, ...others } = given;
      return new Store({ fuel, ...others, limits: { ...limits, ...changed } });
    });
  }

  /** Goes on with an instantiation: true when the instance is complete. @throws what stops it */
  private advance(linking: Linking, interrupts: Interrupts, mayStall = false): boolean {
    if (linking.advance(mayStall)) return true;
    try {
      Execution.checkStop(this, interrupts);
    } catch (error) {
      linking.abandon();
      throw error;
    }
    return false;
  }

  /** For the layers around it: the function that stands for a function instance. */
  func(target: FunctionInstance): Func {
    let func = this.funcs.get(target);
    if (func === undefined) {
      func = new Func(this, target);
      this.funcs.set(target, func);
    }
    return func;
  }

  /** For the layers around it: the instance that stands for a module instance. */
  instance(target: ModuleInstance): Instance {
    let instance = this.instances.get(target);
    if (instance === undefined) {
      instance = new Instance(this, target);
      this.instances.set(target, instance);
    }
    return instance;
  }

  /** For executions: counts fuel that has been used. */
  bill(fuel: number): void {
    this.billed += fuel;
  }
}

storesAreMadeBy((runtime) => new Store({}, runtime));
