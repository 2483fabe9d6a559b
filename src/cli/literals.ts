// Values on the command line: arguments by their types, results as text. Numbers are written as in
// the text format (spec: 6.3 Values): decimal or hexadecimal, `inf`, `nan`; payloads of NaNs get
// lost in JavaScript's numbers and are not accepted. Vectors are a shape and its lanes.

import type { Value } from "../api/index.ts";
import { formatV128 } from "../disasm/literals.ts";

/** A text is not a value of the wanted type. */
export class LiteralError extends Error {}

/** The value of type `type` that `text` is. @throws LiteralError */
export function parseValue(text: string, type: string): Value {
  switch (type) {
    case "i32":
      return Number(parseInteger(text, 32));
    case "i64":
      return parseInteger(text, 64);
    case "f32":
      return parseF32(text);
    case "f64":
      return parseF64(text);
    case "v128":
      return parseVector(text);
    default:
      if (text === "null" && type.endsWith("ref")) return null;
      throw new LiteralError(`"${text}" cannot be given as ${type}`);
  }
}

/** An integer of so many bits; signed and unsigned ones are accepted. */
function parseInteger(text: string, bits: number): bigint {
  const parts = /^([+-]?)(0x[\da-f]+(?:_[\da-f]+)*|\d+(?:_\d+)*)$/i.exec(text);
  if (parts === null) throw new LiteralError(`"${text}" is no integer (i${bits})`);
  const size = BigInt(parts[2].replaceAll("_", ""));
  const value = parts[1] === "-" ? -size : size;
  const least = -(2n ** BigInt(bits - 1));
  if (value < least || value >= 2n ** BigInt(bits)) {
    throw new LiteralError(`${text} is out of range for i${bits}`);
  }
  return BigInt.asIntN(bits, value);
}

const DECIMAL = /^([+-]?)(\d[\d_]*)?(?:\.([\d_]*))?(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f_]*)(?:\.([\da-f_]*))?(?:p([+-]?\d+))?$/i;
/** No float has more digits before or behind the point than exponents of this size give. */
const MOST_EXPONENT = 5000;

/** A float with `precision` bits whose smallest is 2^least, correctly rounded. */
function parseNumber(text: string, type: string, precision: number, least: number): number {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) {
    if (special[2].toLowerCase() === "nan") return Number.NaN;
    return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const hex = HEXADECIMAL.exec(text);
  const parts = hex ?? DECIMAL.exec(text);
  const [, sign, whole = "", fraction = "", power = "0"] = parts ?? [];
  const digits = `${whole}${fraction}`.replaceAll("_", "");
  if (parts === null || digits === "") throw new LiteralError(`"${text}" is no number (${type})`);
  const behind = fraction.replaceAll("_", "").length;
  const exponent = Math.max(-MOST_EXPONENT, Math.min(Number(power), MOST_EXPONENT));
  const mantissa = BigInt(hex === null ? digits : `0x${digits}`);
  const size =
    hex === null
      ? decimal(mantissa, exponent - behind, precision, least)
      : rounded(mantissa, 1n, exponent - 4 * behind, precision, least);
  return sign === "-" ? -size : size;
}

function parseF32(text: string): number {
  return parseNumber(text, "f32", 24, -149);
}

function parseF64(text: string): number {
  return parseNumber(text, "f64", 53, -1074);
}

function decimal(mantissa: bigint, power: number, precision: number, least: number): number {
  const scale = 10n ** BigInt(Math.abs(power));
  if (power >= 0) return rounded(mantissa * scale, 1n, 0, precision, least);
  return rounded(mantissa, scale, 0, precision, least);
}

/** `above / below * 2^power`, rounded to the nearest float, ties to even. */
function rounded(
  above: bigint,
  below: bigint,
  power: number,
  precision: number,
  least: number,
): number {
  if (above === 0n) return 0;
  // Exponent of the quotient's last bit when it has `precision` bits, or one more.
  const size = above.toString(2).length - below.toString(2).length;
  const shift = Math.max(size - precision, least - power);
  const numerator = shift < 0 ? above << BigInt(-shift) : above;
  const denominator = shift < 0 ? below : below << BigInt(shift);
  let quotient = numerator / denominator;
  const rest = 2n * (numerator % denominator);
  let last = shift + power;
  if (quotient >> BigInt(precision) !== 0n) {
    // One bit too many: the rest is below its last bit.
    const odd = quotient & 1n;
    quotient >>= 1n;
    last++;
    if (odd === 1n && (rest > 0n || (quotient & 1n) === 1n)) quotient++;
  } else if (rest > denominator || (rest === denominator && (quotient & 1n) === 1n)) {
    quotient++;
  }
  const value = timesPowerOfTwo(Number(quotient), last);
  return precision === 24 ? Math.fround(value) : value;
}

/** Exact where the result is a float: the power itself may not be one. */
function timesPowerOfTwo(value: number, power: number): number {
  const half = Math.trunc(power / 2);
  return value * 2 ** half * 2 ** (power - half);
}

/** Writes a lane to a place in a vector. */
type LaneWriter = (vector: DataView, at: number, lane: string) => void;

function integerLane(bits: number): LaneWriter {
  return (vector, at, lane) => {
    const value = parseInteger(lane, bits);
    for (let i = 0; i < bits / 8; i++) {
      vector.setUint8(at + i, Number(BigInt.asUintN(8, value >> BigInt(8 * i))));
    }
  };
}

const SHAPES: ReadonlyMap<string, LaneWriter> = new Map([
  ["i8x16", integerLane(8)],
  ["i16x8", integerLane(16)],
  ["i32x4", integerLane(32)],
  ["i64x2", integerLane(64)],
  ["f32x4", (vector, at, lane) => vector.setFloat32(at, parseF32(lane), true)],
  ["f64x2", (vector, at, lane) => vector.setFloat64(at, parseF64(lane), true)],
]);

/** A vector as `v128.const` has it: `i32x4 1 2 3 4`. */
function parseVector(text: string): Uint8Array {
  const [shape, ...lanes] = text.trim().split(/\s+/);
  const write = SHAPES.get(shape);
  const count = Number(shape.split("x")[1]);
  if (write === undefined || lanes.length !== count) {
    throw new LiteralError(`"${text}" is no vector such as "i32x4 1 2 3 4" (v128)`);
  }
  const vector = new DataView(new ArrayBuffer(16));
  lanes.forEach((lane, i) => write(vector, (16 / count) * i, lane));
  return new Uint8Array(vector.buffer);
}

/** A result as text: plain decimal; the shortest digits that give the same float. */
export function formatValue(value: Value, type: string): string {
  if (typeof value === "number") return formatNumber(value, type);
  if (typeof value === "bigint") return String(value);
  if (type === "v128") return formatV128(value as Uint8Array, 0);
  return value === null ? "null" : type;
}

function formatNumber(value: number, type: string): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Object.is(value, -0)) return "-0";
  return type === "f32" ? shortest32(value) : String(value);
}

/** Nine digits always tell two f32 apart, fewer often do. */
function shortest32(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
};

/** Bytes of `64MiB`, `1000`; undefined if it is no size, or so large that it is no limit. */
export function parseBytes(text: string): number | undefined {
  const parts = /^(\d{1,15}(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = parts === null ? undefined : UNITS[parts[2].toLowerCase()];
  return parts === null || unit === undefined ? undefined : Math.floor(Number(parts[1]) * unit);
}

const TIMES: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1000, m: 60_000 };

/** Milliseconds of `50ms`, `1.5s`, `2m`; undefined if it is no time. */
export function parseMilliseconds(text: string): number | undefined {
  const parts = /^(\d{1,15}(?:\.\d+)?)(ms|s|m|)$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * TIMES[parts[2]];
}
