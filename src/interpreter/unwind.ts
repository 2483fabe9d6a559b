// Finds the handler of an exception (spec: 4.4.4, 4.4.5): goes through the frames on the control
// stack until a try_table that protects the position has a clause for the tag.

import type { CatchClause } from "../code/space.ts";
import type { ExceptionInstance, ModuleInstance } from "../runtime/instances.ts";
import { CODE, CONTROL, machine, REFERENCES } from "./loop.generated.ts";
import { codeAt, EXIT_PC, RESTORE_PC, reserveReferences } from "./registers.ts";
import { writeSlot } from "./values.ts";

/** Where execution goes on: the machine's registers are set, the segment's cost is not paid. */
export interface Landing {
  readonly instance: ModuleInstance | null;
  readonly cost: number;
}

function clauseAt(
  pc: number,
  exception: ExceptionInstance,
  instance: ModuleInstance,
): CatchClause | null {
  for (const { start, end, clauses } of codeAt(pc)?.handlers ?? []) {
    if (pc < start || pc >= end) continue;
    const found = clauses.find(({ tag }) => tag < 0 || instance.tags[tag] === exception.tag);
    if (found !== undefined) return found;
  }
  return null;
}

/** Unwinds to the handler of `exception`; null, with all frames gone, if there is none. */
export function unwind(
  exception: ExceptionInstance,
  instance: ModuleInstance | null,
  callers: (ModuleInstance | null)[],
): Landing | null {
  let within = instance;
  let { pc } = machine;
  while (pc !== EXIT_PC) {
    if (pc === RESTORE_PC) within = callers.pop() ?? null;
    else if (within !== null) {
      const clause = clauseAt(pc, exception, within);
      if (clause !== null) {
        land(clause, exception);
        return { instance: within, cost: clause.cost };
      }
    }
    machine.ksp -= 2;
    machine.fp -= CONTROL[machine.ksp + 1];
    const returnTo = CODE[CONTROL[machine.ksp]];
    // A return position belongs to the call in front of it.
    pc = returnTo === EXIT_PC || returnTo === RESTORE_PC ? returnTo : returnTo - 1;
  }
  machine.pc = EXIT_PC;
  return null;
}

/** Puts the clause's operands where its label wants them. */
function land(clause: CatchClause, exception: ExceptionInstance): void {
  let slot = (machine.fp >> 1) + clause.slot;
  reserveReferences(slot + exception.payload.length + 1);
  if (clause.tag >= 0) {
    const { params } = exception.tag.type;
    for (const [i, value] of exception.payload.entries()) writeSlot(2 * slot++, params[i], value);
  }
  if (clause.withReference) REFERENCES[slot] = exception;
  machine.pc = clause.target;
}
