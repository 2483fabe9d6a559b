// Memories, tables, globals and tags that no instance of a snapshot defines: the host has made
// them, or whoever defines them is gone.

import { isReference, refType, type ValType } from "../isa/types.ts";
import type { MemoryType, ModuleRecord } from "../module/module.ts";
import { allocateGlobal, allocateMemory, allocateTable } from "../runtime/allocate.ts";
import { NULL_VALUE } from "../runtime/constant.ts";
import { type GlobalInstance, TagInstance } from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import type { Store } from "../runtime/store.ts";
import type { TableInstance } from "../runtime/table.ts";
import { closeGlobalType, closeTableType, funcTypeOfId } from "../runtime/types.ts";
import { typeIdsOf } from "../validation/type-ids.ts";
import { SnapshotError } from "./errors.ts";
import { itemAt, type References } from "./references.ts";
import type { LooseGlobal, LooseTable, LooseTag, TypeState } from "./store-state.ts";

/** Where they are made, and the modules whose types they may mention. */
export interface Loose {
  readonly store: Store;
  readonly modules: readonly ModuleRecord[];
}

const NO_IDS: readonly number[] = [];

/** A type as a module has it that it mentions, and the ids of that. */
function typeIn({ modules }: Loose, type: TypeState): { type: ValType; ids: readonly number[] } {
  if (typeof type === "number") return { type, ids: NO_IDS };
  const module = itemAt(modules, type.module, "module");
  itemAt(module.types, type.index, "type");
  return { type: refType(type.index, type.nullable), ids: typeIdsOf(module) };
}

export function looseMemory({ store }: Loose, type: MemoryType): MemoryInstance {
  const { pageSizeLog2, shared } = type;
  if (shared) throw new SnapshotError("a shared memory is in no snapshot");
  if (pageSizeLog2 !== 0 && pageSizeLog2 !== 16) {
    throw new SnapshotError(`no memory has pages of 2^${pageSizeLog2} bytes`);
  }
  return allocateMemory(store, type);
}

export function looseTable(loose: Loose, { element, ...limits }: LooseTable): TableInstance {
  const { ids, type } = typeIn(loose, element);
  if (!isReference(type)) throw new SnapshotError("elements of a table are references");
  const tableType = { ...limits, shared: false, element: type };
  return allocateTable(loose.store, closeTableType(tableType, ids), null);
}

export function looseGlobal(loose: Loose, { mutable, type }: LooseGlobal): GlobalInstance {
  const found = typeIn(loose, type);
  const closed = closeGlobalType({ type: found.type, mutable }, found.ids);
  return allocateGlobal(loose.store, closed, NULL_VALUE);
}

export function looseTag(loose: Loose, state: LooseTag, references: References): TagInstance {
  if (state.kind === "grant") {
    const extern = references.grant(state.index);
    if (extern.kind === "tag" && extern.value.store === null) return extern.value;
    throw new SnapshotError(`grant ${state.index} is no tag of the host's`);
  }
  const module = itemAt(loose.modules, state.module, "module");
  if (itemAt(module.types, state.index, "type").composite.kind !== "func") {
    throw new SnapshotError(`type ${state.index} is no type of a tag`);
  }
  const id = typeIdsOf(module)[state.index];
  return new TagInstance(funcTypeOfId(id), id, loose.store);
}
