// What vector instructions mean, by family (spec: 4.3 Numerics). Lanes of 8 and 16 bits are
// computed side by side in words of 32 bits: sums keep the sign bits of the lanes apart, so that
// nothing is carried over, and conditions are first a sign bit per lane, which is then widened to
// all of its bits.

import type { LaneView, VectorMeaning } from "../instruction.ts";
import { F32, F64, I64, type ValType } from "../types.ts";
import { NUMERIC } from "./numeric.ts";

/** Bits of the lanes that lie side by side in a word. */
type Narrow = 8 | 16;
type Sign = "s" | "u";

/** In a word: the sign bit of each lane, all others, and the lowest. */
const HIGH = { 8: "-2139062144", 16: "-2147450880" } as const;
const LOW = { 8: "2139062143", 16: "2147450879" } as const;
const ONES = { 8: "0x01010101", 16: "0x00010001" } as const;

function viewOf(type: ValType, bits: boolean): LaneView {
  if (type === F32) return bits ? "i32" : "f32";
  if (type === F64) return bits ? "i64" : "f64";
  return type === I64 ? "i64" : "i32";
}

/** Each lane as a scalar instruction does it; a comparison gives all ones or zeros. */
export function like(name: string): VectorMeaning {
  const row = NUMERIC.find((item) => item.name === name);
  if (row?.params == null || row.meaning === null) throw new Error(`${name} has no meaning`);
  const { bits = false, condition, result } = row.meaning;
  const from = viewOf(row.params[0], bits);
  if (!condition) return { from, to: viewOf(row.results[0], bits), each: result };
  return mask(from, result as string);
}

function mask(from: LaneView, holds: string): VectorMeaning {
  const each = `${holds} ? -1 : 0`;
  if (from === "i32" || from === "f32") return { from, to: "i32", each };
  return { from, to: "i64", each: [each, "lo"] };
}

/** Each word from the words at its place. */
export function words(each: string, where?: Readonly<Record<string, string>>): VectorMeaning {
  return { from: "i32", to: "i32", each, ...(where && { where }) };
}

/** Four words from all words. */
export function all(...results: readonly string[]): VectorMeaning {
  return { from: "i32", to: "i32", all: results };
}

const widened = (bits: Narrow, name: string) => `((${name} << 1) - (${name} >>> ${bits - 1}))`;

// Comparisons

/** Sign bits of the lanes where a is less than b. */
function lessThan(bits: Narrow, sign: Sign): Record<string, string> {
  const differ = sign === "s" ? "a & ~b" : "~a & b";
  return {
    d: `(a | ${HIGH[bits]}) - (b & ${LOW[bits]})`,
    m: `((${differ}) | ~((a ^ b) | d)) & ${HIGH[bits]}`,
  };
}

/** Sign bits of the lanes that are zero. */
const isZero = (bits: Narrow, lanes: string) =>
  `~(((${lanes} & ${LOW[bits]}) + ${LOW[bits]}) | ${lanes} | ${LOW[bits]})`;

/** A comparison of lanes by the name of the scalar one: eq, ne, lt or ge. */
export function compare(bits: Narrow, name: string): VectorMeaning {
  const [operation, sign] = name.split("_") as [string, Sign];
  if (operation === "eq" || operation === "ne") {
    const negate = operation === "ne" ? "~" : "";
    return words(`${negate}${widened(bits, "m")}`, { d: "a ^ b", m: isZero(bits, "d") });
  }
  const negate = operation === "ge" ? "~" : "";
  return words(`${negate}${widened(bits, "m")}`, lessThan(bits, sign));
}

/** The smaller or the larger of two lanes. */
export function choose(bits: Narrow, name: "min" | "max", sign: Sign): VectorMeaning {
  const other = name === "min" ? "b" : "a";
  return words(`${other} ^ ((a ^ b) & ${widened(bits, "m")})`, lessThan(bits, sign));
}

/** The same of 32-bit lanes. */
export function choose32(name: "min" | "max", sign: Sign): VectorMeaning {
  return words(sign === "s" ? `Math.${name}(a, b)` : `Math.${name}(a >>> 0, b >>> 0)`);
}

// Sums and products

const sum = (bits: Narrow) =>
  `((a & ${LOW[bits]}) + (b & ${LOW[bits]})) ^ ((a ^ b) & ${HIGH[bits]})`;
const difference = (bits: Narrow) =>
  `((a | ${HIGH[bits]}) - (b & ${LOW[bits]})) ^ ((a ^ ~b) & ${HIGH[bits]})`;

export function add(bits: Narrow): VectorMeaning {
  return words(sum(bits));
}

export function sub(bits: Narrow): VectorMeaning {
  return words(difference(bits));
}

export function neg(bits: Narrow): VectorMeaning {
  return words(`(${HIGH[bits]} - (a & ${LOW[bits]})) ^ (~a & ${HIGH[bits]})`);
}

export function abs(bits: Narrow): VectorMeaning {
  // In the lanes that change, complement and 1: no carry leaves them.
  return words(`(a ^ ${widened(bits, "m")}) + (m >>> ${bits - 1})`, { m: `a & ${HIGH[bits]}` });
}

/** A sum or difference; what leaves the range becomes its nearest end. */
export function saturating(bits: Narrow, name: "add" | "sub", sign: Sign): VectorMeaning {
  const high = HIGH[bits];
  const d = name === "add" ? sum(bits) : difference(bits);
  if (sign === "u") {
    const beyond = name === "add" ? "(a & b) | ((a | b) & ~d)" : "(~a & b) | ((~a | b) & d)";
    const each = name === "add" ? `d | ${widened(bits, "m")}` : `d & ~${widened(bits, "m")}`;
    return words(each, { d, m: `(${beyond}) & ${high}` });
  }
  const signs = name === "add" ? "~(a ^ b)" : "(a ^ b)";
  return words(`d ^ ((d ^ e) & ${widened(bits, "m")})`, {
    d,
    m: `${signs} & (a ^ d) & ${high}`,
    // The largest lane, or by 1 more the smallest.
    e: `${LOW[bits]} + ((a & ${high}) >>> ${bits - 1})`,
  });
}

/** The mean, rounded up. */
export function average(bits: Narrow): VectorMeaning {
  return words(`(a | b) - (((a ^ b) >>> 1) & ${LOW[bits]})`);
}

/** The two halves of a word, sign- or zero-extended. */
export const halves = (name: string, sign: Sign) =>
  sign === "s"
    ? [`((${name} << 16) >> 16)`, `(${name} >> 16)`]
    : [`(${name} & 0xffff)`, `(${name} >>> 16)`];

/** The four bytes of a word. */
const byte = (name: string, sign: Sign) =>
  sign === "s"
    ? [
        `((${name} << 24) >> 24)`,
        `((${name} << 16) >> 24)`,
        `((${name} << 8) >> 24)`,
        `(${name} >> 24)`,
      ]
    : [
        `(${name} & 255)`,
        `((${name} >>> 8) & 255)`,
        `((${name} >>> 16) & 255)`,
        `(${name} >>> 24)`,
      ];

/** Two numbers as the halves of a word. */
const packed = (low: string, high: string) => `(${low} & 0xffff) | (${high} << 16)`;

export function mul16(): VectorMeaning {
  return words(packed("Math.imul(a, b)", "Math.imul(a >> 16, b >> 16)"));
}

export function q15mulr(): VectorMeaning {
  const [al, ah] = halves("a", "s");
  const [bl, bh] = halves("b", "s");
  // 2^15 comes of the square of -2^15 alone, and is saturated.
  const rounded = (x: string, y: string) => `(Math.imul(${x}, ${y}) + 0x4000) >> 15`;
  return words(packed("(d === 32768 ? 32767 : d)", "(e === 32768 ? 32767 : e)"), {
    d: rounded(al, bl),
    e: rounded(ah, bh),
  });
}

export function dot16(): VectorMeaning {
  const [al, ah] = halves("a", "s");
  const [bl, bh] = halves("b", "s");
  return words(`Math.imul(${al}, ${bl}) + Math.imul(${ah}, ${bh})`);
}

/** Sums of the products of neighbouring signed bytes; 2^15 is saturated. */
function dots8(): Record<string, string> {
  const a = byte("a", "s");
  const b = byte("b", "s");
  const dot = (i: number) => `Math.imul(${a[i]}, ${b[i]}) + Math.imul(${a[i + 1]}, ${b[i + 1]})`;
  return { d: `Math.min(32767, ${dot(0)})`, e: `Math.min(32767, ${dot(2)})` };
}

export function dot8(): VectorMeaning {
  return words(packed("d", "e"), dots8());
}

export function dot8Add(): VectorMeaning {
  return words("d + e + c", dots8());
}

export function addPairwise8(sign: Sign): VectorMeaning {
  const [first, second, third, fourth] = byte("a", sign);
  return words(packed(`(${first} + ${second})`, `(${third} + ${fourth})`));
}

export function addPairwise16(sign: Sign): VectorMeaning {
  return words(halves("a", sign).join(" + "));
}

export function popcnt8(): VectorMeaning {
  return words("(e + (e >>> 4)) & 0x0f0f0f0f", {
    d: "a - ((a >>> 1) & 0x55555555)",
    e: "(d & 0x33333333) + ((d >>> 2) & 0x33333333)",
  });
}

// Shifts; b is the count

const COUNT = { 8: "b & 7", 16: "b & 15" } as const;
const MOST = { 8: "255", 16: "0xffff" } as const;

export function shl(bits: Narrow): VectorMeaning {
  const once = { n: COUNT[bits], u: `Math.imul(${MOST[bits]} >>> n, ${ONES[bits]})` };
  return { ...words("(a & u) << n"), once };
}

export function shr(bits: Narrow, sign: Sign): VectorMeaning {
  const once = { n: COUNT[bits], u: `Math.imul(${MOST[bits]} >>> n, ${ONES[bits]})` };
  if (sign === "u") return { ...words("(a >>> n) & u"), once };
  const each = `((a >>> n) & u) | (${widened(bits, "m")} & ~u)`;
  return { ...words(each, { m: `a & ${HIGH[bits]}` }), once };
}

/** A shift of 64-bit lanes as the scalar one, whose count is the low half of an i64. */
export function shift64(name: string): VectorMeaning {
  const { each, ...rest } = like(name);
  const [low, high] = (each as readonly string[]).map((text) => text.replaceAll("bl", "b"));
  return { ...rest, each: [low, high] };
}

// Lanes that become wider or narrower

type Part = "low" | "high";

/** Two words from each word of a half. */
function wider(part: Part, words: readonly string[]): VectorMeaning {
  const [first, second] = words;
  return { from: "i32", to: "i32", halves: { upper: part === "high", words: [first, second] } };
}

/** The four bytes of a word as four lanes of 16 bits, in two words. */
export function extendedBytes(name: string, sign: Sign): string[] {
  if (sign === "u") {
    const low = `(${name} & 255) | ((${name} & 0xff00) << 8)`;
    return [low, `((${name} >>> 16) & 255) | ((${name} >>> 24) << 16)`];
  }
  const [first, second, third, fourth] = byte(name, sign);
  return [packed(first, second), packed(third, fourth)];
}

export function extend8(part: Part, sign: Sign): VectorMeaning {
  return wider(part, extendedBytes("a", sign));
}

export function extend16(part: Part, sign: Sign): VectorMeaning {
  return wider(part, halves("a", sign));
}

export function extend32(part: Part, sign: Sign): VectorMeaning {
  return wider(part, ["a", sign === "s" ? "a >> 31" : "0"]);
}

const products = (a: readonly string[], b: readonly string[]) =>
  a.map((one, i) => `Math.imul(${one}, ${b[i]})`);

export function multiply8(part: Part, sign: Sign): VectorMeaning {
  const [first, second, third, fourth] = products(byte("a", sign), byte("b", sign));
  return wider(part, [packed(first, second), packed(third, fourth)]);
}

export function multiply16(part: Part, sign: Sign): VectorMeaning {
  return wider(part, products(halves("a", sign), halves("b", sign)));
}

export function multiply32(part: Part, sign: Sign): VectorMeaning {
  const unsigned = "multiplyHighU32(a, b)";
  const high = sign === "s" ? `${unsigned} - ((a >> 31) & b) - ((b >> 31) & a)` : unsigned;
  return wider(part, ["Math.imul(a, b)", high]);
}

const ENDS = {
  8: { s: ["-128", "127"], u: ["0", "255"] },
  16: { s: ["-32768", "32767"], u: ["0", "65535"] },
} as const;

/** Lanes of twice as many bits, signed, as such of so many; what leaves the range is saturated. */
export function narrow(bits: Narrow, sign: Sign): VectorMeaning {
  const [least, most] = ENDS[bits][sign];
  const saturated = (lane: string) => `Math.max(${least}, Math.min(${most}, ${lane}))`;
  const lanes = bits === 16 ? ["a", "b"] : [...halves("a", "s"), ...halves("b", "s")];
  const [p, q, r, s] = lanes.map(saturated);
  const word =
    bits === 16
      ? packed(p, q)
      : `(${p} & 255) | ((${q} & 255) << 8) | ((${r} & 255) << 16) | (${s} << 24)`;
  return { from: "i32", to: "i32", pairs: word };
}

// Tests of all lanes

const WORDS = ["a0", "a1", "a2", "a3"] as const;

export function allTrue(bits: Narrow): VectorMeaning {
  const without = WORDS.map((a) => `((${a} - ${ONES[bits]}) & ~${a})`);
  return all(`((${without.join(" | ")}) & ${HIGH[bits]}) === 0 ? 1 : 0`);
}

export function bitmask8(): VectorMeaning {
  // The product brings the four sign bits together on top, without a carry.
  const bits = WORDS.map((a) => `Math.imul((${a} >>> 7) & ${ONES[8]}, 0x10204080) >>> 28`);
  return all(bits.map((one, i) => (i === 0 ? `(${one})` : `((${one}) << ${4 * i})`)).join(" | "));
}

export function bitmask16(): VectorMeaning {
  const bits = WORDS.map((a) => `((${a} >>> 15) & 1) | ((${a} >>> 30) & 2)`);
  return all(bits.map((one, i) => (i === 0 ? `(${one})` : `((${one}) << ${2 * i})`)).join(" | "));
}

// Floats

/** The pseudo-minimum or -maximum: one of the operands, bit for bit. */
export function pseudo(view: "f32" | "f64", name: "min" | "max"): VectorMeaning {
  const isSecond = name === "min" ? "b < a" : "a < b";
  if (view === "f32") return { from: "f32", to: "i32", each: `${isSecond} ? bw : aw` };
  const each = [`${isSecond} ? bl : al`, `${isSecond} ? bh : ah`] as const;
  return { from: "f64", to: "i64", each };
}

/** Product and sum, each of them rounded; with the product negated. */
export function multiplyAdd(view: "f32" | "f64", negated: boolean): VectorMeaning {
  const round = (text: string) => (view === "f32" ? `Math.fround(${text})` : text);
  const product = round("a * b");
  const each = round(negated ? `c - ${product}` : `${product} + c`);
  return { from: view, to: view, each };
}

/** Saturating truncation of two f64 lanes; the upper lanes are zero. */
export function truncate64(scalar: string): VectorMeaning {
  const text = like(scalar).each as string;
  const lanes = ["a0", "a1"].map((lane) => text.replaceAll(/\ba\b/g, lane));
  return { from: "f64", to: "i32", all: [...lanes, "0", "0"] };
}
