// Backtraces: the calls in progress on the machine, from the frames of the control stack.

import type { Place } from "../code/space.ts";
import { SHOWN } from "../module/errors.ts";
import { functionName, type ModuleRecord } from "../module/module.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { BacktraceFrame } from "../runtime/trap.ts";
import { machine } from "./loop.generated.ts";
import type { Parts } from "./parts.ts";
import { HOST_PC } from "./registers.ts";

/** Frames that a backtrace keeps, the innermost first. */
export const MOST_FRAMES = 50;

/** Whose calls they are. */
interface Caller {
  readonly instance: ModuleInstance | null;
  /** Instances that frames of the machine will restore. */
  readonly callers: readonly (ModuleInstance | null)[];
  readonly parts: Parts;
}

/** The calls in progress of a thread whose uppermost frames are on the machine. */
export function backtrace({ callers, instance, parts }: Caller): BacktraceFrame[] {
  const frames: BacktraceFrame[] = [];
  let at = machine.ksp;
  let within = instance;
  let above = callers.length;
  while (frames.length < MOST_FRAMES) {
    const place = parts.placeAt(at);
    if (place !== undefined) {
      if (within !== null) frames.push(frameAt(place, within));
    } else if (at < machine.ksp) {
      if (!parts.bringsBack(at)) break;
      within = callers[--above];
    } else if (machine.pc !== HOST_PC) break;
    at -= 2;
  }
  return frames;
}

function frameAt({ code, offset }: Place, { module }: ModuleInstance): BacktraceFrame {
  return frameIn(module, code.index, code.offsetAt(offset));
}

/** A function's call in progress, at an offset of its module. */
export function frameIn(module: ModuleRecord, funcIndex: number, offset: number): BacktraceFrame {
  const funcName = functionName(module, funcIndex);
  const moduleName = module.functionNames.moduleName(SHOWN);
  return {
    funcIndex,
    ...(funcName !== undefined && { funcName }),
    offset,
    ...(moduleName !== undefined && { moduleName }),
  };
}
