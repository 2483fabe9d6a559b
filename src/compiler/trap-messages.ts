// Traps of the host's engine, told by their messages: V8's, which change little between versions.

import {
  DIVIDE_BY_ZERO,
  INDIRECT_CALL_TYPE_MISMATCH,
  INTEGER_OVERFLOW,
  INVALID_CONVERSION,
  MEMORY_OUT_OF_BOUNDS,
  UNALIGNED_ATOMIC,
  UNDEFINED_ELEMENT,
  UNREACHABLE,
} from "../runtime/traps.ts";

const MESSAGES: readonly (readonly [text: string, code: number])[] = [
  ["unreachable", UNREACHABLE],
  ["divide by zero", DIVIDE_BY_ZERO],
  ["remainder by zero", DIVIDE_BY_ZERO],
  ["divide result unrepresentable", INTEGER_OVERFLOW],
  ["memory access out of bounds", MEMORY_OUT_OF_BOUNDS],
  ["table index is out of bounds", UNDEFINED_ELEMENT],
  ["table access out of bounds", UNDEFINED_ELEMENT],
  ["unaligned accesses", UNALIGNED_ATOMIC],
  ["function signature mismatch", INDIRECT_CALL_TYPE_MISMATCH],
];
/** NaN is an invalid operand; V8 does not say which of the two it was. */
const UNREPRESENTABLE = "unrepresentable in integer range";

/** The code of the trap that an error of the host's stands for; 0: it is none. */
export function trapOf(error: unknown): number {
  if (!(error instanceof Error) || error.name !== "RuntimeError") return 0;
  const { message } = error;
  if (message.includes(UNREPRESENTABLE)) return INVALID_CONVERSION;
  return MESSAGES.find(([text]) => message.includes(text))?.[1] ?? 0;
}
