// Where a compiled function may stop, and the frame that comes out there, in Wasm's terms.

import type { ValType } from "../isa/types.ts";
import { type Bits, PASSED_ORDER, passedAs, zeroBits } from "./values.ts";

/**
 * The budget while frames are saved: below whatever a check compares it with. Functions return at
 * once then, to callers whose checks fail.
 */
export const SAVING = -(2 ** 30);

/**
 * `entry`: before anything of the function; `loop`: at a loop's header, with its parameters as
 * operands; `call`: behind a call; `instruction`: behind an instruction that the runtime executes,
 * in the middle of a segment. If it has not been done, the function stops in front of it.
 */
export type SiteKind = "entry" | "loop" | "call" | "instruction";

/** A site, as it is known when the function has been written. */
export interface Site {
  readonly kind: SiteKind;
  readonly functionIndex: number;
  /** Where the instruction begins in the module: the loop, the call. Of an entry, the body. */
  readonly offset: number;
  /** Types of the locals and of the operands, counted from the bottom. */
  readonly locals: readonly ValType[];
  /**
   * Indices of the locals that are passed, ascending. Others are written before they are read on
   * every path from here, so their values do not matter; at an entry, those that are no parameters
   * hold what they start with.
   */
  readonly passedLocals: readonly number[];
  readonly operands: readonly ValType[];
  /**
   * How many of the operands, counted from the top, are results of the call or instruction: if the
   * callee was saved as well, or it was not done, they are dummies.
   */
  readonly results: number;
  /** The most that may be spent from here before the next check. */
  readonly worst: number;
  /** The part of it that belongs to the segment in which an instruction of the runtime's lies. */
  readonly rest: number;
}

/** The number of the site at an offset; -1: there is none. They are in the order of the module. */
export function siteNumber(sites: readonly Site[], offset: number): number {
  let low = 0;
  let high = sites.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sites[middle].offset < offset) low = middle + 1;
    else high = middle;
  }
  return sites[low]?.offset === offset ? low : -1;
}

/** What a function's frame holds at a site; locals that were not passed are zeros. */
export interface SavedFrame {
  readonly site: Site;
  readonly locals: readonly Bits[];
  readonly operands: readonly Bits[];
}

/** The frame that was passed: `values` as the import of the site's signature has got them. */
export function frameOf(site: Site, values: readonly unknown[]): SavedFrame {
  const { locals: types, operands: operandTypes, passedLocals } = site;
  const locals = types.map(zeroBits);
  const operands: Bits[] = new Array(operandTypes.length);
  let next = 0;
  const take = (type: ValType) =>
    passedAs(type).length === 1 ? values[next++] : [values[next++], values[next++]];
  // Behind them are the budget and the number.
  const end = values.length - 2;
  for (const kind of PASSED_ORDER) {
    if (next === end) break;
    for (const local of passedLocals) {
      if (passedAs(types[local])[0] === kind) locals[local] = take(types[local]);
    }
    for (let i = 0; i < operandTypes.length; i++) {
      if (passedAs(operandTypes[i])[0] === kind) operands[i] = take(operandTypes[i]);
    }
  }
  return { site, locals, operands };
}
