// Decoding and validation in pieces: whatever a module is made of, `work` comes back after a bounded
// amount of it. The modules are those that would take long at one go. Work is counted in pieces, and
// what one unit may stand for in a module's own terms, not in time.

import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { moduleDecoder } from "../../src/embedding/module.ts";
import { FEATURES, featureSet } from "../../src/isa/features.ts";
import { PIECE } from "../../src/module/pieces.ts";
import { typeIdsOf } from "../../src/validation/type-ids.ts";
import { body, leb, moduleOf, name, outcomeOf, section, TYPES, vec } from "./bytes.ts";

const ALL = featureSet(Object.fromEntries(FEATURES.map((feature) => [feature, true])));
const COUNT = 40_000;

const times = (count: number, item: readonly number[]): number[] => {
  return new Array<readonly number[]>(count).fill(item).flat();
};
/** A vector of `count` equal entries, too many for arguments of a function. */
const many = (count: number, item: readonly number[]) => [...leb(count), ...times(count, item)];
const numbered = (count: number, item: (i: number) => readonly number[]) => {
  return [...leb(count), ...Array.from({ length: count }, (_, i) => item(i)).flat()];
};

const I32 = 0x7f;
const FUNC = [0x60, 0, 0];
const GLOBAL = [I32, 0, 0x41, 0, 0x0b];
const WIDE = many(1000, [I32]);
const withCode = (types: readonly number[], code: readonly number[], locals = [0]) => {
  return moduleOf(section(1, types), section(3, vec([0])), section(10, vec(body(code, locals))));
};

/** `i32.const 0`, as often as it fits, then as many additions: one constant expression. */
const LONG_CONSTANT = [...times(COUNT, [0x41, 0]), ...times(COUNT - 1, [0x6a]), 0x0b];

const MODULES: readonly (readonly [what: string, bytes: Uint8Array, units: number])[] = [
  ["types", moduleOf(section(1, many(COUNT, FUNC))), 3 * COUNT],
  ["types of one group", moduleOf(section(1, vec([0x4e, ...many(COUNT, FUNC)]))), 3 * COUNT],
  [
    "equal groups",
    moduleOf(section(1, vec([0x4e, ...many(COUNT, FUNC)], [0x4e, ...many(COUNT, FUNC)]))),
    8 * COUNT,
  ],
  [
    "imports",
    moduleOf(TYPES, section(2, many(COUNT, [...name("m"), ...name("f"), 0, 0]))),
    6 * COUNT,
  ],
  [
    "imports in a group",
    moduleOf(TYPES, section(2, vec([...name("m"), 0, 0x7f, ...many(COUNT, [...name("f"), 0, 0])]))),
    4 * COUNT,
  ],
  [
    "names in a group of imports",
    moduleOf(TYPES, section(2, vec([...name("m"), 0, 0x7e, 0, 0, ...many(COUNT, name("f"))]))),
    2 * COUNT,
  ],
  [
    "empty groups of imports",
    moduleOf(section(2, many(COUNT, [...name("m"), 0, 0x7f, 0]))),
    4 * COUNT,
  ],
  ["globals", moduleOf(section(6, many(COUNT, GLOBAL))), 5 * COUNT],
  ["a long constant", moduleOf(section(6, vec([I32, 0, ...LONG_CONSTANT]))), 5 * COUNT],
  [
    "exports",
    moduleOf(
      section(6, vec(GLOBAL)),
      section(
        7,
        numbered(COUNT, (i) => [...name(`e${i}`), 3, 0]),
      ),
    ),
    6 * COUNT,
  ],
  ["element segments", moduleOf(section(9, many(COUNT, [1, 0, 0]))), 3 * COUNT],
  [
    "functions in an element segment",
    moduleOf(
      TYPES,
      section(3, vec([0])),
      section(9, vec([1, 0, ...many(COUNT, [0])])),
      section(10, vec(body([]))),
    ),
    2 * COUNT,
  ],
  [
    "expressions in an element segment",
    moduleOf(section(9, vec([5, 0x70, ...many(COUNT, [0xd0, 0x70, 0x0b])]))),
    6 * COUNT,
  ],
  ["data segments", moduleOf(section(11, many(COUNT, [1, 0]))), 2 * COUNT],
  ["custom sections", moduleOf(...new Array(COUNT).fill([0, 1, 0])), COUNT],
  ["instructions", withCode(vec(FUNC), times(COUNT, [0x01])), COUNT],
  ["groups of locals", withCode(vec(FUNC), [], many(COUNT, [1, I32])), COUNT],
  ["groups of no locals", withCode(vec(FUNC), [], many(COUNT, [0, I32])), COUNT],
  [
    "calls with a thousand values",
    withCode(vec([0x60, ...WIDE, ...WIDE]), [...times(1000, [0x20, 0]), ...times(2000, [0x10, 0])]),
    (2000 * 2000) / 8,
  ],
  [
    "one br_table of blocks with a thousand results",
    withCode(vec([0x60, 0, ...WIDE]), [
      ...times(500, [0x02, 0]),
      ...times(1000, [0x41, 0]),
      0x41,
      0,
      0x0e,
      ...leb(499),
      ...Array.from({ length: 500 }, (_, i) => leb(i)).flat(),
      ...times(500, [0x0b]),
    ]),
    (500 * 1000) / 8,
  ],
  [
    "one try_table with many clauses of a thousand values",
    moduleOf(
      section(1, vec([0x60, ...WIDE, 0], [0x60, 0, ...WIDE])),
      section(3, vec([1])),
      section(13, vec([0, 0])),
      section(
        10,
        vec(body([0x1f, 0x40, ...many(500, [0, 0, 0]), 0x0b, ...times(1000, [0x41, 0])])),
      ),
    ),
    (500 * 1000) / 8,
  ],
];

/** How many pieces a module takes. */
function piecesOf(bytes: Uint8Array): number {
  const decoder = moduleDecoder({ features: ALL });
  decoder.feed(bytes);
  let pieces = 1;
  while (decoder.work()) pieces++;
  decoder.end();
  return pieces;
}

describe("a large number of", () => {
  it.each(MODULES)("%s is worked on in pieces", (_, bytes, units) => {
    expect(piecesOf(bytes)).toBeGreaterThanOrEqual(Math.floor(units / PIECE / 2));
  });

  it.each(MODULES)("%s gives the same in pieces of any size", (_, bytes) => {
    const whole = outcomeOf([bytes], {}, ALL);
    expect(whole.error).toBe(null);
    expect(isDeepStrictEqual(outcomeOf([bytes], {}, ALL, 1000), whole)).toBe(true);
  });
});

describe("a decoder that is left in the middle", () => {
  it("goes on with more bytes, and raises what it finds in the same words", () => {
    const bytes = withCode(vec(FUNC), [...times(COUNT, [0x01]), 0x1a]);
    const { error } = outcomeOf([bytes], {}, ALL);
    expect(outcomeOf([bytes.slice(0, 100), bytes.slice(100)], {}, ALL, 10).error).toEqual(error);
    const decoder = moduleDecoder();
    decoder.feed(bytes);
    expect(decoder.work(10)).toBe(true);
    expect(() => decoder.end()).toThrow(error?.message);
    expect(() => decoder.work()).toThrow(error?.message);
  });
});

describe("types that others make during a pause", () => {
  it("are the same types", () => {
    const bytes = moduleOf(section(1, vec([0x4e, ...many(COUNT, [0x60, 1, 0x7b, 0])])));
    const decoders = [0, 1, 2].map(() => moduleDecoder({ features: ALL }));
    for (const decoder of decoders) decoder.feed(bytes);
    // Round by round, so that all of them look before any has made the group.
    while (decoders.map((decoder) => decoder.work()).includes(true)) {}
    const [first, ...others] = decoders.map((decoder) => typeIdsOf(decoder.end()));
    for (const ids of others) expect(ids).toEqual(first);
  });
});
