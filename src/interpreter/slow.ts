// Instructions that leave the loop (spec: 4.6): table and bulk operations, memory.size and grow,
// references to functions, imported globals, throw; and memory accesses that the loop's 32-bit
// bounds check does not cover. Operands lie in consecutive slots from x up, a result goes to x.

import { instructionAt } from "../isa/index.ts";
import { F64, I64, isReference, type ValType } from "../isa/types.ts";
import {
  dataDrop,
  elemDrop,
  memoryCopy,
  memoryFill,
  memoryInit,
  tableCopy,
  tableFill,
  tableGet,
  tableInit,
  tableSet,
  unsigned64,
} from "../runtime/bulk.ts";
import {
  ExceptionInstance,
  type FunctionInstance,
  type ModuleInstance,
} from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import type { TableInstance } from "../runtime/table.ts";
import {
  MEMORY_OUT_OF_BOUNDS,
  NULL_EXCEPTION_REFERENCE,
  UNDEFINED_ELEMENT,
  UNINITIALIZED_ELEMENT,
} from "../runtime/traps.ts";
import { machine, REFERENCES, SLOTS } from "./loop.generated.ts";
import { extra, reserveReferences } from "./registers.ts";
import { readSlot } from "./values.ts";

/** A trap on its way from an operation to the driver. */
export class TrapSignal {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** Pays an extra cost; false if there is not enough fuel, and nothing is paid. */
export type Charge = (cost: number) => boolean;

/** Words of the `slow` instruction: opcode and five extra ones. */
const SLOW_WORDS = 6;

function check(trap: number): void {
  if (trap !== 0) throw new TrapSignal(trap);
}

/** Operand `n` as i32. */
function int(n: number): number {
  return SLOTS[machine.x + 2 * n];
}

/** Operand `n` as an unsigned address or length, of an i64 if `wide`. */
function unsigned(n: number, wide: boolean): number {
  const at = machine.x + 2 * n;
  return wide ? unsigned64(SLOTS[at], SLOTS[at + 1]) : SLOTS[at] >>> 0;
}

function reference(n: number): unknown {
  return REFERENCES[(machine.x >> 1) + n];
}

function setInt(value: number, wide: boolean): void {
  SLOTS[machine.x] = value;
  if (wide) SLOTS[machine.x + 1] = value < 0 ? -1 : Math.floor(value / 2 ** 32);
}

function setReference(value: unknown): void {
  reserveReferences((machine.x >> 1) + 1);
  REFERENCES[machine.x >> 1] = value;
}

/**
 * Executes the `slow` instruction the machine stopped at and moves behind it. Returns the exception
 * that it throws; "unpaid" if there is not enough fuel, with nothing done; else null.
 */
export function slowInstruction(
  instance: ModuleInstance,
  charge: Charge,
): ExceptionInstance | "unpaid" | null {
  const op = extra(1);
  if (op === 0x08) return throwTag(instance, extra(2)); // throw
  if (op === 0x0a) return throwReference(); // throw_ref
  if (!execute(op, instance, charge)) return "unpaid";
  machine.pc += SLOW_WORDS;
  return null;
}

function execute(op: number, instance: ModuleInstance, charge: Charge): boolean {
  const a = extra(2);
  const b = extra(3);
  const { tables, memories } = instance;
  const { prices } = instance.store;
  const inUnits = (count: number, unit: number) => charge(Math.ceil(count / unit));
  switch (op) {
    case 0x23: // global.get
      getGlobal(instance, a);
      return true;
    case 0x24: // global.set
      setGlobal(instance, a);
      return true;
    case 0x25: // table.get
      reserveReferences((machine.x >> 1) + 1);
      check(tableGet(tables[a], unsigned(0, isWide(tables[a])), REFERENCES, machine.x >> 1));
      return true;
    case 0x26: // table.set
      check(tableSet(tables[a], unsigned(0, isWide(tables[a])), reference(1)));
      return true;
    case 0x3f: // memory.size
      setInt(memories[a].pages, isWide(memories[a]));
      return true;
    case 0x40: // memory.grow
      return growMemory(memories[a], charge, prices.perPage);
    case 0xd2: // ref.func
      setReference(instance.functionAt(a));
      return true;
    case 0x208: {
      // memory.init
      const count = int(2) >>> 0;
      if (!inUnits(within(count, instance.dataLengths[a]), prices.bytesPerUnit)) return false;
      const to = unsigned(0, isWide(memories[b]));
      check(memoryInit(instance, memories[b], a, to, int(1) >>> 0, count));
      return true;
    }
    case 0x209: // data.drop
      dataDrop(instance, a);
      return true;
    case 0x20a: {
      // memory.copy
      const [to, from] = [memories[a], memories[b]];
      const count = unsigned(2, isWide(to) && isWide(from));
      if (!inUnits(within(count, to.bytes.length), prices.bytesPerUnit)) return false;
      check(memoryCopy(to, from, unsigned(0, isWide(to)), unsigned(1, isWide(from)), count));
      return true;
    }
    case 0x20b: {
      // memory.fill
      const wide = isWide(memories[a]);
      const count = unsigned(2, wide);
      if (!inUnits(within(count, memories[a].bytes.length), prices.bytesPerUnit)) return false;
      check(memoryFill(memories[a], unsigned(0, wide), int(1), count));
      return true;
    }
    case 0x20c: {
      // table.init
      const count = int(2) >>> 0;
      if (!inUnits(within(count, tables[b].elements.length), prices.elementsPerUnit)) return false;
      const to = unsigned(0, isWide(tables[b]));
      check(tableInit(instance, tables[b], a, to, int(1) >>> 0, count));
      return true;
    }
    case 0x20d: // elem.drop
      elemDrop(instance, a);
      return true;
    case 0x20e: {
      // table.copy
      const [to, from] = [tables[a], tables[b]];
      const count = unsigned(2, isWide(to) && isWide(from));
      if (!inUnits(within(count, to.elements.length), prices.elementsPerUnit)) return false;
      check(tableCopy(to, from, unsigned(0, isWide(to)), unsigned(1, isWide(from)), count));
      return true;
    }
    case 0x20f: // table.grow
      return growTable(tables[a], charge, prices.elementsPerUnit);
    case 0x210: // table.size
      setInt(tables[a].elements.length, isWide(tables[a]));
      return true;
    case 0x211: {
      // table.fill
      const wide = isWide(tables[a]);
      const count = unsigned(2, wide);
      if (!inUnits(within(count, tables[a].elements.length), prices.elementsPerUnit)) return false;
      check(tableFill(tables[a], unsigned(0, wide), reference(1), count));
      return true;
    }
    default:
      return farInstruction(op, instance);
  }
}

function isWide(item: MemoryInstance | TableInstance): boolean {
  return item.type.address64;
}

/** What is billed: a count that cannot be right will trap, and costs nothing. */
function within(count: number, length: number): number {
  return count <= length ? count : 0;
}

function getGlobal(instance: ModuleInstance, index: number): void {
  const global = instance.globals[index];
  const { type } = global.type;
  if (isReference(type)) setReference(global.reference);
  else {
    SLOTS[machine.x] = global.cells[global.at];
    SLOTS[machine.x + 1] = global.cells[global.at + 1];
  }
}

function setGlobal(instance: ModuleInstance, index: number): void {
  const global = instance.globals[index];
  if (isReference(global.type.type)) global.reference = reference(0);
  else {
    global.cells[global.at] = SLOTS[machine.x];
    global.cells[global.at + 1] = SLOTS[machine.x + 1];
  }
}

function growMemory(memory: MemoryInstance, charge: Charge, perPage: number): boolean {
  const delta = unsigned(0, isWide(memory));
  const most = Number(memory.type.max ?? Number.POSITIVE_INFINITY);
  // What the type forbids costs nothing.
  const billed = memory.pages + delta <= Math.min(most, 2 ** 32 / memory.pageSize) ? delta : 0;
  if (!charge(billed * perPage)) return false;
  setInt(memory.grow(delta), isWide(memory));
  return true;
}

function growTable(table: TableInstance, charge: Charge, unit: number): boolean {
  const delta = unsigned(1, isWide(table));
  const most = Number(table.type.max ?? Number.POSITIVE_INFINITY);
  const billed = table.elements.length + delta <= Math.min(most, 2 ** 32 - 1) ? delta : 0;
  // A store's limit forbids more than fuel could pay for: ask it first.
  if (!charge(Math.ceil(billed / unit))) return false;
  setInt(table.grow(delta, reference(0)), isWide(table));
  return true;
}

// Exceptions

function throwTag(instance: ModuleInstance, index: number): ExceptionInstance {
  const tag = instance.tags[index];
  const payload = tag.type.params.map((type, i) => readSlot(machine.x + 2 * i, type));
  return new ExceptionInstance(tag, payload);
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
  const { elements } = instance.tables[table];
  if (index >>> 0 >= elements.length) return UNDEFINED_ELEMENT;
  return (elements[index >>> 0] as FunctionInstance | null) ?? UNINITIALIZED_ELEMENT;
}

// Memory accesses beyond the loop's check

/** An access whose offset alone is beyond the loop's check. */
function farInstruction(op: number, instance: ModuleInstance): boolean {
  const memory = instance.memories[extra(3)];
  const offset = unsigned64(extra(4), extra(5));
  const ea = unsigned(0, isWide(memory)) + offset;
  access(op, memory, ea, machine.x, machine.x + 2);
  return true;
}

/** Loads to or stores from the slot at a word; the bounds are exact up to 2^53. */
function access(op: number, memory: MemoryInstance, ea: number, to: number, from: number): void {
  const row = instructionAt(op);
  if (row?.access == null) throw new Error(`opcode ${op} accesses no memory`);
  const { bytes, extend, kind } = row.access;
  if (ea + bytes > memory.bytes.length) throw new TrapSignal(MEMORY_OUT_OF_BOUNDS);
  const { view } = memory;
  if (kind === "store") {
    for (let i = 0; i < bytes; i++) view.setUint8(ea + i, SLOTS[from + (i >> 2)] >> (8 * (i & 3)));
    return;
  }
  const type: ValType = row.results[0];
  let low = 0;
  let high = 0;
  for (let i = 0; i < Math.min(bytes, 4); i++) low |= view.getUint8(ea + i) << (8 * i);
  for (let i = 4; i < bytes; i++) high |= view.getUint8(ea + i) << (8 * (i - 4));
  if (extend === "s" && bytes < 4) low = (low << (32 - 8 * bytes)) >> (32 - 8 * bytes);
  if (bytes < 8 && type === I64) high = extend === "s" ? low >> 31 : 0;
  if (type === F64 || type === I64) SLOTS[to + 1] = high;
  SLOTS[to] = low;
}
