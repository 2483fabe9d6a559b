// Rows of the instruction table as one text, and back. The bundle carries the table in this form:
// six hundred calls that build a row each would be parsed, compiled and run at every start; one
// text is read by JSON.parse (docs/rationale.md, "What a start costs"). The rows remain the source.

import { type Instruction, OPCODE_SPACE } from "./instruction.ts";
import type { InstructionSet } from "./instructions.ts";

/** The columns that rows have in common; meanings and laws are for the generator alone. */
const COLUMNS = [
  "immediates",
  "params",
  "results",
  "feature",
  "price",
  "constant",
  "access",
] as const;

type Shared = Pick<Instruction, (typeof COLUMNS)[number]>;

/** The different values of each column. */
type Pools = { readonly [column in keyof Shared]: Shared[column][] };

/**
 * Pools; the names, with semicolons between; for each row, in order, two digits of its opcode and
 * one for each column that says which value of its pool it has; opcodes of the free instructions.
 */
type Packed = [pools: Pools, names: string, digits: string, free: number[]];

/** A digit is a character from `#` on, so that none is escaped in JSON; so is the base. */
const ZERO = 0x23;
const BASE = 57;
/** Digits of a row. */
const DIGITS = 2 + COLUMNS.length;

function digit(value: number): string {
  if (value >= BASE) throw new RangeError(`${value} is no digit: a column has too many values`);
  return String.fromCharCode(ZERO + value);
}

function poolOf(rows: readonly Instruction[], column: keyof Shared): string[] {
  return [...new Set(rows.map((row) => JSON.stringify(row[column])))];
}

/** The rows as text, without their meanings and laws. */
export function packRows(rows: readonly Instruction[]): string {
  const pools = COLUMNS.map((column) => [column, poolOf(rows, column)] as const);
  const digits = rows.map((row) => {
    const values = pools.map(([column, pool]) => digit(pool.indexOf(JSON.stringify(row[column]))));
    const opcode = digit(Math.floor(row.opcode / BASE)) + digit(row.opcode % BASE);
    return opcode + values.join("");
  });
  return JSON.stringify([
    Object.fromEntries(pools.map(([column, pool]) => [column, pool.map((v) => JSON.parse(v))])),
    rows.map((row) => row.name).join(";"),
    digits.join(""),
    rows.filter(({ price }) => price === 0).map(({ opcode }) => opcode),
  ]);
}

/** Rows that are made of the text when somebody asks for them. */
class PackedSet implements InstructionSet {
  private readonly pools: Pools;
  private readonly names: string;
  private readonly digits: string;
  readonly free: readonly number[];
  private list: readonly string[] | null = null;
  private inOrder: readonly Instruction[] | null = null;
  /** Place of each row among all, by opcode, and one more; 0 if there is none. */
  private readonly places = new Uint16Array(OPCODE_SPACE);
  private readonly rows: (Instruction | undefined)[] = new Array(OPCODE_SPACE).fill(undefined);

  constructor([pools, names, digits, free]: Packed) {
    this.pools = pools;
    this.names = names;
    this.digits = digits;
    this.free = free;
    for (let at = 0, place = 1; at < digits.length; at += DIGITS, place++) {
      const opcode = BASE * (digits.charCodeAt(at) - ZERO) + digits.charCodeAt(at + 1) - ZERO;
      this.places[opcode] = place;
    }
  }

  at(opcode: number): Instruction | undefined {
    return this.rows[opcode] ?? this.unpack(opcode);
  }

  all(): readonly Instruction[] {
    this.inOrder ??= [...this.places.keys()]
      .filter((opcode) => this.places[opcode] !== 0)
      .sort((a, b) => this.places[a] - this.places[b])
      .map((opcode) => this.at(opcode) as Instruction);
    return this.inOrder;
  }

  private unpack(opcode: number): Instruction | undefined {
    const row = this.places[opcode] - 1;
    // Also when there is no such opcode.
    if (!(row >= 0)) return undefined;
    const { pools } = this;
    this.list ??= this.names.split(";");
    const value = (column: number) => this.digits.charCodeAt(DIGITS * row + 2 + column) - ZERO;
    const unpacked: Instruction = {
      name: this.list[row],
      opcode,
      immediates: pools.immediates[value(0)],
      params: pools.params[value(1)],
      results: pools.results[value(2)],
      feature: pools.feature[value(3)],
      price: pools.price[value(4)],
      constant: pools.constant[value(5)],
      access: pools.access[value(6)],
      meaning: null,
      vectorMeaning: null,
      laws: null,
    };
    this.rows[opcode] = unpacked;
    return unpacked;
  }
}

/** The rows in a text of `packRows`; their meanings and laws are null. */
export function unpackRows(text: string): InstructionSet {
  return new PackedSet(JSON.parse(text) as Packed);
}
