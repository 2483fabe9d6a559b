// Values between the slots, JavaScript as the host's functions have it, and frames in Wasm's terms:
// in the parts that bits are passed in (values.ts). References do not pass here.

import { SLOTS } from "../interpreter/loop.generated.ts";
import { LONGS } from "../interpreter/registers.ts";
import { slotsOf, V128, type ValType } from "../isa/types.ts";
import type { GlobalInstance, RawValue } from "../runtime/instances.ts";
import { partsOf } from "./host-types.ts";
import { type Bits, passedAs } from "./values.ts";

function isShort(type: ValType): boolean {
  return passedAs(type)[0] === "i32";
}

/** The parts of the value at the word `at` of the slots. */
export function bitsAt(at: number, type: ValType): Bits[] {
  if (isShort(type)) return [SLOTS[at]];
  const long = at >> 1;
  return type === V128 ? [LONGS[long], LONGS[long + 1]] : [LONGS[long]];
}

/** The parts of the values of consecutive slots. */
export function allBitsAt(at: number, types: readonly ValType[]): Bits[] {
  const parts: Bits[] = [];
  let word = at;
  for (const type of types) {
    if (isShort(type)) parts.push(SLOTS[word]);
    else for (let i = 0; i < slotsOf(type); i++) parts.push(LONGS[(word >> 1) + i]);
    word += 2 * slotsOf(type);
  }
  return parts;
}

/** The same as a function gives them that the host calls. */
export function resultAt(at: number, types: readonly ValType[]): unknown {
  const [type] = types;
  if (types.length !== 1 || type === V128) return resultOf(allBitsAt(at, types));
  return isShort(type) ? SLOTS[at] : LONGS[at >> 1];
}

/** Writes values into consecutive slots. */
export function putBits(at: number, types: readonly ValType[], parts: readonly Bits[]): void {
  let word = at;
  let next = 0;
  for (const type of types) {
    const slots = slotsOf(type);
    if (isShort(type)) SLOTS[word] = parts[next++] as number;
    else for (let i = 0; i < slots; i++) LONGS[(word >> 1) + i] = parts[next++] as bigint;
    word += 2 * slots;
  }
}

/** The parts of what a function of the host's has returned for results of these types. */
export function partsOfResult(types: readonly ValType[], result: unknown): readonly Bits[] {
  const isOne = types.length === 1 && types[0] !== V128;
  return isOne ? [result] : ((result ?? []) as readonly Bits[]);
}

/** The same the other way round. */
function resultOf(parts: readonly Bits[]): unknown {
  return parts.length > 1 ? parts : parts[0];
}

/** What a function of ours gives where nobody looks at it. */
export function dummyResult(types: readonly ValType[]): unknown {
  return resultOf(partsOf(types).map((part) => (part === "i64" ? 0n : 0)));
}

const cell = new Int32Array(2);
const cellLong = new BigInt64Array(cell.buffer);

function longOf(low: number, high: number): bigint {
  cell[0] = low;
  cell[1] = high;
  return cellLong[0];
}

function halves(value: bigint) {
  cellLong[0] = value;
  return { low: cell[0], high: cell[1] };
}

/** The parts of a value in words. */
export function bitsOfWords(words: ArrayLike<number>, type: ValType, at = 0): Bits[] {
  if (isShort(type)) return [words[at]];
  const lower = longOf(words[at], words[at + 1]);
  return type === V128 ? [lower, longOf(words[at + 2], words[at + 3])] : [lower];
}

/** The parts of a value of a frame. */
export function bitsOfRaw({ high, low, upper }: RawValue, type: ValType): Bits[] {
  return bitsOfWords([low, high, upper?.low ?? 0, upper?.high ?? 0], type);
}

/** Bits that a frame was saved with. */
export function rawOfBits(bits: Bits): RawValue {
  if (typeof bits === "number") return { low: bits, high: 0, reference: null };
  if (typeof bits === "bigint") return { ...halves(bits), reference: null };
  const [lower, upper] = bits as [bigint, bigint];
  return { ...halves(lower), reference: null, upper: halves(upper) };
}

/** A global of the host's, of type i32 or i64. */
export interface HostGlobal {
  value: number | bigint;
}

/** Gives the host's globals, which have the parts of ours, its value. */
export function copyIn({ at, cells, type }: GlobalInstance, theirs: readonly HostGlobal[]): void {
  if (isShort(type.type)) theirs[0].value = cells[at];
  else
    theirs.forEach((part, i) => {
      part.value = longOf(cells[at + 2 * i], cells[at + 2 * i + 1]);
    });
}

/** The same the other way round. */
export function copyOut({ at, cells, type }: GlobalInstance, theirs: readonly HostGlobal[]): void {
  if (isShort(type.type)) cells[at] = theirs[0].value as number;
  else
    theirs.forEach((part, i) => {
      const { low, high } = halves(part.value as bigint);
      cells[at + 2 * i] = low;
      cells[at + 2 * i + 1] = high;
    });
}
