// Branches that depend on whether a reference is null, by those that the host has in any case.

import { EXTERNREF } from "../isa/types.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { HostBody } from "./body.ts";
import { OP } from "./opcodes.ts";
import type { OperandTypes } from "./operands.ts";

/** Has a branch written that depends on what lies above so many operands. */
type BranchIf = (height: number, types: OperandTypes) => void;

/** Writes one of them. */
export function writeNullBranch(body: HostBody, facts: BodyFacts, branchIf: BranchIf): void {
  const { operands } = body;
  const local = operands.take(EXTERNREF);
  if (facts.instruction.op === OP.brOnNull) onNull(body, local, facts, branchIf);
  else onNonNull(body, local, facts, branchIf);
  operands.giveBack(EXTERNREF, local);
}

/** If the branch is not taken, the reference stays. */
function onNull({ code }: HostBody, local: number, facts: BodyFacts, branchIf: BranchIf): void {
  code.indexed(OP.localSet, local);
  code.indexed(OP.localGet, local);
  code.u8(OP.refIsNull);
  branchIf(facts.height - 1, facts);
  code.indexed(OP.localGet, local);
}

/** The branch takes the reference along, which is gone if it is not taken. */
function onNonNull(body: HostBody, local: number, facts: BodyFacts, branchIf: BranchIf): void {
  const { code, operands } = body;
  const { height } = facts;
  code.indexed(OP.localTee, local);
  code.indexed(OP.localGet, local);
  code.u8(OP.refIsNull);
  code.u8(OP.i32Eqz);
  branchIf(height + 1, {
    operandType: (i) => (i === height ? EXTERNREF : facts.operandType(i)),
  });
  code.u8(OP.drop);
  operands.drop(height);
}
