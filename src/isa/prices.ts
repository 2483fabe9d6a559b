// Price tables (design: section 2, Fuel): what each Wasm instruction costs. Table 2 is what the
// rows of the instruction table say. Table 1 was the same, but a segment had no longest length, so
// that a trap in the middle of long straight-line code billed more than was executed; the locals of
// a call were zeroed for nothing; and `throw` cost 1, however much it took along and however far
// its handler was.

import { allInstructions, FREE_OPCODES } from "./index.ts";
import { OPCODE_SPACE } from "./instruction.ts";

/** A versioned price table. Prices are whole numbers from 0 to 65,535. */
export interface PriceTable {
  /** Identifies the table, e.g. in records of what was billed. */
  readonly version: string;
  /** Fixed price by dense opcode; what there is where no instruction is means nothing. */
  readonly fixed: Uint16Array;
  /** Bulk operations pay 1 more for every so many bytes or elements: whole numbers from 1. */
  readonly bytesPerUnit: number;
  readonly elementsPerUnit: number;
  /** Units for every page that a memory grows by: a whole number up to 65,535. */
  readonly perPage: number;
  /**
   * A call pays 1 more for so many locals that the function declares, since they are zeroed; a
   * throw for so many values of its exception, and for so many frames, handlers and catch clauses
   * that are searched for one that catches it.
   */
  readonly localsPerUnit: number;
  readonly valuesPerUnit: number;
  readonly searchedPerUnit: number;
}

/** Control transfers without which no program can run for ever: they must cost something. */
const CYCLES: ReadonlySet<string> = new Set([
  ...["br", "br_if", "br_table", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail"],
  ...["call", "call_indirect", "call_ref"],
  ...["return_call", "return_call_indirect", "return_call_ref"],
  ...["throw", "throw_ref", "rethrow"],
]);
const MOST = 0xffff;

function tableTwo(): PriceTable {
  const fixed = new Uint16Array(OPCODE_SPACE).fill(1);
  FREE_OPCODES.forEach((opcode) => {
    fixed[opcode] = 0;
  });
  return {
    version: "2",
    fixed,
    bytesPerUnit: 64,
    elementsPerUnit: 16,
    perPage: 1,
    localsPerUnit: 16,
    valuesPerUnit: 16,
    searchedPerUnit: 16,
  };
}

/**
 * Price table 2: 0 for `block`, `loop`, `try_table`, `else`, `end`, `nop`, and `try` with its
 * parts; 1 for all others.
 */
export const PRICE_TABLE_2: PriceTable = tableTwo();

/** What a call pays for the zeroing of so many locals, in the function's first segment. */
export function zeroingPrice({ localsPerUnit }: PriceTable, locals: number): number {
  return Math.floor(locals / localsPerUnit);
}

/** Tables that have been looked at: a store is made more often than a table. */
const checked = new WeakSet<PriceTable>([PRICE_TABLE_2]);

/**
 * A price table of the embedder: table 2 with some prices replaced, by mnemonic.
 * @throws RangeError for an unknown mnemonic, a price that is no whole number up to 65,535, or a
 *   price of 0 for a control transfer that can close a cycle (`br`, `call`, `throw` …)
 */
export function priceTable(version: string, prices: Readonly<Record<string, number>>): PriceTable {
  const fixed = PRICE_TABLE_2.fixed.slice();
  for (const [name, price] of Object.entries(prices)) {
    const rows = allInstructions().filter((row) => row.name === name);
    if (rows.length === 0) throw new RangeError(`there is no instruction "${name}"`);
    requireWhole(`the price of ${name}`, price, CYCLES.has(name) ? 1 : 0);
    for (const { opcode } of rows) fixed[opcode] = price;
  }
  return checkedPrices({ ...PRICE_TABLE_2, version, fixed });
}

/**
 * A price table as it comes from the embedder, which may have put it together by hand.
 * @throws TypeError if its version or its prices have the wrong type
 * @throws RangeError for a price or unit that is out of range, or a cycle that would cost nothing
 */
export function checkedPrices(table: PriceTable): PriceTable {
  if (checked.has(table)) return table;
  const { version, fixed, bytesPerUnit, elementsPerUnit, perPage } = table;
  if (typeof version !== "string") throw new TypeError("a price table's version is a string");
  if (!(fixed instanceof Uint16Array) || fixed.length < OPCODE_SPACE) {
    throw new TypeError(`a price table's fixed is a Uint16Array of ${OPCODE_SPACE} prices`);
  }
  requireWhole("bytesPerUnit", bytesPerUnit, 1, Number.MAX_SAFE_INTEGER);
  requireWhole("elementsPerUnit", elementsPerUnit, 1, Number.MAX_SAFE_INTEGER);
  requireWhole("localsPerUnit", table.localsPerUnit, 1, Number.MAX_SAFE_INTEGER);
  requireWhole("valuesPerUnit", table.valuesPerUnit, 1, Number.MAX_SAFE_INTEGER);
  requireWhole("searchedPerUnit", table.searchedPerUnit, 1, Number.MAX_SAFE_INTEGER);
  requireWhole("perPage", perPage, 0);
  for (const { name, opcode } of allInstructions()) {
    if (CYCLES.has(name)) requireWhole(`the price of ${name}`, fixed[opcode], 1);
  }
  checked.add(table);
  return table;
}

function requireWhole(what: string, value: number, least: number, most = MOST): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === MOST ? `from ${least} to ${most}` : `of at least ${least}`;
  throw new RangeError(`${what} must be a whole number ${range}, not ${value}`);
}
