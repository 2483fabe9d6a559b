// Decoding limits (src/module/limits.ts): at each limit a module is accepted, one above it is
// refused by an error that names the limit. And decode bombs: huge counts in few bytes are refused
// at once, before anything of that size is allocated.

import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, type DecodingLimits, decodingLimits } from "../../src/module/limits.ts";
import {
  accepted,
  body,
  CODE,
  custom,
  FUNCTIONS,
  leb,
  moduleOf,
  name,
  refusal,
  section,
  TYPES,
  vec,
} from "./bytes.ts";

const times = <T>(count: number, item: T): T[] => new Array(count).fill(item);

const FUNCREF_TABLE = [0x70, 0, 0];
const IMPORTED_FUNC = [...name("m"), ...name("f"), 0, 0];
const GLOBAL = [0x7f, 0, 0x41, 0, 0x0b];

/** A module with one function of this body. */
function withBody(code: readonly number[], locals: readonly number[] = [0]): Uint8Array {
  return moduleOf(TYPES, FUNCTIONS, section(10, vec(body(code, locals))));
}

/** `count` types, each the subtype of the one before. */
function subtypes(count: number): Uint8Array {
  const types = Array.from({ length: count }, (_, i) => {
    return [0x50, ...(i === 0 ? [0] : [1, i - 1]), 0x5f, 0];
  });
  return moduleOf(section(1, vec(...types)));
}

/** What is counted against `recordBytes` for a custom section without name. */
const SECTION_COST = 200;

/** For each limit a module that needs exactly `count` of it. Imports count wherever they can. */
const MODULES: Record<keyof DecodingLimits, (count: number) => Uint8Array> = {
  moduleBytes: (count) => moduleOf(custom("", times(count - 11, 0))),
  types: (count) => moduleOf(section(1, vec(...times(count, [0x60, 0, 0])))),
  functions: (count) => {
    const rest = count - 1;
    return moduleOf(
      TYPES,
      section(2, vec(IMPORTED_FUNC)),
      section(3, vec(...times(rest, [0]))),
      section(10, vec(...times(rest, body([])))),
    );
  },
  imports: (count) => moduleOf(TYPES, section(2, vec(...times(count, IMPORTED_FUNC)))),
  exports: (count) => {
    const exports = Array.from({ length: count }, (_, i) => [...name(`e${i}`), 0, 0]);
    return moduleOf(TYPES, FUNCTIONS, section(7, vec(...exports)), CODE);
  },
  globals: (count) => {
    const imported = section(2, vec([...name("m"), ...name("g"), 3, 0x7f, 0]));
    return moduleOf(imported, section(6, vec(...times(count - 1, GLOBAL))));
  },
  tags: (count) => {
    const imported = section(2, vec([...name("m"), ...name("t"), 4, 0, 0]));
    return moduleOf(TYPES, imported, section(13, vec(...times(count - 1, [0, 0]))));
  },
  tables: (count) => {
    const imported = section(2, vec([...name("m"), ...name("t"), 1, ...FUNCREF_TABLE]));
    return moduleOf(imported, section(4, vec(...times(count - 1, FUNCREF_TABLE))));
  },
  memories: (count) => {
    const imported = section(2, vec([...name("m"), ...name("m"), 2, 0, 1]));
    return moduleOf(imported, section(5, vec(...times(count - 1, [0, 1]))));
  },
  elementSegments: (count) => moduleOf(section(9, vec(...times(count, [1, 0, 0])))),
  elements: (count) => {
    return moduleOf(TYPES, FUNCTIONS, section(9, vec([1, 0, ...vec(...times(count, [0]))])), CODE);
  },
  dataSegments: (count) => moduleOf(section(11, vec(...times(count, [1, 0])))),
  bodyBytes: (count) => withBody(times(count - 2, 0x01)),
  locals: (count) => {
    const type = section(1, vec([0x60, 1, 0x7f, 0]));
    const code = section(10, vec(body([], [2, 1, 0x7e, count - 2, 0x7d])));
    return moduleOf(type, FUNCTIONS, code);
  },
  params: (count) => moduleOf(section(1, vec([0x60, ...vec(...times(count, [0x7f])), 0]))),
  results: (count) => moduleOf(section(1, vec([0x60, 0, ...vec(...times(count, [0x7f]))]))),
  fields: (count) => moduleOf(section(1, vec([0x5f, ...vec(...times(count, [0x7f, 0]))]))),
  operands: (count) => withBody([...times(count, [0x41, 0]).flat(), ...times(count, 0x1a)]),
  customSections: (count) => moduleOf(...times(count, custom("", []))),
  recordBytes: (count) => moduleOf(...times(count, custom("", []))),
  subtypingDepth: (count) => subtypes(count + 1),
  nesting: (count) => withBody([...times(count, [0x02, 0x40]).flat(), ...times(count, 0x0b)]),
  branchTargets: (count) => withBody([0x41, 0, 0x0e, ...leb(count - 1), ...times(count, 0)]),
  catches: (count) => {
    return withBody([0x1f, 0x40, ...vec(...times(count, [2, 0])), 0x0b]);
  },
  arrayFixedLength: (count) => {
    const types = section(1, vec([0x60, 0, 0], [0x5e, 0x7f, 0]));
    const code = [...times(count, [0x41, 0]).flat(), 0xfb, 8, 1, ...leb(count), 0x1a];
    return moduleOf(types, FUNCTIONS, section(10, vec(body(code))));
  },
  nameBytes: (count) => moduleOf(custom("é".repeat(count / 2) + "x".repeat(count % 2))),
};

/** A value that none of the modules above exceeds in any other limit. */
const LIMIT = 20;

describe("decoding limits", () => {
  it.each(Object.entries(MODULES) as [keyof DecodingLimits, (count: number) => Uint8Array][])(
    "%s",
    (limit, make) => {
      const most = LIMIT * (limit === "recordBytes" ? SECTION_COST : 1);
      accepted(make(LIMIT), { [limit]: most });
      const error = refusal(make(LIMIT + 1), { [limit]: most });
      expect(error.className).toBe("MalformedError");
      expect(error.limit).toBe(limit);
      expect(error.message).toContain(String(most));
      // In words, not by the name that the option has in code.
      expect(error.message).not.toMatch(/[a-z][A-Z]/);
      expect(error.offset).toBeTypeOf("number");
      // Without that limit the module is fine, so it was refused for nothing else.
      accepted(make(LIMIT + 1));
    },
  );

  it("count what one recursion group holds, and imports beside definitions", () => {
    const group = section(1, vec([0x4e, ...vec(...times(5, [0x60, 0, 0]))]));
    accepted(moduleOf(group), { types: 5 });
    expect(refusal(moduleOf(group), { types: 4 }).limit).toBe("types");
    const imported = moduleOf(TYPES, section(2, vec(IMPORTED_FUNC, IMPORTED_FUNC)));
    accepted(imported, { functions: 2 });
    expect(refusal(imported, { functions: 1 }).limit).toBe("functions");
  });

  it("count the imports of a group, not the group", () => {
    const items = (count: number) => {
      const group = times(count, [...name("f"), 0, 0]);
      return moduleOf(
        TYPES,
        section(2, vec([...name("m"), 0, 0x7f, ...vec(...group)], IMPORTED_FUNC)),
      );
    };
    const names = (count: number) => {
      const group = vec(...times(count, name("f")));
      return moduleOf(
        TYPES,
        section(2, vec([...name("m"), 0, 0x7e, 0, 0, ...group], IMPORTED_FUNC)),
      );
    };
    for (const make of [items, names]) {
      accepted(make(LIMIT - 1), { imports: LIMIT });
      expect(refusal(make(LIMIT), { imports: LIMIT })).toMatchObject({ limit: "imports" });
      expect(refusal(make(LIMIT + 1), { imports: LIMIT })).toMatchObject({ limit: "imports" });
    }
  });

  it("stop a module that is too long at its first byte too many", () => {
    const bytes = MODULES.moduleBytes(30);
    expect(refusal(bytes, { moduleBytes: 29 }).limit).toBe("moduleBytes");
    // A section that will not fit is refused by its size alone.
    expect(refusal(bytes.slice(0, 10), { moduleBytes: 29 }).limit).toBe("moduleBytes");
    expect(refusal(bytes, { moduleBytes: 7 }).limit).toBe("moduleBytes");
  });

  it("are named in the defaults and checked when given", () => {
    expect(Object.keys(MODULES).sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort());
    expect(decodingLimits()).toEqual(DEFAULT_LIMITS);
    expect(decodingLimits({ types: 3 })).toEqual({ ...DEFAULT_LIMITS, types: 3 });
    expect(() => decodingLimits(JSON.parse('{ "bogus": 1 }'))).toThrow(/unknown option "bogus"/);
    for (const types of [-1, Number.NaN]) {
      expect(() => decodingLimits({ types })).toThrow(RangeError);
    }
  });

  it("has the defaults that the JS-API specification prescribes", () => {
    expect(DEFAULT_LIMITS).toMatchObject({
      moduleBytes: 1_073_741_824,
      types: 1_000_000,
      functions: 1_000_000,
      imports: 1_000_000,
      exports: 1_000_000,
      globals: 1_000_000,
      tags: 1_000_000,
      dataSegments: 100_000,
      tables: 100_000,
      bodyBytes: 7_654_321,
      params: 1_000,
      results: 1_000,
      locals: 50_000,
      fields: 10_000,
      subtypingDepth: 63,
      arrayFixedLength: 10_000,
    });
  });
});

/** Huge numbers in few bytes, each where a count or a size stands. */
function bombs(): (readonly [what: string, bytes: Uint8Array])[] {
  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const million = leb(999_999);
  const counts = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13].flatMap((id) => {
    return [huge, million].map((count) => {
      return [`${count.length} byte count in section ${id}`, moduleOf(section(id, count))] as const;
    });
  });
  const typed = (...type: number[]) => moduleOf(section(1, vec(type)));
  return [
    ...counts,
    ["section size", moduleOf([1, ...huge])],
    ["custom section size", moduleOf([0, ...leb(2 ** 30 - 100)])],
    ["name", moduleOf(section(0, huge))],
    ["recursion group", typed(0x4e, ...million)],
    ["supertypes", typed(0x50, ...million)],
    ["parameters", typed(0x60, ...leb(1000))],
    ["fields", typed(0x5f, ...leb(10_000))],
    ["imports of a group", moduleOf(section(2, [1, ...name("m"), 0, 0x7f, ...huge]))],
    ["names of a group", moduleOf(section(2, [1, ...name("m"), 0, 0x7e, 3, 0x7f, 0, ...huge]))],
    ["elements", moduleOf(section(9, vec([1, 0, ...leb(9_999_999)])))],
    ["data bytes", moduleOf(section(11, vec([1, ...huge])))],
    ["body size", moduleOf(TYPES, FUNCTIONS, section(10, [1, ...huge]))],
    ["locals groups", withBody([], huge)],
    ["locals", withBody([], [1, ...huge, 0x7f])],
    ["br_table", withBody([0x41, 0, 0x0e, ...leb(65_520)])],
    ["catches", withBody([0x1f, 0x40, ...leb(1_000)])],
    ["select types", withBody([0x00, 0x1c, ...leb(1000)])],
    ["array.new_fixed", withBody([0x00, 0xfb, 8, 0, ...huge])],
  ];
}

describe("decode bombs", () => {
  it.each(bombs())("%s", (_, bytes) => {
    const before = process.memoryUsage();
    const start = performance.now();
    const { className, offset } = refusal(bytes);
    expect(performance.now() - start).toBeLessThan(250);
    const after = process.memoryUsage();
    const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
    expect(grown).toBeLessThan(8 << 20);
    expect(className).toMatch(/^(Malformed|Invalid)Error$/);
    expect(offset).toBeTypeOf("number");
  });

  it("keeps the many locals of one run in one entry", () => {
    const before = process.memoryUsage().heapUsed;
    const bodies = times(1000, body([], [1, ...leb(50_000), 0x7f]));
    const functions = section(3, vec(...times(1000, [0])));
    accepted(moduleOf(TYPES, functions, section(10, vec(...bodies))));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 << 20);
  });
});
