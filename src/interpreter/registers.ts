// The machine's own code and what the driver must do by hand: entering functions, finding out what
// code a position belongs to, keeping the reference slots long enough.

import { OP } from "../code/opcodes.generated.ts";
import type { CodeSpace, FunctionCode } from "../code/space.ts";
import type { FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import { CODE, machine, REFERENCES, SLOTS } from "./loop.generated.ts";

/** Where the outermost frame returns to. */
export const EXIT_PC = 8;
/** Where a frame returns to whose caller belongs to another instance. */
export const RESTORE_PC = 12;

// In front of a position to return to lies its pair: the position itself, and a cost of nothing.
CODE[EXIT_PC - 2] = EXIT_PC;
CODE[RESTORE_PC - 2] = RESTORE_PC;
CODE[EXIT_PC] = OP.FINISH;
CODE[RESTORE_PC] = OP.FINISH;

/** Where the code of functions begins. */
const FIRST_POSITION = 16;

/** The realm's register code. */
export const space: CodeSpace = { words: CODE, top: FIRST_POSITION };

/** Translated functions in the order of their code. */
const translated: FunctionCode[] = [];

/** Makes sure that a function of a module has register code; its entry. */
export function entryOf(func: FunctionInstance): number {
  const { code, instance } = func;
  if (code.entry < 0 && instance !== null) {
    const { top } = space;
    try {
      instance.compiled.translate(code, space);
    } catch (error) {
      // What was written of a function that cannot be translated is of no use.
      space.top = top;
      throw error;
    }
    translated.push(code);
  }
  return code.entry;
}

/**
 * Gives up all register code once three quarters of the room are used: functions are translated
 * again when they are called. Only while nothing runs or is suspended, since frames name positions.
 */
export function releaseCode(): void {
  if (space.top < (space.words.length / 4) * 3) return;
  for (const code of translated) code.entry = -1;
  translated.length = 0;
  space.top = FIRST_POSITION;
}

/** The function whose code is at `pc`; undefined for the machine's own code. */
export function codeAt(pc: number): FunctionCode | undefined {
  let low = 0;
  let high = translated.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (translated[middle].end > pc) high = middle;
    else low = middle + 1;
  }
  return translated[low];
}

/** Zeroes the locals of the frame at `frame` that the function at `entry` gets. */
export function zeroLocals(entry: number, frame: number): void {
  const from = frame + CODE[entry - 5];
  const words = CODE[entry - 4];
  // Most functions have few, and a call of the host's own function takes longer than these.
  if (words > 16) SLOTS.fill(0, from, from + words);
  else for (let i = 0; i < words; i++) SLOTS[from + i] = 0;
}

/**
 * Whether a frame at `frame` for the function at `entry` fits under the limits, with `calls` more
 * than the control stack holds.
 */
export function frameFits(entry: number, frame: number, calls = 0): boolean {
  const { controlLimit, ksp, slotLimit } = machine;
  return frame + CODE[entry - 1] <= slotLimit && ksp + 2 * calls <= controlLimit;
}

/** Makes the reference slots below `slots` exist. */
export function reserveReferences(slots: number): void {
  if (slots <= REFERENCES.length) return;
  const wanted = Math.max(slots, Math.min(REFERENCES.length * 2, REFERENCES.length + 65536));
  while (REFERENCES.length < wanted) REFERENCES.push(null);
}

/** Reference slots that stay above the top: shortening an array takes longer than a short call. */
const KEPT_REFERENCES = 16;

/** Forgets references from `slots` on, so that the host can collect what they held. */
export function releaseReferences(slots: number): void {
  const top = slots + KEPT_REFERENCES;
  if (REFERENCES.length > top) REFERENCES.length = top;
  for (let i = slots; i < REFERENCES.length; i++) REFERENCES[i] = null;
}

/** The extra word `n` of the instruction the machine stopped at. */
export function extra(n: number): number {
  return CODE[machine.pc + n];
}

/** Rewrites the opcode and one word of the call the machine stopped at: it need not stop again. */
export function patchCall(op: number, at: number, entry: number): void {
  CODE[machine.pc] = op;
  CODE[machine.pc + at] = entry;
}

/** Bytes of the largest memory of the near loop. */
const FAR_BYTES = 2 ** 31 - 1;

/** Whether an instance has a memory beyond what the near loop's bounds checks can take. */
export function hasFarMemory(instance: ModuleInstance | null): boolean {
  // Most stores have not so much in all memories together.
  if (instance === null || instance.store.usage("memoryBytes") <= FAR_BYTES) return false;
  const { memories } = instance;
  for (let i = 0; i < memories.length; i++) {
    if (memories[i].byteLength > FAR_BYTES) return true;
  }
  return false;
}
