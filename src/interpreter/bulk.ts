// Bulk instructions and growth (spec: 4.6.7, 4.6.8), restartable: what may take long is done in
// pieces. Each piece is paid, its operands in their slots move on, and the instruction is entered
// again, so that there is a look in between and a thread may be suspended there. Whether the whole
// range is in bounds is known before the first piece, and stays true: unless another call of the
// same instance drops the segment meanwhile, which is a trap then.

import {
  memoryCopy,
  memoryFill,
  memoryInit,
  tableCopy,
  tableFill,
  tableInit,
} from "../runtime/bulk.ts";
import type { Growing } from "../runtime/growth.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Making } from "../runtime/making.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import type { TableInstance } from "../runtime/table.ts";
import { int, reference, setInt, unsigned } from "./operands.ts";
import { check } from "./trap-signal.ts";

/** The thread that executes an instruction, as far as that needs it. */
export interface Payer {
  /** Pays for the moving of bytes or elements; false, with nothing paid, if there is too little. */
  chargeWork(cost: number): boolean;
  /** The growth of a memory that is in progress: it is paid. */
  growth: Growing | null;
  /** The long array that is being made: it is counted and paid. */
  making: Making | null;
}

/**
 * How an instruction has ended: "more" is to be entered again, "unpaid" has done nothing, "waits"
 * goes on when the thread's `wait` does.
 */
export type Progress = "done" | "more" | "unpaid" | "waits";

/**
 * Bytes and elements of a piece. 512 KiB take 0.05 ms, and 0.2 to 1.6 ms if their pages are touched
 * for the first time.
 */
export const PIECE_BYTES = 1 << 19;
export const PIECE_ELEMENTS = 1 << 12;

export const UNPAID = -1;

/**
 * Pays for what comes next of `count` bytes or elements, `most` at a time; how much that is, or
 * UNPAID. What is not in bounds will trap, and is not divided; nor does it cost anything if it is
 * more than the whole `length`, which cannot be right. A part costs what all of `count` does less
 * what is left, so that all parts together cost what the whole does.
 */
export function payPart(
  payer: Payer,
  count: number,
  most: number,
  inBounds: boolean,
  length: number,
  unit: number,
): number {
  const part = inBounds && count > most ? most : count;
  const price = count > length ? 0 : Math.ceil(count / unit) - Math.ceil((count - part) / unit);
  return payer.chargeWork(price) ? part : UNPAID;
}

export function isWide(item: MemoryInstance | TableInstance): boolean {
  return item.type.address64;
}

export function initMemory(
  instance: ModuleInstance,
  memory: MemoryInstance,
  segment: number,
  payer: Payer,
): Progress {
  const wide = isWide(memory);
  const [to, from, count] = [unsigned(0, wide), int(1) >>> 0, int(2) >>> 0];
  const length = instance.dataLengths[segment];
  const inBounds = from + count <= length && memory.reaches(to + count);
  const { bytesPerUnit } = instance.store.prices;
  const part = payPart(payer, count, PIECE_BYTES, inBounds, length, bytesPerUnit);
  if (part === UNPAID) return "unpaid";
  check(memoryInit(instance, memory, segment, to, from, part));
  if (part === count) return "done";
  moveOn(part, to, wide, from, false, count, false);
  return "more";
}

export function copyMemory(to: MemoryInstance, from: MemoryInstance, payer: Payer): Progress {
  const [wideTo, wideFrom] = [isWide(to), isWide(from)];
  const wide = wideTo && wideFrom;
  const [target, source, count] = [unsigned(0, wideTo), unsigned(1, wideFrom), unsigned(2, wide)];
  const inBounds = to.reaches(target + count) && from.reaches(source + count);
  const { bytesPerUnit } = to.store.prices;
  const part = payPart(payer, count, PIECE_BYTES, inBounds, to.bytes.length, bytesPerUnit);
  if (part === UNPAID) return "unpaid";
  const left = target <= source ? 0 : count - part;
  check(memoryCopy(to, from, target + left, source + left, part));
  if (part === count) return "done";
  // A target above the source is copied from the end: what is left begins where it began.
  if (left === 0) moveOn(part, target, wideTo, source, wideFrom, count, wide);
  else setInt(2, count - part, wide);
  return "more";
}

export function fillMemory(memory: MemoryInstance, payer: Payer): Progress {
  const wide = isWide(memory);
  const [to, count] = [unsigned(0, wide), unsigned(2, wide)];
  const inBounds = memory.reaches(to + count);
  const { length } = memory.bytes;
  const { bytesPerUnit } = memory.store.prices;
  const part = payPart(payer, count, PIECE_BYTES, inBounds, length, bytesPerUnit);
  if (part === UNPAID) return "unpaid";
  check(memoryFill(memory, to, int(1), part));
  if (part === count) return "done";
  setInt(0, to + part, wide);
  setInt(2, count - part, wide);
  return "more";
}

export function initTable(
  instance: ModuleInstance,
  table: TableInstance,
  segment: number,
  payer: Payer,
): Progress {
  const wide = isWide(table);
  const [to, from, count] = [unsigned(0, wide), int(1) >>> 0, int(2) >>> 0];
  const inBounds = from + count <= instance.elements[segment].length && to + count <= table.length;
  const { elementsPerUnit } = instance.store.prices;
  const part = payPart(payer, count, PIECE_ELEMENTS, inBounds, table.length, elementsPerUnit);
  if (part === UNPAID) return "unpaid";
  check(tableInit(instance, table, segment, to, from, part));
  if (part === count) return "done";
  moveOn(part, to, wide, from, false, count, false);
  return "more";
}

export function copyTable(to: TableInstance, from: TableInstance, payer: Payer): Progress {
  const [wideTo, wideFrom] = [isWide(to), isWide(from)];
  const wide = wideTo && wideFrom;
  const [target, source, count] = [unsigned(0, wideTo), unsigned(1, wideFrom), unsigned(2, wide)];
  const inBounds = target + count <= to.length && source + count <= from.length;
  const { elementsPerUnit } = to.store.prices;
  const part = payPart(payer, count, PIECE_ELEMENTS, inBounds, to.length, elementsPerUnit);
  if (part === UNPAID) return "unpaid";
  const left = target <= source ? 0 : count - part;
  check(tableCopy(to, from, target + left, source + left, part));
  if (part === count) return "done";
  if (left === 0) moveOn(part, target, wideTo, source, wideFrom, count, wide);
  else setInt(2, count - part, wide);
  return "more";
}

export function fillTable(table: TableInstance, payer: Payer): Progress {
  const wide = isWide(table);
  const [to, count] = [unsigned(0, wide), unsigned(2, wide)];
  const { length, store } = table;
  const { elementsPerUnit } = store.prices;
  const part = payPart(payer, count, PIECE_ELEMENTS, to + count <= length, length, elementsPerUnit);
  if (part === UNPAID) return "unpaid";
  check(tableFill(table, to, reference(1), part));
  if (part === count) return "done";
  setInt(0, to + part, wide);
  setInt(2, count - part, wide);
  return "more";
}

/** Operands of a range that goes up: both addresses and the count, after a part. */
function moveOn(
  part: number,
  to: number,
  wideTo: boolean,
  from: number,
  wideFrom: boolean,
  count: number,
  wide: boolean,
): void {
  setInt(0, to + part, wideTo);
  setInt(1, from + part, wideFrom);
  setInt(2, count - part, wide);
}

/** What the type forbids costs nothing. */
export function growMemory(memory: MemoryInstance, payer: Payer): Progress {
  const wide = isWide(memory);
  const delta = unsigned(0, wide);
  const { prices } = memory.store;
  if (payer.growth === null) {
    memory.refresh();
    const billed = memory.pages + delta <= memory.mostPages ? delta : 0;
    if (!payer.chargeWork(billed * prices.perPage)) return "unpaid";
    const begun = memory.growInPieces(delta);
    if (typeof begun === "number") {
      setInt(0, begun, wide);
      return "done";
    }
    payer.growth = begun;
  }
  const { growth } = payer;
  if (!growth.advance()) return "more";
  payer.growth = null;
  setInt(0, growth.result as number, wide);
  return "done";
}

export function growTable(table: TableInstance, payer: Payer): Progress {
  const wide = isWide(table);
  const delta = unsigned(1, wide);
  const most = Number(table.type.max ?? Number.POSITIVE_INFINITY);
  const billed = table.length + delta <= Math.min(most, 2 ** 32 - 1) ? delta : 0;
  // A store's limit forbids more than fuel could pay for: ask it first.
  if (!payer.chargeWork(Math.ceil(billed / table.store.prices.elementsPerUnit))) return "unpaid";
  setInt(0, table.grow(delta, reference(0)), wide);
  return "done";
}
