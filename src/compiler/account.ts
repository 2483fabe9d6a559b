// What compiled instances take of the host, in the account `compiledBytes` of their stores. The
// code of a module counts once for each store that has instances of it, as long as there are some.

import type { ModuleInstance } from "../runtime/instances.ts";
import type { Lease, Store } from "../runtime/store.ts";
import type { Compiled } from "./host-code.ts";

/** What the host takes for an instance, and for each of its functions, as V8 does. */
export const INSTANCE_BYTES = 16_384;
const FUNCTION_BYTES = 256;
/** A process has some 13,000 memories of the host's: so much for address space. */
const MEMORY_BYTES = 1 << 20;

/** The part of a module's code that a store pays; kept by instances. */
export class Share {
  readonly compiled: Compiled;

  constructor(compiled: Compiled) {
    this.compiled = compiled;
  }
}

const shares = new WeakMap<Store, WeakMap<Compiled, WeakRef<Share>>>();

/** Counts a module's code in a store, once; null: there is no room for it. */
export function shareOf(store: Store, compiled: Compiled): Share | null {
  let known = shares.get(store);
  if (known === undefined) {
    known = new WeakMap();
    shares.set(store, known);
  }
  const found = known.get(compiled)?.deref();
  if (found !== undefined) return found;
  const made = new Share(compiled);
  if (!store.lease("compiledBytes", made).extend(compiled.hostBytes)) return null;
  known.set(compiled, new WeakRef(made));
  return made;
}

/** The part of an instance that is to be compiled; null: its store has no room for it. */
export function leaseFor(instance: ModuleInstance): Lease | null {
  const { memories, module, store } = instance;
  const lease = store.lease("compiledBytes", instance);
  const functions = FUNCTION_BYTES * module.functions.length;
  return lease.extend(INSTANCE_BYTES + functions + MEMORY_BYTES * memories.length) ? lease : null;
}
