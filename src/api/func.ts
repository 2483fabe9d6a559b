// Functions of WebAssembly as the embedder calls them (design: section 2): to the end, in slices
// with the event loop in between, or by hand.

import { cut } from "../module/errors.ts";
import { functionName } from "../module/module.ts";
import { amount, checkedOptions, type OptionTable, objectWith } from "../module/options.ts";
import { deadlineIn } from "../runtime/clock.ts";
import type { FunctionInstance } from "../runtime/instances.ts";
import { formatClosedType } from "../runtime/types.ts";
import { Execution, type Interrupts } from "./execution.ts";
import { FunctionHandle } from "./handles.ts";
import type { AbortSignalLike } from "./host-loop.ts";
import type { Store } from "./store.ts";
import { checkArguments, type Value } from "./values.ts";

/** What stops a call before its end. */
export interface CallOptions {
  /** Milliseconds that the call may take; then it throws Exhaustion "deadline". */
  readonly timeout?: number;
  /** Stops the call with the signal's reason; of use with `callAsync` above all. */
  readonly signal?: AbortSignalLike;
  /** Units of fuel between two turns of the event loop under `callAsync`. Default: 0.3 ms of it. */
  readonly slice?: number;
}

/** A function as plain JavaScript: what `instance.exports` holds. */
export type ExportedFunction = (...args: readonly Value[]) => Value;

/** Characters of a name: somebody has asked for it. */
const ALL = Number.POSITIVE_INFINITY;

const NO_OPTIONS: CallOptions = {};

const CALL_OPTIONS: OptionTable<CallOptions> = {
  timeout: amount(),
  signal: objectWith("an AbortSignal", "addEventListener", "removeEventListener"),
  slice: amount(1),
};

/** The options of a call as `owner` was given them. @throws TypeError, RangeError */
export function callOptions(owner: string, options: CallOptions): CallOptions {
  return checkedOptions(owner, options, CALL_OPTIONS);
}

/**
 * A function of WebAssembly. From `instance.func(name)`, from tables, globals and results.
 *
 * ```ts
 * const render = plugin.func("render");
 * render.call(1, 2n);
 * await render.with({ timeout: 50 }).callAsync(1, 2n);
 * ```
 */
export class Func extends FunctionHandle {
  readonly store: Store;
  private readonly options: CallOptions;

  /** For `Store`; elsewhere functions come from instances. */
  constructor(store: Store, target: FunctionInstance, options: CallOptions = NO_OPTIONS) {
    super(target);
    this.store = store;
    this.options = options;
  }

  /** The best name there is for it: of the name section, of an export or import; may be empty. */
  get name(): string {
    const { code, instance, name } = this.target;
    return (instance === null ? name : functionName(instance.module, code.index, ALL)) ?? "";
  }

  /** Types of its parameters, as in the text format: `["i32", "i64"]`. */
  get params(): string[] {
    return this.target.type.params.map(formatClosedType);
  }

  get results(): string[] {
    return this.target.type.results.map(formatClosedType);
  }

  /**
   * The same function whose calls have these options instead.
   * @throws TypeError for an option that there is not or of another kind, RangeError out of range
   */
  with(options: CallOptions): Func {
    return new Func(this.store, this.target, callOptions("with", options));
  }

  /**
   * Calls it and runs it to its end: undefined, the result, or an array of several. i32, f32 and
   * f64 are numbers (i32 wraps as with `| 0`), i64 is a bigint.
   * @throws TypeError for arguments that do not fit
   * @throws Trap, WasmException, and unchanged whatever a host function throws
   * @throws Exhaustion if fuel, time or stack run out. The instance stays usable; to go on where
   * a call was stopped, use `start`
   */
  call(...args: readonly Value[]): Value {
    return this.execution(args, false).finish();
  }

  /**
   * The same with the event loop in between, slice by slice. Host functions may return promises:
   * the guest waits and goes on with the value.
   */
  async callAsync(...args: readonly Value[]): Promise<Value> {
    return this.execution(args, true).finishAsync(this.options.slice);
  }

  /**
   * A call to be driven by hand, suspended at its first instruction. Host functions may return
   * promises. Of the options only the timeout of each `run` counts here.
   */
  start(...args: readonly Value[]): Execution {
    return new Execution(this.store, this.target, this.check(args), true);
  }

  private execution(args: readonly Value[], mayAwait: boolean): Execution {
    const { options, store, target } = this;
    const checked = this.check(args);
    return options === NO_OPTIONS
      ? new Execution(store, target, checked, mayAwait)
      : new Execution(store, target, checked, mayAwait, interruptsOf(options));
  }

  private check(args: readonly Value[]): Value[] {
    const { params } = this.target.type;
    return checkArguments(args, params, () => cut(this.name) || "the function", this.store.runtime);
  }
}

/** What the options of a call say about stopping it, from now on. */
export function interruptsOf({ signal, timeout }: CallOptions): Interrupts {
  return { deadline: deadlineIn(timeout ?? Number.POSITIVE_INFINITY), signal };
}
