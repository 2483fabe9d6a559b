// The loops of the interpreter, and going from one to the other. Which instruction is whose is in
// known.ts; a program moves to another loop at the first instruction that the one it is in does not
// know, and each stretch begins in the loop for scalars, so nobody stays for long where his
// instructions have no fused forms.

import { OP } from "../code/opcodes.generated.ts";
import { OPCODE_MASK } from "../code/registers.ts";
import { runFar } from "./far-loop.generated.ts";
import { runFarObjects } from "./far-object-loop.generated.ts";
import { runFarVectors } from "./far-vector-loop.generated.ts";
import { KNOWN, KNOWN_TO_OBJECTS, KNOWN_TO_SCALARS, KNOWN_TO_VECTORS } from "./known.ts";
import { CODE, machine, run } from "./loop.generated.ts";
import { runObjects } from "./object-loop.generated.ts";
import { runVectors } from "./vector-loop.generated.ts";
import { runWide } from "./wide-loop.generated.ts";

/** A loop in its two forms, and its bit in `KNOWN`. */
export interface Loop {
  readonly run: () => number;
  /** For instances with a memory beyond 2^31 - 1 bytes. */
  readonly runFar: () => number;
  readonly bit: number;
}

export const SCALAR_LOOP: Loop = { run, runFar, bit: KNOWN_TO_SCALARS };

/** All loops; `loopHere` gives indices. */
export const LOOPS: readonly Loop[] = [
  SCALAR_LOOP,
  { run: runVectors, runFar: runFarVectors, bit: KNOWN_TO_VECTORS },
  { run: runObjects, runFar: runFarObjects, bit: KNOWN_TO_OBJECTS },
  // The loop for long memories decodes the wide form itself.
  { run: runWide, runFar, bit: KNOWN_TO_SCALARS },
];

/** Which loop goes on with the instruction the machine is at. */
export function loopHere(): number {
  const head = CODE[machine.pc] & OPCODE_MASK;
  const isWide = head === OP.WIDE;
  const op = isWide ? CODE[machine.pc + 2] & OPCODE_MASK : head;
  const known = KNOWN[op];
  if ((known & KNOWN_TO_SCALARS) !== 0) return isWide ? 3 : 0;
  if ((known & KNOWN_TO_VECTORS) !== 0) return 1;
  if ((known & KNOWN_TO_OBJECTS) !== 0) return 2;
  throw new Error(`register opcode ${op} at ${machine.pc}`);
}
