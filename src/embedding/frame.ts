// Values in the frame of a call, by their place among its arguments or results: those of a call
// that is about to be made, and those of a host function that was called. No value here is a v128,
// which has no form in JavaScript.

import { argumentsAt } from "../interpreter/call.ts";
import { DOUBLES, FLOATS, REFERENCES, SLOTS } from "../interpreter/loop.generated.ts";
import { LONGS, reserveReferences } from "../interpreter/registers.ts";
import { F32, F64, I32, I64, type ValType } from "../isa/types.ts";
import type { Value } from "../runtime/instances.ts";
import { withoutPayload } from "../runtime/values.ts";

/** What references are to who reads them. */
export interface ReferenceReader {
  fromEngine(value: Value, type: ValType): unknown;
}

/** The frame of the call that is made next, if nothing else is called before. */
export function nextFrame(): number {
  return argumentsAt();
}

/** Makes places for references among the first `count` values of a frame. */
export function reserveValues(frame: number, count: number): void {
  reserveReferences((frame >> 1) + count);
}

/** An i32. */
export function intIn(frame: number, index: number): number {
  return SLOTS[frame + 2 * index];
}

/** A value: a number, a bigint, or what `references` makes of a reference. */
export function valueIn(
  frame: number,
  index: number,
  type: ValType,
  references: ReferenceReader,
): unknown {
  const word = frame + 2 * index;
  switch (type) {
    case I32:
      return SLOTS[word];
    case I64:
      return LONGS[word >> 1];
    case F32:
      return FLOATS[word];
    case F64:
      return DOUBLES[word >> 1];
    default:
      return references.fromEngine(REFERENCES[word >> 1], type);
  }
}

/**
 * Writes a number of any type, an i64 as a bigint, or a reference as the engine has it, whose place
 * must exist.
 */
export function putValue(frame: number, index: number, type: ValType, value: Value): void {
  if (!putNumber(frame, index, type, value)) REFERENCES[(frame >> 1) + index] = value;
}

/** Writes a number that needs no conversion; false, with nothing done, for any other value. */
export function putNumber(frame: number, index: number, type: ValType, value: unknown): boolean {
  const word = frame + 2 * index;
  if (typeof value === "number") {
    if (type === I32) SLOTS[word] = value;
    else if (type === F64) DOUBLES[word >> 1] = withoutPayload(value);
    else if (type === F32) FLOATS[word] = withoutPayload(value);
    else return false;
    return true;
  }
  if (typeof value !== "bigint" || type !== I64) return false;
  LONGS[word >> 1] = value;
  return true;
}
