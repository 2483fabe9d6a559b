// Instantiation in pieces: what is large is not done at one go, and is the same in the end.

import { describe, expect, it } from "vitest";
import { Instantiation, instantiate } from "../../src/runtime/instantiate.ts";
import { Trap } from "../../src/runtime/trap.ts";
import { moduleOf, section, vec } from "../binary/bytes.ts";
import { memory, moduleFrom, Store, table, thrown, usage } from "./support.ts";

/** How many pieces an instantiation takes. */
function piecesOf(instantiation: Instantiation): number {
  let pieces = 1;
  while (!instantiation.advance()) pieces++;
  return pieces;
}

function inPieces(source: string, imports: ConstructorParameters<typeof Instantiation>[2] = []) {
  const store = new Store();
  const instantiation = new Instantiation(store, moduleFrom(source), imports);
  return { store, pieces: piecesOf(instantiation), instance: instantiation.instance };
}

/** A sum of `count` ones, as a constant expression. */
const sum = (count: number) => `i32.const 1 ${"i32.const 1 i32.add ".repeat(count - 1)}`;

describe("is in pieces", () => {
  it("where tables are long", () => {
    const { instance, pieces } = inPieces(`(module (table 100000 funcref) (table 1 funcref))`);
    expect(pieces).toBeGreaterThan(3);
    expect(instance.tables.map(({ length }) => length)).toEqual([100_000, 1]);
  });

  it("where there are many globals", () => {
    const globals = "(global i32 (i32.const 7)) (global funcref (ref.null func))".repeat(1_000);
    const { instance, pieces } = inPieces(`(module ${globals})`);
    expect(pieces).toBeGreaterThan(3);
    expect(instance.globals).toHaveLength(2_000);
    const { at, cells } = instance.globals[1_998];
    expect([cells[at], instance.globals[1_999].reference]).toEqual([7, null]);
  });

  it("where a constant expression is long", () => {
    const { instance, pieces } = inPieces(`(module
      (global (export "g") i32 ${sum(20_000)})
      (memory 1)
      (data (offset ${sum(10_000)}) "x"))`);
    expect(pieces).toBeGreaterThan(5);
    expect(instance.globalCells[0]).toBe(20_000);
    expect(instance.memories[0].bytes[10_000]).toBe(0x78);
  });

  it("where an array is long, which a census finds meanwhile", () => {
    const ints = section(1, vec([0x5e, 0x7f, 1]));
    // (global (ref 0) (array.new 0 (i32.const 3) (i32.const 1 << 20)))
    const init = [0x41, 3, 0x41, ...[0x80, 0x80, 0xc0, 0], 0xfb, 6, 0, 0x0b];
    const global = section(6, vec([0x64, 0, 0, ...init]));
    const store = new Store();
    const module = moduleFrom(Uint8Array.from(moduleOf(ints, global)));
    const instantiation = new Instantiation(store, module, []);
    let pieces = 1;
    for (; !instantiation.advance(); pieces++) {
      store.objects.count();
      expect(store.usage("gcBytes")).toBeGreaterThan(4 << 20);
    }
    expect(pieces).toBeGreaterThan(3);
  });

  it("where segments are long", () => {
    const { instance, pieces } = inPieces(`(module
      (table 50000 funcref)
      (memory 40)
      (func $f) (func $g)
      (elem (i32.const 2) func $g ${"$f ".repeat(30_000)})
      (elem funcref (ref.null func) ${"(ref.func $f) ".repeat(5_000)})
      (data (i32.const 5) "${"abcdefghij".repeat(200_000)}"))`);
    expect(pieces).toBeGreaterThan(10);
    const [filled] = instance.tables;
    const functions = [0, 1].map((i) => instance.functionAt(i));
    expect([2, 3, 30_002, 30_003].map((i) => filled.get(i))).toEqual([
      functions[1],
      functions[0],
      functions[0],
      null,
    ]);
    expect(instance.elements.map(({ length }) => length)).toEqual([0, 5_001]);
    const { bytes } = instance.memories[0];
    expect([4, 5, 6, 2_000_004, 2_000_005].map((i) => bytes[i])).toEqual([0, 97, 98, 106, 0]);
  });

  it("but a segment out of bounds writes nothing", () => {
    const store = new Store();
    const [shared, far] = [table(store, { min: 20_000n }), memory(store, { min: 20n })];
    const elements = `(func $f) (elem (i32.const 1) func ${"$f ".repeat(20_000)})`;
    const data = `(data (i32.const 1) "${"x".repeat(20 * 65_536)}")`;
    for (const [imported, extern, rest] of [
      ["(table 1 funcref)", shared, elements],
      ["(memory 1)", far, data],
    ] as const) {
      const module = moduleFrom(`(module (import "m" "x" ${imported}) ${rest})`);
      const before = usage(store);
      expect(thrown(() => instantiate(store, module, [extern], () => {}))).toBeInstanceOf(Trap);
      expect(usage(store)).toEqual(before);
    }
    expect(shared.kind === "table" && shared.value.get(1)).toBe(null);
    expect(far.kind === "memory" && far.value.bytes[1]).toBe(0);
  });
});

it("gives everything back when it is abandoned", () => {
  const store = new Store();
  const module = moduleFrom(
    "(module (memory 3) (table 1000000 funcref) (global i32 (i32.const 1)))",
  );
  const instantiation = new Instantiation(store, module, []);
  expect(instantiation.advance()).toBe(false);
  expect(store.usage("tableElements")).toBeGreaterThan(0);
  instantiation.abandon();
  expect(Object.values(usage(store))).toEqual([0, 0, 0, 0, 0]);
});
