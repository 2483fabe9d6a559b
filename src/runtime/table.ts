// Table instances (spec: 4.2.7): references by index.

import type { TableType } from "../module/module.ts";
import type { Value } from "./instances.ts";
import type { Store } from "./store.ts";

/** A table. `type.min` is its size when it was made. */
export class TableInstance {
  readonly type: TableType;
  readonly store: Store;
  /** What call_indirect looks into. */
  readonly elements: Value[] = [];

  constructor(store: Store, type: TableType) {
    this.store = store;
    this.type = type;
  }

  /**
   * Grows by `delta` elements that hold `value`: the former size, or -1 if the type's maximum or the
   * store's limit does not allow it (spec: 4.5.3.3).
   */
  grow(delta: number, value: Value): number {
    const { elements, type, store } = this;
    const before = elements.length;
    const most = Math.min(Number(type.max ?? Number.POSITIVE_INFINITY), 2 ** 32 - 1);
    if (before + delta > most || !store.reserve("tableElements", delta)) return -1;
    for (let i = 0; i < delta; i++) elements.push(value);
    return before;
  }
}
