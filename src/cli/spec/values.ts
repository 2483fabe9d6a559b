// Values of scripts: arguments, and the patterns that results must match (the suite's README,
// Values; spec: 4.2.1). Numbers are compared as bits, so that no NaN payload gets lost.

import {
  F32,
  formatValType,
  HEAP_ARRAY,
  HEAP_EQ,
  HEAP_I31,
  HEAP_STRUCT,
  I32,
  isReference,
  V128,
  type ValType,
} from "../../isa/types.ts";
import {
  type Bits64,
  ExceptionInstance,
  FunctionInstance,
  type RawValue,
  type Value,
} from "../../runtime/instances.ts";
import { internalize, matchesHeap, toHost } from "../../runtime/objects.ts";
import { Bits } from "../../runtime/values.ts";

/** A value as a script writes it: an argument, or a pattern for a result. */
export interface ScriptValue {
  readonly type: string;
  /** Decimal bits, `null`, the number of a host value, a class of NaNs; lanes of a vector. */
  readonly value?: string | readonly string[];
  /** Type of the lanes of a vector. */
  readonly laneType?: string;
  /** The patterns of `either`. */
  readonly values?: readonly ScriptValue[];
}

/** A value without loss: the bits of a number or vector, or else a reference. */
export type ExactValue = bigint | { readonly reference: Value };

/** A host value of scripts; those with the same number are the same one. */
export class HostReference {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

/** The host values of one script. */
export class HostReferences {
  private readonly known = new Map<string, HostReference>();

  get(id: string): HostReference {
    const found = this.known.get(id) ?? new HostReference(id);
    this.known.set(id, found);
    return found;
  }
}

const WIDTHS: ReadonlyMap<string, number> = new Map([
  ["i8", 8],
  ["i16", 16],
  ["i32", 32],
  ["i64", 64],
  ["f32", 32],
  ["f64", 64],
]);

/** The argument that a script gives, for the engine. */
export function argumentOf(given: ScriptValue, hosts: HostReferences): Value {
  const { type, value } = given;
  if (type === "v128") return vectorOf(given);
  if (typeof value !== "string") throw new TypeError(`${type} without a value is no argument`);
  if (WIDTHS.has(type)) {
    return bitsOf(BigInt(value));
  }
  if (value === "null") return null;
  if (type === "externref") return hosts.get(value);
  if (type === "anyref") return internalize(hosts.get(value), null);
  throw new TypeError(`${type} ${value} is no argument`);
}

function bitsOf(bits: bigint): Bits {
  const word = (n: bigint) => Number(BigInt.asIntN(32, bits >> (32n * n)));
  return new Bits(word(0n), word(1n), { low: word(2n), high: word(3n) });
}

/** A vector by its lanes, the first one in the lowest bits. */
function vectorOf({ laneType = "", value }: ScriptValue): Bits {
  const width = WIDTHS.get(laneType);
  if (width === undefined || !Array.isArray(value) || value.length * width !== 128) {
    throw new TypeError(`v128 with lanes of ${laneType} is no argument`);
  }
  const lane = (text: string, i: number) =>
    BigInt.asUintN(width, BigInt(text)) << BigInt(i * width);
  return bitsOf(value.map(lane).reduce((bits, one) => bits | one, 0n));
}

/** What a slot or a global of type `type` holds, without loss. */
export function exactValue(raw: RawValue, type: ValType): ExactValue {
  if (isReference(type)) return { reference: raw.reference };
  if (type === I32 || type === F32) return BigInt(raw.low >>> 0);
  return type === V128 ? (unsigned(raw.upper) << 64n) | unsigned(raw) : unsigned(raw);
}

function unsigned({ low, high }: Bits64 = { low: 0, high: 0 }): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Whether a value of type `type` matches a pattern. */
export function matches(
  pattern: ScriptValue,
  found: ExactValue,
  type: ValType,
  hosts: HostReferences,
): boolean {
  if (pattern.type === "either") {
    return pattern.values?.some((choice) => matches(choice, found, type, hosts)) ?? false;
  }
  if (typeof found !== "bigint") return referenceMatches(pattern, found.reference, hosts);
  if (pattern.type !== formatValType(type)) return false;
  return pattern.type === "v128" ? lanesMatch(pattern, found) : laneMatches(pattern, found);
}

/** A scalar, or one lane of a vector. */
function laneMatches({ type, value }: ScriptValue, bits: bigint): boolean {
  if (typeof value !== "string") return false;
  if (!value.startsWith("nan:")) return BigInt(value) === bits;
  // The exponent and the quiet bit, which is the highest one of the fraction.
  const quiet = type === "f32" ? 0x7fc00000n : type === "f64" ? 0x7ff8000000000000n : null;
  if (quiet === null) return false;
  if (value === "nan:arithmetic") return (bits & quiet) === quiet;
  const sign = type === "f32" ? 1n << 31n : 1n << 63n;
  return value === "nan:canonical" && (bits & ~sign) === quiet;
}

/** A vector by its lanes, the first one in the lowest bits. */
export function lanesMatch({ laneType = "", value }: ScriptValue, bits: bigint): boolean {
  const width = WIDTHS.get(laneType);
  if (width === undefined || !Array.isArray(value) || value.length * width !== 128) return false;
  return value.every((lane: string, i) => {
    const found = BigInt.asUintN(width, bits >> BigInt(i * width));
    return laneMatches({ type: laneType, value: lane }, found);
  });
}

/** What a pattern without a value asks of a reference that is not null. */
const KINDS = new Map<string, (value: Value) => boolean>([
  ["funcref", (value: Value) => value instanceof FunctionInstance],
  ["exnref", (value: Value) => value instanceof ExceptionInstance],
  ["i31ref", (value: Value) => matchesHeap(value, HEAP_I31)],
  ["structref", (value: Value) => matchesHeap(value, HEAP_STRUCT)],
  ["arrayref", (value: Value) => matchesHeap(value, HEAP_ARRAY)],
  ["eqref", (value: Value) => matchesHeap(value, HEAP_EQ)],
  ["anyref", (value: Value) => !(value instanceof FunctionInstance)],
  ["externref", () => true],
]);

function referenceMatches({ type, value }: ScriptValue, found: Value, hosts: HostReferences) {
  if (type === "refnull") return found === null;
  if (value === "null") return found === null && type.endsWith("ref");
  if (typeof value === "string") {
    return (type === "externref" || type === "anyref") && toHost(found) === hosts.get(value);
  }
  return value === undefined && found !== null && (KINDS.get(type)?.(found) ?? false);
}

/** A pattern in words. */
export function formatPattern({ laneType, type, value, values }: ScriptValue): string {
  if (values !== undefined) return `${type} (${values.map(formatPattern).join(" | ")})`;
  if (value === undefined) return type;
  return typeof value === "string" ? `${type} ${value}` : `${type} ${laneType} ${value.join(" ")}`;
}

function halves(vector: bigint): bigint[] {
  return [BigInt.asUintN(64, vector), vector >> 64n];
}

/** A value in words. */
export function formatExact(found: ExactValue, type: ValType): string {
  if (type === V128) return `v128 i64 ${halves(found as bigint).join(" ")}`;
  if (typeof found === "bigint") return `${formatValType(type)} ${found}`;
  const { reference } = found;
  if (reference === null) return "null";
  const host = toHost(reference);
  if (host instanceof HostReference) return `externref ${host.id}`;
  for (const [kind, is] of KINDS) if (is(reference)) return kind;
  return "a reference";
}
