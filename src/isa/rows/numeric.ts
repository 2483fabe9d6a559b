// Rows: numeric instructions (spec: 4.3 Numerics, 5.4.9) with their meaning; the conventions of the
// expressions are those of `Meaning` in ../instruction.ts. V8's Math.ceil, floor and trunc hand a
// signalling NaN on as it is, where a quiet one is due: hence `a + a`. An f32 becomes quiet when
// it is read. Math.min and max of a NaN give one of V8's own in some of its tiers (V8 14: all
// ones), so no NaN reaches them. test/interpreter/nans.test.ts compares all rows with what is
// allowed.

import { type Instruction, row, rowsOf } from "../instruction.ts";

const sign = rowsOf("sign-extension");
const sat = rowsOf("sat-float-to-int");

const DIVIDE_BY_ZERO = ["b === 0", "integer divide by zero"] as const;
const DIVIDE_BY_ZERO_64 = ["(bl | bh) === 0", "integer divide by zero"] as const;
const I64_OVERFLOW = "al === 0 && ah === -2147483648 && (bl & bh) === -1";
const NOT_A_NUMBER = ["a !== a", "invalid conversion to integer"] as const;
const OUTSIDE_S64 = "a < -9223372036854775808 || a >= 9223372036854775808";
const OUTSIDE_U64 = "a <= -1 || a >= 18446744073709551616";
const SATURATE_S32 = "a >= 2147483647 ? 2147483647 : a <= -2147483648 ? -2147483648 : a | 0";
const MINIMUM = "a === a && b === b ? Math.min(a, b) : a + b";
const MAXIMUM = "a === a && b === b ? Math.max(a, b) : a + b";
const SATURATE_U32 = "a >= 4294967295 ? -1 : a > 0 ? a | 0 : 0";

export const NUMERIC: readonly Instruction[] = [
  row("i32.const", 0x41, "-> i32", { imm: "i32", constant: true }),
  row("i64.const", 0x42, "-> i64", { imm: "i64", constant: true }),
  row("f32.const", 0x43, "-> f32", { imm: "f32", constant: true }),
  row("f64.const", 0x44, "-> f64", { imm: "f64", constant: true }),
  row("i32.eqz", 0x45, "i32 -> i32", { means: "a === 0", condition: true }),
  row("i32.eq", 0x46, "i32 i32 -> i32", {
    means: "a === b",
    condition: true,
    laws: { opposite: "i32.ne", commutative: true },
  }),
  row("i32.ne", 0x47, "i32 i32 -> i32", {
    means: "a !== b",
    condition: true,
    laws: { opposite: "i32.eq", commutative: true },
  }),
  row("i32.lt_s", 0x48, "i32 i32 -> i32", {
    means: "a < b",
    condition: true,
    laws: { opposite: "i32.ge_s" },
  }),
  row("i32.lt_u", 0x49, "i32 i32 -> i32", {
    means: "a >>> 0 < b >>> 0",
    condition: true,
    laws: { opposite: "i32.ge_u" },
  }),
  row("i32.gt_s", 0x4a, "i32 i32 -> i32", {
    means: "a > b",
    condition: true,
    laws: { opposite: "i32.le_s" },
  }),
  row("i32.gt_u", 0x4b, "i32 i32 -> i32", {
    means: "a >>> 0 > b >>> 0",
    condition: true,
    laws: { opposite: "i32.le_u" },
  }),
  row("i32.le_s", 0x4c, "i32 i32 -> i32", {
    means: "a <= b",
    condition: true,
    laws: { opposite: "i32.gt_s" },
  }),
  row("i32.le_u", 0x4d, "i32 i32 -> i32", {
    means: "a >>> 0 <= b >>> 0",
    condition: true,
    laws: { opposite: "i32.gt_u" },
  }),
  row("i32.ge_s", 0x4e, "i32 i32 -> i32", {
    means: "a >= b",
    condition: true,
    laws: { opposite: "i32.lt_s" },
  }),
  row("i32.ge_u", 0x4f, "i32 i32 -> i32", {
    means: "a >>> 0 >= b >>> 0",
    condition: true,
    laws: { opposite: "i32.lt_u" },
  }),
  row("i64.eqz", 0x50, "i64 -> i32", { means: "(al | ah) === 0", condition: true }),
  row("i64.eq", 0x51, "i64 i64 -> i32", {
    means: "al === bl && ah === bh",
    condition: true,
    laws: { opposite: "i64.ne", commutative: true },
  }),
  row("i64.ne", 0x52, "i64 i64 -> i32", {
    means: "al !== bl || ah !== bh",
    condition: true,
    laws: { opposite: "i64.eq", commutative: true },
  }),
  row("i64.lt_s", 0x53, "i64 i64 -> i32", {
    means: "ah < bh || (ah === bh && al >>> 0 < bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.ge_s" },
  }),
  row("i64.lt_u", 0x54, "i64 i64 -> i32", {
    means: "ah >>> 0 < bh >>> 0 || (ah === bh && al >>> 0 < bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.ge_u" },
  }),
  row("i64.gt_s", 0x55, "i64 i64 -> i32", {
    means: "ah > bh || (ah === bh && al >>> 0 > bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.le_s" },
  }),
  row("i64.gt_u", 0x56, "i64 i64 -> i32", {
    means: "ah >>> 0 > bh >>> 0 || (ah === bh && al >>> 0 > bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.le_u" },
  }),
  row("i64.le_s", 0x57, "i64 i64 -> i32", {
    means: "ah < bh || (ah === bh && al >>> 0 <= bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.gt_s" },
  }),
  row("i64.le_u", 0x58, "i64 i64 -> i32", {
    means: "ah >>> 0 < bh >>> 0 || (ah === bh && al >>> 0 <= bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.gt_u" },
  }),
  row("i64.ge_s", 0x59, "i64 i64 -> i32", {
    means: "ah > bh || (ah === bh && al >>> 0 >= bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.lt_s" },
  }),
  row("i64.ge_u", 0x5a, "i64 i64 -> i32", {
    means: "ah >>> 0 > bh >>> 0 || (ah === bh && al >>> 0 >= bl >>> 0)",
    condition: true,
    laws: { opposite: "i64.lt_u" },
  }),
  row("f32.eq", 0x5b, "f32 f32 -> i32", { means: "a === b", condition: true }),
  row("f32.ne", 0x5c, "f32 f32 -> i32", { means: "a !== b", condition: true }),
  row("f32.lt", 0x5d, "f32 f32 -> i32", { means: "a < b", condition: true }),
  row("f32.gt", 0x5e, "f32 f32 -> i32", { means: "a > b", condition: true }),
  row("f32.le", 0x5f, "f32 f32 -> i32", { means: "a <= b", condition: true }),
  row("f32.ge", 0x60, "f32 f32 -> i32", { means: "a >= b", condition: true }),
  row("f64.eq", 0x61, "f64 f64 -> i32", { means: "a === b", condition: true }),
  row("f64.ne", 0x62, "f64 f64 -> i32", { means: "a !== b", condition: true }),
  row("f64.lt", 0x63, "f64 f64 -> i32", { means: "a < b", condition: true }),
  row("f64.gt", 0x64, "f64 f64 -> i32", { means: "a > b", condition: true }),
  row("f64.le", 0x65, "f64 f64 -> i32", { means: "a <= b", condition: true }),
  row("f64.ge", 0x66, "f64 f64 -> i32", { means: "a >= b", condition: true }),
  row("i32.clz", 0x67, "i32 -> i32", { means: "Math.clz32(a)" }),
  row("i32.ctz", 0x68, "i32 -> i32", { means: "countTrailingZeros(a)" }),
  row("i32.popcnt", 0x69, "i32 -> i32", { means: "populationCount(a)" }),
  row("i32.add", 0x6a, "i32 i32 -> i32", {
    laws: { commutative: true },
    means: "(a + b) | 0",
    constant: "extended-const",
  }),
  row("i32.sub", 0x6b, "i32 i32 -> i32", { means: "(a - b) | 0", constant: "extended-const" }),
  row("i32.mul", 0x6c, "i32 i32 -> i32", {
    laws: { commutative: true },
    means: "Math.imul(a, b)",
    constant: "extended-const",
  }),
  row("i32.div_s", 0x6d, "i32 i32 -> i32", {
    means: "(a / b) | 0",
    traps: [DIVIDE_BY_ZERO, ["a === -2147483648 && b === -1", "integer overflow"]],
  }),
  row("i32.div_u", 0x6e, "i32 i32 -> i32", {
    means: "((a >>> 0) / (b >>> 0)) | 0",
    traps: [DIVIDE_BY_ZERO],
  }),
  row("i32.rem_s", 0x6f, "i32 i32 -> i32", { means: "(a % b) | 0", traps: [DIVIDE_BY_ZERO] }),
  row("i32.rem_u", 0x70, "i32 i32 -> i32", {
    means: "((a >>> 0) % (b >>> 0)) | 0",
    traps: [DIVIDE_BY_ZERO],
  }),
  row("i32.and", 0x71, "i32 i32 -> i32", { laws: { commutative: true }, means: "a & b" }),
  row("i32.or", 0x72, "i32 i32 -> i32", { laws: { commutative: true }, means: "a | b" }),
  row("i32.xor", 0x73, "i32 i32 -> i32", { laws: { commutative: true }, means: "a ^ b" }),
  row("i32.shl", 0x74, "i32 i32 -> i32", { means: "a << b" }),
  row("i32.shr_s", 0x75, "i32 i32 -> i32", { means: "a >> b" }),
  row("i32.shr_u", 0x76, "i32 i32 -> i32", { means: "(a >>> b) | 0" }),
  row("i32.rotl", 0x77, "i32 i32 -> i32", { means: "(a << b) | (a >>> -b)" }),
  row("i32.rotr", 0x78, "i32 i32 -> i32", { means: "(a >>> b) | (a << -b)" }),
  row("i64.clz", 0x79, "i64 -> i64", {
    means: ["ah === 0 ? 32 + Math.clz32(al) : Math.clz32(ah)", "0"],
  }),
  row("i64.ctz", 0x7a, "i64 -> i64", {
    means: ["al === 0 ? 32 + countTrailingZeros(ah) : countTrailingZeros(al)", "0"],
  }),
  row("i64.popcnt", 0x7b, "i64 -> i64", {
    means: ["populationCount(al) + populationCount(ah)", "0"],
  }),
  row("i64.add", 0x7c, "i64 i64 -> i64", {
    laws: { commutative: true },
    means: ["(al + bl) | 0", "(ah + bh + (lo >>> 0 < al >>> 0 ? 1 : 0)) | 0"],
    constant: "extended-const",
  }),
  row("i64.sub", 0x7d, "i64 i64 -> i64", {
    means: ["(al - bl) | 0", "(ah - bh - (al >>> 0 < bl >>> 0 ? 1 : 0)) | 0"],
    constant: "extended-const",
  }),
  row("i64.mul", 0x7e, "i64 i64 -> i64", {
    laws: { commutative: true },
    means: [
      "Math.imul(al, bl)",
      "(multiplyHighU32(al, bl) + Math.imul(al, bh) + Math.imul(ah, bl)) | 0",
    ],
    constant: "extended-const",
  }),
  row("i64.div_s", 0x7f, "i64 i64 -> i64", {
    means: ["i64DivS(al, ah, bl, bh)", "i64High"],
    traps: [DIVIDE_BY_ZERO_64, [I64_OVERFLOW, "integer overflow"]],
  }),
  row("i64.div_u", 0x80, "i64 i64 -> i64", {
    means: ["i64DivU(al, ah, bl, bh)", "i64High"],
    traps: [DIVIDE_BY_ZERO_64],
  }),
  row("i64.rem_s", 0x81, "i64 i64 -> i64", {
    means: ["i64RemS(al, ah, bl, bh)", "i64High"],
    traps: [DIVIDE_BY_ZERO_64],
  }),
  row("i64.rem_u", 0x82, "i64 i64 -> i64", {
    means: ["i64RemU(al, ah, bl, bh)", "i64High"],
    traps: [DIVIDE_BY_ZERO_64],
  }),
  row("i64.and", 0x83, "i64 i64 -> i64", {
    laws: { commutative: true },
    means: ["al & bl", "ah & bh"],
  }),
  row("i64.or", 0x84, "i64 i64 -> i64", {
    laws: { commutative: true },
    means: ["al | bl", "ah | bh"],
  }),
  row("i64.xor", 0x85, "i64 i64 -> i64", {
    laws: { commutative: true },
    means: ["al ^ bl", "ah ^ bh"],
  }),
  row("i64.shl", 0x86, "i64 i64 -> i64", {
    means: ["bl & 32 ? 0 : al << bl", "bl & 32 ? al << bl : (ah << bl) | (al >>> 1 >>> ~bl)"],
  }),
  row("i64.shr_s", 0x87, "i64 i64 -> i64", {
    means: ["bl & 32 ? ah >> bl : (al >>> bl) | (ah << 1 << ~bl)", "bl & 32 ? ah >> 31 : ah >> bl"],
  }),
  row("i64.shr_u", 0x88, "i64 i64 -> i64", {
    means: [
      "bl & 32 ? (ah >>> bl) | 0 : (al >>> bl) | (ah << 1 << ~bl)",
      "bl & 32 ? 0 : (ah >>> bl) | 0",
    ],
  }),
  row("i64.rotl", 0x89, "i64 i64 -> i64", {
    means: [
      "bl & 32 ? (ah << bl) | (al >>> 1 >>> ~bl) : (al << bl) | (ah >>> 1 >>> ~bl)",
      "bl & 32 ? (al << bl) | (ah >>> 1 >>> ~bl) : (ah << bl) | (al >>> 1 >>> ~bl)",
    ],
  }),
  row("i64.rotr", 0x8a, "i64 i64 -> i64", {
    means: [
      "bl & 32 ? (ah >>> bl) | (al << 1 << ~bl) : (al >>> bl) | (ah << 1 << ~bl)",
      "bl & 32 ? (al >>> bl) | (ah << 1 << ~bl) : (ah >>> bl) | (al << 1 << ~bl)",
    ],
  }),
  row("f32.abs", 0x8b, "f32 -> f32", { means: "a & 0x7fffffff", bits: true }),
  row("f32.neg", 0x8c, "f32 -> f32", { means: "a ^ -2147483648", bits: true }),
  row("f32.ceil", 0x8d, "f32 -> f32", { means: "Math.ceil(a)" }),
  row("f32.floor", 0x8e, "f32 -> f32", { means: "Math.floor(a)" }),
  row("f32.trunc", 0x8f, "f32 -> f32", { means: "Math.trunc(a)" }),
  row("f32.nearest", 0x90, "f32 -> f32", { means: "roundTiesToEven(a)" }),
  row("f32.sqrt", 0x91, "f32 -> f32", { means: "Math.fround(Math.sqrt(a))" }),
  row("f32.add", 0x92, "f32 f32 -> f32", {
    laws: { commutative: true },
    means: "Math.fround(a + b)",
  }),
  row("f32.sub", 0x93, "f32 f32 -> f32", { means: "Math.fround(a - b)" }),
  row("f32.mul", 0x94, "f32 f32 -> f32", {
    laws: { commutative: true },
    means: "Math.fround(a * b)",
  }),
  row("f32.div", 0x95, "f32 f32 -> f32", { means: "Math.fround(a / b)" }),
  row("f32.min", 0x96, "f32 f32 -> f32", { means: MINIMUM }),
  row("f32.max", 0x97, "f32 f32 -> f32", { means: MAXIMUM }),
  row("f32.copysign", 0x98, "f32 f32 -> f32", {
    means: "(a & 0x7fffffff) | (b & -2147483648)",
    bits: true,
  }),
  row("f64.abs", 0x99, "f64 -> f64", { means: ["al", "ah & 0x7fffffff"], bits: true }),
  row("f64.neg", 0x9a, "f64 -> f64", { means: ["al", "ah ^ -2147483648"], bits: true }),
  row("f64.ceil", 0x9b, "f64 -> f64", { means: "a === a ? Math.ceil(a) : a + a" }),
  row("f64.floor", 0x9c, "f64 -> f64", { means: "a === a ? Math.floor(a) : a + a" }),
  row("f64.trunc", 0x9d, "f64 -> f64", { means: "a === a ? Math.trunc(a) : a + a" }),
  row("f64.nearest", 0x9e, "f64 -> f64", { means: "roundTiesToEven(a)" }),
  row("f64.sqrt", 0x9f, "f64 -> f64", { means: "Math.sqrt(a)" }),
  row("f64.add", 0xa0, "f64 f64 -> f64", { laws: { commutative: true }, means: "a + b" }),
  row("f64.sub", 0xa1, "f64 f64 -> f64", { means: "a - b" }),
  row("f64.mul", 0xa2, "f64 f64 -> f64", { laws: { commutative: true }, means: "a * b" }),
  row("f64.div", 0xa3, "f64 f64 -> f64", { means: "a / b" }),
  row("f64.min", 0xa4, "f64 f64 -> f64", { means: MINIMUM }),
  row("f64.max", 0xa5, "f64 f64 -> f64", { means: MAXIMUM }),
  row("f64.copysign", 0xa6, "f64 f64 -> f64", {
    means: ["al", "(ah & 0x7fffffff) | (bh & -2147483648)"],
    bits: true,
  }),
  row("i32.wrap_i64", 0xa7, "i64 -> i32", { means: "al" }),
  row("i32.trunc_f32_s", 0xa8, "f32 -> i32", {
    means: "a | 0",
    traps: [NOT_A_NUMBER, ["a <= -2147483649 || a >= 2147483648", "integer overflow"]],
  }),
  row("i32.trunc_f32_u", 0xa9, "f32 -> i32", {
    means: "a | 0",
    traps: [NOT_A_NUMBER, ["a <= -1 || a >= 4294967296", "integer overflow"]],
  }),
  row("i32.trunc_f64_s", 0xaa, "f64 -> i32", {
    means: "a | 0",
    traps: [NOT_A_NUMBER, ["a <= -2147483649 || a >= 2147483648", "integer overflow"]],
  }),
  row("i32.trunc_f64_u", 0xab, "f64 -> i32", {
    means: "a | 0",
    traps: [NOT_A_NUMBER, ["a <= -1 || a >= 4294967296", "integer overflow"]],
  }),
  row("i64.extend_i32_s", 0xac, "i32 -> i64", { means: ["a", "a >> 31"] }),
  row("i64.extend_i32_u", 0xad, "i32 -> i64", { means: ["a", "0"] }),
  row("i64.trunc_f32_s", 0xae, "f32 -> i64", {
    means: ["Math.trunc(a) | 0", "Math.floor(Math.trunc(a) / 4294967296) | 0"],
    traps: [NOT_A_NUMBER, [OUTSIDE_S64, "integer overflow"]],
  }),
  row("i64.trunc_f32_u", 0xaf, "f32 -> i64", {
    means: ["Math.trunc(a) | 0", "Math.floor(Math.trunc(a) / 4294967296) | 0"],
    traps: [NOT_A_NUMBER, [OUTSIDE_U64, "integer overflow"]],
  }),
  row("i64.trunc_f64_s", 0xb0, "f64 -> i64", {
    means: ["Math.trunc(a) | 0", "Math.floor(Math.trunc(a) / 4294967296) | 0"],
    traps: [NOT_A_NUMBER, [OUTSIDE_S64, "integer overflow"]],
  }),
  row("i64.trunc_f64_u", 0xb1, "f64 -> i64", {
    means: ["Math.trunc(a) | 0", "Math.floor(Math.trunc(a) / 4294967296) | 0"],
    traps: [NOT_A_NUMBER, [OUTSIDE_U64, "integer overflow"]],
  }),
  row("f32.convert_i32_s", 0xb2, "i32 -> f32", { means: "Math.fround(a)" }),
  row("f32.convert_i32_u", 0xb3, "i32 -> f32", { means: "Math.fround(a >>> 0)" }),
  row("f32.convert_i64_s", 0xb4, "i64 -> f32", { means: "f32FromI64S(al, ah)" }),
  row("f32.convert_i64_u", 0xb5, "i64 -> f32", { means: "f32FromI64U(al, ah)" }),
  row("f32.demote_f64", 0xb6, "f64 -> f32", { means: "Math.fround(a)" }),
  row("f64.convert_i32_s", 0xb7, "i32 -> f64", { means: "a" }),
  row("f64.convert_i32_u", 0xb8, "i32 -> f64", { means: "a >>> 0" }),
  row("f64.convert_i64_s", 0xb9, "i64 -> f64", { means: "ah * 4294967296 + (al >>> 0)" }),
  row("f64.convert_i64_u", 0xba, "i64 -> f64", { means: "(ah >>> 0) * 4294967296 + (al >>> 0)" }),
  row("f64.promote_f32", 0xbb, "f32 -> f64", { means: "a" }),
  row("i32.reinterpret_f32", 0xbc, "f32 -> i32", { means: "a", bits: true }),
  row("i64.reinterpret_f64", 0xbd, "f64 -> i64", { means: ["al", "ah"], bits: true }),
  row("f32.reinterpret_i32", 0xbe, "i32 -> f32", { means: "a", bits: true }),
  row("f64.reinterpret_i64", 0xbf, "i64 -> f64", { means: ["al", "ah"], bits: true }),
  sign("i32.extend8_s", 0xc0, "i32 -> i32", { means: "(a << 24) >> 24" }),
  sign("i32.extend16_s", 0xc1, "i32 -> i32", { means: "(a << 16) >> 16" }),
  sign("i64.extend8_s", 0xc2, "i64 -> i64", { means: ["(al << 24) >> 24", "lo >> 31"] }),
  sign("i64.extend16_s", 0xc3, "i64 -> i64", { means: ["(al << 16) >> 16", "lo >> 31"] }),
  sign("i64.extend32_s", 0xc4, "i64 -> i64", { means: ["al", "al >> 31"] }),
  sat("i32.trunc_sat_f32_s", [0xfc, 0], "f32 -> i32", { means: SATURATE_S32 }),
  sat("i32.trunc_sat_f32_u", [0xfc, 1], "f32 -> i32", { means: SATURATE_U32 }),
  sat("i32.trunc_sat_f64_s", [0xfc, 2], "f64 -> i32", { means: SATURATE_S32 }),
  sat("i32.trunc_sat_f64_u", [0xfc, 3], "f64 -> i32", { means: SATURATE_U32 }),
  sat("i64.trunc_sat_f32_s", [0xfc, 4], "f32 -> i64", { means: ["i64TruncSatS(a)", "i64High"] }),
  sat("i64.trunc_sat_f32_u", [0xfc, 5], "f32 -> i64", { means: ["i64TruncSatU(a)", "i64High"] }),
  sat("i64.trunc_sat_f64_s", [0xfc, 6], "f64 -> i64", { means: ["i64TruncSatS(a)", "i64High"] }),
  sat("i64.trunc_sat_f64_u", [0xfc, 7], "f64 -> i64", { means: ["i64TruncSatU(a)", "i64High"] }),
];
