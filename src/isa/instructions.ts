// The instruction table as a whole. The bundle has another module in this one's place: the same
// rows, packed (packed.ts, tools/bundle.mjs).

import { CHAPTERS } from "./chapters.ts";
import { type Instruction, OPCODE_SPACE } from "./instruction.ts";

/** Rows by what they are looked for with. */
export interface InstructionSet {
  /** The row of a dense opcode; undefined if there is no such instruction. */
  at(opcode: number): Instruction | undefined;
  /** Opcodes of the instructions that price table 2 gives away. */
  readonly free: readonly number[];
  /** All rows, in the order of the chapters. */
  all(): readonly Instruction[];
}

/** Every instruction that wasmeter knows, whatever the features; for tools and tests. */
export const INSTRUCTIONS: readonly Instruction[] = CHAPTERS.flatMap(([, rows]) => rows);

function byOpcode(): InstructionSet {
  const table: (Instruction | undefined)[] = new Array(OPCODE_SPACE).fill(undefined);
  for (const row of INSTRUCTIONS) table[row.opcode] = row;
  const free = INSTRUCTIONS.filter(({ price }) => price === 0).map(({ opcode }) => opcode);
  return { at: (opcode) => table[opcode], all: () => INSTRUCTIONS, free };
}

/** The instruction table. */
export const INSTRUCTION_SET: InstructionSet = byOpcode();
