// What is known about a function that has been translated. Everything here is relative to where its
// code begins, and stays when the code is evicted: it is the same when it is made again.

import type { ModuleRecord } from "../module/module.ts";
import type { CompiledModule } from "./compiled.ts";
import type { OffsetTable } from "./offsets.ts";
import { lastUpTo } from "./search.ts";

/** A `try_table` or `try`, as the unwinder needs it. */
export interface Handler {
  /** Index of the handler around it in the same function, or -1. */
  readonly outer: number;
  readonly clauses: readonly CatchClause[];
}

export interface CatchClause {
  /** Tag index, or -1 for catch_all. */
  readonly tag: number;
  /** First slot of what the exception carries, and the one of the reference to it, or -1. */
  readonly slot: number;
  reference: number;
  /** Where to go on, and the cost of the segment that begins there. */
  target: number;
  cost: number;
}

/** Shared by all functions without handlers: thousands of empty arrays add up. */
const NONE = new Int32Array(0);

/** A function of a module and, once it has been called, its register code. */
export class FunctionCode {
  readonly compiled: CompiledModule;
  /** Index in the module's function index space. */
  readonly index: number;
  /** Positions of its first word and of its first instruction; -1 while there is no code. */
  start = -1;
  entry = -1;
  /** Words of its code, and in front of its first instruction. */
  size = 0;
  entryOffset = 0;
  /** Why it cannot be translated; null if it can, as far as is known. */
  failure: unknown = null;
  /** Words of its frame. */
  frameWords = 0;
  handlers: readonly Handler[] = [];
  /** Ascending positions, and the innermost handler (index or -1) from each one to the next. */
  handlerStarts: Int32Array = NONE;
  innermost: Int32Array = NONE;
  /** Offsets in the module of the Wasm instructions that code belongs to, by position. */
  offsets: OffsetTable | null = null;

  constructor(compiled: CompiledModule, index: number) {
    this.compiled = compiled;
    this.index = index;
  }

  get module(): ModuleRecord {
    return this.compiled.module;
  }

  /** Index of the innermost handler that protects the code at `offset`, or -1. */
  handlerAt(offset: number): number {
    return this.innermost[lastUpTo(this.handlerStarts, offset)] ?? -1;
  }

  /** Offset in the module of the Wasm instruction that the code at `offset` belongs to. */
  offsetAt(offset: number): number {
    return this.offsets?.entryAt(offset).offset ?? 0;
  }

  /** Where the code of that instruction begins. */
  beginAt(offset: number): number {
    return this.offsets?.entryAt(offset).position ?? 0;
  }

  /** Its code lies at `start` now. */
  placed(start: number): void {
    this.start = start;
    this.entry = start + this.entryOffset;
  }

  /** Its code is no more. */
  forget(): void {
    this.start = -1;
    this.entry = -1;
  }
}

/** A place in the code of a function: what is left of a position when code is evicted. */
export interface Place {
  readonly code: FunctionCode;
  /** From the begin of its code. */
  readonly offset: number;
}
