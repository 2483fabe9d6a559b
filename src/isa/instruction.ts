// The form of an instruction table row and the functions that build rows (spec: 5.4 Instructions).
// A row says everything that is regular about an instruction; what is polymorphic or structured
// has a hand-written method wherever a layer needs one. The rows themselves are in rows/.

import type { Feature } from "./features.ts";
import {
  ANYREF,
  EQREF,
  EXTERNREF,
  F32,
  F64,
  FUNCREF,
  I31REF,
  I32,
  I64,
  V128,
  type ValType,
} from "./types.ts";

/**
 * What follows the opcode in the binary format. Several words are several immediates in the order
 * of the binary format, which is not always that of the text format.
 */
export const IMMEDIATES = [
  "none",
  "blocktype",
  "label",
  "labels label",
  "func",
  "type table",
  "type",
  "valtypes",
  "local",
  "global",
  "table",
  "memory",
  "memarg",
  "memarg lane",
  "i32",
  "i64",
  "f32",
  "f64",
  "v128",
  "lane",
  "lanes",
  "heaptype",
  "type field",
  "type count",
  "type data",
  "type elem",
  "type type",
  "data memory",
  "data",
  "elem",
  "elem table",
  "table table",
  "memory memory",
  "blocktype catches",
  "castflags label heaptype heaptype",
  "tag",
  "zero",
] as const;

/** One of the immediate layouts of `IMMEDIATES`. */
export type Immediates = (typeof IMMEDIATES)[number];

/**
 * Fuel price (price table 2): a number, or how a bulk operation is billed beyond its 1: per 64
 * `bytes`, per 16 `elements`, per `pages` of 64 KiB.
 */
export type Price = 0 | 1 | "bytes" | "elements" | "pages";

/** Stands in a signature for the address type (i32 or i64) of the memory or table it acts on. */
export const ADDRESS: ValType = -1;

/**
 * What a plain scalar instruction computes, as JavaScript expressions over its operands `a`, `b`
 * in the order they were pushed. Conventions, which the interpreter's generator relies on:
 *
 * - i32 is a signed 32-bit number; an i64 operand `a` is its halves `al`, `ah` (signed 32-bit);
 * - f32 and f64 are numbers, unless `bits` is set: then a float is its bit pattern, `a` for f32
 *   and `al`, `ah` for f64, so that NaN payloads survive;
 * - a 64-bit result (an i64, or an f64 under `bits`) is a pair [low half, high half]; the second
 *   expression may use the first as `lo`. A helper named `i64…` returns the low half and leaves
 *   the high half in `i64High`;
 * - capitalised `Math` and the helpers of src/interpreter/numerics.ts are in scope, nothing else.
 */
export interface Meaning {
  /** The result; for a `condition`, a JavaScript condition that stands for i32 1 or 0. */
  readonly result: string | readonly [low: string, high: string];
  readonly condition?: true;
  readonly bits?: true;
  /** Checked in this order before the result: [condition, trap text of the suite]. */
  readonly traps?: readonly (readonly [when: string, text: string])[];
}

/**
 * How lanes are looked at: an i32 is a word as a signed number, whatever lanes of 8 or 16 bits lie
 * side by side in it; an i64 two of them; floats are numbers.
 */
export type LaneView = "i32" | "i64" | "f32" | "f64";

/**
 * What an instruction computes whose result is a vector or two i64, as JavaScript expressions like
 * those of `Meaning`. A v128 is four words, lane 0 in the lowest; so are two i64, the one that is
 * pushed first in the lower two. Names of the operands are `a` to `d`:
 *
 * - with `each`, their lanes at the same place: `a` as i32 or a number, `al` and `ah` as i64; the
 *   bits of a float are `aw`, or `al` and `ah`;
 * - with `all`, every lane: `a0` to `a3`, or `a0` and `a1` where they are f64;
 * - with `halves`, the words of the lower or upper half, of each of which come two of the result;
 * - with `pairs`, `a` and `b` are two words in a row of the first operand, then of the second, and
 *   each pair becomes a word of the result;
 * - of a scalar operand, its bits: `a`, or `al` and `ah`.
 */
export interface VectorMeaning {
  readonly from: LaneView;
  readonly to: LaneView;
  /** Values with names, each computed before the next: once, and for each lane. */
  readonly once?: Readonly<Record<string, string>>;
  readonly where?: Readonly<Record<string, string>>;
  /** The lane of the result, an i64 as [low half, high half]. */
  readonly each?: string | readonly [low: string, high: string];
  /** All lanes of the result (an i64 as two), or the scalar that is the result. */
  readonly all?: readonly string[];
  readonly halves?: { readonly upper: boolean; readonly words: readonly [string, string] };
  readonly pairs?: string;
}

/** What holds for an instruction besides; others are named by mnemonic. */
export interface Laws {
  /** Its two operands may be swapped. */
  readonly commutative?: true;
  /** The comparison that holds whenever it does not. */
  readonly opposite?: string;
  /** It does what this one does with the operands swapped. */
  readonly swapped?: string;
}

/** How a load, store or atomic touches memory. */
export interface Access {
  /** Bytes touched; also the natural alignment. */
  readonly bytes: 1 | 2 | 4 | 8 | 16;
  /** How the value narrower than the operand is widened; absent where nothing is. */
  readonly extend?: "s" | "u";
  readonly kind: "load" | "store" | "rmw" | "cmpxchg" | "wait" | "notify";
}

/** A row of the instruction table. */
export interface Instruction {
  /** Mnemonic of the text format. */
  readonly name: string;
  /** Dense opcode: see `opcodeOf`. */
  readonly opcode: number;
  readonly immediates: Immediates;
  /** Operand types, last one on top; null if the typing rule is hand-written. */
  readonly params: readonly ValType[] | null;
  readonly results: readonly ValType[];
  /** Proposal that introduced it; null for WebAssembly 1.0. */
  readonly feature: Feature | null;
  readonly price: Price;
  /** Allowed in constant expressions; a feature name where only with that proposal. */
  readonly constant: boolean | Feature;
  readonly access: Access | null;
  readonly meaning: Meaning | null;
  readonly vectorMeaning: VectorMeaning | null;
  readonly laws: Laws | null;
}

/** Dense numbers of the prefixed opcode pages: a sub-opcode is added to its page's base. */
export const PREFIX_BASE: Readonly<Record<number, number>> = {
  251: 0x100,
  252: 0x200,
  253: 0x300,
  254: 0x500,
};

/** Number of dense opcodes, holes included. */
export const OPCODE_SPACE = 0x600;

/** Sub-opcodes a page has room for: 256, and 512 for the vector page. */
export function pageSize(prefix: number): number {
  return prefix === 0xfd ? 0x200 : 0x100;
}

/** Dense opcode of an instruction: the byte itself, or the page's base plus the sub-opcode. */
export function opcodeOf(prefix: number, sub: number): number {
  return PREFIX_BASE[prefix] + sub;
}

/** Prefix byte of a dense opcode; 0 for a single-byte opcode. */
export function prefixOf(opcode: number): number {
  if (opcode < 0x100) return 0;
  return opcode < 0x200 ? 0xfb : opcode < 0x300 ? 0xfc : opcode < 0x500 ? 0xfd : 0xfe;
}

/** Opcode as the specification writes it: `0x6A`, or `0xFD 12` with a decimal sub-opcode. */
export function formatOpcode(opcode: number): string {
  const prefix = prefixOf(opcode);
  if (prefix === 0) return hex(opcode);
  return `${hex(prefix)} ${opcode - PREFIX_BASE[prefix]}`;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

const SIGNATURE_WORDS: Readonly<Record<string, ValType>> = {
  i32: I32,
  i64: I64,
  f32: F32,
  f64: F64,
  v128: V128,
  addr: ADDRESS,
  funcref: FUNCREF,
  externref: EXTERNREF,
  anyref: ANYREF,
  eqref: EQREF,
  i31ref: I31REF,
};

function wordsToTypes(text: string): ValType[] {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => SIGNATURE_WORDS[word]);
}

/** The optional columns of a row. */
export interface Columns {
  readonly imm?: Immediates;
  readonly feature?: Feature;
  readonly price?: Price;
  readonly constant?: boolean | Feature;
  readonly access?: Access;
  readonly means?: Meaning["result"];
  readonly condition?: true;
  readonly bits?: true;
  readonly traps?: Meaning["traps"];
  readonly vector?: VectorMeaning;
  readonly laws?: Laws;
}

/**
 * Builds a row. `signature` is `"i32 i32 -> i32"`, or `"*"` where the typing rule is hand-written;
 * a byte opcode is given as number, a prefixed one as [prefix, sub-opcode].
 */
export function row(
  name: string,
  code: number | readonly [prefix: number, sub: number],
  signature: string,
  columns: Columns = {},
): Instruction {
  const opcode = typeof code === "number" ? code : opcodeOf(code[0], code[1]);
  const [params, results] = signature.split("->");
  const { means, condition, bits, traps } = columns;
  const meaning =
    means === undefined
      ? null
      : {
          result: means,
          ...(condition && { condition }),
          ...(bits && { bits }),
          ...(traps && { traps }),
        };
  return {
    name,
    opcode,
    immediates: columns.imm ?? "none",
    params: signature === "*" ? null : wordsToTypes(params),
    results: signature === "*" ? [] : wordsToTypes(results),
    feature: columns.feature ?? null,
    price: columns.price ?? 1,
    constant: columns.constant ?? false,
    access: columns.access ?? null,
    meaning,
    vectorMeaning: columns.vector ?? null,
    laws: columns.laws ?? null,
  };
}

/** `row` for one proposal: every row it makes carries that feature. */
export function rowsOf(feature: Feature): typeof row {
  return (name, code, signature, columns = {}) =>
    row(name, code, signature, { feature, ...columns });
}
