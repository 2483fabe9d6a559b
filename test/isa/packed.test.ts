// The packed form of the instruction table, which the bundle carries instead of the rows.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { INSTRUCTIONS } from "../../src/isa/index.ts";
import { packRows, unpackRows } from "../../src/isa/packed.ts";

it("gives the rows back, in their order, but for their meanings", () => {
  const expected = INSTRUCTIONS.map((row) => ({ ...row, meaning: null }));
  expect(unpackRows(packRows(INSTRUCTIONS))).toEqual(expected);
});

it("loses no column: every one but the meaning differs between some rows that come back", () => {
  const unpacked = unpackRows(packRows(INSTRUCTIONS));
  const constant = Object.keys(INSTRUCTIONS[0]).filter((column) => {
    const values = unpacked.map((row) => JSON.stringify(row[column as keyof typeof row]));
    return new Set(values).size === 1;
  });
  expect(constant).toEqual(["meaning"]);
});

it("lacks nothing that is read at run time: no file outside of isa reads a meaning", () => {
  const src = fileURLToPath(new URL("../../src", import.meta.url));
  const readers = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) => {
    if (!path.endsWith(".ts") || /^isa[/\\]/.test(path)) return false;
    return /\.meaning\b|\bmeaning\s*[,}]/.test(readFileSync(`${src}/${path}`, "utf8"));
  });
  expect(readers).toEqual([]);
});
