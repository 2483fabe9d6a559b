// Equality and subtyping of defined types (spec: 3.1.1 – 3.1.6, 3.3): types are equal if their
// whole recursion groups are. Asked through the relation itself, over type sections written as
// bytes.

import { describe, expect, it } from "vitest";
import { refType } from "../../src/isa/types.ts";
import { DEFAULT_LIMITS } from "../../src/module/limits.ts";
import { finishRest } from "../../src/module/pieces.ts";
import { TypeContext } from "../../src/validation/type-context.ts";
import { moduleOf, section, vec } from "../binary/bytes.ts";
import { load, refused } from "./assemble.ts";

const I32 = 0x7f;
const I64 = 0x7e;
const ANYREF = 0x6e;
const EQREF = 0x6d;

/** (ref null x) and (ref x) for a small type index or the byte of an abstract heap type. */
const refNull = (heap: number) => [0x63, heap];
const ref = (heap: number) => [0x64, heap];
const func = (params: number[], results: number[], counts = [params.length, results.length]) => {
  return [0x60, counts[0], ...params, counts[1], ...results];
};
const struct = (...fields: number[][]) => [0x5f, ...vec(...fields)];
const array = (type: number[], mutable = 0) => [0x5e, ...type, mutable];
const rec = (...types: number[][]) => [0x4e, ...vec(...types)];
/** An open subtype, of nothing or of one type. */
const sub = (composite: number[], parent?: number) => {
  return [0x50, ...(parent === undefined ? [0] : [1, parent]), ...composite];
};
const subFinal = (composite: number[], parent?: number) => {
  return [0x4f, ...(parent === undefined ? [0] : [1, parent]), ...composite];
};

const moduleWith = (...types: number[][]) => moduleOf(section(1, vec(...types)));

/** The relation over a valid type section. */
function context(...types: number[][]): TypeContext {
  const relation = new TypeContext(load(moduleWith(...types)).types, DEFAULT_LIMITS);
  for (const index of relation.types.keys()) finishRest(relation.add(index, 0));
  return relation;
}

/** Whether (ref a) matches (ref b). */
function matches(relation: TypeContext, a: number, b: number): boolean {
  return relation.matches(refType(a, false), refType(b, false));
}

function equal(relation: TypeContext, a: number, b: number): boolean {
  return matches(relation, a, b) && matches(relation, b, a);
}

describe("equality of types", () => {
  it("is by structure for types alone", () => {
    const types = context(func([I32], [I64]), func([I32], [I64]), func([I64], [I64]));
    expect([equal(types, 0, 1), equal(types, 0, 2)]).toEqual([true, false]);
  });

  it("tells every part of a type apart", () => {
    const different = [
      func([], []),
      func([I32], []),
      func([], [I32]),
      func([I32, I32], []),
      struct(),
      struct([I32, 0]),
      struct([I32, 1]),
      struct([I64, 0]),
      struct([0x78, 0]),
      struct([0x77, 0]),
      struct([I32, 0], [I32, 0]),
      array([I32]),
      array([I32], 1),
      array([ANYREF]),
      array(ref(ANYREF)),
      array([EQREF]),
      sub(struct()),
      sub(array([I32])),
      sub(func([], [])),
    ];
    const types = context(...different, ...different);
    const count = different.length;
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < count; k++) expect(equal(types, i, count + k), `${i} ${k}`).toBe(i === k);
    }
  });

  it("is that of the recursion groups, position by position", () => {
    // Two groups of the same shape, one with its members the other way round, one alone.
    const types = context(
      rec(struct([...ref(0), 0]), func([], [])),
      rec(struct([...ref(2), 0]), func([], [])),
      rec(func([], []), struct([...ref(5), 0])),
      func([], []),
      rec(struct([...ref(7), 0])),
    );
    expect([equal(types, 0, 2), equal(types, 1, 3)]).toEqual([true, true]);
    expect([equal(types, 0, 5), equal(types, 1, 4)]).toEqual([false, false]);
    expect([equal(types, 1, 6), equal(types, 0, 7)]).toEqual([false, false]);
  });

  it("looks through references to earlier groups that are equal", () => {
    const types = context(
      struct(),
      struct(),
      struct([...ref(0), 0]),
      struct([...ref(1), 0]),
      struct([...refNull(1), 0]),
    );
    expect(equal(types, 2, 3)).toBe(true);
    expect(equal(types, 2, 4)).toBe(false);
  });

  it("does not take a reference inside a group for one to an equal group outside", () => {
    const types = context(
      rec(struct([...ref(0), 0])),
      rec(struct([...ref(0), 0])),
      rec(struct([...ref(2), 0])),
    );
    expect([equal(types, 0, 2), equal(types, 0, 1)]).toEqual([true, false]);
  });

  it("takes group length into account", () => {
    const types = context(rec(struct(), struct()), struct(), struct(), rec(struct()));
    expect([equal(types, 0, 2), equal(types, 0, 1), equal(types, 2, 3)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(equal(types, 2, 4)).toBe(true);
  });
});

describe("subtyping", () => {
  it("follows declared supertypes, through equal types as well", () => {
    const types = context(
      sub(struct()),
      sub(struct([I32, 0]), 0),
      sub(struct([I32, 0], [I64, 1]), 1),
      sub(struct()),
      sub(struct([I32, 0]), 3),
      sub(struct([I32, 0])),
    );
    expect([matches(types, 2, 0), matches(types, 0, 2)]).toEqual([true, false]);
    // 4 extends 3, which equals 0; 5 has the structure but no supertype.
    expect([matches(types, 4, 0), equal(types, 1, 4)]).toEqual([true, true]);
    expect([matches(types, 5, 0), equal(types, 5, 1)]).toEqual([false, false]);
  });

  it.each([
    ["a field more", sub(struct([I32, 0], [I32, 0]), 0), sub(struct([I32, 0])), true],
    ["a field less", sub(struct(), 0), sub(struct([I32, 0])), false],
    ["another field type", sub(struct([I64, 0]), 0), sub(struct([I32, 0])), false],
    ["an immutable field narrower", sub(struct([EQREF, 0]), 0), sub(struct([ANYREF, 0])), true],
    ["an immutable field wider", sub(struct([ANYREF, 0]), 0), sub(struct([EQREF, 0])), false],
    ["a mutable field narrower", sub(struct([EQREF, 1]), 0), sub(struct([ANYREF, 1])), false],
    ["a field that becomes mutable", sub(struct([I32, 1]), 0), sub(struct([I32, 0])), false],
    ["an array narrower", sub(array([EQREF]), 0), sub(array([ANYREF])), true],
    ["a mutable array narrower", sub(array([EQREF], 1), 0), sub(array([ANYREF], 1)), false],
    ["a parameter wider", sub(func([ANYREF], []), 0), sub(func([EQREF], [])), true],
    ["a parameter narrower", sub(func([EQREF], []), 0), sub(func([ANYREF], [])), false],
    ["a result narrower", sub(func([], [EQREF]), 0), sub(func([], [ANYREF])), true],
    ["a result wider", sub(func([], [ANYREF]), 0), sub(func([], [EQREF])), false],
    ["another kind", sub(array([I32]), 0), sub(struct([I32, 0])), false],
    ["a final supertype", sub(struct(), 0), subFinal(struct()), false],
    ["a supertype that is final by default", sub(struct(), 0), struct(), false],
    ["a final subtype", subFinal(struct(), 0), sub(struct()), true],
  ])("%s", (_, lower, upper, allowed) => {
    const bytes = moduleWith(upper, lower);
    if (allowed) expect(load(bytes).types).toHaveLength(2);
    else expect(refused(bytes)).toMatchObject({ name: "InvalidError", phrase: "sub type" });
  });

  it("names types only from their group or before, supertypes only from before", () => {
    expect(refused(moduleWith(struct([...ref(1), 0]), struct())).phrase).toBe("unknown type");
    load(moduleWith(rec(struct([...ref(1), 0]), struct())));
    expect(refused(moduleWith(rec(sub(struct(), 1), sub(struct())))).phrase).toBe("unknown type");
    expect(refused(moduleWith(sub(struct(), 0))).phrase).toBe("unknown type");
    const two = [0x50, 2, 0, 0, ...struct()];
    expect(refused(moduleWith(sub(struct()), two)).phrase).toBe("sub type");
  });
});

describe("abstract heap types", () => {
  /** Codes from the specification's table of heap types, as negative numbers. */
  const HEAPS = {
    any: -0x12,
    eq: -0x13,
    i31: -0x14,
    struct: -0x15,
    array: -0x16,
    none: -0x0f,
    func: -0x10,
    nofunc: -0x0d,
    extern: -0x11,
    noextern: -0x0e,
    exn: -0x17,
    noexn: -0x0c,
  };
  type Heap = keyof typeof HEAPS | "S" | "A" | "F";
  /** Everything above each heap type, by the rules of 3.3.3. */
  const ABOVE: Record<Heap, Heap[]> = {
    any: [],
    eq: ["any"],
    i31: ["eq", "any"],
    struct: ["eq", "any"],
    array: ["eq", "any"],
    none: ["i31", "struct", "array", "eq", "any", "S", "A"],
    func: [],
    nofunc: ["func", "F"],
    extern: [],
    noextern: ["extern"],
    exn: [],
    noexn: ["exn"],
    S: ["struct", "eq", "any"],
    A: ["array", "eq", "any"],
    F: ["func"],
  };

  it("match as in the specification, nullable or not", () => {
    const types = context(struct(), array([I32]), func([], []));
    const codes: Record<Heap, number> = { ...HEAPS, S: 0, A: 1, F: 2 };
    const names = Object.keys(codes) as Heap[];
    for (const lower of names) {
      for (const upper of names) {
        const expected = lower === upper || ABOVE[lower].includes(upper);
        const [a, b] = [codes[lower], codes[upper]];
        const pair = `${lower} ${upper}`;
        expect(types.heapMatches(a, b), pair).toBe(expected);
        expect(types.matches(refType(a, false), refType(b, true)), pair).toBe(expected);
        expect(types.matches(refType(a, true), refType(b, true)), pair).toBe(expected);
        expect(types.matches(refType(a, true), refType(b, false)), pair).toBe(false);
      }
    }
  });
});
