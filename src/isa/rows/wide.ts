// Rows: wide arithmetic, on integers of 128 bits that are two i64, the lower one first (proposal
// Wide Arithmetic). Sums of 32-bit words are exact as doubles, and so is what they carry.

import { type Instruction, rowsOf, type VectorMeaning } from "../instruction.ts";

const wide = rowsOf("wide-arithmetic");

/** Words m, n and u of a result, perhaps with more bits than are theirs, and the uppermost word. */
function words(m: string, n: string, u: string, upper: string): VectorMeaning {
  const all = ["m | 0", "n | 0", "u | 0", `(${upper}) | 0`];
  return { from: "i32", to: "i32", once: { m, n, u }, all };
}

const low = (a: string, b: string) => `(Math.imul(${a}, ${b}) >>> 0)`;
const high = (a: string, b: string) => `(multiplyHighU32(${a}, ${b}) >>> 0)`;
const carry = (word: string) => `Math.floor(${word} / 4294967296)`;

/** Words of the product of two unsigned i64. */
const PRODUCT = [
  low("al", "bl"),
  `${high("al", "bl")} + ${low("al", "bh")} + ${low("ah", "bl")}`,
  `${high("al", "bh")} + ${high("ah", "bl")} + ${low("ah", "bh")} + ${carry("n")}`,
  `${high("ah", "bh")} + ${carry("u")}`,
] as const;

/** What a negative factor, taken for unsigned, adds to a word of the upper half. */
const added = (factor: string, other: string) => `((${factor}h >> 31) & ${other})`;

export const WIDE: readonly Instruction[] = [
  wide("i64.add128", [0xfc, 19], "i64 i64 i64 i64 -> i64 i64", {
    vector: words(
      "(al >>> 0) + (cl >>> 0)",
      "(ah >>> 0) + (ch >>> 0) + (m > 4294967295 ? 1 : 0)",
      "(bl >>> 0) + (dl >>> 0) + (n > 4294967295 ? 1 : 0)",
      "bh + dh + (u > 4294967295 ? 1 : 0)",
    ),
  }),
  wide("i64.sub128", [0xfc, 20], "i64 i64 i64 i64 -> i64 i64", {
    vector: words(
      "(al >>> 0) - (cl >>> 0)",
      "(ah >>> 0) - (ch >>> 0) - (m < 0 ? 1 : 0)",
      "(bl >>> 0) - (dl >>> 0) - (n < 0 ? 1 : 0)",
      "bh - dh - (u < 0 ? 1 : 0)",
    ),
  }),
  wide("i64.mul_wide_s", [0xfc, 21], "i64 i64 -> i64 i64", {
    vector: words(
      PRODUCT[0],
      PRODUCT[1],
      `${PRODUCT[2]} - (${added("a", "bl")} >>> 0) - (${added("b", "al")} >>> 0)`,
      `${PRODUCT[3]} - ${added("a", "bh")} - ${added("b", "ah")}`,
    ),
  }),
  wide("i64.mul_wide_u", [0xfc, 22], "i64 i64 -> i64 i64", { vector: words(...PRODUCT) }),
];
