// Import matching: what may stand for an import and what may not, for every kind, and what the
// error says. The verdicts are written down from the specification's matching rules.

import { describe, expect, it } from "vitest";
import {
  EXTERNREF,
  F64,
  FUNCREF,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_NOFUNC,
  I32,
  I64,
  refType,
} from "../../src/isa/types.ts";
import type { ExternInstance } from "../../src/runtime/instances.ts";
import type { MemoryInstance } from "../../src/runtime/memory.ts";
import type { TableInstance } from "../../src/runtime/table.ts";
import {
  exported,
  func,
  global,
  instance,
  linkError,
  memory,
  moduleFrom,
  Store,
  table,
  tag,
} from "./support.ts";

type Make = (store: Store) => ExternInstance;

/** Whether an instance that `make` makes links as an import of this type. */
function links(type: string, make: Make): boolean {
  const store = new Store();
  const record = moduleFrom(`(module (import "m" "n" ${type}))`);
  const given = make(store);
  const linked = () => instance(store, record, [given]);
  try {
    linked();
    return true;
  } catch {
    expect(linkError(linked).phrase).toBe("incompatible import type");
    return false;
  }
}

const KINDS: readonly (readonly [string, string, Make])[] = [
  ["func", "(func)", () => func()],
  ["table", "(table 0 funcref)", (store) => table(store)],
  ["memory", "(memory 0)", (store) => memory(store)],
  ["global", "(global i32)", (store) => global(store)],
  ["tag", "(tag)", () => tag()],
];

describe("kinds", () => {
  for (const [wanted, type] of KINDS) {
    it.each(KINDS.map(([kind, , make]) => [kind, make] as const))(`${wanted}: %s`, (kind, make) => {
      expect(links(type, make)).toBe(kind === wanted);
    });
  }

  it("must all be there", () => {
    for (const [, type] of KINDS) {
      const record = moduleFrom(`(module (import "some" "thing" ${type}))`);
      for (const nothing of [[], [undefined]]) {
        const error = linkError(() => instance(new Store(), record, nothing));
        expect(error.phrase).toBe("unknown import");
        expect(error.message).toMatch(/^unknown import: "some"\."thing" must be \(/);
        expect(error).toMatchObject({ importModule: "some", importName: "thing" });
      }
    }
  });

  it("are not more than the module has", () => {
    expect(() => instance(new Store(), "(module)", [func()])).toThrow(RangeError);
  });
});

describe("functions", () => {
  it.each([
    ["(func)", [], [], true],
    ["(func (param i32))", [I32], [], true],
    ["(func (param i32) (result i64 f64))", [I32], [I64, F64], true],
    ["(func (param i32))", [], [], false],
    ["(func)", [I32], [], false],
    ["(func (param i32))", [I64], [], false],
    ["(func (param i32 i64))", [I64, I32], [], false],
    ["(func (result i32))", [I32], [], false],
    ["(func (result funcref))", [], [refType(HEAP_FUNC, false)], false],
  ] as const)("%s given %j -> %j: %s", (type, params, results, expected) => {
    expect(links(type, () => func([...params], [...results]))).toBe(expected);
  });
});

describe("tables", () => {
  it.each<[string, Parameters<typeof table>[1], boolean]>([
    ["(table 1 funcref)", { min: 1n }, true],
    ["(table 1 funcref)", { min: 2n }, true],
    ["(table 2 funcref)", { min: 1n }, false],
    ["(table 1 funcref)", { min: 1n, max: 1n }, true],
    ["(table 1 3 funcref)", { min: 1n, max: 3n }, true],
    ["(table 1 3 funcref)", { min: 1n, max: 2n }, true],
    ["(table 1 3 funcref)", { min: 1n, max: 4n }, false],
    ["(table 1 3 funcref)", { min: 1n }, false],
    ["(table 0 externref)", { element: EXTERNREF }, true],
    ["(table 0 funcref)", { element: EXTERNREF }, false],
    ["(table 0 funcref)", { element: refType(HEAP_NOFUNC, true) }, false],
    ["(table i64 0 funcref)", { address64: true }, true],
    ["(table i64 0 funcref)", {}, false],
    ["(table 0 funcref)", { address64: true }, false],
  ])("%s given %o: %s", (type, given, expected) => {
    expect(links(type, (store) => table(store, given))).toBe(expected);
  });

  it("count with the size they have grown to", () => {
    const grown: Make = (store) => {
      const extern = table(store, { min: 1n, max: 9n });
      (extern.value as TableInstance).grow(4, null);
      return extern;
    };
    expect(links("(table 5 funcref)", grown)).toBe(true);
    expect(links("(table 6 funcref)", grown)).toBe(false);
  });

  it("count with all of it if they are long", () => {
    const long: Make = (store) => table(store, { min: 300_000n });
    expect(links("(table 300000 funcref)", long)).toBe(true);
    expect(links("(table 300001 funcref)", long)).toBe(false);
  });
});

describe("memories", () => {
  it.each<[string, Parameters<typeof memory>[1], boolean]>([
    ["(memory 1)", { min: 1n }, true],
    ["(memory 1)", { min: 2n, max: 2n }, true],
    ["(memory 2)", { min: 1n }, false],
    ["(memory 1 3)", { min: 1n, max: 3n }, true],
    ["(memory 1 3)", { min: 1n, max: 4n }, false],
    ["(memory 1 3)", { min: 1n }, false],
    ["(memory i64 1)", { min: 1n, address64: true }, true],
    ["(memory i64 1)", { min: 1n }, false],
    ["(memory 1)", { min: 1n, address64: true }, false],
    ["(memory 1 2 shared)", { min: 1n, max: 2n, shared: true }, true],
    ["(memory 1 2 shared)", { min: 1n, max: 2n }, false],
    ["(memory 1 2)", { min: 1n, max: 2n, shared: true }, false],
    ["(memory 1)", { min: 1n, pageSizeLog2: 0 }, false],
  ])("%s given %o: %s", (type, given, expected) => {
    expect(links(type, (store) => memory(store, given))).toBe(expected);
  });

  it("count with the size they have grown to", () => {
    const grown: Make = (store) => {
      const extern = memory(store, { min: 1n });
      (extern.value as MemoryInstance).grow(2);
      return extern;
    };
    expect(links("(memory 3)", grown)).toBe(true);
    expect(links("(memory 4)", grown)).toBe(false);
  });
});

describe("globals", () => {
  const nonNullFunc = refType(HEAP_FUNC, false);
  it.each([
    ["(global i32)", I32, false, true],
    ["(global i32)", I64, false, false],
    ["(global (mut i32))", I32, true, true],
    ["(global (mut i32))", I32, false, false],
    ["(global i32)", I32, true, false],
    ["(global funcref)", FUNCREF, false, true],
    // Who only reads takes a subtype; who also writes does not.
    ["(global funcref)", nonNullFunc, false, true],
    ["(global (mut funcref))", nonNullFunc, true, false],
    ["(global funcref)", refType(HEAP_NOFUNC, true), false, true],
    ["(global funcref)", EXTERNREF, false, false],
    ["(global externref)", refType(HEAP_EXTERN, false), false, true],
  ] as const)("%s given %d, mutable %s: %s", (type, valtype, mutable, expected) => {
    expect(links(type, (store) => global(store, valtype, mutable))).toBe(expected);
  });
});

describe("tags", () => {
  it.each([
    ["(tag)", [], true],
    ["(tag (param i32))", [I32], true],
    ["(tag (param i32))", [], false],
    ["(tag (param i32))", [I64], false],
  ] as const)("%s given %j: %s", (type, params, expected) => {
    expect(links(type, () => tag([...params]))).toBe(expected);
  });
});

describe("stores", () => {
  const source = `(module (func (export "func")) (table (export "table") 0 funcref)
    (memory (export "memory") 0) (global (export "global") i32 (i32.const 0)) (tag (export "tag")))`;

  it.each([
    ["func", "(func)"],
    ["table", "(table 0 funcref)"],
    ["memory", "(memory 0)"],
    ["global", "(global i32)"],
    ["tag", "(tag)"],
  ])("share nothing that keeps accounts or leads to functions: %s", (name, type) => {
    const extern = exported(instance(new Store(), source), name);
    const record = moduleFrom(`(module (import "m" "n" ${type}))`);
    const error = linkError(() => instance(new Store(), record, [extern]));
    expect(error.message).toContain("of another store");
  });
});

describe("errors", () => {
  const message = (type: string, make: Make) => {
    const store = new Store();
    const record = moduleFrom(`(module (import "env" "x" ${type}))`);
    return linkError(() => instance(store, record, [make(store)])).message;
  };

  it.each<[string, Make, string, string]>([
    [
      "(func (param i32) (result i64 f64))",
      () => func([I64]),
      "(func (param i32) (result i64 f64))",
      "(func (param i64))",
    ],
    [
      "(memory i64 2 5)",
      (store) => memory(store, { min: 1n, max: 2n }),
      "(memory i64 2 5)",
      "(memory 1 2)",
    ],
    [
      "(table 10 20 externref)",
      (store) => table(store, { min: 3n }),
      "(table 10 20 externref)",
      "(table 3 funcref)",
    ],
    ["(global (mut f64))", (store) => global(store, F64), "(global (mut f64))", "(global f64)"],
    ["(tag (param i32))", () => func([I32]), "(tag (param i32))", "(func (param i32))"],
    [
      "(memory 1 2 shared)",
      (store) => memory(store, { pageSizeLog2: 0 }),
      "(memory 1 2 shared)",
      "(memory 0 (pagesize 1))",
    ],
  ])("say what %s wants and what it found", (type, make, expected, found) => {
    const text = `incompatible import type: "env"."x" must be ${expected}, found ${found}`;
    expect(message(type, make)).toBe(text);
  });

  it("name the first import that does not match", () => {
    const record = moduleFrom(`(module (import "a" "f" (func)) (import "b" "g" (func))
      (import "c" "h" (func)))`);
    const error = linkError(() => instance(new Store(), record, [func(), func([I32])]));
    expect(error).toMatchObject({ importModule: "b", importName: "g", name: "LinkError" });
  });
});
