// Where register code goes, and what is known about a function that has been translated. The words
// belong to the machine (src/interpreter); this layer only writes into them.

import type { ModuleRecord } from "../module/module.ts";

/** The realm's register code: a fixed array, filled from the bottom. */
export interface CodeSpace {
  readonly words: Int32Array;
  /** First free word. */
  top: number;
}

/** A try_table, as the unwinder needs it. */
export interface Handler {
  /** Index of the handler around it in the same function, or -1. */
  readonly outer: number;
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
  handlers: readonly Handler[] = [];
  /** Ascending positions, and the innermost handler (index or -1) from each one to the next. */
  handlerStarts: Int32Array = new Int32Array(0);
  innermost: Int32Array = new Int32Array(0);
  /** Code positions and the module offsets of the instructions that begin there, ascending. */
  positions: Int32Array = new Int32Array(0);
  offsets: Int32Array = new Int32Array(0);

  constructor(module: ModuleRecord, index: number) {
    this.module = module;
    this.index = index;
  }

  /** Offset in the module of the Wasm instruction that the code at `pc` belongs to. */
  offsetAt(pc: number): number {
    return this.offsets[Math.max(0, lastUpTo(this.positions, pc))] ?? 0;
  }

  /** Index of the innermost handler that protects the code at `pc`, or -1. */
  handlerAt(pc: number): number {
    return this.innermost[lastUpTo(this.handlerStarts, pc)] ?? -1;
  }
}

/** Index of the last of the ascending positions that is not above `pc`; -1 if there is none. */
function lastUpTo(positions: Int32Array, pc: number): number {
  let low = -1;
  let high = positions.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (positions[middle] <= pc) low = middle;
    else high = middle - 1;
  }
  return low;
}
