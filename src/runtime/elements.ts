// References by index where there may be millions of them: in parts, so that nothing that is done
// to them takes long, and those that nobody has set take no memory.

import type { Value } from "./instances.ts";

/** Elements in each part. */
const PART_LOG2 = 12;
const PART = 1 << PART_LOG2;
/** What making the array of a part counts for, see `Store.work`. */
const PART_WORK = 4_000;

/** Elements that are all the same, until one of them is set. */
interface Part {
  same: Value;
  each: Value[] | null;
}

/** What the host does for a guest is counted there, see `Store.work`. */
interface WorkAccount {
  work: number;
}

/** A long list of references. */
export class Elements {
  readonly parts: Part[] = [];
  length = 0;
  private readonly account: WorkAccount;

  constructor(account: WorkAccount) {
    this.account = account;
  }

  /** The element at `index`, which is below `length`. */
  get(index: number): Value {
    const { each, same } = this.parts[index >> PART_LOG2];
    return each === null ? same : each[index & (PART - 1)];
  }

  /** Replaces the element at `index`, which is below `length`. */
  set(index: number, value: Value): void {
    this.arrayOf(this.parts[index >> PART_LOG2])[index & (PART - 1)] = value;
  }

  /** Replaces the elements from `start` to `end`, which is at most `length`. */
  fill(value: Value, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const first = at & (PART - 1);
      const part = this.parts[at >> PART_LOG2];
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
      this.account.work += PART_WORK;
    }
    return part.each;
  }

  /** Makes it `length` elements long; those that are new hold `value`. */
  extend(length: number, value: Value): void {
    const { length: before, parts } = this;
    this.length = length;
    // The part that it ended in may hold something else behind its end.
    this.fill(value, before, Math.min(length, parts.length * PART));
    while (parts.length * PART < length) parts.push({ same: value, each: null });
  }
}
