// Types as text (spec: 6.4 Types): signatures, composite types and subtypes, limits, the types of
// everything that can be imported. The text of value types is isa/types.ts.

import { formatValType } from "../isa/types.ts";
import type {
  ExternType,
  FieldType,
  FuncType,
  GlobalType,
  Limits,
  MemoryType,
  ModuleRecord,
  SubType,
  TableType,
} from "../module/module.ts";
import { DEFAULT_PAGE_LOG2, funcTypeAt } from "../module/module.ts";
import type { IdentifierSpace, Identifiers } from "./identifiers.ts";

/**
 * Declarations of values in a row, ` (param $x i32) (param i32 i32)`: those with an identifier get
 * parentheses of their own. `first` is the index of the first in `names`.
 */
export function formatDeclarations(
  keyword: "param" | "result" | "local",
  types: Iterable<number>,
  ids: Identifiers,
  names?: IdentifierSpace,
  first = 0,
): string {
  let text = "";
  let open = false;
  let index = first;
  for (const type of types) {
    const id = names?.get(index++);
    if (id !== undefined || !open) text += `${open ? ")" : ""} (${keyword}`;
    if (id !== undefined) text += ` ${id}`;
    text += ` ${formatValType(type, ids.typeName)}`;
    if (id !== undefined) text += ")";
    open = id === undefined;
  }
  return open ? `${text})` : text;
}

/** Parameters and results, a space before each; "" for an unknown type. */
export function formatSignature(
  type: FuncType | undefined,
  ids: Identifiers,
  names?: IdentifierSpace,
): string {
  if (type === undefined) return "";
  const params = formatDeclarations("param", type.params, ids, names);
  return params + formatDeclarations("result", type.results, ids);
}

/** `(type 3) (param i32) (result i32)`: the index decides, the rest is for the reader. */
export function formatTypeUse(
  module: ModuleRecord,
  index: number,
  ids: Identifiers,
  names?: IdentifierSpace,
): string {
  const signature = formatSignature(funcTypeAt(module, index), ids, names);
  return `(type ${ids.types.ref(index)})${signature}`;
}

function formatStorage({ type, mutable }: FieldType | GlobalType, ids: Identifiers): string {
  const text = formatValType(type, ids.typeName);
  return mutable ? `(mut ${text})` : text;
}

function formatComposite(type: SubType["composite"], index: number, ids: Identifiers): string {
  switch (type.kind) {
    case "func":
      return `(func${formatSignature(type, ids)})`;
    case "array":
      return `(array ${formatStorage(type.field, ids)})`;
    case "struct": {
      const names = ids.fields(index);
      const fields = type.fields.map((field, i) => {
        const id = names.get(i);
        return ` (field${id === undefined ? "" : ` ${id}`} ${formatStorage(field, ids)})`;
      });
      return `(struct${fields.join("")})`;
    }
  }
}

/** What a type definition defines: the composite type, within `(sub …)` where that says more. */
export function formatSubType(type: SubType, index: number, ids: Identifiers): string {
  const composite = formatComposite(type.composite, index, ids);
  if (type.final && type.supers.length === 0) return composite;
  const supers = type.supers.map((item) => ` ${ids.types.ref(item)}`).join("");
  return `(sub${type.final ? " final" : ""}${supers} ${composite})`;
}

/** `i64 1 2`: the address type unless it is i32, the bounds. */
function formatLimits({ min, max, address64 }: Limits): string {
  return `${address64 ? "i64 " : ""}${min}${max === null ? "" : ` ${max}`}`;
}

export function formatMemoryType(type: MemoryType): string {
  const shared = type.shared ? " shared" : "";
  const log2 = type.pageSizeLog2;
  const pageSize = log2 === DEFAULT_PAGE_LOG2 ? "" : ` (pagesize ${2n ** BigInt(log2)})`;
  return formatLimits(type) + shared + pageSize;
}

export function formatTableType(type: TableType, ids: Identifiers): string {
  return `${formatLimits(type)} ${formatValType(type.element, ids.typeName)}`;
}

export function formatGlobalType(type: GlobalType, ids: Identifiers): string {
  return formatStorage(type, ids);
}

/** The type of an import as it stands after keyword and identifier. */
export function formatExternType(
  type: ExternType,
  module: ModuleRecord,
  ids: Identifiers,
  names?: IdentifierSpace,
): string {
  switch (type.kind) {
    case "func":
      return formatTypeUse(module, type.typeIndex, ids, names);
    case "tag":
      return formatTypeUse(module, type.typeIndex, ids);
    case "table":
      return formatTableType(type.table, ids);
    case "memory":
      return formatMemoryType(type.memory);
    case "global":
      return formatGlobalType(type.global, ids);
  }
}
