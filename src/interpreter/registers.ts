// The machine's own code and what the driver must do by hand: entering functions, finding out what
// code a position belongs to, keeping the reference slots long enough.

import type { CompiledModule } from "../code/compiled.ts";
import { OP } from "../code/opcodes.generated.ts";
import { CodeRoom } from "../code/room.ts";
import type { FunctionCode } from "../code/space.ts";
import { CodeLimitError } from "../module/errors.ts";
import { bodyOf } from "../module/module.ts";
import { millisecondsNow } from "../runtime/clock.ts";
import type { FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import type { Lease, Store } from "../runtime/store.ts";
import { CODE, CONTROL, machine, REFERENCES, SLOTS } from "./loop.generated.ts";

/** Where the outermost frame returns to. */
export const EXIT_PC = 8;
/** Where a frame returns to whose caller belongs to another instance. */
export const RESTORE_PC = 12;
/** Where a frame returns to, or goes on, whose code was evicted (see places.ts). */
export const PARKED_PC = 16;
/** Where a frame returns to whose caller was moved out of the machine (see parts.ts). */
export const BELOW_PC = 20;
/** Where a frame returns to, or goes on, whose caller is in the host (see crossing.ts). */
export const HOST_PC = 24;

// In front of a position to return to lies its pair: the position itself, and a cost of nothing.
CODE[EXIT_PC - 2] = EXIT_PC;
CODE[RESTORE_PC - 2] = RESTORE_PC;
CODE[PARKED_PC - 2] = PARKED_PC;
CODE[BELOW_PC - 2] = BELOW_PC;
CODE[HOST_PC - 2] = HOST_PC;
CODE[EXIT_PC] = OP.FINISH;
CODE[RESTORE_PC] = OP.FINISH;
CODE[PARKED_PC] = OP.FINISH;
CODE[BELOW_PC] = OP.FINISH;
CODE[HOST_PC] = OP.FINISH;

/** Code that is written and executed on the spot: it lies between these positions. */
export const SCRATCH = { begin: 32, end: 2048 } as const;

/** The realm's register code. */
export const room: CodeRoom = new CodeRoom(CODE, SCRATCH.end);

/** In the place of what a call adds to fp: beside a position that is no call's. */
export const NO_CALL = -1;

/** The slots as 64-bit integers. */
export const LONGS: BigInt64Array = new BigInt64Array(SLOTS.buffer);

/**
 * Work of one piece of a translation: before the host has optimised the translator it takes a
 * hundred times as long. What is written does not depend on it.
 */
const SMALL_PIECE = 128;
const LARGE_PIECE = 4_096;
let piece = SMALL_PIECE;
/** Milliseconds that a piece should take. */
const SHORT_PIECE = 0.2;
const LONG_PIECE = 0.8;

function fitPiece(milliseconds: number): void {
  if (milliseconds > LONG_PIECE) piece = Math.max(SMALL_PIECE, piece >> 1);
  else if (milliseconds < SHORT_PIECE) piece = Math.min(LARGE_PIECE, 2 * piece);
}

/** Who pays for the translations of a module that are under way. */
const leases = new WeakMap<CompiledModule, Lease>();

/**
 * Counts what translations keep until they are done: for the store that has begun, or if that has
 * no room any more for the one that goes on.
 */
function countDrafts(compiled: CompiledModule, store: Store): void {
  const bytes = compiled.draftBytes;
  const before = leases.get(compiled);
  if (bytes === 0) {
    before?.release();
    leases.delete(compiled);
    return;
  }
  before?.release();
  if (before?.extend(bytes)) return;
  const lease = store.lease("hostBytes", compiled);
  leases.set(compiled, lease);
  if (lease.extend(bytes)) return;
  compiled.dropDrafts();
  leases.delete(compiled);
  throw store.overLimit("hostBytes", bytes);
}

/** Bytes of a body that even a small piece is enough for. */
const SHORT_BODY = 128;

function bodyBytes({ index, module }: FunctionCode): number {
  const { end, start } = bodyOf(module, index);
  return end - start;
}

/** Units of fuel that take about as long as a unit of work of the translation. */
const UNITS_PER_WORK = 20;

/**
 * Does a piece of the translation of a function that has no code; whether it has now. The code that
 * the machine is in may be evicted for it: then its pc is PARKED_PC.
 */
export function translatePiece(code: FunctionCode, { store }: ModuleInstance): boolean {
  const { ksp } = machine;
  const isParked = machine.pc === PARKED_PC;
  if (!isParked) {
    CONTROL[ksp] = machine.pc;
    CONTROL[ksp + 1] = NO_CALL;
  }
  // What is done in one piece says nothing, and a process's first look at the clock takes 1 ms.
  const isLong = bodyBytes(code) > SHORT_BODY;
  const began = isLong ? millisecondsNow() : 0;
  try {
    store.work += UNITS_PER_WORK * code.compiled.translate(code, room, store.code, piece);
    if (isLong) fitPiece(millisecondsNow() - began);
    countDrafts(code.compiled, store);
  } finally {
    if (!isParked) machine.pc = CONTROL[ksp];
  }
  return code.entry >= 0;
}

/** The entry of a function of our own; -1 if somebody's code would be evicted for it. */
export function translateAtOnce({ code, instance }: FunctionInstance): number {
  const { compiled, store } = instance as ModuleInstance;
  try {
    while (code.entry < 0) compiled.translate(code, room, store.code, LARGE_PIECE, false);
  } catch (error) {
    if (!(error instanceof CodeLimitError)) throw error;
  }
  return code.entry;
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
