// Functions that would keep the host's compiler busy for long are left to the interpreter, and that
// is found out before much has been written.

import { describe, expect, it } from "vitest";
import { HostCode } from "../../src/compiler/host-code.ts";
import { HostModuleWriter } from "../../src/compiler/module.ts";
import { passedCount } from "../../src/compiler/values.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { PRICE_TABLE_2 } from "../../src/isa/prices.ts";
import { I32 } from "../../src/isa/types.ts";
import { ModuleWriter, SECTION } from "../fuzz/writer.ts";
import { assemble, load } from "../validation/assemble.ts";

const BLOCK = [0x02, 0x40, 0x20, 0, 0x0d, 0, 0x0b];
const LOOP = [0x03, 0x40, 0x20, 0, 0x0d, 0, 0x0b];
const ADD = [0x20, 0, 0x20, 0, 0x6a, 0x21, 0];
const DIVIDE = [0x20, 0, 0x20, 0, 0x6d, 0x21, 0];
interface Body {
  readonly locals: number;
  readonly code: readonly number[];
  readonly times: number;
}

/** A function from i32 to i32 that has `code` so many times. */
function program({ code, locals, times }: Body) {
  const bytes = new ModuleWriter()
    .section(SECTION.type, (w) => w.u32(1).byte(0x60).u32(1).valType(I32).u32(1).valType(I32))
    .section(SECTION.function, (w) => w.u32(1).u32(0))
    .code([
      Uint8Array.from([
        ...[1, 0x80 | (locals & 127), 0x80 | ((locals >> 7) & 127), locals >> 14, 0x7f],
        ...Array.from({ length: times }, () => code).flat(),
        ...[0x20, 0, 0x0b],
      ]),
    ])
    .finish();
  return load(bytes);
}

/** Why the function is left out, if it is, and in how many pieces that was found out. */
function written(body: Body) {
  const writer = new HostModuleWriter(program(body), PRICE_TABLE_2, DEFAULT_FEATURES);
  let pieces = 0;
  while (writer.writeNext(256)) pieces++;
  return { pieces, reason: writer.finish().leftOut.get(0) };
}

const TOO_LONG = "the host's compiler would be busy with it for too long";

describe("the host's compiler is not given", () => {
  it.each<[string, Body, string]>([
    ["49,000 locals", { locals: 49_000, code: BLOCK, times: 1_000 }, "it has 49001 locals"],
    ["800 locals and 1,000 blocks", { locals: 800, code: BLOCK, times: 1_000 }, TOO_LONG],
    ["100,000 loops", { locals: 1, code: LOOP, times: 100_000 }, TOO_LONG],
    ["a megabyte", { locals: 1, code: ADD, times: 150_000 }, TOO_LONG],
    ["20,000 signed divisions", { locals: 1, code: DIVIDE, times: 20_000 }, TOO_LONG],
  ])("%s", (_, body, reason) => {
    const { pieces, reason: found } = written(body);
    expect(found).toBe(reason);
    expect(pieces).toBeLessThan(700);
  });

  it("frames of 800 values at each of many loops", () => {
    const reads = Array.from({ length: 800 }, (_, i) => [
      ...[0x20, 0, 0x20, 0x80 | ((i + 1) & 127), (i + 1) >> 7, 0x6a, 0x21, 0],
    ]);
    const code = [...Array.from({ length: 150 }, () => LOOP).flat(), ...reads.flat()];
    expect(written({ locals: 800, code, times: 1 }).reason).toBe(TOO_LONG);
  });
});

describe("the host's compiler is given", () => {
  it.each<[string, Body]>([
    ["100 locals and 1,000 blocks", { locals: 100, code: BLOCK, times: 1_000 }],
    ["3,000 loops", { locals: 1, code: LOOP, times: 3_000 }],
    ["200,000 bytes", { locals: 1, code: ADD, times: 28_000 }],
    ["10,000 signed divisions", { locals: 1, code: DIVIDE, times: 10_000 }],
  ])("%s", (_, body) => {
    expect(written(body).reason).toBeUndefined();
  });
});

describe("signatures of what the host calls", () => {
  it("are as few for sites as rounding makes them", () => {
    const counts = Array.from({ length: 900 }, (_, count) => passedCount(count));
    counts.forEach((padded, count) => {
      expect(padded).toBeGreaterThanOrEqual(count);
      expect(padded).toBeLessThanOrEqual(Math.ceil(1.5 * count));
    });
    expect(new Set(counts).size).toBeLessThan(32);
  });

  it("count for what the host is given at once while somebody watches", async () => {
    const functions = Array.from({ length: 100 }, (_, i) => {
      const types = Array.from(i.toString(2), (digit) => ["i32", "i64"][Number(digit)]);
      return `(func (param ${types.join(" ")}))`;
    });
    const aside = [1, 100].map((count) => {
      const record = load(assemble(`(module ${functions.slice(0, count).join(" ")})`));
      const code = new HostCode(record, PRICE_TABLE_2, DEFAULT_FEATURES);
      while (!code.isComplete && !code.isAway) code.advance(false);
      return code.isAway;
    });
    expect(aside).toEqual([false, true]);
  });

  it("have a limit: modules that call functions of too many types are not compiled", () => {
    const imports = Array.from({ length: 600 }, (_, i) => {
      const types = Array.from(i.toString(2), (digit) => ["i32", "i64"][Number(digit)]);
      const values = types.map((type) => `(${type}.const 0)`).join(" ");
      return { params: types.join(" "), call: `(call ${i} ${values})` };
    });
    const functions = imports.map(({ params }) => `(import "" "" (func (param ${params})))`);
    const calls = imports.map(({ call }) => call).join(" ");
    const record = load(assemble(`(module ${functions.join(" ")} (func ${calls}))`));
    const code = new HostCode(record, PRICE_TABLE_2, DEFAULT_FEATURES);
    while (!code.isComplete) code.advance(true);
    expect(() => code.result).toThrow("too many types");
  });
});
