// Values between JavaScript and their bits (spec: 4.2.1 Values; JS-API 5.6 ToWebAssemblyValue).

import { F32, F64, I32, I64, isReference, V128, type ValType } from "../isa/types.ts";
import type { Bits64, RawValue, Value } from "./instances.ts";

const doubles = new Float64Array(1);
const words = new Int32Array(doubles.buffer);
const floats = new Float32Array(doubles.buffer);
const bigints = new BigInt64Array(doubles.buffer);

/** The bits of a value, where a JavaScript number would lose a NaN's payload. */
export class Bits {
  readonly low: number;
  readonly high: number;
  /** Of a v128. */
  readonly upper: Bits64;

  constructor(low: number, high = 0, upper: Bits64 = NO_BITS) {
    this.low = low | 0;
    this.high = high | 0;
    this.upper = upper;
  }
}

const NO_BITS: Bits64 = { low: 0, high: 0 };

/**
 * Any NaN as the canonical one. JavaScript's may be signalling, as typed arrays and guests give
 * them, and guests must get none of these (JS-API: ToWebAssemblyValue); which one it is depends on
 * the host, and on how it has compiled the code that the value went through.
 */
export function withoutPayload(value: number): number {
  return Number.isNaN(value) ? Number.NaN : value;
}

/** Bits of a JavaScript value as a value of `type`; raises TypeError where it cannot be one. */
export function toRaw(value: Value, type: ValType): RawValue {
  if (value instanceof Bits) {
    const { low, high, upper } = value;
    return type === V128 ? { low, high, reference: null, upper } : { low, high, reference: null };
  }
  if (isReference(type)) return { low: 0, high: 0, reference: value };
  switch (type) {
    case I32:
      return { low: (value as number) | 0, high: 0, reference: null };
    case I64:
      bigints[0] = toBigInt(value);
      return { low: words[0], high: words[1], reference: null };
    case F32:
      floats[0] = withoutPayload(value as number);
      return { low: words[0], high: 0, reference: null };
    case F64:
      doubles[0] = withoutPayload(value as number);
      return { low: words[0], high: words[1], reference: null };
    default:
      return vectorOf(value);
  }
}

/** A v128 as the host gives it: 16 bytes, those of the first lane in front. */
function vectorOf(value: Value): RawValue {
  if (!(value instanceof Uint8Array) || value.length !== 16) {
    throw new TypeError("a v128 must be a Uint8Array of 16 bytes");
  }
  // A copy begins where words may.
  const [low, high, low2, high2] = new Int32Array(new Uint8Array(value).buffer);
  return { low, high, reference: null, upper: { low: low2, high: high2 } };
}

function toBigInt(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") {
    throw new TypeError(`an i64 must be a bigint, found the number ${value} (write ${value}n)`);
  }
  return BigInt(value as string);
}

/** The JavaScript value of bits. */
export function fromRaw({ low, high, reference, upper }: RawValue, type: ValType): Value {
  if (isReference(type)) return reference;
  switch (type) {
    case I32:
      return low;
    case I64:
      words[0] = low;
      words[1] = high;
      return bigints[0];
    case F32:
      words[0] = low;
      return floats[0];
    case F64:
      words[0] = low;
      words[1] = high;
      return doubles[0];
    default:
      return new Uint8Array(Int32Array.of(low, high, upper?.low ?? 0, upper?.high ?? 0).buffer);
  }
}
