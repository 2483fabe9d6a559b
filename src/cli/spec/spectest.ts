// The host module `spectest` of conformance scripts (the suite's README): functions that do
// nothing, globals, tables and memories. Every script gets a set of its own.

import { F32, F64, FUNCREF, I32, I64, type ValType } from "../../isa/types.ts";
import { DEFAULT_PAGE_LOG2, type Limits } from "../../module/module.ts";
import {
  allocateGlobal,
  allocateHostFunction,
  allocateMemory,
  allocateTable,
} from "../../runtime/allocate.ts";
import type { ExternInstance, Value } from "../../runtime/instances.ts";
import type { Store } from "../../runtime/store.ts";
import { toRaw } from "../../runtime/values.ts";
import { idOfFuncType } from "../../validation/type-ids.ts";

/** Items by name, as an import finds them. */
export type Externs = ReadonlyMap<string, ExternInstance>;

const FUNCTIONS: readonly (readonly [name: string, params: readonly ValType[]])[] = [
  ["print", []],
  ["print_i32", [I32]],
  ["print_i64", [I64]],
  ["print_f32", [F32]],
  ["print_f64", [F64]],
  ["print_i32_f32", [I32, F32]],
  ["print_f64_f64", [F64, F64]],
];

const GLOBALS: readonly (readonly [name: string, type: ValType, value: Value])[] = [
  ["global_i32", I32, 666],
  ["global_i64", I64, 666n],
  ["global_f32", F32, 666.6],
  ["global_f64", F64, 666.6],
];

function limits(min: bigint, max: bigint, address64 = false, shared = false): Limits {
  return { min, max, address64, shared };
}

function func(name: string, params: readonly ValType[]): ExternInstance {
  const typeId = idOfFuncType({ kind: "func", params: [...params], results: [] });
  const nothing = () => undefined;
  return { kind: "func", value: allocateHostFunction(typeId, nothing, `spectest.${name}`) };
}

function global(store: Store, type: ValType, value: Value): ExternInstance {
  const globalType = { type, mutable: false };
  return { kind: "global", value: allocateGlobal(store, globalType, toRaw(value, type)) };
}

function table(store: Store, address64: boolean): ExternInstance {
  const type = { ...limits(10n, 20n, address64), element: FUNCREF };
  return { kind: "table", value: allocateTable(store, type, null) };
}

function memory(store: Store, shared: boolean): ExternInstance {
  const type = { ...limits(1n, 2n, false, shared), pageSizeLog2: DEFAULT_PAGE_LOG2 };
  return { kind: "memory", value: allocateMemory(store, type) };
}

/** The exports of `spectest`; `shared`: also the shared memory, which only threads scripts have. */
export function spectest(store: Store, shared: boolean): Externs {
  const externs = new Map<string, ExternInstance>();
  for (const [name, params] of FUNCTIONS) externs.set(name, func(name, params));
  for (const [name, type, value] of GLOBALS) externs.set(name, global(store, type, value));
  externs.set("table", table(store, false));
  externs.set("table64", table(store, true));
  externs.set("memory", memory(store, false));
  if (shared) externs.set("shared_memory", memory(store, true));
  return externs;
}
