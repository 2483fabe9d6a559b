// The instruction table: all rows, by dense opcode and by name.

import { type Instruction, OPCODE_SPACE } from "./instruction.ts";
import { INSTRUCTIONS } from "./instructions.ts";

export { INSTRUCTIONS } from "./instructions.ts";

function indexByOpcode(): readonly (Instruction | undefined)[] {
  const table: (Instruction | undefined)[] = new Array(OPCODE_SPACE).fill(undefined);
  for (const instruction of INSTRUCTIONS) table[instruction.opcode] = instruction;
  return table;
}

/** Rows by dense opcode; undefined where there is no instruction. */
export const BY_OPCODE: readonly (Instruction | undefined)[] = indexByOpcode();
