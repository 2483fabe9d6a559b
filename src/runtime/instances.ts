// Runtime structure (spec: 4.2): instances of functions, tables, memories, globals, tags and
// modules. Plain data with the operations that belong to one of them; instantiation is in
// instantiate.ts.

import type { CompiledModule } from "../code/compiled.ts";
import { FunctionCode } from "../code/space.ts";
import { isReference, slotCount, slotsOf, V128, type ValType } from "../isa/types.ts";
import type { ExternKind, FuncType, GlobalType, ModuleRecord } from "../module/module.ts";
import { arrayForLoop } from "./frozen.ts";
import type { MemoryInstance } from "./memory.ts";
import { type ObjectHeader, ObjectType } from "./objects.ts";
import { GuestObject } from "./roots.ts";
import type { Lease, Store } from "./store.ts";
import type { TableInstance } from "./table.ts";
import type { CompiledFunction, InstanceTier, Promotion } from "./tier.ts";
import { funcTypeOfId } from "./types.ts";

/**
 * A value as it crosses the border: i32, f32 and f64 are numbers, i64 is a bigint, references are
 * `FunctionInstance`, `ExceptionInstance`, null, or what objects.ts says of anyref and externref.
 */
export type Value = unknown;

/** What a host function gets besides its arguments. */
export interface HostCall {
  /** The instance that calls; null when the host calls it. */
  readonly caller: ModuleInstance | null;
}

/**
 * A host function: takes and returns values; several results are an array. Under `callAsync` and
 * `Execution` it may return a promise.
 */
export type HostCode = (call: HostCall, args: Value[]) => unknown;

/**
 * A host function that finds its arguments in the slots of its frame and leaves its results there:
 * nothing is allocated for a call.
 */
export interface FrameCode {
  /**
   * `frame` is the word of the first slot; see interpreter/values.ts. Where the thread may wait it
   * may give a promise of what to `resume` with instead of leaving results.
   */
  run(frame: number, caller: ModuleInstance | null): PromiseLike<unknown> | undefined;
  /** Leaves the results that the value of such a promise stands for. */
  resume(frame: number, value: unknown): void;
  /** The exception that guests see in what `run` has thrown; null: none, they cannot catch it. */
  exceptionOf(error: unknown): ExceptionInstance | null;
}

/** A function instance: code of a module instance, or of the host. */
export class FunctionInstance {
  /** Closed: what it mentions are type ids, not type indices of a module (see types.ts). */
  readonly type: FuncType;
  readonly typeId: number;
  /** The instance whose code it is; null for a host function. */
  readonly instance: ModuleInstance | null;
  /** While something else executes it: none. */
  code: FunctionCode;
  /** What executes it instead of register code, if it is not the host's. */
  tier: CompiledFunction | null;
  readonly host: HostCode | FrameCode | null;
  /** Name for backtraces of host functions, e.g. `env.log`. */
  readonly name: string;
  /** Slots of a host function's arguments, or of its results if these are more. */
  readonly hostSlots: number;

  constructor(
    type: FuncType,
    typeId: number,
    instance: ModuleInstance | null,
    code: FunctionCode,
    host: HostCode | FrameCode | null = null,
    name = "",
  ) {
    this.type = type;
    this.typeId = typeId;
    this.instance = instance;
    this.code = code;
    this.tier = null;
    this.host = host;
    this.name = name;
    this.hostSlots = host === null ? 0 : Math.max(slotCount(type.params), slotCount(type.results));
  }

  /** Register code of it, whatever executes it. */
  get registerCode(): FunctionCode {
    const { code, instance, tier } = this;
    return tier === null || instance === null ? code : instance.compiled.code(code.index);
  }

  /** Has something else execute it from the next call on. */
  moveTo(tier: CompiledFunction): void {
    const { compiled, index } = this.code;
    this.code = new FunctionCode(compiled, index);
    this.tier = tier;
  }
}

/**
 * A global instance: its value lies in two words of `cells`, that of a v128 in four, or in an entry
 * of `references`.
 */
export class GlobalInstance {
  /** Closed. */
  readonly type: GlobalType;
  readonly cells: Int32Array;
  /** Index of its first word in `cells`, twice that of its entry in `references`. */
  readonly at: number;
  /** Whose account it is in, and the only one in which it may be imported. */
  readonly store: Store;
  /** Not as long where the globals that it shares them with are no references. */
  private readonly references: Value[];

  constructor(store: Store, type: GlobalType, cells: Int32Array, references: Value[], at: number) {
    this.store = store;
    this.type = type;
    this.cells = cells;
    this.references = references;
    this.at = at;
  }

  get reference(): Value {
    return isReference(this.type.type) ? this.references[this.at >> 1] : null;
  }

  set reference(value: Value) {
    this.references[this.at >> 1] = value;
  }

  /** Its value. */
  get raw(): RawValue {
    const { at, cells, reference, type } = this;
    return rawAt(cells, at, type.type, reference);
  }

  /** Gives it its first value; whether a later one is allowed is for the caller. */
  initialise(value: RawValue): void {
    const { at, cells, type } = this;
    putRaw(cells, at, type.type, value);
    if (isReference(type.type)) this.reference = value.reference;
  }
}

/** A tag instance; its identity is what a catch clause compares. Its type is closed. */
export class TagInstance {
  readonly type: FuncType;
  readonly typeId: number;
  /** Whether its exceptions carry references. */
  readonly hasReferences: boolean;
  /** Slots of the values that its exceptions carry. */
  readonly slots: number;
  /** The store of the instance that defines it; null: the host has made it, for any store. */
  readonly store: Store | null;

  constructor(type: FuncType, typeId: number, store: Store | null = null) {
    this.type = type;
    this.typeId = typeId;
    this.store = store;
    this.hasReferences = type.params.some(isReference);
    this.slots = slotCount(type.params);
  }
}

const NO_WORDS = new Int32Array(0);
const NO_REFERENCES: readonly Value[] = [];

/**
 * A thrown exception: what an exnref refers to. Its values are kept without an object for each:
 * a guest may throw a thousand at a time.
 */
export class ExceptionInstance extends GuestObject {
  readonly tag: TagInstance;
  /** Two words of each value, four of a v128. */
  readonly words: Int32Array;
  /** An entry for each value, null for numbers; empty where no value is a reference. */
  readonly references: readonly Value[];

  constructor(tag: TagInstance, words: Int32Array, references: readonly Value[] = NO_REFERENCES) {
    super();
    this.tag = tag;
    this.words = words;
    this.references = references;
  }

  /** The exception that carries `values`, one for each parameter of the tag's type. */
  static of(tag: TagInstance, values: readonly RawValue[]): ExceptionInstance {
    if (values.length === 0) return new ExceptionInstance(tag, NO_WORDS);
    const words = Int32Array.from(values.flatMap(wordsOf));
    if (!tag.hasReferences) return new ExceptionInstance(tag, words);
    return new ExceptionInstance(
      tag,
      words,
      values.map(({ reference }) => reference),
    );
  }

  /** Value `index` of those it carries. */
  value(index: number): RawValue {
    const { params } = this.tag.type;
    const { references, words } = this;
    let at = 0;
    for (let i = 0; i < index; i++) at += 2 * slotsOf(params[i]);
    const reference = references.length === 0 ? null : references[index];
    return rawAt(words, at, params[index], reference);
  }

  override get hostBytes(): number {
    // As V8 lays it out.
    const { hasReferences, slots } = this.tag;
    if (slots === 0) return EXCEPTION_BYTES;
    return (
      EXCEPTION_BYTES + WORDS_BYTES + 8 * slots + (hasReferences ? ARRAY_BYTES + 8 * slots : 0)
    );
  }
}

/** The object itself; a typed array with its buffer; an array. */
const EXCEPTION_BYTES = 64;
const WORDS_BYTES = 320;
const ARRAY_BYTES = 48;

/** A value's bits, or a reference. */
export interface RawValue {
  readonly low: number;
  readonly high: number;
  readonly reference: Value;
  /** The upper 64 bits of a v128. */
  readonly upper?: Bits64;
}

/** Halves of 64 bits. */
export interface Bits64 {
  readonly low: number;
  readonly high: number;
}

/** The value of a type in the words from `at` on; `reference` is what is kept beside them. */
export function rawAt(
  words: ArrayLike<number>,
  at: number,
  type: ValType,
  reference: Value,
): RawValue {
  const raw = { low: words[at], high: words[at + 1], reference };
  return type === V128 ? { ...raw, upper: { low: words[at + 2], high: words[at + 3] } } : raw;
}

/** Puts a value of a type into the words from `at` on. */
export function putRaw(words: Int32Array, at: number, type: ValType, value: RawValue): void {
  const { low, high, upper } = value;
  words[at] = low;
  words[at + 1] = high;
  if (type !== V128) return;
  words[at + 2] = upper?.low ?? 0;
  words[at + 3] = upper?.high ?? 0;
}

function wordsOf({ low, high, upper }: RawValue): number[] {
  return upper === undefined ? [low, high] : [low, high, upper.low, upper.high];
}

export type ExternInstance =
  | { readonly kind: "func"; readonly value: FunctionInstance }
  | { readonly kind: "table"; readonly value: TableInstance }
  | { readonly kind: "memory"; readonly value: MemoryInstance }
  | { readonly kind: "global"; readonly value: GlobalInstance }
  | { readonly kind: "tag"; readonly value: TagInstance };

// What parts of an instance take in V8: measured, with room for what collectors need.
const INSTANCE_BYTES = 1_024;
const ENTRY_BYTES = 16;
const GLOBAL_BYTES = 96;
const TAG_BYTES = 64;
const TABLE_BYTES = 512;
const MEMORY_BYTES = 1_024;
const FUNCTION_BYTES = 96;
/** An export with the object by which the embedder's interface shows it. */
const EXPORT_BYTES = 256;

/** Shared by all instances that define none: thousands of empty arrays add up. */
const NO_CELLS = new Int32Array(0);
const NOTHING_LEFT_OUT: ReadonlyMap<number, string> = new Map();
/** Functions whose move to another tier is a piece of work. */
const MOVED_AT_ONCE = 1_024;
const NO_HEADERS: (ObjectHeader | null)[] = [];

/**
 * A module instance (spec: 4.2.5). Index spaces begin with the imports. Functions and exports are
 * made when they are asked for: most instances use few of them, and there may be thousands of
 * instances.
 */
export class ModuleInstance {
  readonly store: Store;
  compiled: CompiledModule;
  readonly module: ModuleRecord;
  /** What executes functions besides the interpreter; null: nothing. */
  tier: InstanceTier | null = null;
  /** What it is on its way to; null: nothing. */
  promotion: Promotion | null = null;
  /** Why it stays with the interpreter, once that is known. */
  interpretedBecause: string | null = null;
  /** Imported functions; defined ones appear when `functionAt` is asked for them. */
  readonly functions: FunctionInstance[] = [];
  readonly tables: TableInstance[] = [];
  readonly memories: MemoryInstance[] = [];
  /** The first of them, for the loop: to V8, a list that is always empty may be another shape. */
  memory: MemoryInstance | null = null;
  readonly globals: GlobalInstance[] = [];
  readonly tags: TagInstance[] = [];
  /** Values of the globals that the module defines, two words each, four of a v128. */
  readonly globalCells: Int32Array;
  /** References of the globals that the module defines, up to the last one that is one. */
  readonly globalReferences: Value[] = [];
  /**
   * Elements of each segment, or the indices of their functions, which are made when they go into a
   * table; empty once it is dropped.
   */
  readonly elements: (readonly Value[] | Uint32Array)[] = [];
  /** Headers of the struct and array types that it has made objects of, by type index. */
  readonly objectHeaders: (ObjectHeader | null)[];
  /** Its part of the store's `hostBytes`. */
  readonly lease: Lease;
  /** Length in bytes of each data segment; 0 once it is dropped. */
  readonly dataLengths: number[] = [];
  private exportsAreCounted = false;
  private exportMap: ReadonlyMap<string, ExternInstance> | null = null;

  constructor(store: Store, compiled: CompiledModule) {
    this.store = store;
    this.compiled = compiled;
    this.module = compiled.module;
    const { globals, importedGlobals, vectorGlobals } = this.module;
    const slots = globals.length - importedGlobals + vectorGlobals.length;
    this.globalCells = slots === 0 ? NO_CELLS : arrayForLoop(new Int32Array(2 * slots));
    const { aggregateTypes } = compiled;
    this.objectHeaders = aggregateTypes === 0 ? NO_HEADERS : new Array(aggregateTypes).fill(null);
    this.lease = store.lease("hostBytes", this);
  }

  /**
   * Counts what the instance takes of the host's memory as soon as it is there.
   * @throws Exhaustion of the store's `hostBytes`
   */
  account(): void {
    const { data, elements, globals, imports, memories, tables, tags } = this.module;
    const entries = imports.length + data.length + elements.length;
    this.lease.require(
      INSTANCE_BYTES +
        ENTRY_BYTES * (entries + this.objectHeaders.length) +
        GLOBAL_BYTES * globals.length +
        TABLE_BYTES * tables.length +
        MEMORY_BYTES * memories.length +
        TAG_BYTES * tags.length,
    );
  }

  /**
   * The exports by name, in their order. The same instances every time.
   * @throws Exhaustion of the store's `hostBytes`, the first time
   */
  get exports(): ReadonlyMap<string, ExternInstance> {
    if (this.exportMap === null) {
      this.countExports();
      this.exportMap = new Map(
        this.module.exports.map(({ name, kind, index }) => [name, this.extern(kind, index)]),
      );
    }
    return this.exportMap;
  }

  /**
   * Counts what the exports take, once, for who makes something of each of them.
   * @throws Exhaustion of the store's `hostBytes`
   */
  countExports(): void {
    if (this.exportsAreCounted) return;
    this.lease.require(EXPORT_BYTES * this.module.exports.length);
    this.exportsAreCounted = true;
  }

  /** The memory takes the next place of its index space. */
  addMemory(memory: MemoryInstance): void {
    this.memory ??= memory;
    this.memories.push(memory);
  }

  /** What stands at `index` in the index space of this kind. */
  extern(kind: ExternKind, index: number): ExternInstance {
    switch (kind) {
      case "func":
        return { kind, value: this.functionAt(index) };
      case "table":
        return { kind, value: this.tables[index] };
      case "memory":
        return { kind, value: this.memories[index] };
      case "global":
        return { kind, value: this.globals[index] };
      case "tag":
        return { kind, value: this.tags[index] };
    }
  }

  /**
   * The struct or array type at `index`, for objects that are made here.
   * @throws Exhaustion of the store's `hostBytes`, the first time
   */
  objectTypeAt(index: number): ObjectType {
    const { compiled, objectHeaders, store } = this;
    const known = objectHeaders[index];
    if (known !== null) return known.type;
    const type = new ObjectType(store.objects, compiled.typeIds[index], compiled.typeIds);
    this.lease.require(type.hostBytes);
    store.work += type.hostBytes;
    objectHeaders[index] = type.header;
    return type;
  }

  /**
   * The function instance at `index`; a defined one is made when first asked for.
   * @throws Exhaustion of the store's `hostBytes`, then
   */
  functionAt(index: number): FunctionInstance {
    let found = this.functions[index];
    if (found === undefined) {
      const { compiled, module, tier } = this;
      this.lease.require(FUNCTION_BYTES);
      const typeId = compiled.typeIds[module.functions[index]];
      found = new FunctionInstance(funcTypeOfId(typeId), typeId, this, compiled.code(index));
      const executor = tier === null ? null : tier.functionAt(index);
      if (executor !== null) found.moveTo(executor);
      this.functions[index] = found;
    }
    return found;
  }

  /** Why the interpreter executes functions though something else has the others, by index. */
  get leftOut(): ReadonlyMap<number, string> {
    return this.tier?.leftOut ?? NOTHING_LEFT_OUT;
  }

  /**
   * Has functions executed by something else, in pieces: those that nobody has asked for yet at
   * once, others one after the other, from the next call of each on.
   */
  *moveTo(tier: InstanceTier): Generator<void, void> {
    const { functions } = this;
    const { length } = functions;
    this.tier = tier;
    this.compiled = tier.compiled;
    for (let i = this.module.importedFunctions; i < length; i++) {
      const executor = functions[i] === undefined ? null : tier.functionAt(i);
      if (executor !== null) functions[i].moveTo(executor);
      if (i % MOVED_AT_ONCE === 0) yield;
    }
  }
}
