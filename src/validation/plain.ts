// The typing rules of regular instructions as flat tables, derived from the instruction table: how
// many operands, of which types, and what is left. The body validator's default case reads them.

import type { FeatureSet } from "../isa/features.ts";
import { featureBit } from "../isa/features.ts";
import { INSTRUCTIONS } from "../isa/index.ts";
import { ADDRESS, OPCODE_SPACE } from "../isa/instruction.ts";

/** How the body validator treats an opcode. */
export const SPECIAL = 0;
export const UNARY = 1;
export const BINARY = 2;
export const LOAD = 3;
export const STORE = 4;
/** Regular, of some other shape. */
export const REGULAR = 5;

/** Shape of each opcode; SPECIAL where a method is hand-written. */
export const SHAPE = new Uint8Array(OPCODE_SPACE);
/** First and second operand type (the second is on top), and the result type or BOT. */
export const FIRST = new Int8Array(OPCODE_SPACE);
export const SECOND = new Int8Array(OPCODE_SPACE);
export const RESULT = new Int8Array(OPCODE_SPACE);
/** Natural alignment of a memory access as a power of two. */
export const ALIGN = new Uint8Array(OPCODE_SPACE);
/** Lanes of a lane instruction, from the shape in its name. */
export const LANES = new Uint8Array(OPCODE_SPACE);
/** Whether the alignment must be exactly the natural one, as for atomics. */
export const EXACT_ALIGN = new Uint8Array(OPCODE_SPACE);

for (const { name, opcode, params, results, access, immediates, feature } of INSTRUCTIONS) {
  if (access !== null) ALIGN[opcode] = Math.log2(access.bytes);
  const lanes = /^[if]\d+x(\d+)\./.exec(name);
  if (lanes !== null) LANES[opcode] = Number(lanes[1]);
  if (feature === "threads") EXACT_ALIGN[opcode] = 1;
  if (params === null) continue;
  const plain = immediates === "none" && results.length === 1;
  const small = [...params, ...results].every((type) => type >= 0 && type < 8);
  let shape = REGULAR;
  if (plain && small && params.length === 1) shape = UNARY;
  else if (plain && small && params.length === 2) shape = BINARY;
  else if (immediates === "memarg" && params.length === 1) shape = LOAD;
  else if (immediates === "memarg" && params.length === 2 && results.length === 0) shape = STORE;
  SHAPE[opcode] = shape;
  FIRST[opcode] = params[0] ?? 0;
  SECOND[opcode] = params[1] ?? 0;
  RESULT[opcode] = results[0] ?? 0;
  if ((shape === LOAD || shape === STORE) && params[0] !== ADDRESS) {
    throw new Error(`the row of opcode ${opcode} has a memarg but no address`);
  }
}

const constantTables = new Map<FeatureSet, Uint8Array>();

/** 1 for the opcodes that may occur in constant expressions under `features`. */
export function constantTable(features: FeatureSet): Uint8Array {
  let table = constantTables.get(features);
  if (table === undefined) {
    table = new Uint8Array(OPCODE_SPACE);
    for (const { opcode, constant } of INSTRUCTIONS) {
      const on = typeof constant === "string" ? (features & featureBit(constant)) !== 0 : constant;
      table[opcode] = on ? 1 : 0;
    }
    constantTables.set(features, table);
  }
  return table;
}
