// Price tables (design: section 2, Fuel): what each Wasm instruction costs. Table 1 is what the
// rows of the instruction table say.

import { allInstructions, FREE_OPCODES } from "../isa/index.ts";
import { OPCODE_SPACE } from "../isa/instruction.ts";

/** A versioned price table. Prices are whole numbers from 0 to 65,535. */
export interface PriceTable {
  /** Identifies the table, e.g. in records of what was billed. */
  readonly version: string;
  /** Fixed price by dense opcode; what there is where no instruction is means nothing. */
  readonly fixed: Uint16Array;
  /** Bulk operations pay 1 more for every so many bytes or elements, and for every page grown. */
  readonly bytesPerUnit: number;
  readonly elementsPerUnit: number;
  readonly perPage: number;
  /**
   * A call pays 1 more for so many locals that the function declares, since they are zeroed; a throw
   * for so many values of its exception, and for so many frames, handlers and catch clauses that are
   * searched for one that catches it.
   */
  readonly localsPerUnit: number;
  readonly valuesPerUnit: number;
  readonly searchedPerUnit: number;
}

function tableOne(): PriceTable {
  const fixed = new Uint16Array(OPCODE_SPACE).fill(1);
  FREE_OPCODES.forEach((opcode) => {
    fixed[opcode] = 0;
  });
  return {
    version: "1",
    fixed,
    bytesPerUnit: 64,
    elementsPerUnit: 16,
    perPage: 1,
    localsPerUnit: 16,
    valuesPerUnit: 16,
    searchedPerUnit: 16,
  };
}

/** Price table 1: 0 for `block`, `loop`, `try_table`, `else`, `end` and `nop`, 1 for all others. */
export const PRICE_TABLE_1: PriceTable = tableOne();

/**
 * A price table of the embedder: table 1 with some prices replaced, by mnemonic.
 * @throws RangeError for an unknown mnemonic or a price that is no whole number up to 65,535
 */
export function priceTable(version: string, prices: Readonly<Record<string, number>>): PriceTable {
  const fixed = PRICE_TABLE_1.fixed.slice();
  for (const [name, price] of Object.entries(prices)) {
    const rows = allInstructions().filter((row) => row.name === name);
    if (rows.length === 0) throw new RangeError(`there is no instruction "${name}"`);
    if (!Number.isInteger(price) || price < 0 || price > 0xffff) {
      throw new RangeError(`price of ${name} must be a whole number from 0 to 65535`);
    }
    for (const { opcode } of rows) fixed[opcode] = price;
  }
  return { ...PRICE_TABLE_1, version, fixed };
}
