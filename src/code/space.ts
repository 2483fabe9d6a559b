// Where register code goes, and what is known about a function that has been translated. The words
// belong to the machine (src/interpreter); this layer only writes into them.

import type { ModuleRecord } from "../module/module.ts";

/** The realm's register code: a fixed array, filled from the bottom. */
export interface CodeSpace {
  readonly words: Int32Array;
  /** First free word. */
  top: number;
}

/** A catch clause of a try_table, as the unwinder needs it. */
export interface Handler {
  /** Code between `start` (inclusive) and `end` (exclusive) is protected. */
  readonly start: number;
  end: number;
  readonly clauses: readonly CatchClause[];
}

export interface CatchClause {
  /** Tag index, or -1 for catch_all. */
  readonly tag: number;
  /** Whether the exception reference follows the payload. */
  readonly withReference: boolean;
  /** First slot of the label's operands. */
  readonly slot: number;
  /** Where to go on, and the cost of the segment that begins there. */
  target: number;
  cost: number;
}

/** A function of a module and, once it has been called, its register code. */
export class FunctionCode {
  readonly module: ModuleRecord;
  /** Index in the module's function index space. */
  readonly index: number;
  /** Position of its first instruction; -1 while it has not been translated. */
  entry = -1;
  end = -1;
  /** Handlers, inner ones before outer ones. */
  handlers: readonly Handler[] = [];
  /** Code positions and the module offsets of the instructions that begin there, ascending. */
  positions: Int32Array = new Int32Array(0);
  offsets: Int32Array = new Int32Array(0);

  constructor(module: ModuleRecord, index: number) {
    this.module = module;
    this.index = index;
  }

  /** Offset in the module of the Wasm instruction that the code at `pc` belongs to. */
  offsetAt(pc: number): number {
    let low = 0;
    let high = this.positions.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.positions[middle] <= pc) low = middle;
      else high = middle - 1;
    }
    return this.offsets[low] ?? 0;
  }
}
