// Which of the embedder's objects stands for what of the layers below. The classes of these objects
// convert values, so what conversions ask for is here, beneath them.

import { FunctionInstance } from "../runtime/instances.ts";
import type { Store as RuntimeStore } from "../runtime/store.ts";
import type { Store } from "./store.ts";

const stores = new WeakMap<RuntimeStore, Store>();
let makeStore: (runtime: RuntimeStore) => Store;

/** Says how the embedder's store of one of the layers below is made, if somebody asks for it. */
export function storesAreMadeBy(make: (runtime: RuntimeStore) => Store): void {
  makeStore = make;
}

/** Notes the embedder's store of one of the layers below. */
export function keepStore(runtime: RuntimeStore, store: Store): void {
  stores.set(runtime, store);
}

/** The embedder's store of one of the layers below. */
export function storeOf(runtime: RuntimeStore): Store {
  return stores.get(runtime) ?? makeStore(runtime);
}

/** An object that stands for a function instance. */
export abstract class FunctionHandle {
  /** The function instance, for the layers below. */
  readonly target: FunctionInstance;

  constructor(target: FunctionInstance) {
    this.target = target;
  }
}

/** The function instances behind exported JavaScript functions, which keep their identity. */
const behind = new WeakMap<object, FunctionInstance>();

/** Notes which function instance a JavaScript function stands for. */
export function standsFor(value: object, target: FunctionInstance): void {
  behind.set(value, target);
}

/** The function instance that a value stands for; null if it stands for none. */
export function functionOf(value: unknown): FunctionInstance | null {
  if (value instanceof FunctionHandle) return value.target;
  if (value instanceof FunctionInstance) return value;
  return (typeof value === "function" && behind.get(value)) || null;
}
