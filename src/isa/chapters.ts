// The rows of the instruction table by chapter of the specification (5.4). Who needs a row at run
// time takes it from index.ts.

import type { Instruction } from "./instruction.ts";
import { ATOMIC } from "./rows/atomic.ts";
import { CONTROL } from "./rows/control.ts";
import { MEMORY } from "./rows/memory.ts";
import { NUMERIC } from "./rows/numeric.ts";
import { REFERENCES } from "./rows/references.ts";
import { VECTOR } from "./rows/vector.ts";
import { VECTOR_MEMORY } from "./rows/vector-memory.ts";
import { WIDE } from "./rows/wide.ts";

const VECTORS = [...VECTOR_MEMORY, ...VECTOR].sort((a, b) => a.opcode - b.opcode);

/** The rows by chapter of the specification. */
export const CHAPTERS: readonly (readonly [title: string, rows: readonly Instruction[]])[] = [
  ["Control, parametric and variable instructions", CONTROL],
  ["Memory and table instructions", MEMORY],
  ["Numeric instructions", [...NUMERIC, ...WIDE]],
  ["Reference and aggregate instructions", REFERENCES],
  ["Vector instructions", VECTORS],
  ["Atomic instructions", ATOMIC],
];
