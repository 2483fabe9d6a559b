// Rows of the instruction table as one text, and back. The bundle carries the table in this form:
// six hundred calls that build a row each would be parsed, compiled and run at every start; one
// text is read by JSON.parse (docs/rationale.md, "What a start costs"). The rows remain the source.

import type { Instruction } from "./instruction.ts";

/** The columns that many rows have in common; meanings are for the generator of the loop alone. */
type Form = Omit<Instruction, "name" | "opcode" | "meaning">;

/** A form without its column names. */
type Columns = [
  Form["immediates"],
  Form["params"],
  Form["results"],
  Form["feature"],
  Form["price"],
  Form["constant"],
  Form["access"],
];

/** Forms; then for each row, in order: name, opcode, index of its form. */
type Packed = [forms: Columns[], names: string[], opcodes: number[], formOf: number[]];

function columnsOf(row: Instruction): Columns {
  const { immediates, params, results, feature, price, constant, access } = row;
  return [immediates, params, results, feature, price, constant, access];
}

/** The rows as text, without their meanings. */
export function packRows(rows: readonly Instruction[]): string {
  const forms = [...new Set(rows.map((row) => JSON.stringify(columnsOf(row))))];
  const packed: Packed = [
    forms.map((form) => JSON.parse(form) as Columns),
    rows.map((row) => row.name),
    rows.map((row) => row.opcode),
    rows.map((row) => forms.indexOf(JSON.stringify(columnsOf(row)))),
  ];
  return JSON.stringify(packed);
}

/** The rows in a text of `packRows`; `meaning` is null in all of them. */
export function unpackRows(text: string): Instruction[] {
  const [forms, names, opcodes, formOf] = JSON.parse(text) as Packed;
  // No spread and no destructuring: this runs once, before V8 has compiled anything.
  return names.map((name, i) => {
    const form = forms[formOf[i]];
    return {
      name,
      opcode: opcodes[i],
      immediates: form[0],
      params: form[1],
      results: form[2],
      feature: form[3],
      price: form[4],
      constant: form[5],
      access: form[6],
      meaning: null,
    };
  });
}
