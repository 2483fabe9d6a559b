// The instruction table for the rest of the house. A start meets a handful of instructions: nothing
// may go through all rows when it is loaded, and what is derived from a row is derived when its
// instruction is first met (docs/rationale.md, "What a start costs").

import type { Instruction } from "./instruction.ts";
import { INSTRUCTION_SET } from "./instructions.ts";

/** The row of a dense opcode; undefined if there is no such instruction. */
export function instructionAt(opcode: number): Instruction | undefined {
  return INSTRUCTION_SET.at(opcode);
}

/** Opcodes of the instructions that price table 2 gives away. */
export const FREE_OPCODES: readonly number[] = INSTRUCTION_SET.free;

/** All rows, in the order of the chapters. */
export function allInstructions(): readonly Instruction[] {
  return INSTRUCTION_SET.all();
}
