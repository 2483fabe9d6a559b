// Instances for the tests of the runtime: modules from text or bytes, what the host provides, and
// errors as values. Nothing is executed: a start function is only noted.

import { FUNCREF, I32, type ValType } from "../../src/isa/types.ts";
import type { MemoryType, ModuleRecord, TableType } from "../../src/module/module.ts";
import {
  allocateGlobal,
  allocateHostFunction,
  allocateMemory,
  allocateTable,
} from "../../src/runtime/allocate.ts";
import {
  type ExternInstance,
  type FunctionInstance,
  type ModuleInstance,
  TagInstance,
} from "../../src/runtime/instances.ts";
import { instantiate } from "../../src/runtime/instantiate.ts";
import { type Counted, Store } from "../../src/runtime/store.ts";
import { LinkError } from "../../src/runtime/trap.ts";
import { funcTypeOfId } from "../../src/runtime/types.ts";
import { idOfFuncType } from "../../src/validation/type-ids.ts";
import { assemble, load } from "../validation/assemble.ts";

export { Store };

/** A validated module from text, or from bytes where wabt does not know the syntax. */
export function moduleFrom(source: string | Uint8Array): ModuleRecord {
  return load(typeof source === "string" ? assemble(source) : source);
}

/** An instance whose start function, if there is one, goes to `start`. */
export function instance(
  store: Store,
  source: string | Uint8Array | ModuleRecord,
  imports: readonly (ExternInstance | undefined)[] = [],
  start: (f: FunctionInstance) => void = () => {},
): ModuleInstance {
  const text = typeof source === "string" || source instanceof Uint8Array;
  return instantiate(store, text ? moduleFrom(source) : source, imports, start);
}

/** An export that must be there. */
export function exported(from: ModuleInstance, name: string): ExternInstance {
  const found = from.exports.get(name);
  if (found === undefined) throw new Error(`no export ${name}`);
  return found;
}

const NO_LIMITS = { min: 0n, max: null, address64: false, shared: false };

export function func(params: ValType[] = [], results: ValType[] = []): ExternInstance {
  const id = idOfFuncType({ kind: "func", params, results });
  return { kind: "func", value: allocateHostFunction(id, () => undefined, "host") };
}

export function table(store: Store, type: Partial<TableType> = {}): ExternInstance {
  return {
    kind: "table",
    value: allocateTable(store, { ...NO_LIMITS, element: FUNCREF, ...type }, null),
  };
}

export function memory(store: Store, type: Partial<MemoryType> = {}): ExternInstance {
  return {
    kind: "memory",
    value: allocateMemory(store, { ...NO_LIMITS, pageSizeLog2: 16, ...type }),
  };
}

export function global(
  store: Store,
  type: ValType = I32,
  mutable = false,
  low = 0,
  high = 0,
): ExternInstance {
  const value = { low, high, reference: null };
  return { kind: "global", value: allocateGlobal(store, { type, mutable }, value) };
}

export function tag(params: ValType[] = []): ExternInstance {
  const id = idOfFuncType({ kind: "func", params, results: [] });
  return { kind: "tag", value: new TagInstance(funcTypeOfId(id), id) };
}

/** What `action` throws; fails if it does not. */
export function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The link error of `action`; anything else that it throws goes on. */
export function linkError(action: () => unknown): LinkError {
  const error = thrown(action);
  if (error instanceof LinkError) return error;
  throw error;
}

const COUNTED: readonly Counted[] = [
  "memoryBytes",
  "tableElements",
  "instances",
  "globals",
  "hostBytes",
];

/** Everything that a store counts. */
export function usage(store: Store): Record<string, number> {
  return Object.fromEntries(COUNTED.map((what) => [what, store.usage(what)]));
}
