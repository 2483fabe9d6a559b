// Fuel by segments (design: section 2, Fuel). A segment is what runs from a point of control (the
// function's entry, a label, the instruction after a transfer) up to and including the next
// control transfer. It is paid when it is entered. Labels do not end it: they only open another
// segment that ends at the same place. Costs come from the price table and the Wasm instructions
// alone, so whatever executes a function bills the same.

import type { Draft } from "./draft.ts";

/**
 * A segment ends after so many instructions: what a trap in the middle has billed too much stays
 * small, a slice is not overdrawn by more, and no cost comes near the budget's 32 bits.
 */
export const LONGEST_SEGMENT = 1_000;

/** Writes what words have waited for; each of them holds the position of the one before it. */
export function fillWords(words: Int32Array, last: number, value: number): void {
  for (let at = last; at >= 0; ) {
    const before = words[at];
    words[at] = value;
    at = before;
  }
}

/** A point where control can arrive; its cost is known once the next transfer is reached. */
export class SegmentPoint {
  /** Running price up to the point; -1 until it is placed. */
  start = -1;
  /** Price from the point to the next transfer; -1 while unknown. */
  cost = -1;
  /** The last word that waits for the cost, and holds the one before it; -1 if none does. */
  lastWord = -1;
  /** Told the cost as soon as it is known. */
  waiting: ((cost: number) => void)[] | null = null;
}

/** Computes the costs of a function's segments in one pass over its instructions. */
export class SegmentCosts {
  /** Price of all instructions so far. */
  total = 0;
  /** Instructions since the last transfer. */
  instructions = 0;
  private open: SegmentPoint[] = [];
  private readonly draft: Draft;

  constructor(draft: Draft) {
    this.draft = draft;
  }

  /** Places `point` before the next instruction. */
  place(point: SegmentPoint): void {
    point.start = this.total;
    this.open.push(point);
  }

  /** Adds the price of an instruction. */
  add(price: number): void {
    this.total += price;
    this.instructions++;
  }

  /** The instruction just added is a control transfer: the open segments end with it. */
  transfer(): void {
    this.instructions = 0;
    for (const point of this.open) {
      point.cost = this.total - point.start;
      fillWords(this.draft.words, point.lastWord, point.cost);
      for (const tell of point.waiting ?? []) tell(point.cost);
      point.waiting = null;
    }
    this.open.length = 0;
  }

  /** Calls `tell` with the cost of the segment at `point`, now or when it is known. */
  whenKnown(point: SegmentPoint, tell: (cost: number) => void): void {
    if (point.cost >= 0) tell(point.cost);
    else {
      point.waiting ??= [];
      point.waiting.push(tell);
    }
  }

  /** A word that will hold the cost of the segment at `point`. */
  word(point: SegmentPoint): void {
    const at = this.draft.word(point.cost >= 0 ? point.cost : point.lastWord);
    if (point.cost < 0) point.lastWord = at;
  }
}
