// The typing rules of regular instructions as flat tables, derived from the instruction table: how
// many operands, of which types, and what is left. The body validator's default case reads them;
// an opcode's entries are made when it is first met.

import { type FeatureSet, featureBit } from "../isa/features.ts";
import { instructionAt } from "../isa/index.ts";
import { ADDRESS, type Instruction, OPCODE_SPACE } from "../isa/instruction.ts";
import { V128, type ValType } from "../isa/types.ts";

/** How the body validator treats an opcode; 0 before `learnShape` has been asked. */
export const UNARY = 1;
export const BINARY = 2;
export const LOAD = 3;
export const STORE = 4;
/** Regular, of some other shape. */
export const REGULAR = 5;
/** A method is hand-written. */
export const SPECIAL = 6;

/** Shape of each opcode that has been met. */
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

/** Whether a type is a number or vector type, and no address type or reference. */
function isSmall(type: ValType): boolean {
  return type >= 0 && type <= V128;
}

/** Shape of a row that has operand types. */
function shapeOf({ immediates, results }: Instruction, params: readonly ValType[]): number {
  const operands = params.length;
  if (immediates === "memarg" && operands === 1) return LOAD;
  if (immediates === "memarg" && operands === 2 && results.length === 0) return STORE;
  if (immediates !== "none" || results.length !== 1 || !isSmall(results[0])) return REGULAR;
  if (!params.every(isSmall)) return REGULAR;
  return operands === 1 ? UNARY : operands === 2 ? BINARY : REGULAR;
}

/** Fills in the tables for an opcode that is met for the first time. */
export function learnShape(opcode: number): void {
  const row = instructionAt(opcode);
  if (row === undefined) throw new Error(`no row for opcode ${opcode}`);
  const { params, results, access } = row;
  if (access !== null) ALIGN[opcode] = 31 - Math.clz32(access.bytes);
  if (row.immediates === "lane") LANES[opcode] = Number(/x(\d+)/.exec(row.name)?.[1]);
  if (row.feature === "threads") EXACT_ALIGN[opcode] = 1;
  const shape = params === null ? SPECIAL : shapeOf(row, params);
  if ((shape === LOAD || shape === STORE) && params?.[0] !== ADDRESS) {
    throw new Error(`the row of opcode ${opcode} has a memarg but no address`);
  }
  FIRST[opcode] = params?.[0] ?? 0;
  SECOND[opcode] = params?.[1] ?? 0;
  RESULT[opcode] = results[0] ?? 0;
  SHAPE[opcode] = shape;
}

/** Whether an opcode may occur in constant expressions under `features`. */
export function isConstant(opcode: number, features: FeatureSet): boolean {
  const constant = instructionAt(opcode)?.constant ?? false;
  return typeof constant === "string" ? (features & featureBit(constant)) !== 0 : constant;
}
