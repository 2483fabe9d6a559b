// Identities of types across modules (spec: 3.1.3 Rolling and Unrolling). Two types have the same
// id exactly if they are equal, wherever they were defined: call_indirect and import matching
// compare ids. An id means something as long as it is used (validation/type-table.ts): by the list
// that `typeIdsOf` gives, by a type that `functionTypeOfId` gives, by what `keepIds` has marked.

import type { FuncType, ModuleRecord, SubType } from "../module/module.ts";
import { identifiedTypes, identifyTypes, type typeOfId } from "./type-table.ts";

export { depthOfId, functionTypeOfId, idMatches, typeOfId } from "./type-table.ts";

/** A type by its id. Type indices inside `composite` are ids, too; `parent` is -1 for none. */
export type IdentifiedType = ReturnType<typeof typeOfId>;

/** Lists of one id each that the host has asked for: as many as it has named types. */
const hostIds = new Map<number, readonly number[]>();

/**
 * Id of a function type that no module defines: final, without supertype, in a group of its own.
 * It lasts as long as the realm, so a guest must not choose the type.
 */
export function idOfFuncType(type: FuncType): number {
  const sub: SubType = { final: true, supers: [], composite: type, groupStart: 0, groupSize: 1 };
  const ids = identifyTypes([sub]);
  if (!hostIds.has(ids[0])) hostIds.set(ids[0], ids);
  return ids[0];
}

/** The ids of a module's types, by type index; they are used as long as the list lives. */
export function typeIdsOf({ types }: Pick<ModuleRecord, "types">): readonly number[] {
  return identifiedTypes(types) ?? identifyTypes(types);
}

const keepers = new WeakMap<object, readonly number[]>();

/** Keeps a list of ids in use as long as `holder`, which mentions some of them, lives. */
export function keepIds(holder: object, ids: readonly number[]): void {
  keepers.set(holder, ids);
}
