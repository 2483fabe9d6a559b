// The name section (spec: 7.4.1): read as written, and when it is broken the module is accepted all
// the same, with the names before the damage.

import { describe, expect, it } from "vitest";
import { functionName } from "../../src/module/module.ts";
import { NO_NAMES } from "../../src/module/names.ts";
import { randomU32 } from "../isa/operands.ts";
import {
  accepted,
  CODE,
  custom,
  FUNCTIONS,
  leb,
  moduleOf,
  name,
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
