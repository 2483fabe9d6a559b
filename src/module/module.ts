// The module record: what the binary decoder produces and every later stage reads (spec: 2.5
// Modules). Types are integers (isa/types.ts), code and constant expressions stay bytes: a record
// holds where they begin and end in `bytes`. All offsets count from the start of the module.

import type { FeatureSet } from "../isa/features.ts";
import type { ValType } from "../isa/types.ts";
import { SHOWN } from "./errors.ts";
import type { FunctionNames, NameSection } from "./names.ts";

/** Field of a struct or array (spec: 2.3.9). `type` may be a packed type. */
export interface FieldType {
  readonly type: ValType;
  readonly mutable: boolean;
}

export interface FuncType {
  readonly kind: "func";
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

export interface StructType {
  readonly kind: "struct";
  readonly fields: readonly FieldType[];
}

export interface ArrayType {
  readonly kind: "array";
  readonly field: FieldType;
}

/** What a type index names: `(sub final? supers composite)` (spec: 2.3.10). */
export interface SubType {
  readonly final: boolean;
  /** Type indices; validation allows at most one. */
  readonly supers: readonly number[];
  readonly composite: FuncType | StructType | ArrayType;
  /** Index of the first type of its recursion group, and the group's length. */
  readonly groupStart: number;
  readonly groupSize: number;
}

/** Limits of a memory (in pages) or a table (in elements) (spec: 2.3.13). */
export interface Limits {
  readonly min: bigint;
  /** null: no maximum. */
  readonly max: bigint | null;
  /** Whether addresses are i64. */
  readonly address64: boolean;
  readonly shared: boolean;
}

/** Bytes in a page of memory, as a power of two, unless custom-page-sizes says otherwise. */
export const DEFAULT_PAGE_LOG2 = 16;

export interface MemoryType extends Limits {
  /** Bytes in a page, as a power of two. */
  readonly pageSizeLog2: number;
}

export interface TableType extends Limits {
  readonly element: ValType;
}

export interface GlobalType {
  readonly type: ValType;
  readonly mutable: boolean;
}

/** The type of something that can be imported or exported (spec: 2.3.16). */
export type ExternType =
  | { readonly kind: "func"; readonly typeIndex: number }
  | { readonly kind: "table"; readonly table: TableType }
  | { readonly kind: "memory"; readonly memory: MemoryType }
  | { readonly kind: "global"; readonly global: GlobalType }
  | { readonly kind: "tag"; readonly typeIndex: number };

export type ExternKind = ExternType["kind"];

/** External kinds in the order of their codes in the binary format. */
export const EXTERN_KINDS: readonly ExternKind[] = ["func", "table", "memory", "global", "tag"];

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly type: ExternType;
  /** Where it stands in the module. */
  readonly offset: number;
}

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
  readonly offset: number;
}

/** A constant expression: its bytes, the final `end` included. */
export interface ConstExpr {
  readonly start: number;
  readonly end: number;
}

export interface Table {
  readonly type: TableType;
  /** null: null references. */
  readonly init: ConstExpr | null;
  readonly offset: number;
}

export interface Memory {
  readonly type: MemoryType;
  readonly offset: number;
}

export interface Global {
  readonly type: GlobalType;
  /** null for an imported global. */
  readonly init: ConstExpr | null;
  readonly offset: number;
}

export interface ElementSegment {
  readonly mode: "active" | "passive" | "declarative";
  /** Table and offset of an active segment; 0 and null otherwise. */
  readonly table: number;
  readonly at: ConstExpr | null;
  readonly type: ValType;
  /** Function indices where the segment lists functions, else null. */
  readonly functions: Uint32Array | null;
  /** Begins of its constant expressions, one after the other; last entry: where the last ends. */
  readonly expressions: Uint32Array | null;
  readonly offset: number;
}

export interface DataSegment {
  readonly mode: "active" | "passive";
  /** Memory and offset of an active segment; 0 and null otherwise. */
  readonly memory: number;
  readonly at: ConstExpr | null;
  /** Its bytes. */
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/** Locals of one type that a function body declares in a row. */
export interface LocalRun {
  readonly count: number;
  readonly type: ValType;
}

export interface CustomSection {
  readonly name: string;
  /** Its payload, after the name. */
  readonly start: number;
  readonly end: number;
  /** Id of the last section before it that is not a custom section; 0 if none. */
  readonly after: number;
}

/** A section as it lies in the module, for tools. */
export interface SectionSpan {
  readonly id: number;
  /** The payload, after id and size. */
  readonly start: number;
  readonly end: number;
}

/** A decoded module. Frozen by convention: nothing changes it after decoding. */
export interface ModuleRecord {
  readonly bytes: Uint8Array;
  readonly features: FeatureSet;
  readonly types: readonly SubType[];
  readonly imports: readonly Import[];
  /** Type index of each function, imports first; likewise the other index spaces. */
  readonly functions: readonly number[];
  readonly importedFunctions: number;
  readonly tables: readonly Table[];
  readonly importedTables: number;
  readonly memories: readonly Memory[];
  readonly importedMemories: number;
  readonly globals: readonly Global[];
  readonly importedGlobals: number;
  /** Which of the globals that it defines are of type v128: their numbers, imports not counted. */
  readonly vectorGlobals: readonly number[];
  /** Type index of each tag. */
  readonly tags: readonly number[];
  readonly importedTags: number;
  readonly exports: readonly Export[];
  /** Index of the start function, or null. */
  readonly start: number | null;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  /** Value of the data count section, or null where there is none. */
  readonly dataCount: number | null;
  /** Byte range of each defined function's body (locals and code, without its size). */
  readonly bodyStarts: readonly number[];
  readonly bodyEnds: readonly number[];
  readonly customs: readonly CustomSection[];
  readonly sections: readonly SectionSpan[];
  /** All of the name section, decoded when it is asked for: for tools. */
  readonly names: NameSection;
  readonly functionNames: FunctionNames;
  /** Bytes of memory that the record takes besides `bytes`, estimated from above. */
  readonly recordBytes: number;
}

/** The function type at a type index; undefined where there is none or it is no function. */
export function funcTypeAt(
  module: Pick<ModuleRecord, "types">,
  index: number,
): FuncType | undefined {
  const composite = module.types[index]?.composite;
  return composite?.kind === "func" ? composite : undefined;
}

/** The type of a function, by its index, in a module that is valid. */
export function typeOfFunction(
  module: Pick<ModuleRecord, "types" | "functions">,
  index: number,
): FuncType {
  return funcTypeAt(module, module.functions[index]) as FuncType;
}

/** Where the body of a function that the module defines lies in its bytes, by its index. */
export function bodyOf(
  { bodyEnds, bodyStarts, importedFunctions }: ModuleRecord,
  index: number,
): { readonly start: number; readonly end: number } {
  const body = index - importedFunctions;
  return { start: bodyStarts[body], end: bodyEnds[body] };
}

/**
 * The best name that a module itself gives to a function: name section, export or import. It is cut
 * to what messages show, unless `most` is more.
 */
export function functionName(
  module: ModuleRecord,
  index: number,
  most: number = SHOWN,
): string | undefined {
  return module.functionNames.functionName(index, most);
}

/** Section names in the order of their ids. */
export const SECTION_NAMES: readonly string[] = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "data count",
  "tag",
];
