// Host functions (design: section 2): JavaScript that guests call. A plain function gets its type
// from the import that takes it and sees its arguments alone; `hostFunc` states the type and also
// hands over who calls. Both may return promises under `callAsync` and `start`.

import { type CallInProgress, currentCall } from "../embedding/call.ts";
import { isReference, type ValType } from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import { aFunction, aString, checkOption } from "../module/options.ts";
import { allocateHostFunction } from "../runtime/allocate.ts";
import type { FunctionInstance, HostCode, ModuleInstance } from "../runtime/instances.ts";
import { isPromise, promiseOf } from "../runtime/promises.ts";
import type { Lease, Store as RuntimeStore } from "../runtime/store.ts";
import { funcTypeOfId } from "../runtime/types.ts";
import { idOfFuncType } from "../validation/type-ids.ts";
import { Memory } from "./externs.ts";
import { storeOf } from "./handles.ts";
import type { Instance } from "./instance.ts";
import { parseSignature } from "./signature.ts";
import type { Store } from "./store.ts";
import { describeValue, fromEngine, toEngine, type Value } from "./values.ts";

/** What a host function made by `hostFunc` learns about the call. */
export class Caller {
  private readonly from: ModuleInstance | null;

  constructor(from: ModuleInstance | null) {
    this.from = from;
  }

  /**
   * The instance that calls.
   * @throws TypeError if the host itself calls
   */
  get instance(): Instance {
    const from = this.required();
    return storeOf(from.store).instance(from);
  }

  /** The store of the instance that calls: its fuel may be read and changed. */
  get store(): Store {
    return storeOf(this.required().store);
  }

  /**
   * The first memory of the instance that calls.
   * @throws TypeError if it has none
   */
  get memory(): Memory {
    const [memory] = this.required().memories;
    if (memory === undefined) throw new TypeError("the instance that calls has no memory");
    return Memory.of(memory);
  }

  private required(): ModuleInstance {
    if (this.from === null) throw new TypeError("this function is called by the host");
    return this.from;
  }
}

/** The JavaScript behind a host function. */
type Action = (caller: ModuleInstance | null, args: Value[]) => Value;

/** A host function with a type of its own; see `hostFunc`. */
export class HostFunction {
  readonly signature: string;
  private readonly typeId: number;
  private readonly name: string;
  private readonly action: Action;

  /** For `hostFunc`. */
  constructor(signature: string, name: string, action: Action) {
    this.signature = signature;
    this.name = name;
    this.action = action;
    this.typeId = idOfFuncType(parseSignature(signature));
  }

  /** A function instance for an import with this name. */
  target(name: string): FunctionInstance {
    return hostFunction(this.typeId, this.name || name, this.action);
  }
}

/**
 * A host function with the type `signature`, whose first parameter says who calls. Only an import
 * of exactly this type takes it.
 *
 * ```ts
 * const log = hostFunc("(i32 i32) -> ()", ({ memory }, at: number, length: number) => {
 *   console.log(new TextDecoder().decode(memory.read(at, length)));
 * });
 * store.instantiate(module, { env: { log } });
 * ```
 *
 * @throws SyntaxError for a signature that is none, TypeError for what is no function
 */
export function hostFunc<A extends readonly Value[]>(
  signature: string,
  action: (caller: Caller, ...args: A) => Value,
): HostFunction {
  checkOption("hostFunc", "signature", signature, aString);
  checkOption("hostFunc", "action", action, aFunction);
  return new HostFunction(signature, action.name, (caller, args) => {
    return action(new Caller(caller), ...(args as readonly Value[] as A));
  });
}

/** A function instance of a plain function, for an import of this type. */
export function plainFunction(
  typeId: number,
  name: string,
  action: (...args: Value[]) => Value,
): FunctionInstance {
  return hostFunction(typeId, name, (_, args) => action(...args));
}

/** What a store's instances of one module were given for an import, and what was made of it. */
interface Made {
  readonly given: object;
  readonly target: FunctionInstance;
}

/** By index of the import, and what they take of the store's `hostBytes`. */
interface Places {
  readonly made: Made[];
  readonly lease: Lease;
}

/** What a host function that was made for an import takes in V8, with its name. */
const HOST_FUNCTION_BYTES = 576;

/**
 * Host functions that were made for the imports of a store's modules, so that many instances of a
 * module share them. By place, not by what stands there: names and types are the guest's, and
 * nothing that is keyed by them may outlive a store or be looked through.
 */
export class HostFunctions {
  private readonly store: RuntimeStore;
  private readonly made = new WeakMap<ModuleRecord, Places>();

  constructor(store: RuntimeStore) {
    this.store = store;
  }

  /**
   * The function instance of a host function for the import of this index; else it is made.
   * @throws Exhaustion of the store's `hostBytes`
   */
  forImport(
    module: ModuleRecord,
    index: number,
    given: object,
    make: (name: string) => FunctionInstance,
  ): FunctionInstance {
    let places = this.made.get(module);
    if (places === undefined) {
      const made: Made[] = [];
      places = { made, lease: this.store.lease("hostBytes", made) };
      this.made.set(module, places);
    }
    const { lease, made } = places;
    if (made[index]?.given === given) return made[index].target;
    if (made[index] === undefined) lease.require(HOST_FUNCTION_BYTES);
    const item = module.imports[index];
    const target = make(`${item.module}.${item.name}`);
    made[index] = { given, target };
    return target;
  }
}

/** A function instance of the host whose arguments and results are checked and converted. */
function hostFunction(typeId: number, name: string, action: Action): FunctionInstance {
  const { params, results } = funcTypeOfId(typeId);
  const references = params.some(isReference);
  const code: HostCode = ({ caller }, args) => {
    // Without a caller the host calls, by a thread that has the store.
    const store = (caller ?? (currentCall() as CallInProgress)).store;
    const values = references ? args.map((arg) => fromEngine(arg, store)) : args;
    const result = action(caller, values);
    if (!isPromise(result)) return checkResults(result, results, name, store);
    return promiseOf(result).then((value) => checkResults(value, results, name, store));
  };
  return allocateHostFunction(typeId, code, name);
}

function checkResults(
  result: Value,
  types: readonly ValType[],
  name: string,
  store: RuntimeStore,
): Value {
  if (types.length === 0) return undefined;
  if (types.length === 1) return toEngine(result, types[0], () => `the result of ${name}`, store);
  const values = Array.isArray(result) ? result : [];
  if (values.length !== types.length) {
    const found = Array.isArray(result) ? `one of ${values.length}` : describeValue(result);
    throw new TypeError(`${name} must return an array of ${types.length} values, found ${found}`);
  }
  return types.map((type, i) => {
    return toEngine(values[i], type, () => `result ${i + 1} of ${name}`, store);
  });
}
