// What the description of a module takes in memory is at most what is counted against `recordBytes`,
// whatever the module is made of.

import { describe, expect, it } from "vitest";
import { moduleDecoder } from "../../src/embedding/module.ts";
import { FEATURES, featureSet } from "../../src/isa/features.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import { collectGarbage } from "../garbage.ts";
import { body, leb, moduleOf, name, section, TYPES } from "./bytes.ts";

const ALL = featureSet(Object.fromEntries(FEATURES.map((feature) => [feature, true])));
const COUNT = 30_000;
const I32 = 0x7f;

const many = (item: (i: number) => readonly number[], count = COUNT) => {
  return [...leb(count), ...Array.from({ length: count }, (_, i) => item(i)).flat()];
};

/** A small number as a signed LEB128 integer. */
const sleb = (i: number) => {
  const bytes = leb(i);
  const last = bytes[bytes.length - 1];
  return last < 0x40 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0];
};

/** A list of value types for each number. */
const digits = (i: number) => [...(i + 64).toString(4)].map((digit) => 0x7c + Number(digit));
const typeOf = (i: number) => [0x60, ...leb(digits(i).length), ...digits(i), 1, I32];

const MODULES: Readonly<Record<string, Uint8Array>> = {
  "equal types": moduleOf(
    section(
      1,
      many(() => [0x60, 0, 0]),
    ),
  ),
  "different types": moduleOf(section(1, many(typeOf))),
  "types that mention types": moduleOf(
    section(
      1,
      many((i) => [0x60, 1, 0x63, ...sleb(i), 0]),
    ),
  ),
  "different structs": moduleOf(
    section(
      1,
      many((i) => [0x5f, ...leb(digits(i).length), ...digits(i).flatMap((type) => [type, 1])]),
    ),
  ),
  "structs of references": moduleOf(
    section(
      1,
      many((i) => [0x5f, 3, ...[0, 1, 2].flatMap(() => [0x63, ...sleb(i), 1])]),
    ),
  ),
  imports: moduleOf(
    TYPES,
    section(
      2,
      many((i) => [...name("m"), ...name(`f${i}`), 0, 0]),
    ),
  ),
  "imported globals": moduleOf(
    section(
      2,
      many(() => [0, 0, 3, I32, 0]),
    ),
  ),
  "imported tables": moduleOf(
    section(
      2,
      many(() => [0, 0, 1, 0x70, 0, 0]),
    ),
  ),
  functions: moduleOf(
    TYPES,
    section(
      3,
      many(() => [0]),
    ),
    section(
      10,
      many(() => body([])),
    ),
  ),
  tables: moduleOf(
    section(
      4,
      many(() => [0x70, 0, 0]),
    ),
  ),
  memories: moduleOf(
    section(
      5,
      many(() => [0, 0]),
    ),
  ),
  globals: moduleOf(
    section(
      6,
      many(() => [I32, 0, 0x41, 0, 0x0b]),
    ),
  ),
  exports: moduleOf(
    section(6, [1, I32, 0, 0x41, 0, 0x0b]),
    section(
      7,
      many((i) => [...name(`e${i}`), 3, 0]),
    ),
  ),
  "exported functions": moduleOf(
    TYPES,
    section(
      3,
      many(() => [0]),
    ),
    section(
      7,
      many((i) => [...name(`e${i}`), 0, ...leb(i)]),
    ),
    section(
      10,
      many(() => body([])),
    ),
  ),
  "element segments": moduleOf(
    section(
      9,
      many(() => [1, 0, 0]),
    ),
  ),
  "element segments with an element": moduleOf(
    TYPES,
    section(3, [1, 0]),
    section(
      9,
      many(() => [1, 0, 1, 0]),
    ),
    section(10, [1, ...body([])]),
  ),
  elements: moduleOf(
    TYPES,
    section(3, [1, 0]),
    section(9, [1, 1, 0, ...many(() => [0])]),
    section(10, [1, ...body([])]),
  ),
  "data segments": moduleOf(
    section(5, [1, 0, 0]),
    section(
      11,
      many(() => [0, 0x41, 0, 0x0b, 0]),
    ),
  ),
  tags: moduleOf(
    TYPES,
    section(
      13,
      many(() => [0, 0]),
    ),
  ),
  "custom sections": moduleOf(...new Array(COUNT).fill([0, 1, 0])),
};

function decode(bytes: Uint8Array): ModuleRecord {
  const decoder = moduleDecoder({ features: ALL });
  decoder.push(bytes);
  return decoder.end();
}

function memory(): number {
  collectGarbage();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

/** Bytes that come and go with anything. */
const FIXED = 100_000;
/** What else goes on in the process, e.g. in V8's compiler, takes memory now and then. */
const TRIES = 3;

describe("the memory of a description", () => {
  it.each(Object.entries(MODULES))("of %s is what is counted for it", (_, bytes) => {
    decode(bytes);
    // They are all kept: one that went between two looks would be taken off what the next one takes.
    const records: ModuleRecord[] = [];
    const taken = Array.from({ length: TRIES }, () => {
      const before = memory();
      records.push(decode(bytes));
      return memory() - before - bytes.length;
    });
    const [{ recordBytes }] = records;
    expect(Math.min(...taken)).toBeLessThan(recordBytes + FIXED);
  });
});
