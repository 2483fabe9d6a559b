// Instantiation: what an instance holds, the order and side effects of active segments, the start
// function, identities of exports.

import { describe, expect, it } from "vitest";
import { memoryInit, tableInit } from "../../src/runtime/bulk.ts";
import type { FunctionInstance, GlobalInstance } from "../../src/runtime/instances.ts";
import type { MemoryInstance } from "../../src/runtime/memory.ts";
import type { TableInstance } from "../../src/runtime/table.ts";
import { Trap } from "../../src/runtime/trap.ts";
import { MEMORY_OUT_OF_BOUNDS, TABLE_OUT_OF_BOUNDS } from "../../src/runtime/traps.ts";
import { body, moduleOf, section, vec } from "../binary/bytes.ts";
import {
  exported,
  func,
  global,
  instance,
  memory,
  moduleFrom,
  Store,
  table,
  tag,
  thrown,
  usage,
} from "./support.ts";

const PAGE = 65536;

/** Text of `length` bytes from `at`. */
function textAt(extern: { value: unknown }, at: number, length: number): string {
  const { bytes } = extern.value as MemoryInstance;
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

const elementsOf = (extern: { value: unknown }) => (extern.value as TableInstance).head;

/** The trap of an instantiation. */
function trapOf(action: () => unknown): Trap {
  const error = thrown(action);
  if (error instanceof Trap) return error;
  throw error;
}

describe("an instance", () => {
  const source = `(module
    (import "m" "f" (func $if (param i32))) (import "m" "t" (table $it 0 funcref))
    (import "m" "m" (memory 0)) (import "m" "g" (global $ig i32)) (import "m" "x" (tag $ix))
    (func $f (result i64) unreachable) (table $t 3 funcref)
    (global $g (mut i64) (i64.const 7)) (tag $x (param f32))
    (export "if" (func $if)) (export "it" (table $it)) (export "im" (memory 0))
    (export "ig" (global $ig)) (export "ix" (tag $ix))
    (export "f" (func $f)) (export "f again" (func $f)) (export "t" (table $t))
    (export "g" (global $g)) (export "x" (tag $x)))`;

  const imports = (store: Store) => [
    func([0x01]),
    table(store),
    memory(store),
    global(store),
    tag(),
  ];

  it("exports its imports as they are", () => {
    const store = new Store();
    const given = imports(store);
    const made = instance(store, source, given);
    const again = ["if", "it", "im", "ig", "ix"].map((name) => exported(made, name));
    expect(again.map(({ kind }) => kind)).toEqual(["func", "table", "memory", "global", "tag"]);
    again.forEach(({ value }, i) => {
      expect(value).toBe(given[i].value);
    });
  });

  it("exports the same instances every time and by every name", () => {
    const store = new Store();
    const made = instance(store, source, imports(store));
    expect([...made.exports.keys()].slice(5)).toEqual(["f", "f again", "t", "g", "x"]);
    expect(exported(made, "f").value).toBe(made.functionAt(1));
    expect(exported(made, "f again").value).toBe(made.functionAt(1));
    for (const name of ["f", "t", "g", "x"]) {
      expect(exported(made, name).value).toBe(exported(made, name).value);
    }
    const f = exported(made, "f").value as FunctionInstance;
    expect(f.instance).toBe(made);
    expect(f.host).toBe(null);
    expect(exported(made, "g").value).toMatchObject({ cells: made.globalCells, at: 0 });
  });

  it("is another one every time", () => {
    const store = new Store();
    const given = imports(store);
    const record = moduleFrom(source);
    const [one, two] = [instance(store, record, given), instance(store, record, given)];
    for (const name of ["f", "t", "g", "x"]) {
      expect(exported(one, name).value).not.toBe(exported(two, name).value);
    }
    (exported(one, "g").value as GlobalInstance).cells[0] = 8;
    expect((exported(two, "g").value as GlobalInstance).cells[0]).toBe(7);
    // Code is shared, though.
    expect(one.functionAt(1).code).toBe(two.functionAt(1).code);
  });

  it("has exports with names that objects have by themselves", () => {
    const made = instance(
      new Store(),
      `(module (func (export "__proto__")) (func (export "")) (func (export "constructor")))`,
    );
    expect([...made.exports.keys()]).toEqual(["__proto__", "", "constructor"]);
    expect(made.exports.get("toString")).toBeUndefined();
  });
});

describe("active segments", () => {
  it("are written in order, later ones over earlier ones", () => {
    const made = instance(
      new Store(),
      `(module (memory (export "m") 1) (table (export "t") 4 funcref) (func $a) (func $b)
        (data (i32.const 2) "abcd") (data (i32.const 4) "XY") (data (i32.const 65535) "!")
        (elem (i32.const 0) $a $a $a) (elem (i32.const 2) $b $b))`,
    );
    expect(textAt(exported(made, "m"), 1, 7)).toBe("\0abXY\0\0");
    expect(textAt(exported(made, "m"), PAGE - 1, 1)).toBe("!");
    const [a, b] = [made.functionAt(0), made.functionAt(1)];
    const expected = [a, a, b, b];
    expect(elementsOf(exported(made, "t")).map((f, i) => f === expected[i])).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it("lie where imported globals say", () => {
    const store = new Store();
    const made = instance(
      store,
      `(module (import "m" "g" (global $g i32)) (memory (export "m") 1)
        (data (i32.add (global.get $g) (i32.const 3)) "here"))`,
      [global(store, 0x01, false, 100)],
    );
    expect(textAt(exported(made, "m"), 103, 4)).toBe("here");
  });

  it("go to the memory and the table they name", () => {
    // wabt leaves the memory index of a data segment out.
    const at = [0x41, 1, 0x0b];
    const bytes = moduleOf(
      section(1, vec([0x60, 0, 0])),
      section(3, vec([0])),
      section(4, vec([0x70, 0, 1], [0x70, 0, 2])),
      section(5, vec([0, 1], [0, 1])),
      section(9, vec([2, 1, ...at, 0, 1, 0])),
      section(10, vec(body([]))),
      section(11, vec([2, 1, ...at, 1, 0x78])),
    );
    const made = instance(new Store(), bytes);
    expect(made.memories[0].bytes[1]).toBe(0);
    expect(made.memories[1].bytes[1]).toBe("x".charCodeAt(0));
    expect(made.tables[0].head).toEqual([null]);
    expect(made.tables[1].head).toEqual([null, made.functionAt(0)]);
  });

  it("are dropped afterwards, passive ones are not, declarative ones never were there", () => {
    const made = instance(
      new Store(),
      `(module (memory 1) (table 4 funcref) (func $f)
        (data (i32.const 0) "active") (data "passive")
        (elem (i32.const 0) $f) (elem func $f $f) (elem declare func $f))`,
    );
    const [target] = made.memories;
    expect(memoryInit(made, target, 0, 0, 0, 1)).toBe(MEMORY_OUT_OF_BOUNDS);
    expect(memoryInit(made, target, 1, 0, 0, 7)).toBe(0);
    expect(memoryInit(made, target, 1, 0, 0, 8)).toBe(MEMORY_OUT_OF_BOUNDS);
    const [elements] = made.tables;
    expect(tableInit(made, elements, 0, 0, 0, 1)).toBe(TABLE_OUT_OF_BOUNDS);
    expect(tableInit(made, elements, 1, 0, 0, 2)).toBe(0);
    expect(tableInit(made, elements, 2, 0, 0, 1)).toBe(TABLE_OUT_OF_BOUNDS);
  });

  it("may be empty at the end, but not beyond it", () => {
    const empty = (at: number, size = 1) =>
      instance(new Store(), `(module (memory ${size}) (data (i32.const ${at}) ""))`);
    expect(() => empty(PAGE)).not.toThrow();
    expect(trapOf(() => empty(PAGE + 1)).code).toBe("memoryOutOfBounds");
    expect(() => empty(0, 0)).not.toThrow();
    const none = (at: number) =>
      instance(new Store(), `(module (table 2 funcref) (elem (i32.const ${at})))`);
    expect(() => none(2)).not.toThrow();
    expect(trapOf(() => none(3)).code).toBe("tableOutOfBounds");
  });

  it.each([
    ['(data (i32.const 65534) "abc")', "i32", "memoryOutOfBounds"],
    ['(data (i32.const -1) "a")', "i32", "memoryOutOfBounds"],
    ['(data (i64.const 0x100000000) "a")', "i64", "memoryOutOfBounds"],
    ['(data (i64.const -1) "a")', "i64", "memoryOutOfBounds"],
    ['(data (i64.const 0x100000000) "")', "i64", "memoryOutOfBounds"],
  ])("%s traps in a memory with %s addresses", (data, address, code) => {
    const trap = trapOf(() => instance(new Store(), `(module (memory ${address} 1) ${data})`));
    expect(trap.code).toBe(code);
    expect(trap.message).toMatch(/^out of bounds memory access: data segment 0 of /);
  });

  it("stay written when a later one traps", () => {
    const store = new Store();
    const [shared, functions] = [memory(store, { min: 1n }), table(store, { min: 3n })];
    const source = (last: string) => `(module (import "m" "m" (memory 1))
      (import "m" "t" (table 3 funcref)) (func $f)
      (elem (i32.const 1) $f) ${last} (data (i32.const 8) "stays"))`;

    const badElements = source("(elem (i32.const 2) $f $f)");
    const trap = trapOf(() => instance(store, badElements, [shared, functions]));
    expect(trap.phrase).toBe("out of bounds table access");
    expect(trap.message).toContain("element segment 1 of 2 elements at 2, table 0 has 3");
    expect(elementsOf(functions).map((f) => f !== null)).toEqual([false, true, false]);
    // Elements come first: no data was written.
    expect(textAt(shared, 8, 5)).toBe("\0\0\0\0\0");

    const [written] = elementsOf(functions).slice(1) as FunctionInstance[];
    expect(written.instance?.functionAt(0)).toBe(written);
    const badData = source("").replace(/\)$/, `(data (i32.const 65530) "1234567"))`);
    expect(trapOf(() => instance(store, badData, [shared, functions])).code).toBe(
      "memoryOutOfBounds",
    );
    expect(textAt(shared, 8, 5)).toBe("stays");
    expect(textAt(shared, 65530, 6)).toBe("\0\0\0\0\0\0");
    expect(elementsOf(functions)[1]).not.toBe(written);
  });
});

describe("the start function", () => {
  const source = `(module (memory (export "m") 1) (data (i32.const 0) "ready") (func $other)
    (func $start) (start $start))`;

  it("is handed over once, when the instance is complete", () => {
    const seen: [FunctionInstance, string][] = [];
    const made = instance(new Store(), source, [], (f) => {
      const owner = f.instance;
      if (owner !== null) seen.push([f, textAt(exported(owner, "m"), 0, 5)]);
    });
    expect(seen).toHaveLength(1);
    expect(seen[0][0]).toBe(made.functionAt(1));
    expect(seen[0][1]).toBe("ready");
  });

  it("may be an import", () => {
    const given = func();
    const seen: unknown[] = [];
    const record = moduleFrom(`(module (import "m" "f" (func $f)) (start $f))`);
    instance(new Store(), record, [given], (f) => seen.push(f));
    expect(seen).toEqual([given.value]);
  });

  it("is not called after a segment that trapped", () => {
    const seen: unknown[] = [];
    const bad = source.replace("i32.const 0", "i32.const 65535");
    trapOf(() => instance(new Store(), bad, [], (f) => seen.push(f)));
    expect(seen).toEqual([]);
  });

  it("fails instantiation with what it throws, and what was counted stays counted", () => {
    const store = new Store();
    const failure = new Error("from the start function");
    const fail = () => {
      throw failure;
    };
    expect(thrown(() => instance(store, source, [], fail))).toBe(failure);
    // It may have handed its instance to anyone.
    expect(usage(store)).toMatchObject({ instances: 1, memoryBytes: PAGE });
  });
});
