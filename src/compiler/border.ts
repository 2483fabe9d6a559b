// Values between the slots, JavaScript as the host's functions have it, and frames in Wasm's terms.
// Vectors and references do not pass here.

import { SLOTS } from "../interpreter/loop.generated.ts";
import { LONGS } from "../interpreter/registers.ts";
import { F32, F64, I32, I64, type ValType } from "../isa/types.ts";
import type { RawValue } from "../runtime/instances.ts";
import type { Bits } from "./values.ts";

/** A number as the host's functions take and give it. */
export type HostNumber = number | bigint;

const SINGLES = new Float32Array(SLOTS.buffer);
const DOUBLES = new Float64Array(SLOTS.buffer);

/** What the slot at word `at` holds. */
function numberAt(at: number, type: ValType): HostNumber {
  switch (type) {
    case I32:
      return SLOTS[at];
    case I64:
      return LONGS[at >> 1];
    case F32:
      return SINGLES[at];
    default:
      return DOUBLES[at >> 1];
  }
}

function putNumber(at: number, type: ValType, value: HostNumber): void {
  switch (type) {
    case I32:
      SLOTS[at] = value as number;
      break;
    case I64:
      LONGS[at >> 1] = value as bigint;
      break;
    case F32:
      SINGLES[at] = value as number;
      break;
    default:
      DOUBLES[at >> 1] = value as number;
  }
}

/** The values of consecutive slots. */
export function numbersAt(at: number, types: readonly ValType[]): HostNumber[] {
  return types.map((type, i) => numberAt(at + 2 * i, type));
}

/** Writes values into consecutive slots. */
export function putNumbers(
  at: number,
  types: readonly ValType[],
  values: readonly HostNumber[],
): void {
  types.forEach((type, i) => {
    putNumber(at + 2 * i, type, values[i]);
  });
}

/** What a function of the host's has returned, as the list that it stands for. */
export function resultList(count: number, result: unknown): readonly HostNumber[] {
  if (count === 0) return [];
  return count === 1 ? [result as HostNumber] : (result as HostNumber[]);
}

/** The same the other way round. */
export function resultOf(values: readonly HostNumber[]): unknown {
  return values.length > 1 ? values : values[0];
}

/** What a function of ours gives where nobody looks at it. */
export function dummyResult(types: readonly ValType[]): unknown {
  const dummies = types.map((type) => (type === I64 ? 0n : 0));
  return dummies.length > 1 ? dummies : dummies[0];
}

/** Bits that a frame was saved with. */
export function rawOfBits(bits: Bits): RawValue {
  if (typeof bits === "number") return { low: bits, high: 0, reference: null };
  if (typeof bits === "bigint") return { ...halves(bits), reference: null };
  const [lower, upper] = bits as [bigint, bigint];
  return { ...halves(lower), reference: null, upper: halves(upper) };
}

function halves(value: bigint) {
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
}

const cell = new DataView(new ArrayBuffer(8));

/** The number that two words hold. */
export function numberOfWords(low: number, high: number, type: ValType): HostNumber {
  cell.setInt32(0, low, true);
  cell.setInt32(4, high, true);
  if (type === I32) return low;
  if (type === I64) return cell.getBigInt64(0, true);
  return type === F32 ? cell.getFloat32(0, true) : cell.getFloat64(0, true);
}

/** Puts a number into two words. */
export function putWords(words: Int32Array, at: number, type: ValType, value: HostNumber): void {
  if (type === I32) cell.setInt32(0, value as number, true);
  else if (type === I64) cell.setBigInt64(0, value as bigint, true);
  else if (type === F32) cell.setFloat32(0, value as number, true);
  else if (type === F64) cell.setFloat64(0, value as number, true);
  words[at] = cell.getInt32(0, true);
  if (type === I64 || type === F64) words[at + 1] = cell.getInt32(4, true);
}
