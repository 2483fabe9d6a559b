// Operations on ranges of memories and tables, and single table elements (spec: 4.6.7 Table
// Instructions, 4.6.8 Memory Instructions). Growing is in memory.ts and table.ts, fuel is for the
// caller. Each returns 0, or the code of its trap (traps.ts) with nothing written: the interpreter
// has traps as numbers, and a returned one needs no handler around the call.
//
// Offsets and lengths are unsigned integers as JavaScript numbers. From 2^53 on they may be
// rounded: no memory or table is longer than 2^32, and the sum of two such numbers is exact below
// 2^53 and stays above 2^32 otherwise, so that every comparison comes out as with exact integers.

import type { ModuleInstance, Value } from "./instances.ts";
import type { MemoryInstance } from "./memory.ts";
import type { TableInstance } from "./table.ts";
import { MEMORY_OUT_OF_BOUNDS, TABLE_OUT_OF_BOUNDS } from "./traps.ts";

/** What a dropped element segment still has. */
const DROPPED: readonly Value[] = [];

/** The unsigned 64-bit integer with these halves, rounded from 2^53 on. */
export function unsigned64(low: number, high: number): number {
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

/** `memory.copy`, also between two memories; ranges may overlap. */
export function memoryCopy(
  target: MemoryInstance,
  source: MemoryInstance,
  to: number,
  from: number,
  count: number,
): number {
  if (from + count > source.bytes.length || to + count > target.bytes.length) {
    return MEMORY_OUT_OF_BOUNDS;
  }
  if (target === source) target.bytes.copyWithin(to, from, from + count);
  else target.bytes.set(source.bytes.subarray(from, from + count), to);
  return 0;
}

/** `memory.fill` with the low byte of `value`. */
export function memoryFill(
  memory: MemoryInstance,
  to: number,
  value: number,
  count: number,
): number {
  if (to + count > memory.bytes.length) return MEMORY_OUT_OF_BOUNDS;
  // The array takes the low byte by itself.
  memory.bytes.fill(value, to, to + count);
  return 0;
}

/** `memory.init` from data segment `index` of `instance`. */
export function memoryInit(
  instance: ModuleInstance,
  memory: MemoryInstance,
  index: number,
  to: number,
  from: number,
  count: number,
): number {
  if (from + count > instance.dataLengths[index] || to + count > memory.bytes.length) {
    return MEMORY_OUT_OF_BOUNDS;
  }
  const { bytes, data } = instance.module;
  const start = data[index].start + from;
  memory.bytes.set(bytes.subarray(start, start + count), to);
  return 0;
}

/** `data.drop`. */
export function dataDrop(instance: ModuleInstance, index: number): void {
  instance.dataLengths[index] = 0;
}

/** `table.get`: puts the element into `into[at]`, e.g. a frame's references. */
export function tableGet(table: TableInstance, index: number, into: Value[], at: number): number {
  if (index >= table.length) return TABLE_OUT_OF_BOUNDS;
  into[at] = table.get(index);
  return 0;
}

/** `table.set`. */
export function tableSet(table: TableInstance, index: number, value: Value): number {
  if (index >= table.length) return TABLE_OUT_OF_BOUNDS;
  table.set(index, value);
  return 0;
}

/** `table.fill`. */
export function tableFill(table: TableInstance, to: number, value: Value, count: number): number {
  if (to + count > table.length) return TABLE_OUT_OF_BOUNDS;
  table.fill(value, to, to + count);
  return 0;
}

/** `table.copy`, also between two tables; ranges may overlap. */
export function tableCopy(
  target: TableInstance,
  source: TableInstance,
  to: number,
  from: number,
  count: number,
): number {
  if (from + count > source.length || to + count > target.length) return TABLE_OUT_OF_BOUNDS;
  // From the end where the target lies above the source in the same table.
  if (to <= from) {
    for (let i = 0; i < count; i++) target.put(to + i, source.get(from + i));
  } else {
    for (let i = count - 1; i >= 0; i--) target.put(to + i, source.get(from + i));
  }
  target.tell(to, to + count);
  return 0;
}

/** `table.init` from element segment `index` of `instance`. */
export function tableInit(
  instance: ModuleInstance,
  table: TableInstance,
  index: number,
  to: number,
  from: number,
  count: number,
): number {
  const source = instance.elements[index];
  if (from + count > source.length || to + count > table.length) return TABLE_OUT_OF_BOUNDS;
  if (source instanceof Uint32Array) {
    for (let i = 0; i < count; i++) table.put(to + i, instance.functionAt(source[from + i]));
  } else for (let i = 0; i < count; i++) table.put(to + i, source[from + i]);
  table.tell(to, to + count);
  return 0;
}

/** `elem.drop`. */
export function elemDrop(instance: ModuleInstance, index: number): void {
  instance.elements[index] = DROPPED;
}
