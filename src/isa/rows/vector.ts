// Rows: vector instructions, fixed and relaxed (spec: 5.4.10), but those that access memory: pure
// functions of their operands. What is relaxed is as the deterministic profile has it.

import { type Instruction, rowsOf, type VectorMeaning } from "../instruction.ts";
import {
  abs,
  add,
  addPairwise8,
  addPairwise16,
  all,
  allTrue,
  average,
  bitmask8,
  bitmask16,
  choose,
  choose32,
  compare,
  dot8,
  dot8Add,
  dot16,
  extend8,
  extend16,
  extend32,
  like,
  mul16,
  multiply8,
  multiply16,
  multiply32,
  multiplyAdd,
  narrow,
  neg,
  popcnt8,
  pseudo,
  q15mulr,
  saturating,
  shift64,
  shl,
  shr,
  sub,
  truncate64,
  words,
} from "./vector-meaning.ts";

const simd = rowsOf("simd");
const relaxed = rowsOf("relaxed-simd");

const BITSELECT = words("b ^ ((a ^ b) & c)");
const NEGATE_64: VectorMeaning = {
  from: "i64",
  to: "i64",
  each: ["(0 - al) | 0", "~ah + (al === 0 ? 1 : 0)"],
};
const ABSOLUTE_64: VectorMeaning = {
  from: "i64",
  to: "i64",
  where: { m: "ah >> 31" },
  each: ["((al ^ m) - m) | 0", "(ah ^ m) + (lo === 0 ? m & 1 : 0)"],
};
const DEMOTE: VectorMeaning = {
  from: "f64",
  to: "f32",
  all: ["Math.fround(a0)", "Math.fround(a1)", "0", "0"],
};

/** The same word everywhere. */
function splat(word: string): VectorMeaning {
  return { ...all("u", "u", "u", "u"), once: { u: word } };
}

const COMMUTATIVE = { commutative: true } as const;

export const VECTOR: readonly Instruction[] = [
  simd("v128.const", [0xfd, 12], "-> v128", { imm: "v128", constant: true }),
  simd("i8x16.shuffle", [0xfd, 13], "v128 v128 -> v128", { imm: "lanes" }),
  simd("i8x16.swizzle", [0xfd, 14], "v128 v128 -> v128"),
  simd("i8x16.splat", [0xfd, 15], "i32 -> v128", {
    vector: splat("Math.imul(a & 255, 0x01010101)"),
  }),
  simd("i16x8.splat", [0xfd, 16], "i32 -> v128", {
    vector: splat("Math.imul(a & 0xffff, 0x00010001)"),
  }),
  simd("i32x4.splat", [0xfd, 17], "i32 -> v128", { vector: splat("a") }),
  simd("i64x2.splat", [0xfd, 18], "i64 -> v128", { vector: all("al", "ah", "al", "ah") }),
  simd("f32x4.splat", [0xfd, 19], "f32 -> v128", { vector: splat("a") }),
  simd("f64x2.splat", [0xfd, 20], "f64 -> v128", { vector: all("al", "ah", "al", "ah") }),
  simd("i8x16.extract_lane_s", [0xfd, 21], "v128 -> i32", { imm: "lane" }),
  simd("i8x16.extract_lane_u", [0xfd, 22], "v128 -> i32", { imm: "lane" }),
  simd("i8x16.replace_lane", [0xfd, 23], "v128 i32 -> v128", { imm: "lane" }),
  simd("i16x8.extract_lane_s", [0xfd, 24], "v128 -> i32", { imm: "lane" }),
  simd("i16x8.extract_lane_u", [0xfd, 25], "v128 -> i32", { imm: "lane" }),
  simd("i16x8.replace_lane", [0xfd, 26], "v128 i32 -> v128", { imm: "lane" }),
  simd("i32x4.extract_lane", [0xfd, 27], "v128 -> i32", { imm: "lane" }),
  simd("i32x4.replace_lane", [0xfd, 28], "v128 i32 -> v128", { imm: "lane" }),
  simd("i64x2.extract_lane", [0xfd, 29], "v128 -> i64", { imm: "lane" }),
  simd("i64x2.replace_lane", [0xfd, 30], "v128 i64 -> v128", { imm: "lane" }),
  simd("f32x4.extract_lane", [0xfd, 31], "v128 -> f32", { imm: "lane" }),
  simd("f32x4.replace_lane", [0xfd, 32], "v128 f32 -> v128", { imm: "lane" }),
  simd("f64x2.extract_lane", [0xfd, 33], "v128 -> f64", { imm: "lane" }),
  simd("f64x2.replace_lane", [0xfd, 34], "v128 f64 -> v128", { imm: "lane" }),
  simd("i8x16.eq", [0xfd, 35], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: compare(8, "eq"),
  }),
  simd("i8x16.ne", [0xfd, 36], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: compare(8, "ne"),
  }),
  simd("i8x16.lt_s", [0xfd, 37], "v128 v128 -> v128", { vector: compare(8, "lt_s") }),
  simd("i8x16.lt_u", [0xfd, 38], "v128 v128 -> v128", { vector: compare(8, "lt_u") }),
  simd("i8x16.gt_s", [0xfd, 39], "v128 v128 -> v128", { laws: { swapped: "i8x16.lt_s" } }),
  simd("i8x16.gt_u", [0xfd, 40], "v128 v128 -> v128", { laws: { swapped: "i8x16.lt_u" } }),
  simd("i8x16.le_s", [0xfd, 41], "v128 v128 -> v128", { laws: { swapped: "i8x16.ge_s" } }),
  simd("i8x16.le_u", [0xfd, 42], "v128 v128 -> v128", { laws: { swapped: "i8x16.ge_u" } }),
  simd("i8x16.ge_s", [0xfd, 43], "v128 v128 -> v128", { vector: compare(8, "ge_s") }),
  simd("i8x16.ge_u", [0xfd, 44], "v128 v128 -> v128", { vector: compare(8, "ge_u") }),
  simd("i16x8.eq", [0xfd, 45], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: compare(16, "eq"),
  }),
  simd("i16x8.ne", [0xfd, 46], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: compare(16, "ne"),
  }),
  simd("i16x8.lt_s", [0xfd, 47], "v128 v128 -> v128", { vector: compare(16, "lt_s") }),
  simd("i16x8.lt_u", [0xfd, 48], "v128 v128 -> v128", { vector: compare(16, "lt_u") }),
  simd("i16x8.gt_s", [0xfd, 49], "v128 v128 -> v128", { laws: { swapped: "i16x8.lt_s" } }),
  simd("i16x8.gt_u", [0xfd, 50], "v128 v128 -> v128", { laws: { swapped: "i16x8.lt_u" } }),
  simd("i16x8.le_s", [0xfd, 51], "v128 v128 -> v128", { laws: { swapped: "i16x8.ge_s" } }),
  simd("i16x8.le_u", [0xfd, 52], "v128 v128 -> v128", { laws: { swapped: "i16x8.ge_u" } }),
  simd("i16x8.ge_s", [0xfd, 53], "v128 v128 -> v128", { vector: compare(16, "ge_s") }),
  simd("i16x8.ge_u", [0xfd, 54], "v128 v128 -> v128", { vector: compare(16, "ge_u") }),
  simd("i32x4.eq", [0xfd, 55], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: like("i32.eq") }),
  simd("i32x4.ne", [0xfd, 56], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: like("i32.ne") }),
  simd("i32x4.lt_s", [0xfd, 57], "v128 v128 -> v128", { vector: like("i32.lt_s") }),
  simd("i32x4.lt_u", [0xfd, 58], "v128 v128 -> v128", { vector: like("i32.lt_u") }),
  simd("i32x4.gt_s", [0xfd, 59], "v128 v128 -> v128", { laws: { swapped: "i32x4.lt_s" } }),
  simd("i32x4.gt_u", [0xfd, 60], "v128 v128 -> v128", { laws: { swapped: "i32x4.lt_u" } }),
  simd("i32x4.le_s", [0xfd, 61], "v128 v128 -> v128", { laws: { swapped: "i32x4.ge_s" } }),
  simd("i32x4.le_u", [0xfd, 62], "v128 v128 -> v128", { laws: { swapped: "i32x4.ge_u" } }),
  simd("i32x4.ge_s", [0xfd, 63], "v128 v128 -> v128", { vector: like("i32.ge_s") }),
  simd("i32x4.ge_u", [0xfd, 64], "v128 v128 -> v128", { vector: like("i32.ge_u") }),
  simd("f32x4.eq", [0xfd, 65], "v128 v128 -> v128", { vector: like("f32.eq") }),
  simd("f32x4.ne", [0xfd, 66], "v128 v128 -> v128", { vector: like("f32.ne") }),
  simd("f32x4.lt", [0xfd, 67], "v128 v128 -> v128", { vector: like("f32.lt") }),
  simd("f32x4.gt", [0xfd, 68], "v128 v128 -> v128", { laws: { swapped: "f32x4.lt" } }),
  simd("f32x4.le", [0xfd, 69], "v128 v128 -> v128", { laws: { swapped: "f32x4.ge" } }),
  simd("f32x4.ge", [0xfd, 70], "v128 v128 -> v128", { vector: like("f32.ge") }),
  simd("f64x2.eq", [0xfd, 71], "v128 v128 -> v128", { vector: like("f64.eq") }),
  simd("f64x2.ne", [0xfd, 72], "v128 v128 -> v128", { vector: like("f64.ne") }),
  simd("f64x2.lt", [0xfd, 73], "v128 v128 -> v128", { vector: like("f64.lt") }),
  simd("f64x2.gt", [0xfd, 74], "v128 v128 -> v128", { laws: { swapped: "f64x2.lt" } }),
  simd("f64x2.le", [0xfd, 75], "v128 v128 -> v128", { laws: { swapped: "f64x2.ge" } }),
  simd("f64x2.ge", [0xfd, 76], "v128 v128 -> v128", { vector: like("f64.ge") }),
  simd("v128.not", [0xfd, 77], "v128 -> v128", { vector: words("~a") }),
  simd("v128.and", [0xfd, 78], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: words("a & b") }),
  simd("v128.andnot", [0xfd, 79], "v128 v128 -> v128", { vector: words("a & ~b") }),
  simd("v128.or", [0xfd, 80], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: words("a | b") }),
  simd("v128.xor", [0xfd, 81], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: words("a ^ b") }),
  simd("v128.bitselect", [0xfd, 82], "v128 v128 v128 -> v128", { vector: BITSELECT }),
  simd("v128.any_true", [0xfd, 83], "v128 -> i32", {
    vector: all("(a0 | a1 | a2 | a3) !== 0 ? 1 : 0"),
  }),
  simd("f32x4.demote_f64x2_zero", [0xfd, 94], "v128 -> v128", { vector: DEMOTE }),
  simd("f64x2.promote_low_f32x4", [0xfd, 95], "v128 -> v128", {
    vector: { from: "f32", to: "f64", all: ["a0", "a1"] },
  }),
  simd("i8x16.abs", [0xfd, 96], "v128 -> v128", { vector: abs(8) }),
  simd("i8x16.neg", [0xfd, 97], "v128 -> v128", { vector: neg(8) }),
  simd("i8x16.popcnt", [0xfd, 98], "v128 -> v128", { vector: popcnt8() }),
  simd("i8x16.all_true", [0xfd, 99], "v128 -> i32", { vector: allTrue(8) }),
  simd("i8x16.bitmask", [0xfd, 100], "v128 -> i32", { vector: bitmask8() }),
  simd("i8x16.narrow_i16x8_s", [0xfd, 101], "v128 v128 -> v128", { vector: narrow(8, "s") }),
  simd("i8x16.narrow_i16x8_u", [0xfd, 102], "v128 v128 -> v128", { vector: narrow(8, "u") }),
  simd("f32x4.ceil", [0xfd, 103], "v128 -> v128", { vector: like("f32.ceil") }),
  simd("f32x4.floor", [0xfd, 104], "v128 -> v128", { vector: like("f32.floor") }),
  simd("f32x4.trunc", [0xfd, 105], "v128 -> v128", { vector: like("f32.trunc") }),
  simd("f32x4.nearest", [0xfd, 106], "v128 -> v128", { vector: like("f32.nearest") }),
  simd("i8x16.shl", [0xfd, 107], "v128 i32 -> v128", { vector: shl(8) }),
  simd("i8x16.shr_s", [0xfd, 108], "v128 i32 -> v128", { vector: shr(8, "s") }),
  simd("i8x16.shr_u", [0xfd, 109], "v128 i32 -> v128", { vector: shr(8, "u") }),
  simd("i8x16.add", [0xfd, 110], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: add(8) }),
  simd("i8x16.add_sat_s", [0xfd, 111], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: saturating(8, "add", "s"),
  }),
  simd("i8x16.add_sat_u", [0xfd, 112], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: saturating(8, "add", "u"),
  }),
  simd("i8x16.sub", [0xfd, 113], "v128 v128 -> v128", { vector: sub(8) }),
  simd("i8x16.sub_sat_s", [0xfd, 114], "v128 v128 -> v128", { vector: saturating(8, "sub", "s") }),
  simd("i8x16.sub_sat_u", [0xfd, 115], "v128 v128 -> v128", { vector: saturating(8, "sub", "u") }),
  simd("f64x2.ceil", [0xfd, 116], "v128 -> v128", { vector: like("f64.ceil") }),
  simd("f64x2.floor", [0xfd, 117], "v128 -> v128", { vector: like("f64.floor") }),
  simd("i8x16.min_s", [0xfd, 118], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(8, "min", "s"),
  }),
  simd("i8x16.min_u", [0xfd, 119], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(8, "min", "u"),
  }),
  simd("i8x16.max_s", [0xfd, 120], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(8, "max", "s"),
  }),
  simd("i8x16.max_u", [0xfd, 121], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(8, "max", "u"),
  }),
  simd("f64x2.trunc", [0xfd, 122], "v128 -> v128", { vector: like("f64.trunc") }),
  simd("i8x16.avgr_u", [0xfd, 123], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: average(8) }),
  simd("i16x8.extadd_pairwise_i8x16_s", [0xfd, 124], "v128 -> v128", { vector: addPairwise8("s") }),
  simd("i16x8.extadd_pairwise_i8x16_u", [0xfd, 125], "v128 -> v128", { vector: addPairwise8("u") }),
  simd("i32x4.extadd_pairwise_i16x8_s", [0xfd, 126], "v128 -> v128", {
    vector: addPairwise16("s"),
  }),
  simd("i32x4.extadd_pairwise_i16x8_u", [0xfd, 127], "v128 -> v128", {
    vector: addPairwise16("u"),
  }),
  simd("i16x8.abs", [0xfd, 128], "v128 -> v128", { vector: abs(16) }),
  simd("i16x8.neg", [0xfd, 129], "v128 -> v128", { vector: neg(16) }),
  simd("i16x8.q15mulr_sat_s", [0xfd, 130], "v128 v128 -> v128", { vector: q15mulr() }),
  simd("i16x8.all_true", [0xfd, 131], "v128 -> i32", { vector: allTrue(16) }),
  simd("i16x8.bitmask", [0xfd, 132], "v128 -> i32", { vector: bitmask16() }),
  simd("i16x8.narrow_i32x4_s", [0xfd, 133], "v128 v128 -> v128", { vector: narrow(16, "s") }),
  simd("i16x8.narrow_i32x4_u", [0xfd, 134], "v128 v128 -> v128", { vector: narrow(16, "u") }),
  simd("i16x8.extend_low_i8x16_s", [0xfd, 135], "v128 -> v128", { vector: extend8("low", "s") }),
  simd("i16x8.extend_high_i8x16_s", [0xfd, 136], "v128 -> v128", { vector: extend8("high", "s") }),
  simd("i16x8.extend_low_i8x16_u", [0xfd, 137], "v128 -> v128", { vector: extend8("low", "u") }),
  simd("i16x8.extend_high_i8x16_u", [0xfd, 138], "v128 -> v128", { vector: extend8("high", "u") }),
  simd("i16x8.shl", [0xfd, 139], "v128 i32 -> v128", { vector: shl(16) }),
  simd("i16x8.shr_s", [0xfd, 140], "v128 i32 -> v128", { vector: shr(16, "s") }),
  simd("i16x8.shr_u", [0xfd, 141], "v128 i32 -> v128", { vector: shr(16, "u") }),
  simd("i16x8.add", [0xfd, 142], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: add(16) }),
  simd("i16x8.add_sat_s", [0xfd, 143], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: saturating(16, "add", "s"),
  }),
  simd("i16x8.add_sat_u", [0xfd, 144], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: saturating(16, "add", "u"),
  }),
  simd("i16x8.sub", [0xfd, 145], "v128 v128 -> v128", { vector: sub(16) }),
  simd("i16x8.sub_sat_s", [0xfd, 146], "v128 v128 -> v128", { vector: saturating(16, "sub", "s") }),
  simd("i16x8.sub_sat_u", [0xfd, 147], "v128 v128 -> v128", { vector: saturating(16, "sub", "u") }),
  simd("f64x2.nearest", [0xfd, 148], "v128 -> v128", { vector: like("f64.nearest") }),
  simd("i16x8.mul", [0xfd, 149], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: mul16() }),
  simd("i16x8.min_s", [0xfd, 150], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(16, "min", "s"),
  }),
  simd("i16x8.min_u", [0xfd, 151], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(16, "min", "u"),
  }),
  simd("i16x8.max_s", [0xfd, 152], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(16, "max", "s"),
  }),
  simd("i16x8.max_u", [0xfd, 153], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose(16, "max", "u"),
  }),
  simd("i16x8.avgr_u", [0xfd, 155], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: average(16),
  }),
  simd("i16x8.extmul_low_i8x16_s", [0xfd, 156], "v128 v128 -> v128", {
    vector: multiply8("low", "s"),
  }),
  simd("i16x8.extmul_high_i8x16_s", [0xfd, 157], "v128 v128 -> v128", {
    vector: multiply8("high", "s"),
  }),
  simd("i16x8.extmul_low_i8x16_u", [0xfd, 158], "v128 v128 -> v128", {
    vector: multiply8("low", "u"),
  }),
  simd("i16x8.extmul_high_i8x16_u", [0xfd, 159], "v128 v128 -> v128", {
    vector: multiply8("high", "u"),
  }),
  simd("i32x4.abs", [0xfd, 160], "v128 -> v128", { vector: words("(a ^ (a >> 31)) - (a >> 31)") }),
  simd("i32x4.neg", [0xfd, 161], "v128 -> v128", { vector: words("0 - a") }),
  simd("i32x4.all_true", [0xfd, 163], "v128 -> i32", {
    vector: all("a0 !== 0 && a1 !== 0 && a2 !== 0 && a3 !== 0 ? 1 : 0"),
  }),
  simd("i32x4.bitmask", [0xfd, 164], "v128 -> i32", {
    vector: all("(a0 >>> 31) | ((a1 >>> 30) & 2) | ((a2 >>> 29) & 4) | ((a3 >>> 28) & 8)"),
  }),
  simd("i32x4.extend_low_i16x8_s", [0xfd, 167], "v128 -> v128", { vector: extend16("low", "s") }),
  simd("i32x4.extend_high_i16x8_s", [0xfd, 168], "v128 -> v128", { vector: extend16("high", "s") }),
  simd("i32x4.extend_low_i16x8_u", [0xfd, 169], "v128 -> v128", { vector: extend16("low", "u") }),
  simd("i32x4.extend_high_i16x8_u", [0xfd, 170], "v128 -> v128", { vector: extend16("high", "u") }),
  simd("i32x4.shl", [0xfd, 171], "v128 i32 -> v128", { vector: words("a << b") }),
  simd("i32x4.shr_s", [0xfd, 172], "v128 i32 -> v128", { vector: words("a >> b") }),
  simd("i32x4.shr_u", [0xfd, 173], "v128 i32 -> v128", { vector: words("a >>> b") }),
  simd("i32x4.add", [0xfd, 174], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("i32.add"),
  }),
  simd("i32x4.sub", [0xfd, 177], "v128 v128 -> v128", { vector: like("i32.sub") }),
  simd("i32x4.mul", [0xfd, 181], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("i32.mul"),
  }),
  simd("i32x4.min_s", [0xfd, 182], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose32("min", "s"),
  }),
  simd("i32x4.min_u", [0xfd, 183], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose32("min", "u"),
  }),
  simd("i32x4.max_s", [0xfd, 184], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose32("max", "s"),
  }),
  simd("i32x4.max_u", [0xfd, 185], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: choose32("max", "u"),
  }),
  simd("i32x4.dot_i16x8_s", [0xfd, 186], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: dot16(),
  }),
  simd("i32x4.extmul_low_i16x8_s", [0xfd, 188], "v128 v128 -> v128", {
    vector: multiply16("low", "s"),
  }),
  simd("i32x4.extmul_high_i16x8_s", [0xfd, 189], "v128 v128 -> v128", {
    vector: multiply16("high", "s"),
  }),
  simd("i32x4.extmul_low_i16x8_u", [0xfd, 190], "v128 v128 -> v128", {
    vector: multiply16("low", "u"),
  }),
  simd("i32x4.extmul_high_i16x8_u", [0xfd, 191], "v128 v128 -> v128", {
    vector: multiply16("high", "u"),
  }),
  simd("i64x2.abs", [0xfd, 192], "v128 -> v128", { vector: ABSOLUTE_64 }),
  simd("i64x2.neg", [0xfd, 193], "v128 -> v128", { vector: NEGATE_64 }),
  simd("i64x2.all_true", [0xfd, 195], "v128 -> i32", {
    vector: all("(a0 | a1) !== 0 && (a2 | a3) !== 0 ? 1 : 0"),
  }),
  simd("i64x2.bitmask", [0xfd, 196], "v128 -> i32", {
    vector: all("(a1 >>> 31) | ((a3 >>> 30) & 2)"),
  }),
  simd("i64x2.extend_low_i32x4_s", [0xfd, 199], "v128 -> v128", { vector: extend32("low", "s") }),
  simd("i64x2.extend_high_i32x4_s", [0xfd, 200], "v128 -> v128", { vector: extend32("high", "s") }),
  simd("i64x2.extend_low_i32x4_u", [0xfd, 201], "v128 -> v128", { vector: extend32("low", "u") }),
  simd("i64x2.extend_high_i32x4_u", [0xfd, 202], "v128 -> v128", { vector: extend32("high", "u") }),
  simd("i64x2.shl", [0xfd, 203], "v128 i32 -> v128", { vector: shift64("i64.shl") }),
  simd("i64x2.shr_s", [0xfd, 204], "v128 i32 -> v128", { vector: shift64("i64.shr_s") }),
  simd("i64x2.shr_u", [0xfd, 205], "v128 i32 -> v128", { vector: shift64("i64.shr_u") }),
  simd("i64x2.add", [0xfd, 206], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("i64.add"),
  }),
  simd("i64x2.sub", [0xfd, 209], "v128 v128 -> v128", { vector: like("i64.sub") }),
  simd("i64x2.mul", [0xfd, 213], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("i64.mul"),
  }),
  simd("i64x2.eq", [0xfd, 214], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: like("i64.eq") }),
  simd("i64x2.ne", [0xfd, 215], "v128 v128 -> v128", { laws: COMMUTATIVE, vector: like("i64.ne") }),
  simd("i64x2.lt_s", [0xfd, 216], "v128 v128 -> v128", { vector: like("i64.lt_s") }),
  simd("i64x2.gt_s", [0xfd, 217], "v128 v128 -> v128", { laws: { swapped: "i64x2.lt_s" } }),
  simd("i64x2.le_s", [0xfd, 218], "v128 v128 -> v128", { laws: { swapped: "i64x2.ge_s" } }),
  simd("i64x2.ge_s", [0xfd, 219], "v128 v128 -> v128", { vector: like("i64.ge_s") }),
  simd("i64x2.extmul_low_i32x4_s", [0xfd, 220], "v128 v128 -> v128", {
    vector: multiply32("low", "s"),
  }),
  simd("i64x2.extmul_high_i32x4_s", [0xfd, 221], "v128 v128 -> v128", {
    vector: multiply32("high", "s"),
  }),
  simd("i64x2.extmul_low_i32x4_u", [0xfd, 222], "v128 v128 -> v128", {
    vector: multiply32("low", "u"),
  }),
  simd("i64x2.extmul_high_i32x4_u", [0xfd, 223], "v128 v128 -> v128", {
    vector: multiply32("high", "u"),
  }),
  simd("f32x4.abs", [0xfd, 224], "v128 -> v128", { vector: like("f32.abs") }),
  simd("f32x4.neg", [0xfd, 225], "v128 -> v128", { vector: like("f32.neg") }),
  simd("f32x4.sqrt", [0xfd, 227], "v128 -> v128", { vector: like("f32.sqrt") }),
  simd("f32x4.add", [0xfd, 228], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("f32.add"),
  }),
  simd("f32x4.sub", [0xfd, 229], "v128 v128 -> v128", { vector: like("f32.sub") }),
  simd("f32x4.mul", [0xfd, 230], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("f32.mul"),
  }),
  simd("f32x4.div", [0xfd, 231], "v128 v128 -> v128", { vector: like("f32.div") }),
  simd("f32x4.min", [0xfd, 232], "v128 v128 -> v128", { vector: like("f32.min") }),
  simd("f32x4.max", [0xfd, 233], "v128 v128 -> v128", { vector: like("f32.max") }),
  simd("f32x4.pmin", [0xfd, 234], "v128 v128 -> v128", { vector: pseudo("f32", "min") }),
  simd("f32x4.pmax", [0xfd, 235], "v128 v128 -> v128", { vector: pseudo("f32", "max") }),
  simd("f64x2.abs", [0xfd, 236], "v128 -> v128", { vector: like("f64.abs") }),
  simd("f64x2.neg", [0xfd, 237], "v128 -> v128", { vector: like("f64.neg") }),
  simd("f64x2.sqrt", [0xfd, 239], "v128 -> v128", { vector: like("f64.sqrt") }),
  simd("f64x2.add", [0xfd, 240], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("f64.add"),
  }),
  simd("f64x2.sub", [0xfd, 241], "v128 v128 -> v128", { vector: like("f64.sub") }),
  simd("f64x2.mul", [0xfd, 242], "v128 v128 -> v128", {
    laws: COMMUTATIVE,
    vector: like("f64.mul"),
  }),
  simd("f64x2.div", [0xfd, 243], "v128 v128 -> v128", { vector: like("f64.div") }),
  simd("f64x2.min", [0xfd, 244], "v128 v128 -> v128", { vector: like("f64.min") }),
  simd("f64x2.max", [0xfd, 245], "v128 v128 -> v128", { vector: like("f64.max") }),
  simd("f64x2.pmin", [0xfd, 246], "v128 v128 -> v128", { vector: pseudo("f64", "min") }),
  simd("f64x2.pmax", [0xfd, 247], "v128 v128 -> v128", { vector: pseudo("f64", "max") }),
  simd("i32x4.trunc_sat_f32x4_s", [0xfd, 248], "v128 -> v128", {
    vector: like("i32.trunc_sat_f32_s"),
  }),
  simd("i32x4.trunc_sat_f32x4_u", [0xfd, 249], "v128 -> v128", {
    vector: like("i32.trunc_sat_f32_u"),
  }),
  simd("f32x4.convert_i32x4_s", [0xfd, 250], "v128 -> v128", { vector: like("f32.convert_i32_s") }),
  simd("f32x4.convert_i32x4_u", [0xfd, 251], "v128 -> v128", { vector: like("f32.convert_i32_u") }),
  simd("i32x4.trunc_sat_f64x2_s_zero", [0xfd, 252], "v128 -> v128", {
    vector: truncate64("i32.trunc_sat_f64_s"),
  }),
  simd("i32x4.trunc_sat_f64x2_u_zero", [0xfd, 253], "v128 -> v128", {
    vector: truncate64("i32.trunc_sat_f64_u"),
  }),
  simd("f64x2.convert_low_i32x4_s", [0xfd, 254], "v128 -> v128", {
    vector: { from: "i32", to: "f64", all: ["a0", "a1"] },
  }),
  simd("f64x2.convert_low_i32x4_u", [0xfd, 255], "v128 -> v128", {
    vector: { from: "i32", to: "f64", all: ["a0 >>> 0", "a1 >>> 0"] },
  }),
  relaxed("i8x16.relaxed_swizzle", [0xfd, 256], "v128 v128 -> v128"),
  relaxed("i32x4.relaxed_trunc_f32x4_s", [0xfd, 257], "v128 -> v128", {
    vector: like("i32.trunc_sat_f32_s"),
  }),
  relaxed("i32x4.relaxed_trunc_f32x4_u", [0xfd, 258], "v128 -> v128", {
    vector: like("i32.trunc_sat_f32_u"),
  }),
  relaxed("i32x4.relaxed_trunc_f64x2_s_zero", [0xfd, 259], "v128 -> v128", {
    vector: truncate64("i32.trunc_sat_f64_s"),
  }),
  relaxed("i32x4.relaxed_trunc_f64x2_u_zero", [0xfd, 260], "v128 -> v128", {
    vector: truncate64("i32.trunc_sat_f64_u"),
  }),
  relaxed("f32x4.relaxed_madd", [0xfd, 261], "v128 v128 v128 -> v128", {
    vector: multiplyAdd("f32", false),
  }),
  relaxed("f32x4.relaxed_nmadd", [0xfd, 262], "v128 v128 v128 -> v128", {
    vector: multiplyAdd("f32", true),
  }),
  relaxed("f64x2.relaxed_madd", [0xfd, 263], "v128 v128 v128 -> v128", {
    vector: multiplyAdd("f64", false),
  }),
  relaxed("f64x2.relaxed_nmadd", [0xfd, 264], "v128 v128 v128 -> v128", {
    vector: multiplyAdd("f64", true),
  }),
  relaxed("i8x16.relaxed_laneselect", [0xfd, 265], "v128 v128 v128 -> v128", { vector: BITSELECT }),
  relaxed("i16x8.relaxed_laneselect", [0xfd, 266], "v128 v128 v128 -> v128", { vector: BITSELECT }),
  relaxed("i32x4.relaxed_laneselect", [0xfd, 267], "v128 v128 v128 -> v128", { vector: BITSELECT }),
  relaxed("i64x2.relaxed_laneselect", [0xfd, 268], "v128 v128 v128 -> v128", { vector: BITSELECT }),
  relaxed("f32x4.relaxed_min", [0xfd, 269], "v128 v128 -> v128", { vector: like("f32.min") }),
  relaxed("f32x4.relaxed_max", [0xfd, 270], "v128 v128 -> v128", { vector: like("f32.max") }),
  relaxed("f64x2.relaxed_min", [0xfd, 271], "v128 v128 -> v128", { vector: like("f64.min") }),
  relaxed("f64x2.relaxed_max", [0xfd, 272], "v128 v128 -> v128", { vector: like("f64.max") }),
  relaxed("i16x8.relaxed_q15mulr_s", [0xfd, 273], "v128 v128 -> v128", { vector: q15mulr() }),
  relaxed("i16x8.relaxed_dot_i8x16_i7x16_s", [0xfd, 274], "v128 v128 -> v128", { vector: dot8() }),
  relaxed("i32x4.relaxed_dot_i8x16_i7x16_add_s", [0xfd, 275], "v128 v128 v128 -> v128", {
    vector: dot8Add(),
  }),
];
