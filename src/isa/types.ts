// Value types as integers (spec: 2.3 Types, 5.3 Types). A type is one 32-bit integer so that the
// validator's operand stack is an Int32Array and most type checks are one `===`.
//
//   numbers and vectors   small constants 1 … 5; 6 and 7 are the packed storage types
//   references            heap type << 5 | nullable << 4 | 1 << 3
//
// A heap type is a type index (>= 0) or one of the negative constants below, which are the values
// that the binary format gives them as signed LEB128. 0 is the bottom type of unreachable code.

/** A value type or storage type, encoded as an integer; see the constants of this file. */
export type ValType = number;

/** A heap type: a type index (>= 0) or one of the negative `HEAP_*` constants. */
export type HeapType = number;

export const BOT: ValType = 0;
export const I32: ValType = 1;
export const I64: ValType = 2;
export const F32: ValType = 3;
export const F64: ValType = 4;
export const V128: ValType = 5;
/** Packed storage types; they occur only as field types. */
export const I8: ValType = 6;
export const I16: ValType = 7;

/** The bottom of every hierarchy; only unreachable code has operands of this type. */
export const HEAP_BOT: HeapType = -0x01;
export const HEAP_NOEXN: HeapType = -0x0c;
export const HEAP_NOFUNC: HeapType = -0x0d;
export const HEAP_NOEXTERN: HeapType = -0x0e;
export const HEAP_NONE: HeapType = -0x0f;
export const HEAP_FUNC: HeapType = -0x10;
export const HEAP_EXTERN: HeapType = -0x11;
export const HEAP_ANY: HeapType = -0x12;
export const HEAP_EQ: HeapType = -0x13;
export const HEAP_I31: HeapType = -0x14;
export const HEAP_STRUCT: HeapType = -0x15;
export const HEAP_ARRAY: HeapType = -0x16;
export const HEAP_EXN: HeapType = -0x17;

const REFERENCE_BIT = 8;
const NULLABLE_BIT = 16;

/** The reference type `(ref null? heap)`. */
export function refType(heap: HeapType, nullable: boolean): ValType {
  return (heap << 5) | (nullable ? NULLABLE_BIT : 0) | REFERENCE_BIT;
}

export function isReference(type: ValType): boolean {
  return (type & REFERENCE_BIT) !== 0;
}

/** Whether null is a value of this type; false for numbers and vectors. */
export function isNullable(type: ValType): boolean {
  return (type & NULLABLE_BIT) !== 0;
}

/** The heap type of a reference type. */
export function heapOf(type: ValType): HeapType {
  return type >> 5;
}

/** The same reference type without null. */
export function nonNull(type: ValType): ValType {
  return type & ~NULLABLE_BIT;
}

/** Whether locals of this type start with a value (spec: 3.1.2 Defaultable types). */
export function isDefaultable(type: ValType): boolean {
  return (type & (REFERENCE_BIT | NULLABLE_BIT)) !== REFERENCE_BIT;
}

/** Whether the type is i32, i64, f32, f64 or v128 (or bottom). */
export function isNumericOrVector(type: ValType): boolean {
  return type <= V128 && type >= BOT;
}

/** Slots of 8 bytes that a value takes: a v128 takes two neighbouring ones. */
export function slotsOf(type: ValType): 1 | 2 {
  return type === V128 ? 2 : 1;
}

/** Slots of values that lie one after the other. */
export function slotCount(types: readonly ValType[]): number {
  let count = types.length;
  for (let i = 0; i < types.length; i++) if (types[i] === V128) count++;
  return count;
}

/** The value type an i8 or i16 field is read as; other types are returned unchanged. */
export function unpacked(storage: ValType): ValType {
  return storage === I8 || storage === I16 ? I32 : storage;
}

export const FUNCREF: ValType = refType(HEAP_FUNC, true);
export const EXTERNREF: ValType = refType(HEAP_EXTERN, true);
export const ANYREF: ValType = refType(HEAP_ANY, true);
export const EQREF: ValType = refType(HEAP_EQ, true);
export const I31REF: ValType = refType(HEAP_I31, true);
export const STRUCTREF: ValType = refType(HEAP_STRUCT, true);
export const ARRAYREF: ValType = refType(HEAP_ARRAY, true);
export const EXNREF: ValType = refType(HEAP_EXN, true);

const NUMBER_NAMES = ["bot", "i32", "i64", "f32", "f64", "v128", "i8", "i16"];

const HEAP_NAMES = new Map<HeapType, string>([
  [HEAP_BOT, "bot"],
  [HEAP_NOEXN, "noexn"],
  [HEAP_NOFUNC, "nofunc"],
  [HEAP_NOEXTERN, "noextern"],
  [HEAP_NONE, "none"],
  [HEAP_FUNC, "func"],
  [HEAP_EXTERN, "extern"],
  [HEAP_ANY, "any"],
  [HEAP_EQ, "eq"],
  [HEAP_I31, "i31"],
  [HEAP_STRUCT, "struct"],
  [HEAP_ARRAY, "array"],
  [HEAP_EXN, "exn"],
]);

/** Short forms of nullable references that are not `heap name + "ref"`. */
const SHORT_NAMES = new Map<HeapType, string>([
  [HEAP_NONE, "nullref"],
  [HEAP_NOFUNC, "nullfuncref"],
  [HEAP_NOEXTERN, "nullexternref"],
  [HEAP_NOEXN, "nullexnref"],
]);

/** Text of a heap type; type indices through `typeName` (default: the number). */
export function formatHeapType(
  heap: HeapType,
  typeName: (index: number) => string = String,
): string {
  return HEAP_NAMES.get(heap) ?? typeName(heap);
}

/**
 * Text of a value or storage type as the text format writes it: `i32`, `funcref`, `(ref null 3)`.
 */
export function formatValType(type: ValType, typeName: (index: number) => string = String): string {
  if (!isReference(type)) return NUMBER_NAMES[type] ?? `type(${type})`;
  const heap = heapOf(type);
  if (isNullable(type) && heap < HEAP_BOT) {
    return SHORT_NAMES.get(heap) ?? `${HEAP_NAMES.get(heap)}ref`;
  }
  return `(ref ${isNullable(type) ? "null " : ""}${formatHeapType(heap, typeName)})`;
}

const BY_NAME = new Map<string, ValType>([
  ["i32", I32],
  ["i64", I64],
  ["f32", F32],
  ["f64", F64],
  ["v128", V128],
  ["funcref", FUNCREF],
  ["externref", EXTERNREF],
  ["anyref", ANYREF],
  ["eqref", EQREF],
  ["i31ref", I31REF],
  ["structref", STRUCTREF],
  ["arrayref", ARRAYREF],
  ["exnref", EXNREF],
]);

/** The value type of a short name such as `i32` or `funcref`; undefined if it is none. */
export function valTypeByName(name: string): ValType | undefined {
  return BY_NAME.get(name);
}

/** Heap types by their code in the binary format, with the proposal that introduced each. */
export function isAbstractHeap(heap: HeapType): boolean {
  return heap !== HEAP_BOT && HEAP_NAMES.has(heap);
}
