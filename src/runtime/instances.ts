// Runtime structure (spec: 4.2): instances of functions, tables, memories, globals, tags and modules.
// Plain data with the operations that belong to one of them; instantiation is in instantiate.ts.

import type { CompiledModule } from "../code/compiled.ts";
import type { FunctionCode } from "../code/space.ts";
import type { FuncType, GlobalType, ModuleRecord } from "../module/module.ts";
import type { MemoryInstance } from "./memory.ts";
import type { Store } from "./store.ts";
import type { TableInstance } from "./table.ts";

/**
 * A value as it crosses the border: i32, f32 and f64 are numbers, i64 is a bigint, references are
 * `FunctionInstance`, `ExceptionInstance`, any host value (externref), or null.
 */
export type Value = unknown;

/** What a host function gets besides its arguments. */
export interface HostCall {
  /** The instance that calls; null when the host calls it. */
  readonly caller: ModuleInstance | null;
}

/**
 * A host function: takes and returns values; several results are an array. Under `callAsync` and
 * `Execution` it may return a promise.
 */
export type HostCode = (call: HostCall, args: Value[]) => unknown;

/** A function instance: code of a module instance, or of the host. */
export class FunctionInstance {
  readonly type: FuncType;
  readonly typeId: number;
  /** The instance whose code it is; null for a host function. */
  readonly instance: ModuleInstance | null;
  readonly code: FunctionCode;
  readonly host: HostCode | null;
  /** Name for backtraces of host functions, e.g. `env.log`. */
  readonly name: string;

  constructor(
    type: FuncType,
    typeId: number,
    instance: ModuleInstance | null,
    code: FunctionCode,
    host: HostCode | null = null,
    name = "",
  ) {
    this.type = type;
    this.typeId = typeId;
    this.instance = instance;
    this.code = code;
    this.host = host;
    this.name = name;
  }
}

/** A global instance: its value lies in two words of `cells`, or in `reference`. */
export class GlobalInstance {
  readonly type: GlobalType;
  readonly cells: Int32Array;
  /** Index of its first word in `cells`. */
  readonly at: number;
  reference: Value = null;

  constructor(type: GlobalType, cells: Int32Array, at: number) {
    this.type = type;
    this.cells = cells;
    this.at = at;
  }
}

/** A tag instance; its identity is what a catch clause compares. */
export class TagInstance {
  readonly type: FuncType;
  readonly typeId: number;

  constructor(type: FuncType, typeId: number) {
    this.type = type;
    this.typeId = typeId;
  }
}

/** A thrown exception: what an exnref refers to. */
export class ExceptionInstance {
  readonly tag: TagInstance;
  /** Two words (halves) of each numeric payload value; references as they are. */
  readonly payload: readonly RawValue[];

  constructor(tag: TagInstance, payload: readonly RawValue[]) {
    this.tag = tag;
    this.payload = payload;
  }
}

/** A value's bits, or a reference. */
export interface RawValue {
  readonly low: number;
  readonly high: number;
  readonly reference: Value;
}

export type ExternInstance =
  | { readonly kind: "func"; readonly value: FunctionInstance }
  | { readonly kind: "table"; readonly value: TableInstance }
  | { readonly kind: "memory"; readonly value: MemoryInstance }
  | { readonly kind: "global"; readonly value: GlobalInstance }
  | { readonly kind: "tag"; readonly value: TagInstance };

/** A module instance (spec: 4.2.5). Index spaces begin with the imports. */
export class ModuleInstance {
  readonly store: Store;
  readonly compiled: CompiledModule;
  readonly module: ModuleRecord;
  /** Imported functions; defined ones appear when `functionAt` is asked for them. */
  readonly functions: FunctionInstance[] = [];
  readonly tables: TableInstance[] = [];
  readonly memories: MemoryInstance[] = [];
  readonly globals: GlobalInstance[] = [];
  readonly tags: TagInstance[] = [];
  /** Values of the globals that the module defines, two words each. */
  readonly globalCells: Int32Array;
  /** Elements of each segment; empty once it is dropped. */
  readonly elements: (readonly Value[])[] = [];
  /** Length in bytes of each data segment; 0 once it is dropped. */
  readonly dataLengths: number[] = [];
  readonly exports = new Map<string, ExternInstance>();

  constructor(store: Store, compiled: CompiledModule) {
    this.store = store;
    this.compiled = compiled;
    this.module = compiled.module;
    const { globals, importedGlobals } = this.module;
    this.globalCells = new Int32Array(2 * (globals.length - importedGlobals));
  }

  /** The function instance at `index`; a defined one is made when first asked for. */
  functionAt(index: number): FunctionInstance {
    let found = this.functions[index];
    if (found === undefined) {
      const { compiled, module } = this;
      const typeIndex = module.functions[index];
      const type = compiled.funcType(typeIndex);
      found = new FunctionInstance(type, compiled.typeIds[typeIndex], this, compiled.code(index));
      this.functions[index] = found;
    }
    return found;
  }
}
