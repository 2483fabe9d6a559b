// Table instances (spec: 4.2.7): references by index. What reads and writes elements is in bulk.ts.

import type { TableType } from "../module/module.ts";
import { Elements } from "./elements.ts";
import type { Value } from "./instances.ts";
import { mayReferToObjects } from "./roots.ts";
import type { Lease, Store } from "./store.ts";

/**
 * The most elements of any table (JS-API: 7.3). An array of 2^27 would be too long for V8, which
 * answers that by ending the process.
 */
const MOST_ELEMENTS = 10_000_000;

/** Elements that lie in one array: copying it when it grows takes a millisecond or two. */
const HEAD = 1 << 18;

/** Who has a copy of a table, or something made of it. */
export interface TableWatcher {
  /** The elements from `start` to `end` may be others than before. */
  changed(start: number, end: number): void;
}

/** Watchers of one table: each takes time with every change. */
const MOST_WATCHERS = 16;
const NOBODY: readonly WeakRef<TableWatcher>[] = [];

/**
 * A table. It has no elements until it grows; `type` is closed (see types.ts). What real programs
 * have fits in the head; what is behind it is in parts (elements.ts).
 */
export class TableInstance {
  readonly type: TableType;
  readonly store: Store;
  /** Its part of the store's `tableElements`. */
  readonly lease: Lease;
  length = 0;
  /** The first elements: what call_indirect looks into. All others ask `get` and `set`. */
  readonly head: Value[] = [];
  private readonly tail: Elements;
  private watchers = NOBODY;

  constructor(store: Store, type: TableType) {
    this.store = store;
    this.type = type;
    this.tail = new Elements(store);
    this.lease = store.lease("tableElements", this);
    if (mayReferToObjects(type.element)) store.objects.hold(this);
  }

  /** Has somebody told of changes as long as it lives; false if too many are. */
  watch(watcher: TableWatcher): boolean {
    const others = this.watchers.filter((one) => one.deref() !== undefined);
    if (others.length >= MOST_WATCHERS) return false;
    this.watchers = [...others, new WeakRef(watcher)];
    return true;
  }

  /** What is done to elements with `put` is to be told. */
  tell(start: number, end: number): void {
    for (const watcher of this.watchers) watcher.deref()?.changed(start, end);
  }

  /** The element at `index`, which is below `length`. */
  get(index: number): Value {
    return index < HEAD ? this.head[index] : this.tail.get(index - HEAD);
  }

  /** Replaces the element at `index`, which is below `length`. */
  set(index: number, value: Value): void {
    this.put(index, value);
    if (this.watchers !== NOBODY) this.tell(index, index + 1);
  }

  /** The same as one of many: the caller tells of all of them. */
  put(index: number, value: Value): void {
    if (index < HEAD) this.head[index] = value;
    else this.tail.set(index - HEAD, value);
  }

  /** Replaces the elements from `start` to `end`, which is at most `length`. */
  fill(value: Value, start: number, end: number): void {
    if (start < HEAD) this.head.fill(value, start, Math.min(end, HEAD));
    this.tail.fill(value, Math.max(start, HEAD) - HEAD, end - HEAD);
    this.tell(start, end);
  }

  /**
   * Grows by `delta` elements that hold `value`: the former size, or -1 if the type's maximum or
   * the store's limit does not allow it (spec: growing tables). A `delta` beyond 2^53 may be
   * rounded.
   */
  grow(delta: number, value: Value): number {
    const { head, lease, tail, type } = this;
    const before = this.length;
    const most = type.max === null ? MOST_ELEMENTS : Math.min(Number(type.max), MOST_ELEMENTS);
    if (before + delta > most || !lease.extend(delta)) return -1;
    this.length = before + delta;
    const inHead = Math.min(this.length, HEAD);
    while (head.length < inHead) head.push(value);
    if (this.length > HEAD) tail.extend(this.length - HEAD, value);
    return before;
  }
}
