// All rows of the instruction table in one array. Nothing else is in this module, because the
// bundle has another one in its place: the same rows, packed (packed.ts, tools/bundle.mjs).

import { CHAPTERS } from "./chapters.ts";
import type { Instruction } from "./instruction.ts";

/** Every instruction that wasmeter knows, whatever the features. */
export const INSTRUCTIONS: readonly Instruction[] = CHAPTERS.flatMap(([, rows]) => rows);
