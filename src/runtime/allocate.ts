// Allocation of single instances (spec: 4.5.3 Allocation), by instantiation and by the embedder.
// What a limit of the store forbids raises Exhaustion and leaves the store's accounts as they were.
// Types are closed ones (types.ts).

import { Decoder } from "../binary/decoder.ts";
import { compile } from "../code/compiled.ts";
import type { FunctionCode } from "../code/space.ts";
import { featureSet } from "../isa/features.ts";
import { PRICE_TABLE_2 } from "../isa/prices.ts";
import { isReference, slotsOf } from "../isa/types.ts";
import { DEFAULT_LIMITS } from "../module/limits.ts";
import type { GlobalType, MemoryType, TableType } from "../module/module.ts";
import {
  type FrameCode,
  FunctionInstance,
  GlobalInstance,
  type HostCode,
  type RawValue,
  type Value,
} from "./instances.ts";
import { MemoryInstance } from "./memory.ts";
import { mayReferToObjects } from "./roots.ts";
import type { SharedBytes } from "./shared-bytes.ts";
import type { Counted, Lease, Store } from "./store.ts";
import { TableInstance } from "./table.ts";
import { Exhaustion } from "./trap.ts";
import { funcTypeOfId } from "./types.ts";

const EMPTY_MODULE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
let noCode: FunctionCode | null = null;

/** Stands for the code of host functions, so that the loop need not distinguish. */
function hostCode(): FunctionCode {
  if (noCode !== null) return noCode;
  const decoder = new Decoder(featureSet(), DEFAULT_LIMITS);
  decoder.push(EMPTY_MODULE);
  const code = compile(decoder.end(), PRICE_TABLE_2).code(0);
  noCode = code;
  return code;
}

/** `allochostfunc`: a function of the host with the type of this id; `name` is for backtraces. */
export function allocateHostFunction(
  typeId: number,
  host: HostCode | FrameCode,
  name: string,
): FunctionInstance {
  return new FunctionInstance(funcTypeOfId(typeId), typeId, null, hostCode(), host, name);
}

/**
 * A lease of `amount` that ends with `holder`.
 * @throws Exhaustion
 */
export function leaseFor(store: Store, what: Counted, amount: number, holder: object): Lease {
  const lease = store.lease(what, holder);
  lease.require(amount);
  return lease;
}

/**
 * `allocmem`: a memory of the type's least size, all zero. `outside`: JavaScript will ask for its
 * buffer.
 * @throws Exhaustion of the store's `memoryBytes`, or of the host's memory
 */
export function allocateMemory(store: Store, type: MemoryType, outside = false): MemoryInstance {
  const memory = new MemoryInstance(store, type, outside);
  const pages = Number(type.min);
  if (memory.grow(pages) >= 0) return memory;
  const bytes = pages * memory.pageSize;
  if (!store.allows("memoryBytes", bytes)) throw store.overLimit("memoryBytes", bytes);
  throw new Exhaustion("hostMemory", `the host gives no memory of ${bytes} bytes`);
}

/**
 * A memory that lies in bytes which others have, too. `outside` as in `allocateMemory`.
 * @throws Exhaustion of the store's `memoryBytes`
 */
export function joinMemory(
  store: Store,
  type: MemoryType,
  shared: SharedBytes,
  outside = false,
): MemoryInstance {
  const { length } = shared;
  if (!store.allows("memoryBytes", length)) throw store.overLimit("memoryBytes", length);
  const memory = new MemoryInstance(store, type, outside);
  memory.join(shared);
  return memory;
}

/**
 * `alloctable`: a table of the type's least size whose elements hold `value`.
 * @throws Exhaustion of the store's `tableElements`, or of the host's memory
 */
export function allocateTable(store: Store, type: TableType, value: Value): TableInstance {
  const table = new TableInstance(store, type);
  const size = Number(type.min);
  if (table.grow(size, value) >= 0) return table;
  if (!store.allows("tableElements", size)) throw store.overLimit("tableElements", size);
  throw new Exhaustion("hostMemory", `the host gives no table of ${size} elements`);
}

/**
 * `allocglobal`: a global that no module defines.
 * @throws Exhaustion of the store's `globals`
 */
export function allocateGlobal(store: Store, type: GlobalType, value: RawValue): GlobalInstance {
  const cells = new Int32Array(2 * slotsOf(type.type));
  leaseFor(store, "globals", 1, cells);
  const references = isReference(type.type) ? [null] : [];
  if (mayReferToObjects(type.type)) store.objects.hold(references);
  const global = new GlobalInstance(store, type, cells, references, 0);
  global.initialise(value);
  return global;
}
