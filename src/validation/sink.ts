// What a listener to the validator learns (design: "drives a sink"). The register-code emitter is
// such a listener: it needs no typing rules of its own, because every fact it asks for has just
// been found by the one pass that checks the body.

import type { InstructionReader } from "../binary/instructions.ts";
import type { ValType } from "../isa/types.ts";
import type { RunSink } from "./runs.ts";
import type { ControlFrame } from "./state.ts";

/** Facts about the instruction that was just validated. Valid only during the call. */
export interface BodyFacts {
  /** Opcode, offset and immediates. */
  readonly instruction: InstructionReader;
  /** Whether control can reach the instruction. */
  readonly reachable: boolean;
  /** Operands on the stack before and after it. */
  readonly heightBefore: number;
  readonly height: number;
  /**
   * Type of the operand at `index`, counted from the bottom of the stack, after the instruction.
   */
  operandType(index: number): ValType;
  /**
   * The type a polymorphic instruction was resolved to: of the value that `drop`, `select`,
   * `local.*`, `global.*` and `table.*` handle, of the reference that `ref.*` and casts inspect.
   */
  readonly operand: ValType;
  /** Number of locals, parameters included, and their types. */
  readonly localCount: number;
  typeOfLocal(index: number): ValType;
  /** Whether a local has a value by now: it has a default, or one was assigned. */
  isInitialised(index: number): boolean;
  /** Number of frames that are open; the function itself is one. */
  readonly controlDepth: number;
  /** The open frame that a label names, 0 being the innermost. */
  frameAt(label: number): ControlFrame;
  /** The frame that `else`, `catch`, `catch_all`, `delegate` or `end` has just closed. */
  readonly closed: ControlFrame;
}

/** Hears every instruction of a body in order, also unreachable ones. */
export interface BodySink {
  /** The locals are known, the first instruction is about to be read. */
  begin?(facts: BodyFacts): void;
  instruction(facts: BodyFacts): void;
  /** Of a body that was validated before, plain instructions may come in runs to this one. */
  readonly runs?: RunSink;
}
