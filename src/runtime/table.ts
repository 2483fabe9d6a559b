// Table instances (spec: 4.2.7): references by index. What reads and writes elements is in bulk.ts.

import type { TableType } from "../module/module.ts";
import type { Value } from "./instances.ts";
import type { Lease, Store } from "./store.ts";

/**
 * The most elements of any table (JS-API: 7.3). An array of 2^27 would be too long for V8, which
 * answers that by ending the process.
 */
const MOST_ELEMENTS = 10_000_000;

/** A table. It has no elements until it grows; `type` is closed (see types.ts). */
export class TableInstance {
  readonly type: TableType;
  readonly store: Store;
  /** Its part of the store's `tableElements`. */
  readonly lease: Lease;
  /** What call_indirect looks into. */
  readonly elements: Value[] = [];

  constructor(store: Store, type: TableType) {
    this.store = store;
    this.type = type;
    this.lease = store.lease("tableElements", this);
  }

  /**
   * Grows by `delta` elements that hold `value`: the former size, or -1 if the type's maximum or
   * the store's limit does not allow it (spec: growing tables). A `delta` beyond 2^53 may be
   * rounded.
   */
  grow(delta: number, value: Value): number {
    const { elements, lease, type } = this;
    const before = elements.length;
    const most = type.max === null ? MOST_ELEMENTS : Math.min(Number(type.max), MOST_ELEMENTS);
    if (before + delta > most || !lease.extend(delta)) return -1;
    for (let i = 0; i < delta; i++) elements.push(value);
    return before;
  }
}
