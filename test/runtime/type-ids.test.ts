// Types of different modules are equal exactly if their recursion groups are, and imports follow
// declared subtyping. wabt has no syntax for such types, so the modules are bytes.

import { describe, expect, it } from "vitest";
import {
  ANYREF,
  EQREF,
  EXTERNREF,
  FUNCREF,
  HEAP_ANY,
  HEAP_FUNC,
  HEAP_NOFUNC,
  HEAP_NONE,
  HEAP_STRUCT,
  I32,
  I64,
  refType,
} from "../../src/isa/types.ts";
import type { ExternInstance } from "../../src/runtime/instances.ts";
import { closeValType, formatClosedType, valTypeIdMatches } from "../../src/runtime/types.ts";
import { idMatches, idOfFuncType, typeIdsOf, typeOfId } from "../../src/validation/type-ids.ts";
import { body, moduleOf, name, section, vec } from "../binary/bytes.ts";
import { exported, instance, linkError, moduleFrom, Store } from "./support.ts";

const I32_CODE = 0x7f;
const I64_CODE = 0x7e;
const REC = 0x4e;
const SUB = 0x50;
const SUB_FINAL = 0x4f;

type Bytes = readonly number[];

const func = (params: Bytes = [], results: Bytes = []): number[] => {
  return [0x60, params.length, ...params, results.length, ...results];
};
/** A function type with a parameter `(ref null index)`. */
const taking = (index: number): number[] => [0x60, 1, 0x63, index, 0];
const sub = (supers: Bytes, type: Bytes): number[] => [SUB, supers.length, ...supers, ...type];
const subFinal = (supers: Bytes, type: Bytes): number[] => {
  return [SUB_FINAL, supers.length, ...supers, ...type];
};
const rec = (...types: readonly Bytes[]): number[] => [REC, ...vec(...types)];

const typeSection = (groups: readonly Bytes[]) => section(1, vec(...groups));

function idsOf(...groups: readonly Bytes[]): readonly number[] {
  return typeIdsOf(moduleFrom(moduleOf(typeSection(groups))));
}

/** Exports a function of the type with this index as "f". */
function exporting(groups: readonly Bytes[], type: number): Uint8Array {
  return moduleOf(
    typeSection(groups),
    section(3, vec([type])),
    section(7, vec([...name("f"), 0, 0])),
    section(10, vec(body([0x00]))),
  );
}

function importing(groups: readonly Bytes[], type: number): Uint8Array {
  return moduleOf(typeSection(groups), section(2, vec([...name("m"), ...name("f"), 0, type])));
}

describe("type ids", () => {
  it("are equal for equal types of different modules, wherever they stand", () => {
    const [first] = idsOf(func([I32_CODE]));
    const [other, second] = idsOf(func([I64_CODE]), func([I32_CODE]));
    expect(second).toBe(first);
    expect(other).not.toBe(first);
    expect(idOfFuncType({ kind: "func", params: [I32], results: [] })).toBe(first);
    expect(idOfFuncType({ kind: "func", params: [I64], results: [] })).toBe(other);
  });

  it("distinguish final from open types, and a group of two from two groups", () => {
    const [plain] = idsOf(func());
    expect(idsOf(subFinal([], func()))).toEqual([plain]);
    expect(idsOf(rec(func()))).toEqual([plain]);
    expect(idsOf(sub([], func()))).not.toEqual([plain]);
    const pair = idsOf(rec(func(), func()));
    expect(pair).not.toContain(plain);
    expect(pair[0]).not.toBe(pair[1]);
    expect(idsOf(rec(func([I64_CODE]), func()))).not.toContain(pair[1]);
  });

  it("see through recursion, but not through different groups", () => {
    const [self] = idsOf(taking(0));
    // The same type as index 3 of a module that has it among others.
    const [, , , again] = idsOf(func(), func([I32_CODE]), func([I64_CODE]), taking(3));
    expect(again).toBe(self);
    // Unrolled by hand, it is a type whose parameter is another one.
    const [, unrolled] = idsOf(taking(0), taking(0));
    expect(unrolled).not.toBe(self);
    expect(idsOf(rec(taking(1), taking(0)))).not.toContain(self);
  });

  it("keep a reference to the group apart from abstract heap types", () => {
    // Type 0 of a group and `any`, `func`, … are all small numbers in some encoding.
    const abstract = [0x70, 0x6f, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71, 0x72, 0x73, 0x74, 0x69];
    const ids = abstract.map((code) => idsOf([0x60, 1, 0x63, code, 0])[0]);
    const own = Array.from({ length: 20 }, (_, position) => {
      return idsOf(rec(...Array.from({ length: 20 }, () => taking(position))))[0];
    });
    expect(new Set([...ids, ...own]).size).toBe(abstract.length + own.length);
  });

  it("know the supertype, across modules", () => {
    const top = sub([], func());
    const [parent, child] = idsOf(top, subFinal([0], func()));
    const [, sameParent, sameChild] = idsOf(func(), top, subFinal([1], func()));
    expect([sameParent, sameChild]).toEqual([parent, child]);
    expect(typeOfId(child).parent).toBe(parent);
    expect(idMatches(child, parent)).toBe(true);
    expect(idMatches(parent, child)).toBe(false);
    const [, , orphan] = idsOf(top, func(), rec(subFinal([], func()), func()));
    expect(idMatches(orphan, parent)).toBe(false);
  });
});

describe("functions of recursive and derived types", () => {
  const top = sub([], func());
  const middle = sub([0], func());
  const bottom = sub([1], func());
  const chain = [top, middle, bottom];

  /** What happens if a module imports as type `wanted` of its types what another exports. */
  function link(exports: Bytes[], type: number, imports: Bytes[], wanted: number): () => unknown {
    const store = new Store();
    const given = exported(instance(store, exporting(exports, type)), "f");
    return () => instance(store, importing(imports, wanted), [given]);
  }

  it.each([0, 1, 2])("as supertypes, type %d", (type) => {
    for (const wanted of [0, 1, 2]) {
      const linked = link(
        chain,
        type,
        [func(), top, sub([1], func()), sub([2], func())],
        wanted + 1,
      );
      if (type >= wanted) expect(linked).not.toThrow();
      else expect(linkError(linked).phrase).toBe("incompatible import type");
    }
  });

  it("not where only the text of the types is equal", () => {
    const linked = link([rec(func(), func([I32_CODE]))], 0, [func()], 0);
    expect(linkError(linked).message).toContain("another type definition");
  });
});

describe("tables, globals and tags of module types", () => {
  const REF_NULL = 0x63;
  /** Two modules whose type 0 and 1 stand in a different order. */
  const one = [sub([], func()), sub([0], func())];
  const two = [func([I64_CODE]), sub([], func()), sub([1], func())];

  const exportsOf = (types: Bytes[], index: number) =>
    moduleOf(
      typeSection(types),
      section(4, vec([REF_NULL, index, 0, 0])),
      section(13, vec([0, index])),
      section(
        6,
        vec([REF_NULL, index, 0, 0xd0, index, 0x0b], [REF_NULL, index, 1, 0xd0, index, 0x0b]),
      ),
      section(
        7,
        vec([...name("t"), 1, 0], [...name("g"), 3, 0], [...name("v"), 3, 1], [...name("x"), 4, 0]),
      ),
    );
  const importOf = (types: Bytes[], what: Bytes) =>
    moduleOf(typeSection(types), section(2, vec([...name("m"), ...name("n"), ...what])));
  const imports = {
    t: (index: number) => [1, REF_NULL, index, 0, 0],
    g: (index: number) => [3, REF_NULL, index, 0],
    v: (index: number) => [3, REF_NULL, index, 1],
    x: (index: number) => [4, 0, index],
  };

  const matches = (export_: keyof typeof imports, from: number, to: number): boolean => {
    const store = new Store();
    const given: ExternInstance = exported(instance(store, exportsOf(one, from)), export_);
    const linked = () => instance(store, importOf(two, imports[export_](to)), [given]);
    try {
      linked();
      return true;
    } catch {
      expect(linkError(linked).phrase).toBe("incompatible import type");
      return false;
    }
  };

  it.each<[keyof typeof imports, string, boolean]>([
    ["t", "table", false],
    ["g", "constant", true],
    ["v", "variable", false],
    ["x", "tag", false],
  ])("%s (%s) is compared by id; a subtype will do: %s", (what, _, covariant) => {
    expect(matches(what, 0, 1)).toBe(true);
    expect(matches(what, 1, 2)).toBe(true);
    expect(matches(what, 1, 1)).toBe(covariant);
    expect(matches(what, 0, 2)).toBe(false);
    // Equal as indices, different as types.
    expect(matches(what, 0, 0)).toBe(false);
  });
});

describe("matching of closed types", () => {
  const [funcId, structId] = idsOf(func([I32_CODE], [I64_CODE]), [0x5f, 0]);
  const funcRef = refType(funcId, true);
  const structRef = refType(structId, true);

  it.each([
    [I32, I32, true],
    [I32, I64, false],
    [I32, FUNCREF, false],
    [funcRef, FUNCREF, true],
    [FUNCREF, funcRef, false],
    [refType(funcId, false), funcRef, true],
    [funcRef, refType(funcId, false), false],
    [funcRef, structRef, false],
    [structRef, EQREF, true],
    [structRef, ANYREF, true],
    [structRef, refType(HEAP_STRUCT, true), true],
    [structRef, FUNCREF, false],
    [funcRef, ANYREF, false],
    [refType(HEAP_NOFUNC, true), funcRef, true],
    [refType(HEAP_NONE, true), structRef, true],
    [refType(HEAP_NONE, true), funcRef, false],
    [refType(HEAP_NOFUNC, true), structRef, false],
    [refType(HEAP_FUNC, true), refType(HEAP_ANY, true), false],
    [EXTERNREF, ANYREF, false],
  ])("%d for %d: %s", (type, wanted, expected) => {
    expect(valTypeIdMatches(type, wanted)).toBe(expected);
  });

  it("have text that shows what they are", () => {
    expect(formatClosedType(funcRef)).toBe("(ref null (func (param i32) (result i64)))");
    expect(formatClosedType(refType(structId, false))).toBe("(ref struct)");
    const [self] = idsOf(taking(0));
    expect(formatClosedType(refType(self, true))).toBe("(ref null (func (param (ref null func))))");
  });

  it("close type indices and leave all others alone", () => {
    expect(closeValType(refType(1, true), [7, 9])).toBe(refType(9, true));
    expect(closeValType(refType(0, false), [7, 9])).toBe(refType(7, false));
    for (const type of [I32, FUNCREF, EXTERNREF]) expect(closeValType(type, [7])).toBe(type);
  });
});
