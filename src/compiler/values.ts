// Values as the host tier hands them over: which types it handles, how they are written in host
// Wasm, and how those of a frame are passed to JavaScript. They are passed as bits, so that NaN
// payloads survive: an i32 or f32 as an i32, an i64 or f64 as an i64, a v128 as two i64. References
// of all types are externref to the host, as it knows nothing of our functions.

import {
  EXTERNREF,
  F32,
  F64,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_NOEXN,
  HEAP_NOEXTERN,
  HEAP_NOFUNC,
  type HeapType,
  heapOf,
  I32,
  I64,
  isReference,
  V128,
  type ValType,
} from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import type { ByteWriter } from "./bytes.ts";
import { LeftOut } from "./left-out.ts";
import { OP } from "./opcodes.ts";

const CODES: ReadonlyMap<ValType, number> = new Map([
  [I32, 0x7f],
  [I64, 0x7e],
  [F32, 0x7d],
  [F64, 0x7c],
  [V128, 0x7b],
]);

const EXTERNREF_CODE = 0x6f;

/** The code of a value type as the host has it, in the binary format. */
export function typeCode(type: ValType): number {
  return CODES.get(type) ?? EXTERNREF_CODE;
}

/** Such a code as a block type (spec: 5.4.1), which is a signed integer. */
export function shortType(code: number): number {
  return code - 0x80;
}

/** Abstract heap types of functions, of what is the host's, and of exceptions. */
const HELD_HEAPS: ReadonlySet<HeapType> = new Set([
  ...[HEAP_FUNC, HEAP_NOFUNC, HEAP_EXTERN, HEAP_NOEXTERN, HEAP_EXN, HEAP_NOEXN],
]);

/**
 * Whether compiled code may hold values of a module's type: none of objects, as a census of what
 * guests make does not see the host's frames. Of others that must be seen it only ever holds null.
 */
export function canHold(module: ModuleRecord, type: ValType): boolean {
  if (!isReference(type)) return true;
  const heap = heapOf(type);
  if (heap < 0) return HELD_HEAPS.has(heap);
  return module.types[heap].composite.kind === "func";
}

/** Whether a reference that compiled code may hold is always null or to a function. */
export function isFunctionReference(type: ValType): boolean {
  const heap = heapOf(type);
  return heap >= 0 || heap === HEAP_FUNC || heap === HEAP_NOFUNC;
}

/** @throws LeftOut if compiled code may not hold values of one of the types */
export function requireHeld(module: ModuleRecord, types: readonly ValType[]): void {
  for (const type of types) {
    if (!canHold(module, type)) throw new LeftOut("it handles references to objects");
  }
}

/**
 * Types of the globals, behind that of the budget, that keep an operand of each instruction that
 * may trap for it in two ways: the host does not say which it was.
 */
export const KEPT: readonly ValType[] = [I32, F32, F64];

/** Declares a function's locals, besides its parameters. */
export function writeLocals(out: ByteWriter, types: readonly ValType[]): void {
  const runs: [count: number, code: number][] = [];
  for (const code of types.map(typeCode)) {
    const last = runs.at(-1);
    if (last?.[1] === code) last[0]++;
    else runs.push([1, code]);
  }
  out.u32(runs.length);
  for (const [count, code] of runs) {
    out.u32(count);
    out.u8(code);
  }
}

/** What is returned while frames are saved: nobody looks at it. */
export function writeDummy(out: ByteWriter, type: ValType): void {
  switch (type) {
    case I32:
      out.u8(OP.i32Const);
      return out.u8(0);
    case I64:
      out.u8(OP.i64Const);
      return out.u8(0);
    case F32:
      out.u8(OP.f32Const);
      return out.u32Zeros(1);
    case F64:
      out.u8(OP.f64Const);
      return out.u32Zeros(2);
    case V128:
      out.u8(OP.vector);
      out.u8(12);
      return out.u32Zeros(4);
    default:
      writeNull(out);
  }
}

export function writeNull(out: ByteWriter): void {
  out.u8(OP.refNull);
  out.u8(EXTERNREF_CODE);
}

/** Begins a `select` of values of a type that is no number: its type follows. */
export function writeSelectReference(out: ByteWriter): void {
  out.indexed(OP.selectTyped, 1);
  out.u8(EXTERNREF_CODE);
}

/** How a value is passed: class of the parameters, which are sorted by it. */
export type PassedAs = "i32" | "i64" | "reference";

const PASSED: ReadonlyMap<ValType, readonly PassedAs[]> = new Map<ValType, readonly PassedAs[]>([
  [I32, ["i32"]],
  [F32, ["i32"]],
  [I64, ["i64"]],
  [F64, ["i64"]],
  [V128, ["i64", "i64"]],
]);
const PASSED_REFERENCE: readonly PassedAs[] = ["reference"];

const PART_TYPES: Readonly<Record<PassedAs, ValType>> = {
  i32: I32,
  i64: I64,
  reference: EXTERNREF,
};

export const PASSED_CODES: Readonly<Record<PassedAs, number>> = {
  i32: typeCode(I32),
  i64: typeCode(I64),
  reference: EXTERNREF_CODE,
};
/** The type of a value's part. */
export function typeOfPart(part: PassedAs): ValType {
  return PART_TYPES[part];
}

/** Parameters come in this order, so that fewer signatures are needed. */
export const PASSED_ORDER: readonly PassedAs[] = ["i32", "i64", "reference"];

/** Up to so many parameters of a class are passed as they are; more of them in steps. */
const EXACT = 4;
const LONGEST_STEP = 64;

/**
 * How many parameters of a class are passed where there are so many values: up to a third more, as
 * V8 11 takes 0.15 ms for each signature that an instance imports.
 */
export function passedCount(count: number): number {
  if (count <= EXACT) return count;
  const step = Math.min(LONGEST_STEP, 1 << (30 - Math.clz32(count - 1)));
  return step * Math.ceil(count / step);
}

/** The parameters that a value of this type becomes. */
export function passedAs(type: ValType): readonly PassedAs[] {
  return PASSED.get(type) ?? PASSED_REFERENCE;
}

/** Part `part` of the value that is on the stack, as bits. */
export function writeBits(out: ByteWriter, type: ValType, part: number): void {
  if (type === F32) out.u8(OP.i32Reinterpret);
  else if (type === F64) out.u8(OP.i64Reinterpret);
  else if (type === V128) {
    out.u8(OP.vector); // i64x2.extract_lane
    out.u8(29);
    out.u8(part);
  }
}

/** The value whose bits are on the stack, or their lower half. */
export function writeOfBits(out: ByteWriter, type: ValType): void {
  if (type === F32) out.u8(OP.f32Reinterpret);
  else if (type === F64) out.u8(OP.f64Reinterpret);
  else if (type === V128) {
    out.u8(OP.vector); // i64x2.splat
    out.u8(18);
  }
}

/** What is on the stack becomes the upper half of the vector beneath. */
export function writeUpperHalf(out: ByteWriter): void {
  out.u8(OP.vector); // i64x2.replace_lane
  out.u8(30);
  out.u8(1);
}

/** Pushes part `part` of what the local holds, as it is passed. */
export function writePassed(out: ByteWriter, type: ValType, local: number, part: number): void {
  out.indexed(OP.localGet, local);
  writeBits(out, type, part);
}

/** Pushes the value whose parts are in locals as they were passed, from the local `first` on. */
export function writeUnpassed(out: ByteWriter, type: ValType, first: number): void {
  out.indexed(OP.localGet, first);
  writeOfBits(out, type);
  if (type === V128) {
    out.indexed(OP.localGet, first + 1);
    writeUpperHalf(out);
  }
}

/**
 * A value as bits: i32 and f32 as a number (signed 32 bits), i64 and f64 as a bigint, a v128 as two
 * of them, the lower one first; a reference as it is.
 */
export type Bits = unknown;

/** What a local starts with. */
export function zeroBits(type: ValType): Bits {
  if (type === V128) return [0n, 0n];
  return zeroOfPart(passedAs(type)[0]);
}

export function zeroOfPart(part: PassedAs): Bits {
  if (part === "reference") return null;
  return part === "i32" ? 0 : 0n;
}
