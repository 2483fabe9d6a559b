// Operations on ranges: exact at the edges, nothing written where they trap, right where ranges
// overlap. Expectations come from plain arrays.

import { describe, expect, it } from "vitest";
import {
  dataDrop,
  elemDrop,
  memoryCopy,
  memoryFill,
  memoryInit,
  tableCopy,
  tableFill,
  tableGet,
  tableInit,
  tableSet,
  unsigned64,
} from "../../src/runtime/bulk.ts";
import type { MemoryInstance } from "../../src/runtime/memory.ts";
import type { TableInstance } from "../../src/runtime/table.ts";
import { MEMORY_OUT_OF_BOUNDS, TABLE_OUT_OF_BOUNDS } from "../../src/runtime/traps.ts";
import { instance, memory, Store, table } from "./support.ts";

const LENGTH = 16;

/** Offsets and lengths around the edges, and such as only 64-bit ones can be. */
const NUMBERS = [0, 1, 5, LENGTH - 1, LENGTH, LENGTH + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 2 ** 64];

function memoryOf(first: number): MemoryInstance {
  const type = { min: BigInt(LENGTH), pageSizeLog2: 0 };
  const made = memory(new Store(), type).value as MemoryInstance;
  for (let i = 0; i < LENGTH; i++) made.bytes[i] = first + i;
  return made;
}

function tableOf(first: string): TableInstance {
  const made = table(new Store(), { min: BigInt(LENGTH) }).value as TableInstance;
  for (let i = 0; i < LENGTH; i++) made.head[i] = `${first}${i}`;
  return made;
}

/** Every combination of three numbers, with whether both ranges are inside. */
function* ranges(): Iterable<[to: number, from: number, count: number, inside: boolean]> {
  for (const to of NUMBERS) {
    for (const from of NUMBERS) {
      for (const count of NUMBERS) {
        // BigInts, because the code under test must be right where numbers are rounded.
        const end = (start: number) => BigInt(start) + BigInt(count);
        yield [to, from, count, end(to) <= LENGTH && end(from) <= LENGTH];
      }
    }
  }
}

/** A copy of `target` with the range written. */
function copied<T>(target: T[], source: readonly T[], to: number, from: number, count: number) {
  const result = [...target];
  result.splice(to, count, ...source.slice(from, from + count));
  return result;
}

describe("memory", () => {
  it.each(["one memory", "two memories"])("copies in %s at every edge", (where) => {
    let inside = 0;
    for (const [to, from, count, fits] of ranges()) {
      const target = memoryOf(1);
      const source = where === "one memory" ? target : memoryOf(101);
      const before = [...target.bytes];
      const expected = fits ? copied(before, [...source.bytes], to, from, count) : before;
      expect(memoryCopy(target, source, to, from, count)).toBe(fits ? 0 : MEMORY_OUT_OF_BOUNDS);
      expect([...target.bytes]).toEqual(expected);
      inside += fits ? 1 : 0;
    }
    expect(inside).toBeGreaterThan(30);
  });

  it("fills at every edge, with the low byte", () => {
    for (const [to, , count] of ranges()) {
      const target = memoryOf(1);
      const before = [...target.bytes];
      const fits = BigInt(to) + BigInt(count) <= LENGTH;
      const expected = fits ? before.fill(0xcd, to, to + count) : before;
      expect(memoryFill(target, to, 0x12cd, count)).toBe(fits ? 0 : MEMORY_OUT_OF_BOUNDS);
      expect([...target.bytes]).toEqual(expected);
    }
  });

  it("is initialised from a data segment until that is dropped", () => {
    const data = `(module (memory 1) (data "abcdefghijklmnop") (data "other"))`;
    const made = instance(new Store(), data);
    const text = [..."abcdefghijklmnop"].map((letter) => letter.charCodeAt(0));
    for (const [to, from, count, fits] of ranges()) {
      const target = memoryOf(1);
      const before = [...target.bytes];
      const code = memoryInit(made, target, 0, to, from, count);
      expect(code).toBe(fits ? 0 : MEMORY_OUT_OF_BOUNDS);
      expect([...target.bytes]).toEqual(fits ? copied(before, text, to, from, count) : before);
    }
    dataDrop(made, 0);
    expect(memoryInit(made, memoryOf(1), 0, 0, 0, 1)).toBe(MEMORY_OUT_OF_BOUNDS);
    expect(memoryInit(made, memoryOf(1), 0, LENGTH, 0, 0)).toBe(0);
    expect(memoryInit(made, memoryOf(1), 1, 0, 0, 5)).toBe(0);
  });
});

describe("tables", () => {
  it.each(["one table", "two tables"])("copy in %s at every edge", (where) => {
    for (const [to, from, count, fits] of ranges()) {
      const target = tableOf("a");
      const source = where === "one table" ? target : tableOf("b");
      const before = [...target.head];
      const expected = fits ? copied(before, [...source.head], to, from, count) : before;
      expect(tableCopy(target, source, to, from, count)).toBe(fits ? 0 : TABLE_OUT_OF_BOUNDS);
      expect(target.head).toEqual(expected);
    }
  });

  it("fill at every edge", () => {
    for (const [to, , count] of ranges()) {
      const target = tableOf("a");
      const before = [...target.head];
      const fits = BigInt(to) + BigInt(count) <= LENGTH;
      const expected = fits ? before.fill("x", to, to + count) : before;
      expect(tableFill(target, to, "x", count)).toBe(fits ? 0 : TABLE_OUT_OF_BOUNDS);
      expect(target.head).toEqual(expected);
    }
  });

  it.each(NUMBERS)("get and set element %d", (index) => {
    const target = tableOf("a");
    const fits = index < LENGTH;
    const code = fits ? 0 : TABLE_OUT_OF_BOUNDS;
    const into: unknown[] = ["before"];
    expect(tableGet(target, index, into, 0)).toBe(code);
    expect(into).toEqual([fits ? `a${index}` : "before"]);
    const expected = fits ? target.head.with(index, "x") : [...target.head];
    expect(tableSet(target, index, "x")).toBe(code);
    expect(target.head).toEqual(expected);
  });

  it("are initialised from an element segment until that is dropped", () => {
    const functions = Array.from({ length: LENGTH }, (_, i) => `(func $f${i})`).join("");
    const names = Array.from({ length: LENGTH }, (_, i) => `$f${i}`).join(" ");
    const made = instance(
      new Store(),
      `(module (table 1 funcref) ${functions} (elem func ${names}))`,
    );
    const elements = Array.from({ length: LENGTH }, (_, i) => made.functionAt(i));
    for (const [to, from, count, fits] of ranges()) {
      const target = tableOf("a");
      const before = [...target.head];
      const code = tableInit(made, target, 0, to, from, count);
      expect(code).toBe(fits ? 0 : TABLE_OUT_OF_BOUNDS);
      const expected = fits ? copied(before, elements, to, from, count) : before;
      expect(target.head.every((element, i) => element === expected[i])).toBe(true);
    }
    elemDrop(made, 0);
    expect(tableInit(made, tableOf("a"), 0, 0, 0, 1)).toBe(TABLE_OUT_OF_BOUNDS);
    expect(tableInit(made, tableOf("a"), 0, LENGTH, 0, 0)).toBe(0);
  });
});

describe("64-bit integers from halves", () => {
  it.each([
    [0, 0, 0n],
    [-1, 0, 0xffffffffn],
    [0, 1, 0x1_0000_0000n],
    [-1, -1, 0xffff_ffff_ffff_ffffn],
    [5, -(2 ** 31), 0x8000_0000_0000_0005n],
  ])("%d and %d", (low, high, value) => {
    expect(unsigned64(low, high)).toBe(Number(value));
  });
});
