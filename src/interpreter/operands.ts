// Operands and results of the instructions that leave the loop: consecutive slots from the
// machine's register x up, the result in the first.

import { unsigned64 } from "../runtime/bulk.ts";
import { machine, REFERENCES, SLOTS } from "./loop.generated.ts";
import { reserveReferences } from "./registers.ts";

/** Operand `n` as i32. */
export function int(n: number): number {
  return SLOTS[machine.x + 2 * n];
}

/** Operand `n` as an unsigned address or length, of an i64 if `wide`. */
export function unsigned(n: number, wide: boolean): number {
  const at = machine.x + 2 * n;
  return wide ? unsigned64(SLOTS[at], SLOTS[at + 1]) : SLOTS[at] >>> 0;
}

/** Replaces operand `n`; a `value` below 0 becomes -1. */
export function setInt(n: number, value: number, wide: boolean): void {
  const at = machine.x + 2 * n;
  SLOTS[at] = value;
  if (wide) SLOTS[at + 1] = value < 0 ? -1 : Math.floor(value / 2 ** 32);
}

export function reference(n: number): unknown {
  return REFERENCES[(machine.x >> 1) + n];
}

/** Makes a reference the result. */
export function setReference(value: unknown): void {
  reserveReferences((machine.x >> 1) + 1);
  REFERENCES[machine.x >> 1] = value;
}
