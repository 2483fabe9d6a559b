// Values between JavaScript and the slots of the machine (spec: 4.2.1 Values; JS-API 5.6
// ToWebAssemblyValue). A slot is two words of SLOTS and one entry of REFERENCES.

import { F32, F64, I32, I64, isReference, slotsOf, V128, type ValType } from "../isa/types.ts";
import {
  type Bits64,
  ExceptionInstance,
  putRaw,
  type RawValue,
  rawAt,
  type TagInstance,
  type Value,
} from "../runtime/instances.ts";
import { toHost } from "../runtime/objects.ts";
import { REFERENCES, SLOTS } from "./loop.generated.ts";

const doubles = new Float64Array(1);
const words = new Int32Array(doubles.buffer);
const floats = new Float32Array(doubles.buffer);

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
    case I64: {
      const wrapped = BigInt.asIntN(64, toBigInt(value));
      const high = Number(wrapped >> 32n);
      return { low: Number(BigInt.asIntN(32, wrapped)), high, reference: null };
    }
    case F32:
      floats[0] = value as number;
      return { low: words[0], high: 0, reference: null };
    case F64:
      doubles[0] = value as number;
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
      return (BigInt(high) << 32n) | BigInt(low >>> 0);
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

/** What the slot at word `at` holds, and of a v128 the next one. */
function readSlot(at: number, type: ValType): RawValue {
  return rawAt(SLOTS, at, type, isReference(type) ? REFERENCES[at >> 1] : null);
}

function writeSlot(at: number, type: ValType, value: RawValue): void {
  if (isReference(type)) REFERENCES[at >> 1] = value.reference;
  else putRaw(SLOTS, at, type, value);
}

/** The values that an exception carries, for the host. */
export function payloadOf(exception: ExceptionInstance): Value[] {
  return exception.tag.type.params.map((type, i) => toHost(fromRaw(exception.value(i), type)));
}

/** An exception whose values lie in consecutive slots. */
export function exceptionAt(at: number, tag: TagInstance): ExceptionInstance {
  if (tag.slots === 0) return ExceptionInstance.of(tag, []);
  const words = SLOTS.slice(at, at + 2 * tag.slots);
  if (!tag.hasReferences) return new ExceptionInstance(tag, words);
  let slot = at >> 1;
  const references = tag.type.params.map((type) => {
    // A number's slot may still have somebody else's reference beside it.
    const reference = isReference(type) ? REFERENCES[slot] : null;
    slot += slotsOf(type);
    return reference;
  });
  return new ExceptionInstance(tag, words, references);
}

/** Writes what an exception carries into consecutive slots. */
export function writeException(at: number, exception: ExceptionInstance): void {
  const { references, tag, words } = exception;
  SLOTS.set(words, at);
  if (!tag.hasReferences) return;
  let slot = at >> 1;
  for (const [i, type] of tag.type.params.entries()) {
    if (isReference(type)) REFERENCES[slot] = references[i];
    slot += slotsOf(type);
  }
}

/** What consecutive slots hold, without loss. */
export function readRaw(at: number, types: readonly ValType[]): RawValue[] {
  let word = at;
  return types.map((type) => {
    const raw = readSlot(word, type);
    word += 2 * slotsOf(type);
    return raw;
  });
}

/** Reads the JavaScript values of consecutive slots. */
export function readValues(at: number, types: readonly ValType[]): Value[] {
  let word = at;
  return types.map((type) => {
    // The common case needs no object.
    const value = type === I32 ? SLOTS[word] : fromRaw(readSlot(word, type), type);
    word += 2 * slotsOf(type);
    return value;
  });
}

/** Writes JavaScript values into consecutive slots. */
export function writeValues(at: number, types: readonly ValType[], values: readonly Value[]): void {
  let word = at;
  types.forEach((type, i) => {
    const value = values[i];
    if (type === I32 && !(value instanceof Bits)) SLOTS[word] = value as number;
    else writeSlot(word, type, toRaw(value, type));
    word += 2 * slotsOf(type);
  });
}

/** The values that a host function returned: none, one, or an array of several. */
export function resultsOf(value: unknown, types: readonly ValType[], name: string): Value[] {
  if (types.length === 0) return [];
  if (types.length === 1) return [value];
  const values = isIterable(value) ? [...value] : null;
  if (values?.length === types.length) return values;
  throw new TypeError(`${name} must return an array of ${types.length} values`);
}

function isIterable(value: unknown): value is Iterable<Value> {
  return value != null && typeof (value as Iterable<Value>)[Symbol.iterator] === "function";
}
