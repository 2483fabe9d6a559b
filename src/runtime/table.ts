// Table instances (spec: 4.2.7): references by index. What reads and writes elements is in bulk.ts.

import type { TableType } from "../module/module.ts";
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
/** Elements in each part behind them. */
const PART_LOG2 = 12;
const PART = 1 << PART_LOG2;
/** What making the array of a part counts for, see `Store.work`. */
const PART_WORK = 4_000;

/** Elements behind the head: all the same, until one of them is set. */
interface Part {
  same: Value;
  each: Value[] | null;
}

/**
 * A table. It has no elements until it grows; `type` is closed (see types.ts). What real programs
 * have fits in the head; a longer table is in parts, so that nothing that is done to it takes long,
 * and growing one takes no memory for elements that nobody has set.
 */
export class TableInstance {
  readonly type: TableType;
  readonly store: Store;
  /** Its part of the store's `tableElements`. */
  readonly lease: Lease;
  length = 0;
  /** The first elements: what call_indirect looks into. All others ask `get` and `set`. */
  readonly head: Value[] = [];
  private readonly parts: Part[] = [];

  constructor(store: Store, type: TableType) {
    this.store = store;
    this.type = type;
    this.lease = store.lease("tableElements", this);
    if (mayReferToObjects(type.element)) store.objects.hold(this);
  }

  /** The element at `index`, which is below `length`. */
  get(index: number): Value {
    if (index < HEAD) return this.head[index];
    const { each, same } = this.parts[(index - HEAD) >> PART_LOG2];
    return each === null ? same : each[(index - HEAD) & (PART - 1)];
  }

  /** Replaces the element at `index`, which is below `length`. */
  set(index: number, value: Value): void {
    if (index < HEAD) this.head[index] = value;
    else this.arrayOf(this.parts[(index - HEAD) >> PART_LOG2])[(index - HEAD) & (PART - 1)] = value;
  }

  /** Replaces the elements from `start` to `end`, which is at most `length`. */
  fill(value: Value, start: number, end: number): void {
    if (start < HEAD) this.head.fill(value, start, Math.min(end, HEAD));
    for (let at = Math.max(start, HEAD); at < end; ) {
      const first = (at - HEAD) & (PART - 1);
      const part = this.parts[(at - HEAD) >> PART_LOG2];
      const last = Math.min(PART, first + end - at);
      if (first === 0 && last === PART) {
        part.same = value;
        part.each = null;
      } else if (part.each !== null || part.same !== value) {
        this.arrayOf(part).fill(value, first, last);
      }
      at += last - first;
    }
  }

  private arrayOf(part: Part): Value[] {
    if (part.each === null) {
      part.each = new Array<Value>(PART).fill(part.same);
      part.same = null;
      this.store.work += PART_WORK;
    }
    return part.each;
  }

  /**
   * Grows by `delta` elements that hold `value`: the former size, or -1 if the type's maximum or
   * the store's limit does not allow it (spec: growing tables). A `delta` beyond 2^53 may be
   * rounded.
   */
  grow(delta: number, value: Value): number {
    const { head, lease, parts, type } = this;
    const before = this.length;
    const most = type.max === null ? MOST_ELEMENTS : Math.min(Number(type.max), MOST_ELEMENTS);
    if (before + delta > most || !lease.extend(delta)) return -1;
    this.length = before + delta;
    const inHead = Math.min(this.length, HEAD);
    while (head.length < inHead) head.push(value);
    while (HEAD + parts.length * PART < this.length) parts.push({ same: value, each: null });
    // The part that the table ended in may hold something else behind its end.
    const partial = HEAD + Math.ceil((before - HEAD) / PART) * PART;
    if (before > HEAD) this.fill(value, before, Math.min(this.length, partial));
    return before;
  }
}
