// Structs, arrays and what else an anyref may be (spec: 4.2.17 Aggregate Instances, 4.2.1 Values).
// They are the host's, so that its collector frees them, in the forms that V8 is fast with: an
// aggregate is a plain array of words, its header in front. Long arrays keep their elements in an
// object of their own.
//
//   i32, f32, packed   a word                    i64, f64   two words, the low one first
//   v128               four words                reference  an entry
//
// A reference of the hierarchy of any is null, a number (i31), an aggregate, or a `HostValue`. One
// of the hierarchy of extern is what the host has given, but an array of its, which could be taken
// for an aggregate, is in a `HostValue`; an aggregate is an `ExportedObject` there.

import {
  AGGREGATE_BYTES,
  bytesOfElement,
  positionsOf,
  SHORT_REFERENCES,
  SHORT_WORDS,
  shortLength,
  wordsOf,
} from "../code/layout.ts";
import {
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_EQ,
  HEAP_I31,
  HEAP_STRUCT,
  type HeapType,
  I8,
  I16,
  isReference,
} from "../isa/types.ts";
import type { FieldType } from "../module/module.ts";
import { depthOfId, typeOfId } from "../validation/type-ids.ts";
import { Elements } from "./elements.ts";
import type { Value } from "./instances.ts";
import type { GuestObjects } from "./roots.ts";
import { Exhaustion } from "./trap.ts";

/** A struct or array: its header, then its words; of a long array its elements and their number. */
export type Aggregate = [header: ObjectHeader, ...words: unknown[]];

/** Numbers of a long array. */
type Numbers = Int8Array | Int16Array | Int32Array;

/** What the aggregates of a type have in front, one object for all that are alike. */
export class ObjectHeader {
  readonly type: ObjectType;
  /** Ids of the type and of all above it, by depth. */
  readonly display: readonly number[];
  /** Whether it belongs to a long array. */
  readonly isLong: boolean;
  /** Logarithm of the words of an array's element. */
  readonly shift: number;
  /** The last census that has counted the object. */
  census: number;
  /** How the host sees the object, if it has met it: then the header is of that object alone. */
  readonly exported: ExportedObject | null;

  constructor(
    type: ObjectType,
    isLong: boolean,
    census = 0,
    exported: ExportedObject | null = null,
  ) {
    this.type = type;
    this.display = type.display;
    this.isLong = isLong;
    this.shift = type.shift;
    this.census = census;
    this.exported = exported;
  }
}

/** What they and what describes them take in V8 besides: measured, with room for its collectors. */
const LONG_BYTES = 360;
/** The most that an array takes: V8's own limit is about the same. */
const MOST_BYTES = 2 ** 30;
const EXPORTED_BYTES = 256;
const HOST_VALUE_BYTES = 48;
const TYPE_BYTES = 512;

/** A struct or array type, as an instance that makes objects of it has it. */
export class ObjectType {
  readonly account: GuestObjects;
  readonly display: readonly number[];
  readonly isArray: boolean;
  /** Fields of a struct; the one of an array. */
  readonly fields: readonly FieldType[];
  /** See `positionsOf`; of an array the words of an element, behind 1. */
  readonly positions: Int32Array;
  readonly hasReferences: boolean;
  /** Logarithm of the words of an array's element. */
  readonly shift: number;
  readonly header: ObjectHeader;
  /** A struct whose fields have their default values. */
  readonly template: Aggregate;
  private readonly long: ObjectHeader;
  /** The headers that the last census has given. */
  private marked: ObjectHeader;
  private markedLong: ObjectHeader;
  /** Type ids are in use as long as their list lives. */
  protected readonly ids: readonly number[];

  /** `ids`: the list that the id is from. */
  constructor(account: GuestObjects, id: number, ids: readonly number[]) {
    const { composite } = typeOfId(id);
    if (composite.kind === "func") throw new TypeError(`type id ${id} is a function type`);
    this.account = account;
    this.ids = ids;
    const display: number[] = [];
    for (let at = id; at >= 0; at = typeOfId(at).parent) display.unshift(at);
    this.display = display;
    this.isArray = composite.kind === "array";
    this.fields = composite.kind === "array" ? [composite.field] : composite.fields;
    this.positions = positionsOf(this.fields);
    this.shift = this.isArray ? this.elementWords >> 1 : 0;
    this.hasReferences = this.fields.some(({ type }) => isReference(type));
    this.header = new ObjectHeader(this, false);
    this.long = new ObjectHeader(this, true);
    this.marked = this.header;
    this.markedLong = this.long;
    this.template = [this.header];
    for (const { type } of this.fields) {
      const value = isReference(type) ? null : 0;
      for (let i = wordsOf(type); i > 0; i--) this.template.push(value);
    }
  }

  /** What it takes of the host's memory. */
  get hostBytes(): number {
    const { display, fields, template } = this;
    return TYPE_BYTES + 8 * display.length + 4 * fields.length + 8 * template.length;
  }

  /** Of a struct: what it takes. */
  get structBytes(): number {
    return AGGREGATE_BYTES + 8 * (this.template.length - 1);
  }

  /** Words of an element of an array. */
  get elementWords(): number {
    return this.positions[1] - 1;
  }

  /** Whether an array of so many elements is a long one. */
  private isLongArray(length: number): boolean {
    return length > shortLength(this.fields[0].type);
  }

  /**
   * What an array of so many elements takes.
   * @throws Exhaustion "gcBytes" if it is more than any array may
   */
  arrayBytes(length: number): number {
    const [{ type }] = this.fields;
    if (!this.isLongArray(length)) return AGGREGATE_BYTES + 8 * length * this.elementWords;
    const bytes = LONG_BYTES + length * (isReference(type) ? 8 : bytesOfElement(type));
    if (bytes > MOST_BYTES) throw new Exhaustion("gcBytes", `an array of ${length} elements`);
    return bytes;
  }

  /**
   * An array whose numbers are 0, and whose references are `value`. It has been counted.
   * @throws Exhaustion "hostMemory" if the host has not so much
   */
  newArray(length: number, value: Value = null): Aggregate {
    const [{ type }] = this.fields;
    if (this.isLongArray(length)) {
      if (!isReference(type)) return [this.long, this.newNumbers(length), length];
      const elements = new Elements(this.account.store);
      elements.extend(length, value);
      return [this.long, elements, length];
    }
    const template = isReference(type) ? NULLS : ZEROS;
    const made = template.slice(0, 1 + length * this.elementWords) as Aggregate;
    made[0] = this.header;
    if (value !== null) made.fill(value, 1);
    return made;
  }

  private newNumbers(length: number): Numbers {
    const [{ type }] = this.fields;
    try {
      if (type === I8) return new Int8Array(length);
      return type === I16 ? new Int16Array(length) : new Int32Array(length * this.elementWords);
    } catch {
      this.account.charge(-this.arrayBytes(length));
      throw new Exhaustion("hostMemory", `the host gives no array of ${length} elements`);
    }
  }

  /** The header of an object, that has not been exported, which a census has counted. */
  markedHeader(isLong: boolean, census: number): ObjectHeader {
    const last = isLong ? this.markedLong : this.marked;
    if (last.census === census) return last;
    const header = new ObjectHeader(this, isLong, census);
    if (isLong) this.markedLong = header;
    else this.marked = header;
    return header;
  }
}

// What short arrays are copied from. The null in front makes V8 keep any value in them as it is.
export const ZEROS: readonly unknown[] = [null, ...new Array(SHORT_WORDS).fill(0)];
export const NULLS: readonly unknown[] = [null, ...new Array(SHORT_REFERENCES).fill(null)];

/** A struct with default values. */
export function newStruct(type: ObjectType): Aggregate {
  return type.template.slice() as Aggregate;
}

/** What an aggregate takes of the host's memory. */
export function aggregateBytes(object: Aggregate): number {
  const [{ exported, isLong, type }] = object;
  const bytes = isLong
    ? type.arrayBytes(object[2] as number)
    : AGGREGATE_BYTES + 8 * (object.length - 1);
  return exported === null ? bytes : bytes + EXPORTED_BYTES;
}

/** Notes that a census has counted an aggregate; false if it has done so before. */
export function markAggregate(object: Aggregate, census: number): boolean {
  const [header] = object;
  if (header.census === census) return false;
  if (header.exported === null) object[0] = header.type.markedHeader(header.isLong, census);
  else header.census = census;
  return true;
}

// Elements

/** Number of elements of an array. */
export function arrayLength(object: Aggregate): number {
  const [{ isLong, type }] = object;
  return isLong ? (object[2] as number) : (object.length - 1) / type.elementWords;
}

/** Word `n` of an array, counted from its first element; or a reference. */
export function arrayWord(object: Aggregate, n: number): unknown {
  if (!object[0].isLong) return object[1 + n];
  const data = object[1] as Numbers | Elements;
  return data instanceof Elements ? data.get(n) : data[n];
}

/** Replaces word `n` of an array. */
export function setArrayWord(object: Aggregate, n: number, value: unknown): void {
  if (!object[0].isLong) {
    object[1 + n] = value;
    return;
  }
  const data = object[1] as Numbers | Elements;
  if (data instanceof Elements) data.set(n, value);
  else data[n] = value as number;
}

/** Copies the words of an array from `at` on into a list, which is as long as they are many. */
export function readArray(object: Aggregate, at: number, list: unknown[]): void {
  const data = object[1];
  if (!object[0].isLong) {
    for (let i = 0; i < list.length; i++) list[i] = object[1 + at + i];
  } else if (data instanceof Int16Array) {
    for (let i = 0; i < list.length; i++) list[i] = data[at + i];
  } else {
    for (let i = 0; i < list.length; i++) list[i] = arrayWord(object, at + i);
  }
}

/** Replaces the words of an array from `at` on by those of a list. */
export function writeArray(object: Aggregate, at: number, list: readonly unknown[]): void {
  const data = object[1];
  if (object[0].isLong && data instanceof Int16Array) {
    for (let i = 0; i < list.length; i++) data[at + i] = list[i] as number;
  } else {
    for (let i = 0; i < list.length; i++) setArrayWord(object, at + i, list[i]);
  }
}

/** Sets `count` elements from `at` on, each to these words. */
export function fillArray(
  object: Aggregate,
  at: number,
  words: readonly unknown[],
  count: number,
): void {
  const each = object[0].type.elementWords;
  const data = object[1];
  if (object[0].isLong && data instanceof Elements) data.fill(words[0], at, at + count);
  else if (object[0].isLong && each === 1) {
    (data as Numbers).fill(words[0] as number, at, at + count);
  } else {
    for (let i = 0; i < count * each; i++) setArrayWord(object, at * each + i, words[i % each]);
  }
}

/** Copies `count` elements of an array to another one, or to a range of it that may overlap. */
export function copyArray(
  target: Aggregate,
  to: number,
  source: Aggregate,
  from: number,
  count: number,
): void {
  const each = target[0].type.elementWords;
  const [first, second, words] = [to * each, from * each, count * each];
  const [data, other] = [target[1], source[1]];
  const areLong = target[0].isLong && source[0].isLong;
  if (areLong && !(data instanceof Elements)) {
    (data as Numbers).set((other as Numbers).subarray(second, second + words), first);
  } else if (to <= from) {
    for (let i = 0; i < words; i++) setArrayWord(target, first + i, arrayWord(source, second + i));
  } else {
    for (let i = words - 1; i >= 0; i--) {
      setArrayWord(target, first + i, arrayWord(source, second + i));
    }
  }
}

/** Sets `count` elements from `at` on to what the bytes hold. */
export function initArray(object: Aggregate, at: number, bytes: Uint8Array, count: number): void {
  const [{ isLong, type }] = object;
  const size = bytesOfElement(type.fields[0].type);
  if (isLong) {
    const data = object[1] as Numbers;
    new Uint8Array(data.buffer).set(bytes.subarray(0, count * size), at * size);
    return;
  }
  const perWord = Math.min(size, 4);
  for (let i = 0; i < (count * size) / perWord; i++) {
    let word = 0;
    for (let k = 0; k < perWord; k++) word |= bytes[i * perWord + k] << (8 * k);
    object[1 + at * type.elementWords + i] = word;
  }
}

// The hierarchies of any and extern

/** A value of the host among references, where it must not be taken for something else. */
export class HostValue {
  readonly #value: unknown;
  /** The last census that has counted it. */
  census = 0;

  constructor(value: unknown) {
    this.#value = value;
  }

  get value(): unknown {
    return this.#value;
  }

  get hostBytes(): number {
    return HOST_VALUE_BYTES;
  }

  /** Whether a reference is one: asked like this, not even a Proxy notices. */
  static is(reference: unknown): reference is HostValue {
    return typeof reference === "object" && reference !== null && #value in reference;
  }
}

/** The operations of an exotic object that shows nothing and takes nothing (JS-API: 5.7.1). */
const OPAQUE: ProxyHandler<object> = {
  setPrototypeOf: () => false,
  preventExtensions: () => false,
  set(): never {
    throw new TypeError("WebAssembly objects are opaque");
  },
  deleteProperty(): never {
    throw new TypeError("WebAssembly objects are opaque");
  },
};
const NOTHING: object = Object.freeze(Object.create(null));

function Opaque(): object {
  return new Proxy(NOTHING, OPAQUE);
}

/** An aggregate as the host sees it: opaque, and always the same for the same one. */
export class ExportedObject extends (Opaque as unknown as new () => object) {
  readonly #object: Aggregate;
  #isHeld = false;

  constructor(object: Aggregate) {
    super();
    this.#object = object;
  }

  /** The host gets it: as long as it lives, what it stands for counts as alive. */
  static handOut(reference: Value): void {
    if (typeof reference !== "object" || reference === null || !(#object in reference)) return;
    if (reference.#isHeld) return;
    reference.#isHeld = true;
    reference.#object[0].type.account.holdExported(reference);
  }

  /** The aggregate behind a value; null if it is none. */
  static objectOf(value: unknown): Aggregate | null {
    return typeof value === "object" && value !== null && #object in value ? value.#object : null;
  }
}

/** Whether a reference, of whatever hierarchy, is an aggregate. */
export function isAggregate(reference: unknown): reference is Aggregate {
  try {
    return Array.isArray(reference);
  } catch {
    // A Proxy of the host's that has been revoked.
    return false;
  }
}

/** Whether a number is the value of an i31. */
function isI31(value: unknown): boolean {
  return typeof value === "number" && (value << 1) >> 1 === value;
}

function exportedObject(object: Aggregate): ExportedObject {
  const [{ census, exported, isLong, type }] = object;
  if (exported !== null) return exported;
  const made = new ExportedObject(object);
  object[0] = new ObjectHeader(type, isLong, census, made);
  type.account.charge(EXPORTED_BYTES);
  return made;
}

/** `extern.convert_any` (spec: 4.6.6), of a reference that may be null. */
export function externalize(reference: Value): Value {
  return isAggregate(reference) ? exportedObject(reference) : reference;
}

/**
 * `any.convert_extern` in the store with this account, of a reference that may be null. Objects of
 * other stores stay values of the host there.
 */
export function internalize(reference: Value, account: GuestObjects | null): Value {
  if (reference === null || HostValue.is(reference)) return reference;
  if (isI31(reference)) return (reference as number) | 0;
  const object = ExportedObject.objectOf(reference);
  if (object !== null && (account === null || object[0].type.account === account)) return object;
  return hostValue(reference, account);
}

/** What the host has given as an externref, as the store with this account keeps it. */
export function toExtern(value: unknown, account: GuestObjects | null): Value {
  return typeof value === "object" && mayBeArray(value) ? hostValue(value, account) : value;
}

function mayBeArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    // A Proxy that has been revoked.
    return true;
  }
}

function hostValue(value: unknown, account: GuestObjects | null): HostValue {
  account?.charge(HOST_VALUE_BYTES);
  return new HostValue(value);
}

/** A reference as the host sees it, unless it is a function's or an exception's. */
export function toHost(reference: Value): Value {
  if (HostValue.is(reference)) return reference.value;
  const seen = externalize(reference);
  ExportedObject.handOut(seen);
  return seen;
}

/**
 * Whether a reference of the hierarchy of any, which is not null, matches a closed heap type of it
 * (spec: 4.2.18 Reference typing).
 */
export function matchesHeap(reference: Value, heap: HeapType): boolean {
  if (heap === HEAP_ANY) return true;
  if (typeof reference === "number") return heap === HEAP_EQ || heap === HEAP_I31;
  if (!isAggregate(reference)) return false;
  const [{ display, type }] = reference;
  if (heap >= 0) return display[depthOfId(heap)] === heap;
  return heap === HEAP_EQ || heap === (type.isArray ? HEAP_ARRAY : HEAP_STRUCT);
}
