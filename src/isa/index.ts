// The instruction table: all rows, by dense opcode and by name.

import { type Instruction, OPCODE_SPACE } from "./instruction.ts";
import { ATOMIC } from "./rows/atomic.ts";
import { CONTROL } from "./rows/control.ts";
import { MEMORY } from "./rows/memory.ts";
import { NUMERIC } from "./rows/numeric.ts";
import { REFERENCES } from "./rows/references.ts";
import { VECTOR } from "./rows/vector.ts";

/** The rows by chapter of the specification. */
export const CHAPTERS: readonly (readonly [title: string, rows: readonly Instruction[]])[] = [
  ["Control, parametric and variable instructions", CONTROL],
  ["Memory and table instructions", MEMORY],
  ["Numeric instructions", NUMERIC],
  ["Reference and aggregate instructions", REFERENCES],
  ["Vector instructions", VECTOR],
  ["Atomic instructions", ATOMIC],
];

/** Every instruction that wasmeter knows, whatever the features. */
export const INSTRUCTIONS: readonly Instruction[] = CHAPTERS.flatMap(([, rows]) => rows);

function indexByOpcode(): readonly (Instruction | undefined)[] {
  const table: (Instruction | undefined)[] = new Array(OPCODE_SPACE).fill(undefined);
  for (const instruction of INSTRUCTIONS) table[instruction.opcode] = instruction;
  return table;
}

/** Rows by dense opcode; undefined where there is no instruction. */
export const BY_OPCODE: readonly (Instruction | undefined)[] = indexByOpcode();
