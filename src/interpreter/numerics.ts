// Helpers for the numeric instructions that one JavaScript expression does not cover (spec: 4.3
// Numerics). The `meaning` expressions of src/isa/rows/numeric.ts call them by these names. Only
// numbers, no BigInt: variable BigInt shifts cost 8–22 ns each on V8. Traps are not raised here;
// the rows list them, and a divisor of zero never arrives.

/** High half (signed 32-bit) of the last result of a helper named `i64…`. */
export let i64High = 0;

const TWO_32 = 2 ** 32;
const TWO_52 = 2 ** 52;
const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;
/** High halves below this make an unsigned i64 that a double holds exactly. */
const EXACT_HIGH = 0x200000;

/** Number of trailing zero bits of an i32; 32 for 0. */
export function countTrailingZeros(a: number): number {
  return 32 - Math.clz32(~a & (a - 1));
}

/** Number of one bits of an i32. */
export function populationCount(a: number): number {
  let bits = a - ((a >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** High half of the 64-bit product of two unsigned 32-bit integers; signed 32-bit. */
export function multiplyHighU32(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  // No sum exceeds 2^32 - 1, so what `| 0` wraps, `>>>` reads back.
  const first = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const second = (Math.imul(a0, b1) + (first & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (first >>> 16) + (second >>> 16)) | 0;
}

// Results of `divide`: quotient and remainder by halves.
let quotientLow = 0;
let quotientHigh = 0;
let remainderLow = 0;
let remainderHigh = 0;

/** Divides unsigned i64 by unsigned i64; the divisor is not zero. */
function divide(al: number, ah: number, bl: number, bh: number): void {
  if (ah === 0 && bh === 0) {
    const quotient = ((al >>> 0) / (bl >>> 0)) | 0;
    quotientLow = quotient;
    quotientHigh = 0;
    remainderLow = (al - Math.imul(quotient, bl)) | 0;
    remainderHigh = 0;
  } else if (ah >>> 0 < EXACT_HIGH && bh >>> 0 < EXACT_HIGH) {
    divideExact((ah >>> 0) * TWO_32 + (al >>> 0), (bh >>> 0) * TWO_32 + (bl >>> 0));
  } else if (bh === 0) {
    divideBy32(al, ah, bl >>> 0);
  } else {
    divideByWide(al, ah, bl, bh);
  }
}

/**
 * Both below 2^53: a quotient that is no integer lies 1 / b or more below the next integer, which
 * is more than half a unit in its last place, so rounding never reaches that integer.
 */
function divideExact(a: number, b: number): void {
  const quotient = Math.floor(a / b);
  const remainder = a - quotient * b;
  quotientLow = quotient | 0;
  quotientHigh = (quotient / TWO_32) | 0;
  remainderLow = remainder | 0;
  remainderHigh = (remainder / TWO_32) | 0;
}

/** Schoolbook division by a 32-bit divisor, in steps for which doubles are exact. */
function divideBy32(al: number, ah: number, b: number): void {
  const high = ah >>> 0;
  const top = Math.floor(high / b);
  let part = (high - top * b) * 0x10000 + (al >>> 16);
  const middle = Math.floor(part / b);
  part = (part - middle * b) * 0x10000 + (al & 0xffff);
  const bottom = Math.floor(part / b);
  quotientHigh = top | 0;
  quotientLow = (middle << 16) | bottom;
  remainderLow = (part - bottom * b) | 0;
  remainderHigh = 0;
}

/**
 * A divisor of 2^32 or more: the quotient fits in 32 bits, so its estimate in doubles is wrong by
 * at most 1. One less than the estimate is never too large, and then the remainder is at most the
 * dividend and fits in 64 bits.
 */
function divideByWide(al: number, ah: number, bl: number, bh: number): void {
  const a = (ah >>> 0) * TWO_32 + (al >>> 0);
  const b = (bh >>> 0) * TWO_32 + (bl >>> 0);
  let quotient = Math.max(Math.floor(a / b) - 1, 0) | 0;
  const productLow = Math.imul(quotient, bl);
  const productHigh = (multiplyHighU32(quotient, bl) + Math.imul(quotient, bh)) | 0;
  let low = (al - productLow) | 0;
  let high = (ah - productHigh - (al >>> 0 < productLow >>> 0 ? 1 : 0)) | 0;
  while (high >>> 0 > bh >>> 0 || (high === bh && low >>> 0 >= bl >>> 0)) {
    high = (high - bh - (low >>> 0 < bl >>> 0 ? 1 : 0)) | 0;
    low = (low - bl) | 0;
    quotient++;
  }
  quotientLow = quotient | 0;
  quotientHigh = 0;
  remainderLow = low;
  remainderHigh = high;
}

/** `divide` of the magnitudes of two signed i64. */
function divideMagnitudes(al: number, ah: number, bl: number, bh: number): void {
  divide(
    ah < 0 ? -al | 0 : al,
    ah < 0 ? negatedHigh(al, ah) : ah,
    bh < 0 ? -bl | 0 : bl,
    bh < 0 ? negatedHigh(bl, bh) : bh,
  );
}

/** High half of the negated i64. */
function negatedHigh(low: number, high: number): number {
  return (~high + (low === 0 ? 1 : 0)) | 0;
}

/** Leaves an i64 or its negation: high half in `i64High`, low half as the result. */
function leave(low: number, high: number, negate: boolean): number {
  i64High = negate ? negatedHigh(low, high) : high;
  return negate ? -low | 0 : low;
}

/** `i64.div_s`. */
export function i64DivS(al: number, ah: number, bl: number, bh: number): number {
  divideMagnitudes(al, ah, bl, bh);
  return leave(quotientLow, quotientHigh, (ah ^ bh) < 0);
}

/** `i64.div_u`. */
export function i64DivU(al: number, ah: number, bl: number, bh: number): number {
  divide(al, ah, bl, bh);
  i64High = quotientHigh;
  return quotientLow;
}

/** `i64.rem_s`: the sign is that of the dividend. */
export function i64RemS(al: number, ah: number, bl: number, bh: number): number {
  divideMagnitudes(al, ah, bl, bh);
  return leave(remainderLow, remainderHigh, ah < 0);
}

/** `i64.rem_u`. */
export function i64RemU(al: number, ah: number, bl: number, bh: number): number {
  divide(al, ah, bl, bh);
  i64High = remainderHigh;
  return remainderLow;
}

/**
 * The low half of an i64 beyond 2^53 with at most 16 significant bits, so that the whole fits in a
 * double: what is cut off leaves a one in the last bit, which keeps a value between two halves of
 * f32's units between them. Without it the value would be rounded twice.
 */
function stickyLow(al: number): number {
  return (((al & 0xffff) === 0 ? al : al | 0x10000) & -0x10000) >>> 0;
}

/** `f32.convert_i64_s`, rounded once. */
export function f32FromI64S(al: number, ah: number): number {
  const exact = ah >= -EXACT_HIGH && ah < EXACT_HIGH;
  return Math.fround(ah * TWO_32 + (exact ? al >>> 0 : stickyLow(al)));
}

/** `f32.convert_i64_u`, rounded once. */
export function f32FromI64U(al: number, ah: number): number {
  const exact = ah >>> 0 < EXACT_HIGH;
  return Math.fround((ah >>> 0) * TWO_32 + (exact ? al >>> 0 : stickyLow(al)));
}

/** `i64.trunc_sat_…_s`: NaN gives 0, what is out of range the nearest i64. */
export function i64TruncSatS(a: number): number {
  if (a >= TWO_63) {
    i64High = 0x7fffffff;
    return -1;
  }
  if (a <= -TWO_63) {
    i64High = -0x80000000;
    return 0;
  }
  // `| 0` gives NaN as 0.
  const whole = Math.trunc(a);
  i64High = Math.floor(whole / TWO_32) | 0;
  return whole | 0;
}

/** `i64.trunc_sat_…_u`. */
export function i64TruncSatU(a: number): number {
  if (a >= TWO_64) {
    i64High = -1;
    return -1;
  }
  const whole = a > 0 ? Math.trunc(a) : 0;
  i64High = (whole / TWO_32) | 0;
  return whole | 0;
}

/** `nearest`: the closest integer, a half to the even one; zeros keep the sign of the operand. */
export function roundTiesToEven(a: number): number {
  const magnitude = Math.abs(a);
  // Integers, infinities and NaN; the sum makes a signalling NaN quiet.
  if (!(magnitude < TWO_52)) return a + 0;
  // In this binade the unit in the last place is 1: the sum itself rounds, and to even.
  const rounded = magnitude + TWO_52 - TWO_52;
  return a > 0 ? rounded : a < 0 ? -rounded : a;
}
