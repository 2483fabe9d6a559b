// External types in words: how modules describe their imports and exports to the embedder.

import { formatValType } from "../isa/types.ts";
import { type ExternType, funcTypeAt, type Limits, type ModuleRecord } from "../module/module.ts";

/** Type of an import or export. Types are written as in the text format: `i32`, `funcref`. */
export type ExternDescription =
  | { readonly kind: "func"; readonly params: string[]; readonly results: string[] }
  | ({ readonly kind: "table"; readonly element: string } & LimitsDescription)
  | ({ readonly kind: "memory"; readonly pageSize: number } & LimitsDescription)
  | { readonly kind: "global"; readonly type: string; readonly mutable: boolean }
  | { readonly kind: "tag"; readonly params: string[] };

/** Size of a table in elements, or of a memory in pages. */
export interface LimitsDescription {
  readonly min: bigint;
  /** Absent: no maximum. */
  readonly max?: bigint;
  readonly address: "i32" | "i64";
  readonly shared: boolean;
}

function describeLimits({ min, max, address64, shared }: Limits): LimitsDescription {
  return { min, ...(max !== null && { max }), address: address64 ? "i64" : "i32", shared };
}

/** The description of an external type of `module`. */
export function describeExtern(module: ModuleRecord, type: ExternType): ExternDescription {
  const words = (types: readonly number[] = []) => types.map((item) => formatValType(item));
  switch (type.kind) {
    case "func": {
      const func = funcTypeAt(module, type.typeIndex);
      return { kind: "func", params: words(func?.params), results: words(func?.results) };
    }
    case "table": {
      const element = formatValType(type.table.element);
      return { kind: "table", element, ...describeLimits(type.table) };
    }
    case "memory": {
      const pageSize = 2 ** type.memory.pageSizeLog2;
      return { kind: "memory", pageSize, ...describeLimits(type.memory) };
    }
    case "global": {
      const { type: valtype, mutable } = type.global;
      return { kind: "global", type: formatValType(valtype), mutable };
    }
    case "tag":
      return { kind: "tag", params: words(funcTypeAt(module, type.typeIndex)?.params) };
  }
}
