// The packed form of the instruction table, which the bundle carries instead of the rows.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { FREE_OPCODES, instructionAt } from "../../src/isa/index.ts";
import { type Instruction, OPCODE_SPACE } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { packRows, unpackRows } from "../../src/isa/packed.ts";

const COLUMNS = Object.keys(INSTRUCTIONS[0]) as (keyof Instruction)[];

it("gives the rows back, in their order, but for their meanings and laws", () => {
  const without = { meaning: null, vectorMeaning: null, laws: null };
  const expected = INSTRUCTIONS.map((row) => ({ ...row, ...without }));
  const unpacked = unpackRows(packRows(INSTRUCTIONS));
  expect(unpacked.all()).toEqual(expected);
  for (const row of expected) expect(unpacked.at(row.opcode)).toEqual(row);
});

it("has no row where there is no instruction", () => {
  const opcodes = new Set(INSTRUCTIONS.map(({ opcode }) => opcode));
  const holes = Array.from({ length: OPCODE_SPACE + 2 }, (_, opcode) => opcode);
  const unpacked = unpackRows(packRows(INSTRUCTIONS));
  for (const hole of holes.filter((opcode) => !opcodes.has(opcode))) {
    expect(unpacked.at(hole)).toBeUndefined();
    expect(instructionAt(hole)).toBeUndefined();
  }
});

it("knows which instructions are free", () => {
  const free = INSTRUCTIONS.filter(({ price }) => price === 0).map(({ opcode }) => opcode);
  expect(unpackRows(packRows(INSTRUCTIONS)).free).toEqual(free);
  expect(FREE_OPCODES).toEqual(free);
});

it("loses no column: every one but meanings and laws differs between some rows that come back", () => {
  const unpacked = unpackRows(packRows(INSTRUCTIONS)).all();
  const constant = COLUMNS.filter((column) => {
    const values = unpacked.map((row) => JSON.stringify(row[column]));
    return new Set(values).size === 1;
  });
  expect(constant).toEqual(["meaning", "vectorMeaning", "laws"]);
});

it("lacks nothing that is read at run time: no file outside of isa reads meanings or laws", () => {
  const src = fileURLToPath(new URL("../../src", import.meta.url));
  const readers = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) => {
    if (!path.endsWith(".ts") || /^isa[/\\]/.test(path)) return false;
    return /\.(m|vectorM)eaning\b|\.laws\b|\b(meaning|vectorMeaning|laws)\s*[,}]/.test(
      readFileSync(`${src}/${path}`, "utf8"),
    );
  });
  expect(readers).toEqual([]);
});
