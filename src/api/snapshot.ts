// Snapshots (docs/snapshot-format.md): a store with its instances and suspended executions as
// bytes, and a store made of such bytes. What is the host's, functions and objects, is in no
// snapshot: the host names it, and gives it again.

import { currentCall } from "../embedding/call.ts";
import { restoreStore, takeCall } from "../embedding/snapshot.ts";
import { PRICE_TABLE_2 } from "../isa/prices.ts";
import type { ModuleRecord } from "../module/module.ts";
import type { ExternInstance, ModuleInstance } from "../runtime/instances.ts";
import { ExportedObject } from "../runtime/objects.ts";
import type { Store as RuntimeStore } from "../runtime/store.ts";
import { type CapturedCall, type CapturedRef, capture } from "../state/capture.ts";
import { SnapshotError } from "../state/errors.ts";
import { readSnapshot, writeSnapshot } from "../state/snapshot-file.ts";
import type { StoreState } from "../state/store-state.ts";
import { Execution, type Usage } from "./execution.ts";
import { handleOf } from "./externs.ts";
import { type ImportMap, knownExtern, Linking } from "./imports.ts";
import { Instance } from "./instance.ts";
import { Module } from "./module.ts";
import type { Store, StoreOptions } from "./store.ts";
import type { Value } from "./values.ts";

/** What a snapshot holds, by names of the embedder's, with all that can be reached from it. */
export interface SnapshotContents {
  readonly instances?: Readonly<Record<string, Instance<object>>>;
  /** Executions of `start` that are suspended. */
  readonly executions?: Readonly<Record<string, Execution>>;
  /**
   * Functions, memories, tables, globals, tags and opaque objects of the store that are wanted
   * again; and what guests have of the host's, which then has to be given again.
   */
  readonly refs?: Readonly<Record<string, Value>>;
}

/** How a store is made of a snapshot. Of the options of a store, what is missing is as it was. */
export interface RestoreOptions extends StoreOptions {
  /** Modules of the instances, at least. */
  readonly modules: readonly Module[];
  /** The host's functions and tags for all instances; or for those of a name, null for others. */
  readonly imports?: ImportMap | ((instance: string | null) => ImportMap);
  /** What was named that is the host's. */
  readonly refs?: Readonly<Record<string, Value>>;
}

/** What `Store.restore` gives: all that was named, by the same names. */
export interface Restored {
  readonly store: Store;
  readonly instances: Readonly<Record<string, Instance>>;
  readonly executions: Readonly<Record<string, Execution>>;
  readonly refs: Readonly<Record<string, Value>>;
}

// Out

/** See `Store.snapshot`. */
export function takeSnapshot(store: Store, contents: SnapshotContents): Uint8Array {
  const { executions = {}, instances = {}, refs = {} } = contents;
  for (let call = currentCall(); call !== null; call = call.beneath) {
    if (call.store === store.runtime) throw new SnapshotError("a guest of the store is running");
  }
  const calls = mapped(executions, (execution, name) => callOf(store, execution, name));
  const state = capture({
    store: store.runtime,
    usage: store.usage,
    instances: mapped(instances, instanceOf),
    executions: calls,
    refs: mapped(refs, (value): CapturedRef => ({ extern: externOf(store, value), value })),
  });
  return writeSnapshot(state);
}

function mapped<T, S>(
  all: Readonly<Record<string, T>>,
  map: (item: T, name: string) => S,
): ReadonlyMap<string, S> {
  return new Map(Object.entries(all).map(([name, item]) => [name, map(item, name)]));
}

function instanceOf(instance: Instance<object>, name: string): ModuleInstance {
  if (instance instanceof Instance) return instance.target;
  throw new TypeError(`snapshot: "${name}" is no Instance`);
}

function callOf(store: Store, execution: Execution, name: string): CapturedCall {
  if (!(execution instanceof Execution)) throw new TypeError(`snapshot: "${name}" is no Execution`);
  if (execution.store !== store) throw new SnapshotError(`execution "${name}" is of another store`);
  execution.comeDown();
  if (execution.status !== "suspended") {
    throw new SnapshotError(`execution "${name}" is ${execution.status}, not suspended`);
  }
  return { call: takeCall(execution.call), usage: execution.usage };
}

/** What a value is for the engine, if it is of this store. */
function externOf(store: Store, value: Value): ExternInstance | null {
  const extern = knownExtern(value);
  if (extern === null) return null;
  const { runtime } = store;
  const owner = extern.kind === "func" ? extern.value.instance?.store : extern.value.store;
  return owner === runtime ? extern : null;
}

// Back

/** A store of the embedder's, made of one of the layers below. */
type MakeStore = (state: StoreState, options: StoreOptions) => Store;

/** See `Store.restore`. */
export function restoreSnapshot(
  bytes: Uint8Array,
  { imports = {}, modules, refs = {}, ...options }: RestoreOptions,
  makeStore: MakeStore,
): Restored {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("restore takes a Uint8Array");
  if (!Array.isArray(modules)) throw new TypeError("restore: `modules` are to be a list");
  const state = readSnapshot(bytes);
  const { prices = PRICE_TABLE_2 } = options;
  if (prices.version !== state.accounts.prices) {
    throw new SnapshotError(
      `the snapshot has the price table "${state.accounts.prices}", not "${prices.version}"`,
    );
  }
  const store = makeStore(state, options);
  const byRecord = new Map<ModuleRecord, Module>();
  for (const module of modules) {
    if (!(module instanceof Module)) throw new TypeError("restore: `modules` are to be Modules");
    byRecord.set(module.record, module);
  }
  const { calls, entities } = restoreStore(state, {
    store: store.runtime,
    modules: [...byRecord.keys()],
    grant(record, index, name) {
      const map = typeof imports === "function" ? imports(name) : imports;
      return new Linking(store, byRecord.get(record) as Module, map).required(index);
    },
    host(name) {
      if (Object.hasOwn(refs, name)) return refs[name];
      throw new SnapshotError(`the snapshot needs what was named "${name}", in \`refs\``);
    },
    handle(extern) {
      return extern.kind === "func" ? store.func(extern.value) : handleOf(extern);
    },
  });
  settle(store.runtime, state);
  store.bill(state.accounts.fuel);
  const executions = calls.map(({ call, state: { name, usage } }) => {
    return [name, Execution.restored(store, call, usage)] as const;
  });
  const instances = state.instanceNames.map(([name, number]) => {
    return [name, store.instance(entities.instanceAt(number))] as const;
  });
  const { names } = entities;
  for (const value of names.values()) ExportedObject.handOut(value);
  return {
    store,
    instances: named(instances),
    executions: named(executions),
    refs: named([...names]),
  };
}

/** An object without prototype: names are whatever they are. */
function named<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  const all: Record<string, T> = Object.create(null);
  for (const [name, item] of entries) all[name] = item;
  return Object.freeze(all);
}

/** Restoring is no use of the store's: what is on record is what was. */
function settle(runtime: RuntimeStore, { accounts }: StoreState): void {
  const { hostCalls, peakMemoryBytes }: Usage = accounts;
  runtime.hostCalls = hostCalls;
  runtime.peakMemoryBytes = Math.max(runtime.peakMemoryBytes, peakMemoryBytes);
}
