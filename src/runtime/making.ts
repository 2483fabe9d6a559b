// New arrays whose elements are set in pieces (spec: 4.6.5, array.new and its like): making a long
// one takes longer than a guest may go without a look.

import { isReference, type ValType } from "../isa/types.ts";
import { type Aggregate, arrayLength } from "./objects.ts";

/** Elements that are set at one go. */
const PIECE_ELEMENTS = 1 << 12;

/** Whether a new array whose elements shall be these words has them from the begin. */
export function isInitial(storage: ValType, words: readonly unknown[]): boolean {
  return isReference(storage) || words.every((word) => word === 0);
}

/** Sets `count` elements of an array from `at` on. */
type Fill = (made: Aggregate, at: number, count: number) => void;

/** An array that is counted and paid, and how many of its elements are set. */
export class Making {
  readonly object: Aggregate;
  private readonly fill: Fill;
  private readonly length: number;
  private done: number;

  /** `isComplete`: its elements are what they shall be, and `fill` has nothing to do. */
  constructor(object: Aggregate, isComplete: boolean, fill: Fill) {
    this.object = object;
    this.fill = fill;
    this.length = arrayLength(object);
    this.done = isComplete ? this.length : 0;
  }

  get isDone(): boolean {
    return this.done === this.length;
  }

  /** Sets the next elements; how many. */
  advance(): number {
    const count = Math.min(this.length - this.done, PIECE_ELEMENTS);
    this.fill(this.object, this.done, count);
    this.done += count;
    return count;
  }
}
