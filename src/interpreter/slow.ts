// Instructions that leave the loop (spec: 4.6): table and bulk operations, memory.size and grow,
// references to functions, imported globals, throw; and memory accesses that the loop's 32-bit
// bounds check does not cover. Operands lie in consecutive slots from x up, a result goes to x.

import { SLOW_BACK_SHIFT } from "../code/registers.ts";
import { instructionAt } from "../isa/index.ts";
import { type Access, prefixOf } from "../isa/instruction.ts";
import { F64, I64, isReference, slotsOf } from "../isa/types.ts";
import { dataDrop, elemDrop, tableGet, tableSet, unsigned64 } from "../runtime/bulk.ts";
import type { ExceptionInstance, FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import {
  NULL_EXCEPTION_REFERENCE,
  UNDEFINED_ELEMENT,
  UNINITIALIZED_ELEMENT,
} from "../runtime/traps.ts";
import { aggregateInstruction } from "./aggregates.ts";
import { ATOMIC_FENCE, atomicAccess, checkBounds, FIRST_ATOMIC_ACCESS, fence } from "./atomics.ts";
import {
  copyMemory,
  copyTable,
  fillMemory,
  fillTable,
  growMemory,
  growTable,
  initMemory,
  initTable,
  isWide,
  type Payer,
  type Progress,
} from "./bulk.ts";
import { machine, REFERENCES, SLOTS } from "./loop.generated.ts";
import { reference, setInt, setReference, unsigned } from "./operands.ts";
import { extra, reserveReferences } from "./registers.ts";
import { check, TrapSignal } from "./trap-signal.ts";
import { exceptionAt } from "./values.ts";
import {
  ATOMIC_NOTIFY,
  ATOMIC_WAIT_32,
  ATOMIC_WAIT_64,
  atomicNotify,
  atomicWait,
  type Waiter,
} from "./waits.ts";

const OP_MASK = (1 << SLOW_BACK_SHIFT) - 1;

/** The dense opcodes of structs, arrays and casts begin here. */
const AGGREGATE_PAGE = 0x100;

/** Words of the `slow` instruction: opcode and five extra ones. */
const SLOW_WORDS = 6;

/** Moves back to the instruction's first word, to enter it again. */
export function enterAgain(): void {
  machine.pc -= extra(1) >> SLOW_BACK_SHIFT;
}

/**
 * Executes the `slow` instruction the machine stopped at and, if that is done, moves behind it. Or
 * gives the exception that it throws.
 */
export function slowInstruction(
  instance: ModuleInstance,
  payer: Waiter,
): ExceptionInstance | Progress {
  const op = extra(1) & OP_MASK;
  if (op === 0x08) return throwTag(instance, extra(2), payer); // throw
  if (op === 0x09 || op === 0x0a) return throwReference(); // rethrow, throw_ref
  const progress =
    op >= FIRST_ATOMIC_ACCESS
      ? atomicAccess(op, instance)
      : (runtimeInstruction(op, extra(2), extra(3), instance, payer) ??
        execute(op, instance, payer));
  if (progress === "done") machine.pc += SLOW_WORDS;
  return progress;
}

/**
 * Executes an instruction that every tier leaves to the runtime, with these immediates; null: it is
 * another one. Operands and result lie in slots from the machine's register x up.
 */
export function runtimeInstruction(
  op: number,
  a: number,
  b: number,
  instance: ModuleInstance,
  payer: Payer,
): Progress | null {
  const { tables, memories } = instance;
  switch (op) {
    case 0x25: // table.get
      reserveReferences((machine.x >> 1) + 1);
      check(tableGet(tables[a], unsigned(0, isWide(tables[a])), REFERENCES, machine.x >> 1));
      return "done";
    case 0x26: // table.set
      check(tableSet(tables[a], unsigned(0, isWide(tables[a])), reference(1)));
      return "done";
    case 0x40: // memory.grow
      return growMemory(memories[a], payer);
    case 0xd2: // ref.func
      setReference(instance.functionAt(a));
      return "done";
    case 0x208: // memory.init
      return initMemory(instance, memories[b], a, payer);
    case 0x209: // data.drop
      dataDrop(instance, a);
      return "done";
    case 0x20a: // memory.copy
      return copyMemory(memories[a], memories[b], payer);
    case 0x20b: // memory.fill
      return fillMemory(memories[a], payer);
    case 0x20c: // table.init
      return initTable(instance, tables[b], a, payer);
    case 0x20d: // elem.drop
      elemDrop(instance, a);
      return "done";
    case 0x20e: // table.copy
      return copyTable(tables[a], tables[b], payer);
    case 0x20f: // table.grow
      return growTable(tables[a], payer);
    case 0x210: // table.size
      setInt(0, tables[a].length, isWide(tables[a]));
      return "done";
    case 0x211: // table.fill
      return fillTable(tables[a], payer);
    default:
      return null;
  }
}

function execute(op: number, instance: ModuleInstance, payer: Waiter): Progress {
  if ((op & ~0xff) === AGGREGATE_PAGE) return aggregateInstruction(op, instance, payer);
  const a = extra(2);
  const { memories } = instance;
  switch (op) {
    case 0x23: // global.get
      getGlobal(instance, a);
      return "done";
    case 0x24: // global.set
      setGlobal(instance, a);
      return "done";
    case 0x3f: // memory.size
      memories[a].refresh();
      setInt(0, memories[a].pages, isWide(memories[a]));
      return "done";
    case ATOMIC_NOTIFY:
      atomicNotify(instance);
      return "done";
    case ATOMIC_WAIT_32:
    case ATOMIC_WAIT_64:
      return atomicWait(op, instance, payer);
    case ATOMIC_FENCE:
      fence();
      return "done";
    default:
      farInstruction(op, instance);
      return "done";
  }
}

function getGlobal(instance: ModuleInstance, index: number): void {
  const global = instance.globals[index];
  const { at, cells, type } = global;
  if (isReference(type.type)) setReference(global.reference);
  else for (let i = 0; i < 2 * slotsOf(type.type); i++) SLOTS[machine.x + i] = cells[at + i];
}

function setGlobal(instance: ModuleInstance, index: number): void {
  const global = instance.globals[index];
  const { at, cells, type } = global;
  if (isReference(type.type)) global.reference = reference(0);
  else for (let i = 0; i < 2 * slotsOf(type.type); i++) cells[at + i] = SLOTS[machine.x + i];
}

// Exceptions

function throwTag(
  instance: ModuleInstance,
  index: number,
  payer: Payer,
): ExceptionInstance | Progress {
  const tag = instance.tags[index];
  const { length } = tag.type.params;
  const { valuesPerUnit } = instance.store.prices;
  if (!payer.chargeWork(Math.floor(length / valuesPerUnit))) return "unpaid";
  return exceptionAt(machine.x, tag);
}

function throwReference(): ExceptionInstance {
  const exception = reference(0);
  if (exception === null) throw new TrapSignal(NULL_EXCEPTION_REFERENCE);
  return exception as ExceptionInstance;
}

// Tables

/** The function at an index of a table (unsigned 32 bits), or the code of the trap. */
export function tableFunction(
  instance: ModuleInstance,
  table: number,
  index: number,
): FunctionInstance | number {
  const target = instance.tables[table];
  if (index >>> 0 >= target.length) return UNDEFINED_ELEMENT;
  return (target.get(index >>> 0) as FunctionInstance | null) ?? UNINITIALIZED_ELEMENT;
}

// Memory accesses beyond the loop's check

/** Prefix of the instructions of vectors. */
const VECTORS = 0xfd;

/**
 * An access whose offset alone is beyond the loop's check. One of a vector is left to the loop, and
 * only has its effective address computed here.
 */
function farInstruction(op: number, instance: ModuleInstance): void {
  const memory = instance.memories[extra(3)];
  const offset = unsigned64(extra(4), extra(5));
  const ea = unsigned(0, isWide(memory)) + offset;
  if (prefixOf(op) === VECTORS) checkAddress(op, memory, ea);
  else access(op, memory, ea, machine.x, machine.x + 2);
}

/** Makes an effective address that is in bounds the result. */
function checkAddress(op: number, memory: MemoryInstance, ea: number): void {
  checkBounds(memory, ea, accessOf(op).bytes);
  setInt(0, memory.isHuge ? memory.lookAt(ea) : ea, false);
}

function accessOf(op: number): Access {
  const access = instructionAt(op)?.access;
  if (access == null) throw new Error(`opcode ${op} accesses no memory`);
  return access;
}

/** Loads to or stores from the slot at a word; the bounds are exact up to 2^53. */
function access(op: number, memory: MemoryInstance, ea: number, to: number, from: number): void {
  const { bytes, extend, kind } = accessOf(op);
  checkBounds(memory, ea, bytes);
  const { view } = memory;
  if (kind === "store") {
    for (let i = 0; i < bytes; i++) view.setUint8(ea + i, SLOTS[from + (i >> 2)] >> (8 * (i & 3)));
    return;
  }
  const type = instructionAt(op)?.results[0];
  let low = 0;
  let high = 0;
  for (let i = 0; i < Math.min(bytes, 4); i++) low |= view.getUint8(ea + i) << (8 * i);
  for (let i = 4; i < bytes; i++) high |= view.getUint8(ea + i) << (8 * (i - 4));
  if (extend === "s" && bytes < 4) low = (low << (32 - 8 * bytes)) >> (32 - 8 * bytes);
  if (bytes < 8 && type === I64) high = extend === "s" ? low >> 31 : 0;
  if (type === F64 || type === I64) SLOTS[to + 1] = high;
  SLOTS[to] = low;
}
