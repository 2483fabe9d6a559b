// Import matching (spec: 3.3.16 External Types, 4.5.4 Instantiation): whether what is given for
// each import has the type that the module asks for. Only looks; instantiate.ts puts it in place.

import type { CompiledModule } from "../code/compiled.ts";
import type { ExternType, GlobalType, Import, Limits } from "../module/module.ts";
import { idMatches } from "../validation/type-ids.ts";
import {
  ExceptionInstance,
  type ExternInstance,
  FunctionInstance,
  type Value,
} from "./instances.ts";
import { isAggregate } from "./objects.ts";
import type { Store } from "./store.ts";
import { LinkError } from "./trap.ts";
import {
  closeGlobalType,
  closeTableType,
  formatFunc,
  formatGlobal,
  formatMemory,
  formatTable,
  funcTypeOfId,
  valTypeIdMatches,
} from "./types.ts";

/**
 * Checks what is given for import `index` of a module.
 * @throws LinkError if it is missing, has another type or belongs to another store
 */
export function checkImport(
  store: Store,
  { module, typeIds }: CompiledModule,
  index: number,
  extern: ExternInstance | undefined,
): asserts extern is ExternInstance {
  const item = module.imports[index];
  const matches = extern !== undefined && externMatches(extern, item.type, typeIds);
  if (!matches) throw mismatch(item, extern, typeIds);
  if (isForeign(extern, store)) throw mismatch(item, extern, typeIds, "of another store");
}

/** External type matching (spec: 3.3.16); `ids` close the types of the importing module. */
function externMatches(extern: ExternInstance, type: ExternType, ids: readonly number[]): boolean {
  switch (type.kind) {
    case "func":
      return extern.kind === "func" && idMatches(extern.value.typeId, ids[type.typeIndex]);
    case "table": {
      if (extern.kind !== "table") return false;
      const { length, type: found } = extern.value;
      // Both ways, and closed types that match both ways are the same number.
      const sameElement = found.element === closeTableType(type.table, ids).element;
      return sameElement && limitsMatch(found, length, type.table);
    }
    case "memory": {
      if (extern.kind !== "memory") return false;
      extern.value.refresh();
      const { pages, type: found } = extern.value;
      const samePages = found.pageSizeLog2 === type.memory.pageSizeLog2;
      return samePages && limitsMatch(found, pages, type.memory);
    }
    case "global": {
      if (extern.kind !== "global") return false;
      return globalMatches(extern.value.type, closeGlobalType(type.global, ids));
    }
    case "tag":
      return extern.kind === "tag" && extern.value.typeId === ids[type.typeIndex];
  }
}

/** Limits matching (spec: 3.3.11). The minimum of an instance is the size it has by now. */
function limitsMatch(found: Limits, size: number, wanted: Limits): boolean {
  if (found.address64 !== wanted.address64 || found.shared !== wanted.shared) return false;
  if (BigInt(size) < wanted.min) return false;
  return wanted.max === null || (found.max !== null && found.max <= wanted.max);
}

/** Global type matching (spec: 3.3.13): who may write must agree on the type exactly. */
function globalMatches(found: GlobalType, wanted: GlobalType): boolean {
  if (found.mutable !== wanted.mutable) return false;
  return wanted.mutable ? found.type === wanted.type : valTypeIdMatches(found.type, wanted.type);
}

/**
 * Whether something belongs to another store: its accounts are kept there, or functions of that
 * store could be reached through it, and would run on this one's fuel.
 */
function isForeign(extern: ExternInstance, store: Store): boolean {
  switch (extern.kind) {
    case "func":
      return isForeignReference(extern.value, store);
    case "tag":
      return extern.value.store !== null && extern.value.store !== store;
    default:
      return extern.value.store !== store;
  }
}

/** Exceptions inside of each other that are looked through; what is deeper is not let through. */
const MOST_NESTED = 1_000;

/** Whether a reference is, or leads to, a function or an object of another store. */
export function isForeignReference(reference: Value, store: Store): boolean {
  const pending = [reference];
  for (let looked = 0; pending.length > 0; looked++) {
    const item = pending.pop();
    if (item instanceof FunctionInstance) {
      if (item.instance !== null && item.instance.store !== store) return true;
    } else if (isAggregate(item)) {
      if (item[0].type.account !== store.objects) return true;
    } else if (item instanceof ExceptionInstance && item.tag.hasReferences) {
      const home = item.tag.store;
      // What carries a tag of a store was made there, of its references.
      if (home !== null && home !== store) return true;
      if (home === null) pending.push(...item.references);
    }
    if (looked === MOST_NESTED) return true;
  }
  return false;
}

function mismatch(
  { module, name, type }: Import,
  extern: ExternInstance | undefined,
  ids: readonly number[],
  because?: string,
): LinkError {
  const expected = formatExpected(type, ids);
  const found = extern === undefined ? undefined : formatFound(extern);
  // Equal text and yet no match: the texts leave recursion groups and supertypes out.
  const reason = because ?? (expected === found ? "another type definition" : undefined);
  return new LinkError({
    importModule: module,
    importName: name,
    expected,
    ...(found !== undefined && { found }),
    ...(reason !== undefined && { because: reason }),
  });
}

/** The type that an import asks for. */
export function formatExpected(type: ExternType, ids: readonly number[]): string {
  switch (type.kind) {
    case "func":
      return formatFunc(funcTypeOfId(ids[type.typeIndex]));
    case "table":
      return formatTable(closeTableType(type.table, ids));
    case "memory":
      return formatMemory(type.memory);
    case "global":
      return formatGlobal(closeGlobalType(type.global, ids));
    case "tag":
      return formatFunc(funcTypeOfId(ids[type.typeIndex]), "tag");
  }
}

/** The type that an instance has now. */
function formatFound({ kind, value }: ExternInstance): string {
  switch (kind) {
    case "func":
      return formatFunc(value.type);
    case "table":
      return formatTable({ ...value.type, min: BigInt(value.length) });
    case "memory":
      return formatMemory({ ...value.type, min: BigInt(value.pages) });
    case "global":
      return formatGlobal(value.type);
    case "tag":
      return formatFunc(value.type, "tag");
  }
}
