// Memories, tables, globals and tags as the embedder sees them (spec: 7.1.7 to 7.1.11): what an
// instance exports, or what the host makes to be imported. Each object stands for one instance of
// the engine, and there is one object per instance, so that identity means the same on both sides.

import { isReference } from "../isa/types.ts";
import { DEFAULT_PAGE_LOG2, type Limits, type MemoryType } from "../module/module.ts";
import {
  aBoolean,
  aString,
  checkedOptions,
  type OptionTable,
  required,
  wholeNumber,
} from "../module/options.ts";
import { allocateGlobal, allocateMemory, allocateTable, joinMemory } from "../runtime/allocate.ts";
import {
  ExceptionInstance,
  type ExternInstance,
  type GlobalInstance,
  TagInstance,
} from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import { notify } from "../runtime/notify.ts";
import { SharedBytes, type SharedParts } from "../runtime/shared-bytes.ts";
import type { Counted } from "../runtime/store.ts";
import type { TableInstance } from "../runtime/table.ts";
import { Exhaustion, WasmException } from "../runtime/trap.ts";
import { formatClosedType, funcTypeOfId } from "../runtime/types.ts";
import { fromRaw, toRaw } from "../runtime/values.ts";
import { idOfFuncType } from "../validation/type-ids.ts";
import { parseSignature, typeNamed } from "./signature.ts";
import type { Store } from "./store.ts";
import { fromEngine, toEngine, type Value } from "./values.ts";

/** Sizes of a memory (in pages) or table (in elements) that the host makes. */
export interface LimitsOptions {
  readonly min: number;
  /** Default: no maximum but the store's limit. */
  readonly max?: number;
  /** Type of its addresses. Default i32. */
  readonly address?: "i32" | "i64";
}

export interface MemoryOptions extends LimitsOptions {
  /** Whether other workers may have it, too (see `share`); it needs a `max` then. Default false. */
  readonly shared?: boolean;
}

/** What another worker needs to have a shared memory; for `postMessage` and `Memory.from`. */
export interface SharedMemory {
  readonly type: MemoryType;
  readonly parts: SharedParts;
}

export interface TableOptions extends LimitsOptions {
  /** Type of its elements. Default funcref. */
  readonly element?: string;
}

export interface GlobalOptions {
  /** Name of its type, e.g. `i32`. */
  readonly type: string;
  /** Default false. */
  readonly mutable?: boolean;
}

const LIMITS_OPTIONS: OptionTable<LimitsOptions> = {
  min: required(wholeNumber()),
  max: wholeNumber(),
  address: aString,
};
const MEMORY_OPTIONS: OptionTable<MemoryOptions> = { ...LIMITS_OPTIONS, shared: aBoolean };
const TABLE_OPTIONS: OptionTable<TableOptions> = { ...LIMITS_OPTIONS, element: aString };
const GLOBAL_OPTIONS: OptionTable<GlobalOptions> = { type: required(aString), mutable: aBoolean };

function limitsOf({ address = "i32", max, min }: LimitsOptions, shared = false): Limits {
  if (max !== undefined && max < min) throw new RangeError(`maximum ${max} is below ${min}`);
  if (address !== "i32" && address !== "i64") {
    throw new RangeError(`addresses are i32 or i64, not ${String(address)}`);
  }
  const most = max === undefined ? null : BigInt(max);
  return { min: BigInt(min), max: most, address64: address === "i64", shared };
}

/** The error of a growth that was refused: by the store's limit, or by anything else. */
function refusal(
  { allows }: { allows: boolean },
  what: Counted,
  amount: string,
): Exhaustion | RangeError {
  if (!allows) return new Exhaustion(what, `${amount} more asked for`);
  return new RangeError(`it cannot grow by ${amount}: its type or the host does not allow it`);
}

function sizeArgument(delta: number): void {
  if (Number.isSafeInteger(delta) && delta >= 0) return;
  throw new RangeError(`it can grow by a whole number, not by ${delta}`);
}

/** One object per instance of the engine. */
const objects = new WeakMap<object, object>();

/** The object of class `Class` with these fields; made when first asked for. */
function objectFor<T extends object, F extends { target: object }>(
  Class: { prototype: T },
  fields: F,
): T {
  let object = objects.get(fields.target);
  if (object === undefined) {
    object = Object.assign(Object.create(Class.prototype) as object, fields);
    objects.set(fields.target, object);
  }
  return object as T;
}

/**
 * A linear memory.
 *
 * ```ts
 * const memory = new Memory(store, { min: 1, max: 16 });
 * memory.write(0, Uint8Array.of(1, 2, 3));
 * ```
 */
export class Memory {
  /** The memory instance, for the layers below. */
  readonly target: MemoryInstance;

  /**
   * A memory to be imported, all zero.
   * @throws TypeError, RangeError for options that there are not or that are wrong
   * @throws Exhaustion if the store's limit on memory does not allow it
   */
  constructor(store: Store, options: MemoryOptions) {
    const checked = checkedOptions("Memory", options, MEMORY_OPTIONS);
    const limits = limitsOf(checked, checked.shared);
    if (limits.shared && limits.max === null) {
      throw new TypeError("Memory: a shared memory needs a `max`");
    }
    this.target = allocateMemory(store.runtime, { ...limits, pageSizeLog2: DEFAULT_PAGE_LOG2 });
    objects.set(this.target, this);
  }

  /** The object of a memory instance. */
  static of(target: MemoryInstance): Memory {
    return objectFor(Memory, { target });
  }

  /**
   * A memory that `share` of another worker, or of another store, has given: the same bytes, also
   * when either grows. It counts for this store's limit as well.
   *
   * ```ts
   * new Worker("./worker.js", { workerData: memory.share() });
   * // there: store.instantiate(module, { env: { memory: Memory.from(store, workerData) } });
   * ```
   * @throws TypeError for anything else
   * @throws Exhaustion if the store's limit on memory does not allow it
   */
  static from(store: Store, shared: SharedMemory): Memory {
    if (shared?.type?.shared !== true || shared.parts === undefined) {
      throw new TypeError("Memory.from: this is nothing that `share` has given");
    }
    const { parts, type } = shared;
    const bytes = new SharedBytes(parts, 2 ** type.pageSizeLog2, false);
    return Memory.of(joinMemory(store.runtime, type, bytes));
  }

  /** What other workers make the same memory of. @throws TypeError if its type is not `shared` */
  share(): SharedMemory {
    const { shared, type } = this.target;
    if (shared === null) throw new TypeError("the memory is not shared");
    return { type, parts: shared.parts };
  }

  /**
   * Wakes guests that wait at `address` (`memory.atomic.wait32`, `wait64`), at most `count` of
   * them, in the order in which they came; how many. `Atomics.notify` does not reach them, while
   * theirs wakes who waits by `Atomics.wait`.
   * @throws RangeError for an address that is not inside, or no multiple of 4
   */
  notify(address: number, count = Number.POSITIVE_INFINITY): number {
    this.check(address, 4);
    if (address % 4 !== 0) throw new RangeError(`address ${address} is no multiple of 4`);
    return notify(this.target, address, count);
  }

  /**
   * All of its bytes, not copied. A memory moves when it grows, and when the host's engine gets its
   * instance (`tier`): once a guest of the store has run, and be it that it was suspended, these
   * may be the former bytes. Ask again instead of keeping them.
   * Those of a shared memory are in a SharedArrayBuffer, and stay what they are.
   */
  get bytes(): Uint8Array {
    this.target.touched();
    this.target.refresh();
    return this.target.bytes;
  }

  get byteLength(): number {
    this.target.refresh();
    return this.target.byteLength;
  }

  /** Size in pages. */
  get pages(): number {
    this.target.refresh();
    return this.target.pages;
  }

  /** Bytes in a page: 65,536 unless its module says otherwise. */
  get pageSize(): number {
    return this.target.pageSize;
  }

  /** A copy of `length` bytes from `address` on. @throws RangeError beyond the end */
  read(address: number, length: number): Uint8Array {
    this.check(address, length);
    return this.target.bytes.slice(address, address + length);
  }

  /** Copies `bytes` to `address`. @throws RangeError beyond the end; then nothing is written */
  write(address: number, bytes: Uint8Array): void {
    this.check(address, bytes.length);
    this.bytes.set(bytes, address);
  }

  private check(address: number, length: number): void {
    const inside = address >= 0 && length >= 0 && address + length <= this.byteLength;
    if (inside && Number.isInteger(address) && Number.isInteger(length)) return;
    const range = `${length} bytes at ${address}`;
    throw new RangeError(`${range} are not inside a memory of ${this.byteLength} bytes`);
  }

  /**
   * Grows by `delta` pages; the former size.
   * @throws Exhaustion if the store's limit does not allow it
   * @throws RangeError if its type or the host does not
   */
  grow(delta: number): number {
    sizeArgument(delta);
    const { store } = this.target;
    const before = this.target.grow(delta);
    if (before >= 0) return before;
    const allows = store.allows("memoryBytes", delta * this.pageSize);
    throw refusal({ allows }, "memoryBytes", `${delta} pages`);
  }
}

/** A table of references: functions, or values of the host. */
export class Table {
  /** The table instance, for the layers below. */
  readonly target: TableInstance;

  /**
   * A table to be imported whose elements hold `value`, null by default.
   * @throws TypeError, RangeError for options that there are not or that are wrong
   * @throws Exhaustion if the store's limit on table elements does not allow it
   */
  constructor(store: Store, options: TableOptions, value: Value = null) {
    const checked = checkedOptions("Table", options, TABLE_OPTIONS);
    const element = typeNamed(checked.element ?? "funcref");
    if (!isReference(element)) throw new TypeError("elements of a table are references");
    const first = toEngine(value, element, () => "the elements' value", store.runtime);
    this.target = allocateTable(store.runtime, { ...limitsOf(checked), element }, first);
    objects.set(this.target, this);
  }

  /** The object of a table instance. */
  static of(target: TableInstance): Table {
    return objectFor(Table, { target });
  }

  get length(): number {
    return this.target.length;
  }

  /** Type of its elements, e.g. `funcref`. */
  get element(): string {
    return formatClosedType(this.target.type.element);
  }

  /** The element at `index`: a `Func`, a value of the host, or null. @throws RangeError */
  get(index: number): Value {
    this.check(index);
    return fromEngine(this.target.get(index), this.target.store);
  }

  /** Replaces an element. @throws RangeError, and TypeError for what cannot be an element */
  set(index: number, value: Value): void {
    this.check(index);
    this.target.set(index, this.convert(value));
  }

  private check(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return;
    throw new RangeError(`index ${index} is not inside a table of ${this.length} elements`);
  }

  private convert(value: Value): Value {
    const { store, type } = this.target;
    return toEngine(value, type.element, () => "an element", store);
  }

  /**
   * Grows by `delta` elements that hold `value`; the former length.
   * @throws Exhaustion if the store's limit does not allow it
   * @throws RangeError if its type or the host does not
   */
  grow(delta: number, value: Value = null): number {
    sizeArgument(delta);
    const before = this.target.grow(delta, this.convert(value));
    if (before >= 0) return before;
    const allows = this.target.store.allows("tableElements", delta);
    throw refusal({ allows }, "tableElements", `${delta} elements`);
  }
}

/** A global variable or constant. */
export class Global {
  /** The global instance, for the layers below. */
  readonly target: GlobalInstance;

  /**
   * A global to be imported.
   * @throws TypeError for a value that is not of its type
   * @throws Exhaustion if the store's limit on globals does not allow it
   */
  constructor(store: Store, options: GlobalOptions, value: Value) {
    const { mutable = false, type } = checkedOptions("Global", options, GLOBAL_OPTIONS);
    const valtype = typeNamed(type);
    const raw = toRaw(
      toEngine(value, valtype, () => "the global's value", store.runtime),
      valtype,
    );
    this.target = allocateGlobal(store.runtime, { type: valtype, mutable }, raw);
    objects.set(this.target, this);
  }

  /** The object of a global instance. */
  static of(target: GlobalInstance): Global {
    return objectFor(Global, { target });
  }

  /** Name of its type, e.g. `i32`. */
  get type(): string {
    return formatClosedType(this.target.type.type);
  }

  get mutable(): boolean {
    return this.target.type.mutable;
  }

  get value(): Value {
    const { raw, store, type } = this.target;
    return fromEngine(fromRaw(raw, type.type), store);
  }

  /** @throws TypeError if it is immutable, or the value is not of its type */
  set value(value: Value) {
    const { mutable, type } = this.target.type;
    if (!mutable) throw new TypeError("the global is immutable");
    const converted = toEngine(value, type, () => "the global's value", this.target.store);
    this.target.initialise(toRaw(converted, type));
  }
}

/**
 * A tag: the kind of an exception. Its identity is what counts. One that the host makes may be
 * imported in any store, one that a module defines in its own.
 *
 * ```ts
 * const failure = new Tag("(i32)");
 * store.instantiate(module, { env: { failure, check() { throw failure.exception(7); } } });
 * ```
 */
export class Tag {
  /** The tag instance, for the layers below. */
  readonly target: TagInstance;

  /** A tag to be imported, whose exceptions carry values of these types. */
  constructor(params = "()") {
    const id = idOfFuncType(parseSignature(`${params} -> ()`));
    this.target = new TagInstance(funcTypeOfId(id), id);
    objects.set(this.target, this);
  }

  /** The object of a tag instance. */
  static of(target: TagInstance): Tag {
    return objectFor(Tag, { target });
  }

  /** An exception for a host function to throw, which the guest can catch. */
  exception(...payload: readonly Value[]): WasmException {
    const { store, type } = this.target;
    const { params } = type;
    if (payload.length !== params.length) {
      throw new TypeError(`the tag carries ${params.length} values, not ${payload.length}`);
    }
    const raw = params.map((valtype, i) => {
      return toRaw(
        toEngine(payload[i], valtype, () => `value ${i + 1} of the exception`, store),
        valtype,
      );
    });
    return new WasmException(ExceptionInstance.of(this.target, raw), payload);
  }

  /** Whether a caught error is an exception with this tag; its `payload` has the values. */
  is(error: unknown): error is WasmException {
    return error instanceof WasmException && error.tag === this.target;
  }
}

/** What stands for an entity other than a function. */
export function handleOf(
  extern: Exclude<ExternInstance, { kind: "func" }>,
): Memory | Table | Global | Tag {
  switch (extern.kind) {
    case "memory":
      return Memory.of(extern.value);
    case "table":
      return Table.of(extern.value);
    case "global":
      return Global.of(extern.value);
    case "tag":
      return Tag.of(extern.value);
  }
}
