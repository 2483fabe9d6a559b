// Identities of types across modules (spec: 3.1.3 Rolling and Unrolling). Two types have the same
// id exactly if they are equal, wherever they were defined: call_indirect and import matching
// compare ids. Ids last as long as the realm; there are as many as there are different types.

import { heapOf, isNullable, isReference, refType, type ValType } from "../isa/types.ts";
import type { FuncType, ModuleRecord, SubType } from "../module/module.ts";

/** A type by its id. Type indices inside `composite` are ids, too. */
export interface IdentifiedType {
  readonly id: number;
  readonly final: boolean;
  /** Id of the supertype, or -1. */
  readonly parent: number;
  readonly composite: SubType["composite"];
}

const identified: IdentifiedType[] = [];
const groups = new Map<string, number>();

/** The type with this id. */
export function typeOfId(id: number): IdentifiedType {
  return identified[id];
}

/** Whether the type `sub` is `sup` or has it above itself. */
export function idMatches(sub: number, sup: number): boolean {
  for (let id = sub; id >= 0; id = identified[id].parent) {
    if (id === sup) return true;
  }
  return false;
}

/**
 * Id of a function type that no module defines: final, without supertype, in a group of its own.
 */
export function idOfFuncType(type: FuncType): number {
  const sub = { final: true, supers: [], composite: type, groupStart: 0, groupSize: 1 };
  return internGroup([sub], 0, []);
}

/** The ids of a module's types, by type index. */
export function typeIdsOf(module: Pick<ModuleRecord, "types">): number[] {
  const ids: number[] = [];
  const { types } = module;
  while (ids.length < types.length) {
    const start = ids.length;
    const first = internGroup(types.slice(start, start + types[start].groupSize), start, ids);
    for (let i = 0; i < types[start].groupSize; i++) ids.push(first + i);
  }
  return ids;
}

/** Id of the first type of a group; the others follow. `ids` are those of the types before it. */
function internGroup(group: readonly SubType[], start: number, ids: readonly number[]): number {
  const key = JSON.stringify(
    group.map((type) => mapType(type, (index) => (index < start ? ids[index] : start - index - 1))),
  );
  const known = groups.get(key);
  if (known !== undefined) return known;
  const first = identified.length;
  groups.set(key, first);
  for (const type of group) {
    const mapped = mapType(type, (index) => (index < start ? ids[index] : first + index - start));
    const { final, composite, parent } = mapped;
    identified.push({ id: identified.length, final, parent, composite });
  }
  return first;
}

/** A type with its indices replaced. Negative replacements stand for positions in the group. */
function mapType(
  type: SubType,
  map: (index: number) => number,
): Pick<IdentifiedType, "final" | "parent" | "composite"> {
  const valtype = (t: ValType) => {
    return isReference(t) && heapOf(t) >= 0 ? mapReference(t, map(heapOf(t))) : t;
  };
  const field = <F extends { type: ValType }>(f: F): F => ({ ...f, type: valtype(f.type) });
  const { composite, final, supers } = type;
  // In a key, a parent inside the group is below -1.
  const parent = supers.length === 0 ? -1 : offsetNegative(map(supers[0]));
  switch (composite.kind) {
    case "func": {
      const params = composite.params.map(valtype);
      return {
        final,
        parent,
        composite: { kind: "func", params, results: composite.results.map(valtype) },
      };
    }
    case "struct":
      return { final, parent, composite: { kind: "struct", fields: composite.fields.map(field) } };
    case "array":
      return { final, parent, composite: { kind: "array", field: field(composite.field) } };
  }
}

function mapReference(type: ValType, target: number): ValType {
  return refType(offsetNegative(target), isNullable(type));
}

/** Keeps positions in a group apart from abstract heap types and -1, which are negative too. */
function offsetNegative(target: number): number {
  return target < 0 ? target - 0x100 : target;
}
