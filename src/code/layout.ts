// How structs and arrays lie in memory (runtime/objects.ts), as far as code has to know it.

import { F64, I8, I16, I64, isReference, V128, type ValType } from "../isa/types.ts";
import type { FieldType } from "../module/module.ts";

/** Words of a field or element, in which a reference counts as one. */
export function wordsOf(storage: ValType): number {
  if (storage === V128) return 4;
  return storage === I64 || storage === F64 ? 2 : 1;
}

export function isPacked(storage: ValType): boolean {
  return storage === I8 || storage === I16;
}

/** Bytes of an element in a data segment. */
export function bytesOfElement(storage: ValType): number {
  if (storage === I8) return 1;
  return storage === I16 ? 2 : 4 * wordsOf(storage);
}

const known = new WeakMap<readonly FieldType[], Int32Array>();

/** Positions of the words of each field in a struct, and behind the last one. */
export function positionsOf(fields: readonly FieldType[]): Int32Array {
  let positions = known.get(fields);
  if (positions === undefined) {
    positions = new Int32Array(fields.length + 1);
    positions[0] = 1;
    for (const [i, { type }] of fields.entries()) positions[i + 1] = positions[i] + wordsOf(type);
    known.set(fields, positions);
  }
  return positions;
}

/** What an aggregate takes in V8 besides its words, which take 8 bytes each. */
export const AGGREGATE_BYTES = 56;

/** Most words of short arrays of numbers and of references, and most packed elements. */
export const SHORT_WORDS = 256;
export const SHORT_REFERENCES = 1024;
const SHORT_PACKED = 64;

/**
 * The most elements of arrays that are not long: typed arrays above 64 bytes take V8 ten times as
 * long to make as plain ones of as many elements.
 */
export function shortLength(storage: ValType): number {
  if (isReference(storage)) return SHORT_REFERENCES;
  return isPacked(storage) ? SHORT_PACKED : SHORT_WORDS / wordsOf(storage);
}
