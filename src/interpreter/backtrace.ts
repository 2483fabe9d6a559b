// Backtraces: the calls in progress on the machine, from the frames of the control stack.

import { functionName } from "../module/module.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { BacktraceFrame } from "../runtime/trap.ts";
import { CODE, CONTROL, machine } from "./loop.generated.ts";
import { codeAt, EXIT_PC, RESTORE_PC } from "./registers.ts";

/** Frames that a backtrace keeps, the innermost first. */
const MAX_FRAMES = 50;

/** The calls in progress; `callers` are the instances that frames of the machine will restore. */
export function backtrace(
  instance: ModuleInstance | null,
  callers: readonly (ModuleInstance | null)[],
): BacktraceFrame[] {
  const frames: BacktraceFrame[] = [];
  let { pc, ksp } = machine;
  let within = instance;
  let above = callers.length;
  while (pc !== EXIT_PC && frames.length < MAX_FRAMES) {
    if (pc === RESTORE_PC) within = callers[--above];
    else if (within !== null) frames.push(frameAt(pc, within));
    ksp -= 2;
    // A return position belongs to the call in front of it.
    const returnTo = CODE[CONTROL[ksp]];
    pc = returnTo === EXIT_PC || returnTo === RESTORE_PC ? returnTo : returnTo - 1;
  }
  return frames;
}

function frameAt(pc: number, { module }: ModuleInstance): BacktraceFrame {
  const code = codeAt(pc);
  const funcIndex = code?.index ?? -1;
  const funcName = functionName(module, funcIndex);
  const moduleName = module.names.module;
  return {
    funcIndex,
    ...(funcName !== undefined && { funcName }),
    offset: code?.offsetAt(pc) ?? 0,
    ...(moduleName !== null && { moduleName }),
  };
}
