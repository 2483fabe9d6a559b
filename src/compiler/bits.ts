// Values as continuations take and give them, in the parts that bits are passed in (values.ts), and
// where the interpreter has them.

import { SLOTS } from "../interpreter/loop.generated.ts";
import { LONGS } from "../interpreter/registers.ts";
import { slotsOf, V128, type ValType } from "../isa/types.ts";
import type { RawValue } from "../runtime/instances.ts";
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

const cell = new Int32Array(2);
const cellLong = new BigInt64Array(cell.buffer);

function longOf(low: number, high: number): bigint {
  cell[0] = low;
  cell[1] = high;
  return cellLong[0];
}

/** The parts of a value in words. */
export function bitsOfWords(words: readonly number[], type: ValType): Bits[] {
  if (isShort(type)) return [words[0]];
  const lower = longOf(words[0], words[1]);
  return type === V128 ? [lower, longOf(words[2], words[3])] : [lower];
}

/** The parts of a value of a frame. */
export function bitsOfRaw({ high, low, upper }: RawValue, type: ValType): Bits[] {
  return bitsOfWords([low, high, upper?.low ?? 0, upper?.high ?? 0], type);
}

/** Puts results, as a continuation has given them, into consecutive slots from the word `at` on. */
export function putBits(at: number, types: readonly ValType[], result: unknown): void {
  const count = types.reduce((sum, type) => sum + passedAs(type).length, 0);
  const parts = (count === 1 ? [result] : result) as readonly Bits[];
  let word = at;
  let next = 0;
  for (const type of types) {
    if (isShort(type)) SLOTS[word] = parts[next] as number;
    else for (let i = 0; i < slotsOf(type); i++) LONGS[(word >> 1) + i] = parts[next + i] as bigint;
    next += passedAs(type).length;
    word += 2 * slotsOf(type);
  }
}
