// Atomic instructions (proposal "threads"), but for those that wait and notify. They are the host's
// own, on arrays over the memory's buffer, so that they hold between workers; a memory that is not
// shared has them, too. Operands lie in consecutive slots from x up, a result goes to x.

import { instructionAt } from "../isa/index.ts";
import type { Access } from "../isa/instruction.ts";
import { I64 } from "../isa/types.ts";
import { unsigned64 } from "../runtime/bulk.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import { MEMORY_OUT_OF_BOUNDS, UNALIGNED_ATOMIC } from "../runtime/traps.ts";
import { isWide, type Progress } from "./bulk.ts";
import { machine, SLOTS } from "./loop.generated.ts";
import { unsigned } from "./operands.ts";
import { extra, LONGS } from "./registers.ts";
import { TrapSignal } from "./trap-signal.ts";

/** Dense opcodes of the fence, and of the first one that accesses memory. */
export const ATOMIC_FENCE = 0x503;
export const FIRST_ATOMIC_ACCESS = 0x510;

type Operation = "load" | "store" | "add" | "sub" | "and" | "or" | "xor" | "xchg" | "cmpxchg";

/** What an atomic access does, as its row says. */
interface AtomicAccess {
  readonly operation: Operation;
  readonly bytes: Access["bytes"];
  /** Whether it gives an i64 that is wider than what it reads. */
  readonly extends: boolean;
}

/** By opcode, from FIRST_ATOMIC_ACCESS on. */
const accesses: (AtomicAccess | undefined)[] = [];

function learn(op: number): AtomicAccess {
  const row = instructionAt(op);
  if (row?.access == null) throw new Error(`opcode ${op} accesses no memory`);
  const { bytes, kind } = row.access;
  // i64.atomic.rmw8.add_u
  const operation = (/rmw\d*\.([a-z]+)/.exec(row.name)?.[1] ?? kind) as Operation;
  const access = { operation, bytes, extends: bytes < 8 && row.results[0] === I64 };
  // In order, so that the array has no holes.
  for (let i = accesses.length; i < op - FIRST_ATOMIC_ACCESS; i++) accesses.push(undefined);
  accesses[op - FIRST_ATOMIC_ACCESS] = access;
  return access;
}

/** The effective address of an atomic instruction's access. @throws TrapSignal */
export function atomicAddress(memory: MemoryInstance, bytes: number): number {
  const offset = extra(4);
  // Addresses beyond 2^53 are rounded, their low bits would be.
  if (((SLOTS[machine.x] + offset) & (bytes - 1)) !== 0) throw new TrapSignal(UNALIGNED_ATOMIC);
  return unsigned(0, isWide(memory)) + unsigned64(offset, extra(5));
}

/** @throws TrapSignal if bytes from `ea` on are outside of the memory */
export function checkBounds(memory: MemoryInstance, ea: number, bytes: number): void {
  if (!memory.reaches(ea + bytes)) throw new TrapSignal(MEMORY_OUT_OF_BOUNDS);
}

/** Executes a load, store or read-modify-write. */
export function atomicAccess(op: number, instance: ModuleInstance): Progress {
  const access = accesses[op - FIRST_ATOMIC_ACCESS] ?? learn(op);
  const { bytes, extends: isExtended, operation } = access;
  const memory = instance.memories[extra(3)];
  const ea = atomicAddress(memory, bytes);
  checkBounds(memory, ea, bytes);
  const { x } = machine;
  const { bySize, longs } = memory.integers;
  if (bytes === 8) {
    const at = x >> 1;
    const result = perform(operation, longs, ea / 8, LONGS[at + 1], LONGS[at + 2]);
    if (operation !== "store") LONGS[at] = result;
    return "done";
  }
  const array = bySize[bytes as 1 | 2 | 4];
  const result = perform(operation, array, ea / bytes, SLOTS[x + 2], SLOTS[x + 4]);
  if (operation === "store") return "done";
  SLOTS[x] = result;
  if (isExtended) SLOTS[x + 1] = 0;
  return "done";
}

/** `Atomics`, for numbers and bigints alike. */
interface Elements<T> {
  readonly [index: number]: T;
}
interface HostAtomics {
  load<T>(array: Elements<T>, index: number): T;
  store<T>(array: Elements<T>, index: number, value: T): T;
  add<T>(array: Elements<T>, index: number, value: T): T;
  sub<T>(array: Elements<T>, index: number, value: T): T;
  and<T>(array: Elements<T>, index: number, value: T): T;
  or<T>(array: Elements<T>, index: number, value: T): T;
  xor<T>(array: Elements<T>, index: number, value: T): T;
  exchange<T>(array: Elements<T>, index: number, value: T): T;
  compareExchange<T>(array: Elements<T>, index: number, expected: T, replacement: T): T;
}

/** Of operands the host takes as many bits as an element has (spec: wrap). */
function perform<T>(
  operation: Operation,
  array: Elements<T>,
  index: number,
  value: T,
  replacement: T,
): T {
  const host: HostAtomics = Atomics as HostAtomics;
  switch (operation) {
    case "load":
      return host.load(array, index);
    case "store":
      return host.store(array, index, value);
    case "add":
      return host.add(array, index, value);
    case "sub":
      return host.sub(array, index, value);
    case "and":
      return host.and(array, index, value);
    case "or":
      return host.or(array, index, value);
    case "xor":
      return host.xor(array, index, value);
    case "xchg":
      return host.exchange(array, index, value);
    default:
      return host.compareExchange(array, index, value, replacement);
  }
}

const cell = new Int32Array(1);

/** Whatever was accessed before is in order with what comes next, for all workers. */
export function fence(): void {
  Atomics.add(cell, 0, 0);
}
