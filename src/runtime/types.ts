// Closed types (spec: 3.1.3): types of instances, in which type ids (validation/type-ids.ts) stand
// instead of the type indices of one module, so that types of different modules can be compared.
// Closing, matching (spec: 3.3 Matching) and text of such types.

import {
  formatValType,
  HEAP_BOT,
  HEAP_NOFUNC,
  HEAP_NONE,
  type HeapType,
  heapOf,
  isNullable,
  isReference,
  refType,
  type ValType,
} from "../isa/types.ts";
import { listed } from "../module/errors.ts";
import {
  DEFAULT_PAGE_LOG2,
  type FuncType,
  type GlobalType,
  type Limits,
  type MemoryType,
  type TableType,
} from "../module/module.ts";
import { abstractMatches, KIND_HEAPS } from "../validation/type-context.ts";
import {
  functionTypeOfId,
  type IdentifiedType,
  idMatches,
  keepIds,
  typeOfId,
} from "../validation/type-ids.ts";

/** The closed form of a module's value type; `ids` are the module's type ids by type index. */
export function closeValType(type: ValType, ids: readonly number[]): ValType {
  if (!isReference(type) || heapOf(type) < 0) return type;
  return refType(ids[heapOf(type)], isNullable(type));
}

/** The closed form of a table type; the same object where it mentions no type index. */
export function closeTableType(type: TableType, ids: readonly number[]): TableType {
  const element = closeValType(type.element, ids);
  if (!mentionsId(element)) return type;
  const closed = { ...type, element };
  keepIds(closed, ids);
  return closed;
}

/** The closed form of a global type; the same object where it mentions no type index. */
export function closeGlobalType(type: GlobalType, ids: readonly number[]): GlobalType {
  const valtype = closeValType(type.type, ids);
  if (!mentionsId(valtype)) return type;
  const closed = { ...type, type: valtype };
  keepIds(closed, ids);
  return closed;
}

function mentionsId(type: ValType): boolean {
  return isReference(type) && heapOf(type) >= 0;
}

/** The function type with this id, closed. @throws TypeError if it is none */
export const funcTypeOfId: (id: number) => FuncType = functionTypeOfId;

/** Value type matching of closed types (spec: 3.3.4). */
export function valTypeIdMatches(sub: ValType, sup: ValType): boolean {
  if (sub === sup) return true;
  if (!isReference(sub) || !isReference(sup)) return false;
  if (isNullable(sub) && !isNullable(sup)) return false;
  return heapIdMatches(heapOf(sub), heapOf(sup));
}

/** Heap type matching where type ids stand for type indices (spec: 3.3.3). */
export function heapIdMatches(sub: HeapType, sup: HeapType): boolean {
  if (sub === sup || sub === HEAP_BOT) return true;
  if (sub >= 0 && sup >= 0) return idMatches(sub, sup);
  if (sub >= 0) return abstractMatches(KIND_HEAPS[typeOfId(sub).composite.kind], sup);
  if (sup >= 0) {
    return sub === (typeOfId(sup).composite.kind === "func" ? HEAP_NOFUNC : HEAP_NONE);
  }
  return abstractMatches(sub, sup);
}

/** `(ref null (func (param i32)))`: types inside a type are shown one level deep. */
export function formatClosedType(type: ValType): string {
  return formatValType(type, (id) => formatComposite(typeOfId(id), briefly));
}

/** `(func (param i32) (result i64))`, or the keyword `tag` instead. */
export function formatFunc(type: FuncType, keyword = "func"): string {
  return signature(keyword, type, formatClosedType);
}

function briefly(type: ValType): string {
  return formatValType(type, (id) => typeOfId(id).composite.kind);
}

function formatComposite({ composite }: IdentifiedType, format: (t: ValType) => string): string {
  return composite.kind === "func" ? signature("func", composite, format) : composite.kind;
}

function signature(keyword: string, type: FuncType, format: (t: ValType) => string): string {
  const list = (word: string, types: readonly ValType[]) => {
    return types.length === 0 ? "" : ` (${word} ${listed(types, format, " ")})`;
  };
  return `(${keyword}${list("param", type.params)}${list("result", type.results)})`;
}

/** `i64 1 2 shared`: limits as the text format writes them. */
function formatLimits({ address64, max, min, shared }: Limits): string {
  const words = [address64 ? "i64" : "", min, max ?? "", shared ? "shared" : ""];
  return words.filter((word) => word !== "").join(" ");
}

export function formatTable(type: TableType): string {
  return `(table ${formatLimits(type)} ${formatClosedType(type.element)})`;
}

export function formatMemory(type: MemoryType): string {
  const page =
    type.pageSizeLog2 === DEFAULT_PAGE_LOG2 ? "" : ` (pagesize ${2 ** type.pageSizeLog2})`;
  return `(memory ${formatLimits(type)}${page})`;
}

export function formatGlobal({ mutable, type }: GlobalType): string {
  const text = formatClosedType(type);
  return `(global ${mutable ? `(mut ${text})` : text})`;
}
