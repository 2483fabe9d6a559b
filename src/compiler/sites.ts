// Where a compiled function may stop, and the frame that comes out there, in Wasm's terms.

import type { ValType } from "../isa/types.ts";
import type { FoundFacts } from "./flow.ts";
import type { HostOperands } from "./operands.ts";
import { type Bits, PASSED_ORDER, passedAs, passedCount, zeroBits } from "./values.ts";
import { WordList } from "./words.ts";

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

const KINDS: readonly SiteKind[] = ["entry", "loop", "call", "instruction"];

/** The sites of a function in the making. */
export class OpenSites {
  /** Kind, offset, results and where the operands end, of each. */
  private readonly rows = new WordList();
  /** Type and local of each operand. */
  private readonly operands = new WordList();

  clear(): void {
    this.rows.length = 0;
    this.operands.length = 0;
  }

  get count(): number {
    return this.rows.length / 4;
  }

  /** Adds a site with operands, all of which are in locals; its number in the function. */
  add(kind: SiteKind, offset: number, results: number, operands: HostOperands): number {
    operands.list(this.operands);
    this.rows.row(KINDS.indexOf(kind), offset, results, this.operands.length);
    return this.count - 1;
  }

  kindAt(site: number): SiteKind {
    return KINDS[this.rows.words[4 * site]];
  }

  offsetAt(site: number): number {
    return this.rows.words[4 * site + 1];
  }

  resultsAt(site: number): number {
    return this.rows.words[4 * site + 2];
  }

  /** Where its operands begin in the list of all sites' operands, and where they end. */
  operandsFrom(site: number): number {
    return site === 0 ? 0 : this.operandsUpTo(site - 1);
  }

  operandsUpTo(site: number): number {
    return this.rows.words[4 * site + 3] / 2;
  }

  typeOf(operand: number): ValType {
    return this.operands.words[2 * operand];
  }

  localOf(operand: number): number {
    return this.operands.words[2 * operand + 1];
  }
}

/** Words of a site, besides its values, in the order in which they are. */
const HEAD_WORDS = 8;
const HEAD = {
  kind: 0,
  functionIndex: 1,
  offset: 2,
  results: 3,
  worst: 4,
  rest: 5,
  /** Where its values end: the locals that are passed, and types of operands. */
  end: 6,
  passed: 7,
} as const;

/** The sites of a module by their numbers, which are in the order of the module: packed. */
export class Sites {
  private readonly heads = new WordList();
  private readonly values = new WordList();
  /** Types of the locals, by function. */
  private readonly locals = new Map<number, readonly ValType[]>();
  private readonly first: number;

  /** @param first number of the first site */
  constructor(first = 0) {
    this.first = first;
  }

  /** The number of the next site. */
  get end(): number {
    return this.first + this.heads.length / HEAD_WORDS;
  }

  /** What they take. */
  get bytes(): number {
    return 4 * (this.heads.length + this.values.length);
  }

  /** Adds the sites of a function with these locals. */
  addAll(
    functionIndex: number,
    locals: readonly ValType[],
    params: number,
    open: OpenSites,
    facts: FoundFacts,
  ): void {
    const { heads, values } = this;
    this.locals.set(functionIndex, locals);
    for (let site = 0; site < open.count; site++) {
      const kind = open.kindAt(site);
      const begin = values.length;
      const count = kind === "entry" ? params : locals.length;
      for (let local = 0; local < count; local++) {
        if (facts.isLive(site, local)) values.push(local);
      }
      const passed = values.length - begin;
      const last = open.operandsUpTo(site);
      for (let i = open.operandsFrom(site); i < last; i++) values.push(open.typeOf(i));
      heads.row(KINDS.indexOf(kind), functionIndex, open.offsetAt(site), open.resultsAt(site));
      heads.row(facts.worst[site], facts.rest[site], values.length, passed);
    }
  }

  private field(number: number, field: keyof typeof HEAD): number {
    return this.heads.words[(number - this.first) * HEAD_WORDS + HEAD[field]];
  }

  kindAt(number: number): SiteKind {
    return KINDS[this.field(number, "kind")];
  }

  offsetAt(number: number): number {
    return this.field(number, "offset");
  }

  /** The function that it is the entry of; -1: it is no entry. */
  entryAt(number: number): number {
    return this.kindAt(number) === "entry" ? this.field(number, "functionIndex") : -1;
  }

  worstAt(number: number): number {
    return this.field(number, "worst");
  }

  restAt(number: number): number {
    return this.field(number, "rest");
  }

  at(number: number): Site {
    const begin = number === this.first ? 0 : this.field(number - 1, "end");
    const middle = begin + this.field(number, "passed");
    const functionIndex = this.field(number, "functionIndex");
    return {
      kind: this.kindAt(number),
      functionIndex,
      offset: this.offsetAt(number),
      locals: this.locals.get(functionIndex) as readonly ValType[],
      passedLocals: Array.from(this.values.words.subarray(begin, middle)),
      operands: Array.from(this.values.words.subarray(middle, this.field(number, "end"))),
      results: this.field(number, "results"),
      worst: this.field(number, "worst"),
      rest: this.field(number, "rest"),
    };
  }

  /** The sites in a body that lies at `[start, end)` of the module, by their numbers. */
  *numbersIn({ end, start }: { readonly end: number; readonly start: number }): Generator<number> {
    const first = this.numberOf(start);
    for (let i = first; i >= 0 && i < this.end && this.offsetAt(i) < end; i++) yield i;
  }

  /** How many operands a site has. */
  heightAt(number: number): number {
    const begin = number === this.first ? 0 : this.field(number - 1, "end");
    return this.field(number, "end") - begin - this.field(number, "passed");
  }

  /** The number of the site at an offset; -1: there is none. */
  numberOf(offset: number): number {
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsetAt(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low < this.end && this.offsetAt(low) === offset ? low : -1;
  }
}

/** What a function's frame holds at a site; locals that were not passed are zeros. */
export interface SavedFrame {
  readonly site: Site;
  readonly locals: readonly Bits[];
  readonly operands: readonly Bits[];
}

/** Where the import of a site's signature has got the first part of each value. */
export interface PassedAt {
  /** Of the locals that are passed. */
  readonly locals: readonly number[];
  readonly operands: readonly number[];
}

export function passedAt({ locals: types, operands, passedLocals }: Site): PassedAt {
  const at: { locals: number[]; operands: number[] } = { locals: [], operands: [] };
  let next = 0;
  for (const kind of PASSED_ORDER) {
    const first = next;
    const place = (places: number[], i: number, type: ValType) => {
      const parts = passedAs(type);
      if (parts[0] !== kind) return;
      places[i] = next;
      next += parts.length;
    };
    passedLocals.forEach((local, i) => {
      place(at.locals, i, types[local]);
    });
    operands.forEach((type, i) => {
      place(at.operands, i, type);
    });
    next = first + passedCount(next - first);
  }
  return at;
}

/** The frame that was passed: `values` as the import of the site's signature has got them. */
export function frameOf(site: Site, values: readonly unknown[]): SavedFrame {
  const at = passedAt(site);
  const locals = site.locals.map(zeroBits);
  const valueAt = (i: number, type: ValType) => {
    return passedAs(type).length === 1 ? values[i] : [values[i], values[i + 1]];
  };
  site.passedLocals.forEach((local, i) => {
    locals[local] = valueAt(at.locals[i], site.locals[local]);
  });
  return { site, locals, operands: site.operands.map((type, i) => valueAt(at.operands[i], type)) };
}
