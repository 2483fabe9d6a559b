// The name section (spec: 7.4.1): read as written, and when it is broken the module is accepted all
// the same, with the names before the damage.

import { describe, expect, it } from "vitest";
import { I32 } from "../../src/isa/types.ts";
import { functionName } from "../../src/module/module.ts";
import { NO_NAMES } from "../../src/module/names.ts";
import { LinkError } from "../../src/runtime/trap.ts";
import { formatFunc } from "../../src/runtime/types.ts";
import { randomU32 } from "../isa/operands.ts";
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

/** A subsection of the name section. */
function sub(id: number, payload: readonly number[]): number[] {
  return [id, ...leb(payload.length), ...payload];
}

const naming = (index: number, text: string) => [...leb(index), ...name(text)];

const MAPS = [
  [4, "types"],
  [5, "tables"],
  [6, "memories"],
  [7, "globals"],
  [8, "elements"],
  [9, "data"],
  [11, "tags"],
] as const;

const INDIRECT = [
  [2, "locals"],
  [3, "labels"],
  [10, "fields"],
] as const;

const FULL = [
  ...sub(0, name("módulo")),
  ...sub(1, vec(naming(0, "first"), naming(300, "far"))),
  ...MAPS.flatMap(([id, what]) => sub(id, vec(naming(id, what)))),
  ...INDIRECT.flatMap(([id, what]) => sub(id, vec([...leb(id), ...vec(naming(1, what))]))),
];

function namesOf(payload: readonly number[]) {
  return accepted(moduleOf(TYPES, FUNCTIONS, CODE, custom("name", payload))).names;
}

describe("the name section", () => {
  it("names everything", () => {
    const names = namesOf(FULL);
    expect(names.module).toBe("módulo");
    expect([...names.functions]).toEqual([
      [0, "first"],
      [300, "far"],
    ]);
    for (const [id, what] of MAPS) expect([...names[what]]).toEqual([[id, what]]);
    for (const [id, what] of INDIRECT) {
      expect([...names[what]]).toEqual([[id, new Map([[1, what]])]]);
    }
  });

  it("is absent or empty without harm", () => {
    expect(accepted(moduleOf()).names).toEqual(NO_NAMES);
    expect(namesOf([])).toEqual(NO_NAMES);
  });

  it("may have subsections that nobody knows", () => {
    expect(namesOf([...sub(77, [1, 2, 3]), ...sub(0, name("m"))]).module).toBe("m");
  });

  it("gives what it can when it is cut off anywhere", () => {
    for (let length = 0; length <= FULL.length; length++) {
      const names = namesOf(FULL.slice(0, length));
      if (length >= 10) expect(names.module).toBe("módulo");
      if (names.functions.has(300)) expect(names.functions.get(0)).toBe("first");
    }
  });

  it("never fails the module, whatever is in it", () => {
    const next = randomU32(4);
    for (let i = 0; i < 3000; i++) {
      const payload = [...FULL];
      for (let k = 1 + (next() % 4); k > 0; k--) payload[next() % payload.length] = next() & 0xff;
      expect(() => namesOf(payload)).not.toThrow();
    }
    expect(() => namesOf(sub(1, [0xff, 0xff, 0xff, 0xff, 0x0f]))).not.toThrow();
    expect(() => namesOf(sub(1, vec([0, 1, 0xc0])))).not.toThrow();
  });

  it("comes before exports and imports when a function is named", () => {
    const imports = section(2, vec([...name("env"), ...name("log"), 0, 0]));
    const exports = section(7, vec([...name("run"), 0, 1]));
    const bare = [TYPES, imports, FUNCTIONS, exports, CODE];
    expect(functionName(accepted(moduleOf(...bare)), 0)).toBe("env.log");
    expect(functionName(accepted(moduleOf(...bare)), 1)).toBe("run");
    expect(functionName(accepted(moduleOf(...bare)), 2)).toBe(undefined);
    const named = moduleOf(...bare, custom("name", sub(1, vec(naming(1, "main")))));
    expect(functionName(accepted(named), 1)).toBe("main");
  });
});

describe("names for messages", () => {
  const imports = section(2, vec([...name("env"), ...name("log"), 0, 0]));
  const exports = section(7, vec([...name("run"), 0, 1], [...name("again"), 0, 1]));
  const nameSection = (payload: readonly number[]) => custom("name", payload);

  it("are read to no more than was asked for, in whole characters", () => {
    const long = "żółw🐢".repeat(10_000);
    const payload = [...sub(0, name(long)), ...sub(1, vec(naming(0, long)))];
    const { functionNames } = accepted(moduleOf(TYPES, FUNCTIONS, CODE, nameSection(payload)));
    for (const most of [0, 1, 4, 5, 6, 200, 49_999]) {
      expect(functionNames.functionName(0, most)).toBe(`${long.slice(0, most)}…`);
      expect(functionNames.moduleName(most)).toBe(`${long.slice(0, most)}…`);
    }
    expect(functionNames.functionName(0, Number.POSITIVE_INFINITY)).toBe(long);
  });

  it("are those that the whole name section has, wherever it is cut off", () => {
    for (let length = 0; length <= FULL.length; length++) {
      const module = accepted(moduleOf(TYPES, FUNCTIONS, CODE, nameSection(FULL.slice(0, length))));
      expect(module.functionNames.moduleName(99) ?? null).toBe(module.names.module);
      expect(functionName(module, 0)).toBe(module.names.functions.get(0));
      // There are not so many functions as bytes.
      expect(functionName(module, 300)).toBe(undefined);
    }
  });

  it("fall back to the first export, then to the import, if a name is broken", () => {
    const broken = sub(1, vec([1, 2, 0xc0, 0xc0], naming(9, "nine")));
    const module = accepted(
      moduleOf(TYPES, imports, FUNCTIONS, exports, CODE, nameSection(broken)),
    );
    expect(functionName(module, 0)).toBe("env.log");
    expect(functionName(module, 1)).toBe("run");
    expect(functionName(module, 9)).toBe("nine");
    expect(functionName(module, 2 ** 31)).toBe(undefined);
  });

  it("keep nothing for functions that there cannot be", () => {
    const far = sub(1, vec(naming(2 ** 32 - 1, "far"), naming(0, "near")));
    const module = accepted(moduleOf(TYPES, FUNCTIONS, CODE, nameSection(far)));
    expect(functionName(module, 0)).toBe("near");
    expect(functionName(module, 2 ** 32 - 1)).toBe(undefined);
  });

  it("may come before the functions, and only the first section counts", () => {
    const first = nameSection(sub(1, vec(naming(0, "first"))));
    const second = nameSection(sub(1, vec(naming(0, "second"))));
    const module = accepted(moduleOf(first, TYPES, FUNCTIONS, CODE, second));
    expect(functionName(module, 0)).toBe("first");
    expect(module.names.functions.get(0)).toBe("first");
  });
});

describe("long names in messages", () => {
  it("are cut in errors of modules and of linking", () => {
    const long = "x".repeat(90_000);
    const imported = section(2, vec([...name(long), ...name(long), 0, 0]));
    const bad = section(10, vec(body([0x1a])));
    const exports = section(7, vec([...name(long), 0, 0]));
    const { message } = refusal(moduleOf(TYPES, FUNCTIONS, exports, bad));
    expect(message.length).toBeLessThan(1000);
    expect(refusal(moduleOf(TYPES, exports)).message.length).toBeLessThan(1000);
    const link = new LinkError({ importModule: long, importName: long, expected: "(func)" });
    expect(link.message.length).toBeLessThan(1000);
    expect(link.importName).toBe(long);
    expect(accepted(moduleOf(TYPES, imported)).imports[0].name).toBe(long);
  });

  it("are cut where types are long lists", () => {
    const types = new Array(1000).fill(I32);
    expect(formatFunc({ kind: "func", params: types, results: types }).length).toBeLessThan(300);
    const wide = [0x60, 0, ...vec(...new Array(1000).fill([0x7f]))];
    const { message } = refusal(
      moduleOf(section(1, vec(wide)), FUNCTIONS, section(10, vec(body([])))),
    );
    expect(message.length).toBeLessThan(300);
  });
});
