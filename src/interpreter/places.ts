// Positions in register code, and what they become when that code is evicted. A position lies on
// the control stack: of the pair behind a call or, for a thread that is not at a call of the
// guest's, where it goes on. When the code goes, the machine's own code takes its place there, and
// what it stands for, a function and an offset, is kept beside the stack until the frame is on
// again.

import type { FunctionCode, Place } from "../code/space.ts";
import { CONTROL, machine } from "./loop.generated.ts";
import { NO_CALL, PARKED_PC, room, SCRATCH } from "./registers.ts";

/** On the control stack: returns to a function that has no code. */
const PARKED_RETURN = PARKED_PC - 2;

/** What positions on the control stack have become, by where they lie. */
const parked = new Map<number, Place>();

/** Whether the machine's own code is at a position, or its pair. */
function isMachines(position: number): boolean {
  return position < SCRATCH.end;
}

/**
 * Where the frame is whose position lies at `at` on the control stack, at its top the one in
 * `machine.pc`: for calls, inside of them. Undefined for the machine's own code.
 */
export function placeAt(at: number): Place | undefined {
  if (at !== machine.ksp) return savedPlace(CONTROL[at], at, 1);
  return savedPlace(machine.pc, at, 0);
}

/** What the position that lies, or would, at `at` stands for, `ahead` words further on. */
export function savedPlace(position: number, at: number, ahead = 0): Place | undefined {
  if (position === PARKED_RETURN || position === PARKED_PC) {
    const { code, offset } = parkedAt(at);
    return { code, offset: offset + ahead };
  }
  if (isMachines(position)) return undefined;
  const code = room.at(position);
  return code === undefined ? undefined : { code, offset: position + ahead - code.start };
}

/** What the machine's own code stands for at `at`. */
export function parkedAt(at: number): Place {
  const place = parked.get(at);
  if (place === undefined) throw new Error(`nothing is parked at ${at} on the control stack`);
  return place;
}

/** Whether a return has come to code that is parked. */
export function isParkedReturn(): boolean {
  return machine.pc === PARKED_PC && CONTROL[machine.ksp] === PARKED_RETURN;
}

/** Writes at `at` how to return to a place. */
export function writeReturn(at: number, code: FunctionCode, offset: number): void {
  if (code.start >= 0) CONTROL[at] = code.start + offset;
  else {
    CONTROL[at] = PARKED_RETURN;
    parked.set(at, { code, offset });
  }
}

/** Goes on at a place; a return has come to it, and the pair there is to be followed, or not. */
export function goOnAt(place: Place, isReturn = false): void {
  const { code, offset } = place;
  if (code.start >= 0 && !isReturn) {
    machine.pc = code.start + offset;
    return;
  }
  machine.pc = PARKED_PC;
  CONTROL[machine.ksp] = isReturn ? PARKED_RETURN : PARKED_PC;
  CONTROL[machine.ksp + 1] = NO_CALL;
  parked.set(machine.ksp, place);
}

/** Writes at the top of the control stack how to return to what lies `words` behind pc. */
export function writeReturnBehind(words: number): void {
  const { ksp, pc } = machine;
  if (pc !== PARKED_PC) {
    CONTROL[ksp] = pc + words;
    return;
  }
  const { code, offset } = parkedAt(ksp);
  writeReturn(ksp, code, offset + words);
}

/** Parks the positions below `top` on the control stack that `go`. */
export function parkPositions(go: (position: number) => boolean, top: number): void {
  for (const at of parked.keys()) {
    const word = CONTROL[at];
    if (at >= top || (word !== PARKED_RETURN && word !== PARKED_PC)) parked.delete(at);
  }
  // In a deep recursion most of them are the same.
  let last = -1;
  let place: Place | undefined;
  for (let at = 0; at < top; at += 2) {
    const position = CONTROL[at];
    if (isMachines(position) || !go(position)) continue;
    if (position !== last) place = savedPlace(position, at);
    last = position;
    if (place === undefined) continue;
    parked.set(at, place);
    CONTROL[at] = CONTROL[at + 1] === NO_CALL ? PARKED_PC : PARKED_RETURN;
  }
}

/** Nothing is on the stacks: nothing is parked there. */
export function forgetParked(): void {
  if (parked.size > 0) parked.clear();
}
