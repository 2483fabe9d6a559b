// What the objects of one namespace share (JS-API: 4.1 Store, 4.2 Object Caches): the store, the
// error classes, the caches that give each instance of the engine one JavaScript object, and the
// way from a JavaScript call into the engine and back out with its errors.

import { type DirectCall, directCall, type PromisingCall } from "../embedding/call.ts";
import type { DecodeSettings } from "../embedding/module.ts";
import {
  EXTERNREF,
  HEAP_ANY,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_NOEXTERN,
  heapOf,
  isNullable,
  type ValType,
} from "../isa/types.ts";
import { CodeLimitError } from "../module/errors.ts";
import type { FuncType } from "../module/module.ts";
import {
  ExceptionInstance,
  type FunctionInstance,
  type GlobalInstance,
  TagInstance,
  type Value,
} from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import { internalize, matchesHeap, toExtern, toHost } from "../runtime/objects.ts";
import type { Progress } from "../runtime/outcome.ts";
import type { Settled } from "../runtime/promises.ts";
import type { Store } from "../runtime/store.ts";
import type { TableInstance } from "../runtime/table.ts";
import { Exhaustion, Trap, Uncaught } from "../runtime/trap.ts";
import { funcTypeOfId, heapIdMatches } from "../runtime/types.ts";
import { idOfFuncType } from "../validation/type-ids.ts";
import {
  addFrames,
  DETACHED,
  type ErrorClasses,
  markUncatchable,
  OVERFLOW,
  trapMessage,
} from "./errors.ts";
import { type Callable, exportedFunction } from "./functions.ts";
import { type ReferenceBorder, Signature } from "./signature.ts";
import type { CallWatch } from "./watch.ts";
import { isObject } from "./webidl.ts";

/** A kind of object that stands for an instance of the engine. */
export interface Wrapper<T> {
  /** A new object for `target`. */
  create(target: T): object;
  /** What an object of the class stands for; null for every other value (the brand check). */
  targetOf(value: unknown): T | null;
}

/** A class of a namespace and its wrapper. */
export interface Defined<T> {
  readonly Interface: object;
  readonly wrapper: Wrapper<T>;
}

/** Given to a constructor instead of its argument: the instance that the object is to stand for. */
export class Existing<T> {
  readonly #target: T;

  constructor(target: T) {
    this.#target = target;
  }

  /** Whether a constructor was given one. `instanceof` would ask a proxy for its prototype. */
  static is<T>(value: unknown): value is Existing<T> {
    return isObject(value) && #target in value;
  }

  get target(): T {
    return this.#target;
  }
}

/** The classes of a namespace whose objects stand for something of the engine's. */
export interface Wrappers {
  readonly memory: Wrapper<MemoryInstance>;
  readonly table: Wrapper<TableInstance>;
  readonly global: Wrapper<GlobalInstance>;
  readonly tag: Wrapper<TagInstance>;
  readonly exception: Wrapper<ExceptionInstance>;
  readonly suspending: Wrapper<Callable>;
}

/** The shared state of a namespace. */
export class Context implements ReferenceBorder {
  readonly store: Store;
  readonly settings: DecodeSettings;
  readonly errors: ErrorClasses;
  /** JavaScript's exceptions as guests see them. */
  readonly jsTag: TagInstance;
  /** Set by who makes the namespace, before anything else is done with the context. */
  wrappers!: Wrappers;
  readonly watch: CallWatch;
  private readonly objects = new WeakMap<object, object>();
  private readonly functions = new WeakMap<object, FunctionInstance>();
  private readonly signatures = new WeakMap<FuncType, Signature>();
  /** By how many calls lie beneath: they are strictly nested. */
  private readonly calls: DirectCall[] = [];
  private depth = 0;

  constructor(store: Store, settings: DecodeSettings, errors: ErrorClasses, watch: CallWatch) {
    this.store = store;
    store.exposesMemories = true;
    this.settings = settings;
    this.errors = errors;
    this.watch = watch;
    const id = idOfFuncType({ kind: "func", params: [EXTERNREF], results: [] });
    this.jsTag = new TagInstance(funcTypeOfId(id), id);
  }

  /** Whether anything stops guests now: fuel, or a limit in time. */
  get isStoppable(): boolean {
    return this.watch.active || this.store.fuel !== Number.POSITIVE_INFINITY;
  }

  // Object caches

  /** The object that stands for an instance; made when first asked for. */
  objectOf<T extends object>(wrapper: Wrapper<T>, target: T): object {
    let object = this.objects.get(target);
    if (object === undefined) {
      // The constructor calls `adopt`.
      object = wrapper.create(target);
    }
    return object;
  }

  /** Notes which object stands for an instance. */
  adopt(target: object, object: object): void {
    this.objects.set(target, object);
  }

  /** The Exported Function of a function. `index` is its name if it is the host's. */
  functionObject(target: FunctionInstance, index = 0): object {
    let object = this.objects.get(target);
    if (object === undefined) {
      object = exportedFunction(this, target, index);
      this.objects.set(target, object);
      this.functions.set(object, target);
    }
    return object;
  }

  /** The function that an Exported Function of this namespace stands for; else null. */
  functionOf(value: unknown): FunctionInstance | null {
    return (typeof value === "function" && this.functions.get(value)) || null;
  }

  signatureOf(type: FuncType): Signature {
    let signature = this.signatures.get(type);
    if (signature === undefined) {
      signature = new Signature(type, this);
      this.signatures.set(type, signature);
    }
    return signature;
  }

  // References

  toEngine(value: unknown, type: ValType): Value {
    const heap = heapOf(type);
    if (value === null) {
      if (isNullable(type)) return null;
    } else if (heapIdMatches(heap, HEAP_EXTERN)) {
      if (heap !== HEAP_NOEXTERN) return toExtern(value, this.store.objects);
    } else if (heapIdMatches(heap, HEAP_FUNC)) {
      const target = this.functionOf(value);
      if (target !== null && (heap === HEAP_FUNC || heapIdMatches(target.typeId, heap))) {
        return target;
      }
      throw new TypeError(
        "type incompatibility when transforming from/to JS: function-typed object must be null " +
          "(if nullable) or a Wasm function object",
      );
    } else if (heapIdMatches(heap, HEAP_ANY)) {
      const reference = internalize(value, this.store.objects);
      if (matchesHeap(reference, heap)) return reference;
    }
    throw new TypeError("type incompatibility when transforming from/to JS");
  }

  fromEngine(value: Value, type: ValType): unknown {
    if (value === null) return null;
    if (!heapIdMatches(heapOf(type), HEAP_FUNC)) return toHost(value);
    return this.functionObject(value as FunctionInstance);
  }

  // Calls

  /** Calls a function of the engine with JavaScript values (JS-API: call an Exported Function). */
  invoke(target: FunctionInstance, signature: Signature, args: readonly unknown[]): unknown {
    signature.write(args);
    const { depth } = this;
    const call = this.calls[depth] ?? this.newCall(depth);
    const refusal = depth === 0 && this.watch.active ? this.watch.begin() : null;
    this.depth = depth + 1;
    try {
      if (refusal !== null) throw new Exhaustion(refusal, "");
      return call.perform(target, signature);
    } catch (error) {
      throw this.errorFor(error, call.trapOpcode, target);
    } finally {
      this.depth = depth;
    }
  }

  /** Begins the call of a promising function, which is `entry`, or goes on with it. */
  advance(call: PromisingCall, settled: Settled | null, entry: Callable): Progress {
    const { depth, store, watch } = this;
    const refusal = depth === 0 && watch.active ? watch.begin(call.timeUsed) : null;
    this.depth = depth + 1;
    try {
      if (refusal !== null) throw new Exhaustion(refusal, "");
      const progress = call.advance(settled);
      // There may be room for its frames but for garbage: that is counted before others go on.
      if (store.objects.isCounting) this.work(() => store.isReady());
      return progress;
    } catch (error) {
      call.abandon();
      throw this.errorFor(error, call.trapOpcode, call.callee, entry);
    } finally {
      this.depth = depth;
    }
  }

  /**
   * Work for a guest that is no call: in pieces, until one says that it was the last.
   * @throws Exhaustion "deadline", "epoch"
   */
  work(piece: () => boolean): void {
    if (this.depth === 0 && this.watch.active) this.watch.begin();
    while (!piece()) {
      const reason = this.watch.reason();
      if (reason !== null) throw new Exhaustion(reason);
    }
  }

  private newCall(depth: number): DirectCall {
    const call = directCall(this.store, this.watch);
    this.calls[depth] = call;
    return call;
  }

  // Errors

  /**
   * What JavaScript sees of an error of the engine; everything else stays as it is. `opcode` is
   * that of the instruction that trapped, `target` the function that was called, `entry` the object
   * that JavaScript has called.
   */
  errorFor(
    error: unknown,
    opcode = -1,
    target?: FunctionInstance,
    entry = target && this.objects.get(target),
  ): unknown {
    if (error instanceof Uncaught) return this.thrownFor(error.exception);
    if (error instanceof Trap) return this.runtimeError(trapMessage(error, opcode), error, entry);
    if (error instanceof Exhaustion) return this.exhausted(error, entry);
    if (error instanceof CodeLimitError) {
      return new this.errors.RuntimeError(error.message, { cause: error });
    }
    if (error instanceof TypeError && target?.instance?.memories.some((one) => one.isDetached)) {
      return new this.errors.RuntimeError(DETACHED, { cause: error });
    }
    return error;
  }

  private thrownFor(exception: ExceptionInstance): unknown {
    if (exception.tag === this.jsTag) return toHost(exception.references[0]);
    return this.objectOf(this.wrappers.exception, exception);
  }

  private runtimeError(message: string, cause: Trap | Exhaustion, entry?: object): Error {
    const error = new this.errors.RuntimeError(message, { cause });
    addFrames(error, cause, entry);
    markUncatchable(error);
    return error;
  }

  /** A stack overflow is a RangeError, as is memory that there is not; other limits are traps. */
  private exhausted(error: Exhaustion, entry?: object): Error {
    const { kind, phrase } = error;
    switch (kind) {
      case "callDepth":
      case "stackBytes": {
        const overflow = new RangeError(OVERFLOW, { cause: error });
        addFrames(overflow, error, entry);
        return overflow;
      }
      case "fuel":
      case "deadline":
      case "epoch": {
        const stopped = this.runtimeError(phrase, error, entry);
        Object.defineProperty(stopped, "code", { value: kind, configurable: true });
        return stopped;
      }
      case "gcBytes":
        return this.runtimeError(error.message, error, entry);
      default:
        return new RangeError(error.message, { cause: error });
    }
  }

  /** The exception that guests see in what a host function has thrown. */
  exceptionFor(error: unknown): ExceptionInstance {
    const known = this.wrappers.exception.targetOf(error);
    if (known !== null) return known;
    const reference = toExtern(error, this.store.objects);
    return ExceptionInstance.of(this.jsTag, [{ low: 0, high: 0, reference }]);
  }
}
