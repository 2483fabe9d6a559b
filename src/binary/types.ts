// Reads types (spec: 5.3): value types, heap types, block types, limits, composite types. Types of
// proposals that are switched off are refused here, by name.

import { type Feature, type FeatureSet, featureBit } from "../isa/features.ts";
import {
  F32,
  F64,
  FUNCREF,
  formatHeapType,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_NOEXN,
  type HeapType,
  heapOf,
  I8,
  I16,
  I32,
  I64,
  isAbstractHeap,
  isReference,
  refType,
  V128,
  type ValType,
} from "../isa/types.ts";
import { type DecodingLimits, limitOn } from "../module/limits.ts";
import {
  DEFAULT_PAGE_LOG2,
  type FieldType,
  type FuncType,
  type GlobalType,
  type Limits,
  type MemoryType,
  type SubType,
  type TableType,
} from "../module/module.ts";
import { type Cursor, hex } from "./cursor.ts";

const REF = 0x64;
const REF_NULL = 0x63;
/** Indices above this cannot be encoded in a ValType; no module may have so many types. */
const MAX_TYPE_INDEX = 2 ** 26 - 1;

/** Lists and fields that many types have, of types that no module defines: some thirty. */
const NO_TYPES: readonly ValType[] = [];
const NO_INDICES: readonly number[] = [];
const lists = new Map<ValType, readonly ValType[]>();
const fields = new Map<number, FieldType>();

/** The list of just this type; the same list every time if no module has defined the type. */
export function listOf(type: ValType): readonly ValType[] {
  if (isReference(type) && heapOf(type) >= 0) return [type];
  let list = lists.get(type);
  if (list === undefined) {
    list = [type];
    lists.set(type, list);
  }
  return list;
}

/** Features of heap types beyond `func` and `extern`. */
function heapFeature(heap: HeapType): Feature {
  if (heap === HEAP_EXN || heap === HEAP_NOEXN) return "exceptions";
  if (heap >= 0) return "function-references";
  return heap === HEAP_FUNC || heap === HEAP_EXTERN ? "reference-types" : "gc";
}

/** Raises MalformedError unless `feature` is on; `what` names the thing that needs it. */
export function requireFeature(
  cursor: Cursor,
  features: FeatureSet,
  feature: Feature,
  phrase: string,
  what: string,
  offset: number,
): void {
  if ((features & featureBit(feature)) !== 0) return;
  throw cursor.error(phrase, `${what} needs the feature ${feature}, which is off`, offset);
}

/** A heap type: an abstract one or a type index (spec: 5.3.3). */
export function readHeapType(cursor: Cursor, features: FeatureSet): HeapType {
  const offset = cursor.pos;
  const heap = cursor.s33();
  if (heap < 0 && (cursor.pos - offset !== 1 || !isAbstractHeap(heap))) {
    throw cursor.error("malformed heap type", String(heap), offset);
  }
  const name = heap < 0 ? formatHeapType(heap) : "a type index";
  requireFeature(cursor, features, heapFeature(heap), "malformed heap type", name, offset);
  return Math.min(heap, MAX_TYPE_INDEX);
}

/** The value type whose code is the single byte `code`, or null; for references, the short form. */
function shortValType(code: number): ValType | null {
  switch (code) {
    case 0x7f:
      return I32;
    case 0x7e:
      return I64;
    case 0x7d:
      return F32;
    case 0x7c:
      return F64;
    case 0x7b:
      return V128;
    default: {
      const heap = code - 0x80;
      return isAbstractHeap(heap) ? refType(heap, true) : null;
    }
  }
}

/** A value type (spec: 5.3.5). */
export function readValType(cursor: Cursor, features: FeatureSet): ValType {
  const offset = cursor.pos;
  const code = cursor.u8();
  if (code === REF || code === REF_NULL) {
    requireFeature(
      cursor,
      features,
      "function-references",
      "malformed value type",
      "a typed reference",
      offset,
    );
    return refType(readHeapType(cursor, features), code === REF_NULL);
  }
  const type = code < 0x80 ? shortValType(code) : null;
  if (type === null) {
    throw cursor.error("malformed value type", hex(code), offset);
  }
  if (type === V128) {
    requireFeature(cursor, features, "simd", "malformed value type", "v128", offset);
  } else if (isReference(type)) {
    const heap = code - 0x80;
    const name = formatHeapType(heap);
    requireFeature(cursor, features, heapFeature(heap), "malformed value type", name, offset);
  }
  return type;
}

/** A reference type (spec: 5.3.4). `funcref` is the element type of tables since 1.0. */
export function readRefType(cursor: Cursor, features: FeatureSet): ValType {
  const offset = cursor.pos;
  const code = offset < cursor.end ? cursor.bytes[offset] : 0;
  if (code === 0x70) {
    cursor.pos++;
    return FUNCREF;
  }
  const isRef = code === REF || code === REF_NULL || (code < 0x80 && isAbstractHeap(code - 0x80));
  if (!isRef && offset < cursor.end) {
    throw cursor.error("malformed reference type", hex(code), offset);
  }
  return readValType(cursor, features);
}

/** A storage type: a value type or a packed type (spec: 5.3.8). */
function readStorageType(cursor: Cursor, features: FeatureSet): ValType {
  const code = cursor.pos < cursor.end ? cursor.bytes[cursor.pos] : 0;
  if (code !== 0x78 && code !== 0x77) return readValType(cursor, features);
  cursor.pos++;
  return code === 0x78 ? I8 : I16;
}

function readMutability(cursor: Cursor): boolean {
  const offset = cursor.pos;
  const code = cursor.u8();
  if (code > 1) throw cursor.error("malformed mutability", hex(code), offset);
  return code === 1;
}

/** Field types and global types, which have the same form; shared where they can be. */
function withMutability(type: ValType, mutable: boolean): FieldType {
  if (isReference(type) && heapOf(type) >= 0) return { type, mutable };
  const key = 2 * type + (mutable ? 1 : 0);
  let shared = fields.get(key);
  if (shared === undefined) {
    shared = { type, mutable };
    fields.set(key, shared);
  }
  return shared;
}

function readFieldType(cursor: Cursor, features: FeatureSet): FieldType {
  const type = readStorageType(cursor, features);
  return withMutability(type, readMutability(cursor));
}

/** Reads a vector's length and checks that as many bytes are left and that `limit` allows it. */
export function readCount(
  cursor: Cursor,
  limits: DecodingLimits,
  limit: keyof DecodingLimits,
  before = 0,
): number {
  const offset = cursor.pos;
  const count = cursor.u32();
  limitOn(limits, limit, before + count, offset);
  if (count > cursor.end - cursor.pos) {
    const detail = `${count} entries in ${cursor.end - cursor.pos} bytes`;
    throw cursor.error("unexpected end of section or function", detail, offset);
  }
  return count;
}

function readResultType(
  cursor: Cursor,
  features: FeatureSet,
  limits: DecodingLimits,
  limit: "params" | "results",
): readonly ValType[] {
  const count = readCount(cursor, limits, limit);
  if (count === 0) return NO_TYPES;
  if (count === 1) return listOf(readValType(cursor, features));
  const types: ValType[] = [];
  for (let i = 0; i < count; i++) types.push(readValType(cursor, features));
  return types;
}

function readFuncType(cursor: Cursor, features: FeatureSet, limits: DecodingLimits): FuncType {
  const params = readResultType(cursor, features, limits, "params");
  const offset = cursor.pos;
  const results = readResultType(cursor, features, limits, "results");
  if (results.length > 1) {
    const what = "more than one result";
    requireFeature(cursor, features, "multi-value", "invalid result arity", what, offset);
  }
  return { kind: "func", params, results };
}

function readComposite(
  cursor: Cursor,
  features: FeatureSet,
  limits: DecodingLimits,
): SubType["composite"] {
  const offset = cursor.pos;
  const code = cursor.u8();
  if (code === 0x60) return readFuncType(cursor, features, limits);
  if (code !== 0x5f && code !== 0x5e) {
    throw cursor.error("malformed composite type", hex(code), offset);
  }
  const name = code === 0x5f ? "a struct type" : "an array type";
  requireFeature(cursor, features, "gc", "malformed composite type", name, offset);
  if (code === 0x5e) return { kind: "array", field: readFieldType(cursor, features) };
  const count = readCount(cursor, limits, "fields");
  const list: FieldType[] = [];
  for (let i = 0; i < count; i++) list.push(readFieldType(cursor, features));
  return { kind: "struct", fields: list };
}

/** A type of the recursion group that has `groupSize` types from `groupStart` on. */
export function readSubType(
  cursor: Cursor,
  features: FeatureSet,
  limits: DecodingLimits,
  groupStart: number,
  groupSize: number,
): SubType {
  const offset = cursor.pos;
  const code = offset < cursor.end ? cursor.bytes[offset] : 0;
  let supers = NO_INDICES;
  const explicit = code === 0x50 || code === 0x4f;
  if (explicit) {
    cursor.pos++;
    requireFeature(cursor, features, "gc", "malformed sub type", "a subtype", offset);
    const count = readCount(cursor, limits, "types");
    // One is all that a valid type has.
    if (count > 0) supers = Array.from({ length: count }, () => cursor.u32());
  }
  const composite = readComposite(cursor, features, limits);
  return { final: code !== 0x50, supers, composite, groupStart, groupSize };
}

/** The number of types in a recursion group, whose types follow (spec: 5.3.10). */
export function readGroupSize(
  cursor: Cursor,
  features: FeatureSet,
  limits: DecodingLimits,
  before: number,
): number {
  const offset = cursor.pos;
  if (offset < cursor.end && cursor.bytes[offset] === 0x4e) {
    cursor.pos++;
    requireFeature(cursor, features, "gc", "malformed rec type", "a recursion group", offset);
    return readCount(cursor, limits, "types", before);
  }
  limitOn(limits, "types", before + 1, offset);
  return 1;
}

const HAS_MAX = 1;
const SHARED = 2;
const ADDRESS64 = 4;
const PAGE_SIZE = 8;

function readLimits(cursor: Cursor, features: FeatureSet, flags: number, offset: number): Limits {
  const phrase = "malformed limits flags";
  const address64 = (flags & ADDRESS64) !== 0;
  const shared = (flags & SHARED) !== 0;
  if (address64) requireFeature(cursor, features, "memory64", phrase, "address type i64", offset);
  if (shared) requireFeature(cursor, features, "threads", phrase, "a shared memory", offset);
  // Since memory64 every bound is a u64; whether it fits the address type is for validation.
  const wide = (features & featureBit("memory64")) !== 0;
  const bound = () => (wide ? cursor.u64AsBigInt() : BigInt(cursor.u32()));
  const min = bound();
  const max = (flags & HAS_MAX) !== 0 ? bound() : null;
  return { min, max, address64, shared };
}

/** A memory type (spec: 5.3.12, with the proposals threads and custom-page-sizes). */
export function readMemoryType(cursor: Cursor, features: FeatureSet): MemoryType {
  const offset = cursor.pos;
  const phrase = "malformed limits flags";
  const flags = cursor.u8();
  if (flags > 15) throw cursor.error(phrase, hex(flags), offset);
  const custom = (flags & PAGE_SIZE) !== 0;
  const what = "a custom page size";
  if (custom) requireFeature(cursor, features, "custom-page-sizes", phrase, what, offset);
  const limits = readLimits(cursor, features, flags, offset);
  const pageOffset = cursor.pos;
  const pageSizeLog2 = custom ? cursor.u32() : DEFAULT_PAGE_LOG2;
  if (pageSizeLog2 >= 64) {
    throw cursor.error("invalid custom page size", `2^${pageSizeLog2} bytes`, pageOffset);
  }
  return { ...limits, pageSizeLog2 };
}

/** A table type (spec: 5.3.13). */
export function readTableType(cursor: Cursor, features: FeatureSet): TableType {
  const element = readRefType(cursor, features);
  const offset = cursor.pos;
  const flags = cursor.u8();
  if (flags > 7 || (flags & SHARED) !== 0) {
    throw cursor.error("malformed limits flags", `${hex(flags)} in a table`, offset);
  }
  return { element, ...readLimits(cursor, features, flags, offset) };
}

/** A global type (spec: 5.3.14). */
export function readGlobalType(cursor: Cursor, features: FeatureSet): GlobalType {
  const type = readValType(cursor, features);
  return withMutability(type, readMutability(cursor));
}

/** The type index of a tag type; its attribute byte must be 0 (spec: 5.3.11). */
export function readTagType(cursor: Cursor): number {
  const offset = cursor.pos;
  const attribute = cursor.u8();
  if (attribute !== 0) throw cursor.error("malformed tag attribute", String(attribute), offset);
  return cursor.u32();
}
