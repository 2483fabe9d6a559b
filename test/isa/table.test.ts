// The instruction table against sources that know nothing of it: the assembler wabt, the tables of
// the npm package wasmparser, the conformance suite's modules, the host's engine.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import loadWabt from "wabt";
import wasmparser from "wasmparser";
import { CHAPTERS } from "../../src/isa/chapters.ts";
import { FEATURES, featureSet } from "../../src/isa/features.ts";
import { instructionAt } from "../../src/isa/index.ts";
import { formatOpcode, type Instruction, opcodeOf, prefixOf } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { suiteFile } from "../binary/suite.ts";
import { assembledOpcode, WABT_FEATURES } from "./assembled.ts";
import { hostInstruction, leb } from "./host.ts";

const wabt = await loadWabt();

/** Opcodes by name as wasmparser lists them; it puts the page's sub-opcode behind the prefix. */
function wasmparserNames(): Map<number, string> {
  const names = new Map<number, string>();
  for (const [key, name] of Object.entries(wasmparser.OperatorCodeNames)) {
    const code = Number(key);
    if (!Number.isInteger(code) || typeof name !== "string") continue;
    if (code < 0x100) names.set(code, name);
    else if (code >= 0xfd000) names.set(opcodeOf(0xfd, code - 0xfd000), name);
    else names.set(opcodeOf(code >> 8, code & 0xff), name);
  }
  return names;
}

/** Names that wasmparser writes as they were in an earlier draft, or does without the `null`. */
const OTHER_SPELLINGS: Readonly<Record<string, string>> = {
  "ref.test null": "ref.test",
  "ref.cast null": "ref.cast",
  "memory.atomic.notify": "atomic.notify",
  "memory.atomic.wait32": "i32.atomic.wait",
  "memory.atomic.wait64": "i64.atomic.wait",
  "v128.load8x8_s": "i16x8.load8x8_s",
  "v128.load8x8_u": "i16x8.load8x8_u",
  "v128.load16x4_s": "i32x4.load16x4_s",
  "v128.load16x4_u": "i32x4.load16x4_u",
  "v128.load32x2_s": "i64x2.load32x2_s",
  "v128.load32x2_u": "i64x2.load32x2_u",
  "v128.load8_splat": "v8x16.load_splat",
  "v128.load16_splat": "v16x8.load_splat",
  "v128.load32_splat": "v32x4.load_splat",
  "v128.load64_splat": "v64x2.load_splat",
  "i8x16.popcnt": "i8x16_popcnt",
};

function byName(name: string): Instruction {
  const found = INSTRUCTIONS.find((row) => row.name === name);
  if (found === undefined) throw new Error(`no row ${name}`);
  return found;
}

describe("the instruction table", () => {
  it("gives each opcode to one row, and each name with its immediates to one", () => {
    const opcodes = INSTRUCTIONS.map((row) => row.opcode);
    expect(new Set(opcodes).size).toBe(opcodes.length);
    const forms = INSTRUCTIONS.map((row) => `${row.name} ${row.immediates}`);
    expect(new Set(forms).size).toBe(forms.length);
    const twice = INSTRUCTIONS.filter(({ name }, i) => {
      return INSTRUCTIONS.findIndex((row) => row.name === name) < i;
    });
    expect(twice.map((row) => row.name)).toEqual(["select"]);
    for (const row of INSTRUCTIONS) expect(instructionAt(row.opcode)).toBe(row);
  });

  it("has as many rows per proposal as the proposal has instructions", () => {
    const counts = new Map<string, number>();
    for (const { feature } of INSTRUCTIONS) {
      counts.set(feature ?? "1.0", (counts.get(feature ?? "1.0") ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({
      "1.0": 172,
      "sign-extension": 5,
      "sat-float-to-int": 8,
      "bulk-memory": 7,
      "reference-types": 9,
      simd: 236,
      "relaxed-simd": 20,
      "tail-call": 2,
      exceptions: 3,
      "function-references": 5,
      gc: 32,
      threads: 67,
      "legacy-exceptions": 5,
      "wide-arithmetic": 4,
    });
    expect(CHAPTERS.reduce((sum, [, rows]) => sum + rows.length, 0)).toBe(INSTRUCTIONS.length);
  });

  it("names only types and features that exist", () => {
    for (const { name, feature, params, results, constant } of INSTRUCTIONS) {
      for (const type of [...(params ?? []), ...results]) expect(type, name).toBeTypeOf("number");
      if (feature !== null) expect(FEATURES, name).toContain(feature);
      if (typeof constant === "string") expect(FEATURES, name).toContain(constant);
    }
  });

  it("agrees with wabt on the opcode of every mnemonic that wabt assembles", () => {
    const wrong: string[] = [];
    const unknown: string[] = [];
    for (const row of INSTRUCTIONS) {
      const found = assembledOpcode(wabt, row);
      if (found === null) unknown.push(row.name);
      else if (found !== row.opcode) wrong.push(`${row.name}: wabt has ${formatOpcode(found)}`);
    }
    expect(wrong).toEqual([]);
    // What wabt 1.0.39 lacks is for the next tests to judge.
    const features = new Set(unknown.map((name) => byName(name).feature));
    expect([...features].sort()).toEqual(["function-references", "gc", "wide-arithmetic"]);
    expect(unknown.length).toBeLessThan(45);
    expect(WABT_FEATURES.gc).toBe(true);
  });

  it("agrees with wasmparser on the name of every opcode, in both directions", () => {
    const names = wasmparserNames();
    const wrong: string[] = [];
    for (const row of INSTRUCTIONS) {
      const theirs = names.get(row.opcode);
      const ours = theirs === row.name ? row.name : OTHER_SPELLINGS[row.name];
      if (row.feature === "wide-arithmetic") expect(theirs).toBeUndefined();
      else if (theirs !== ours) wrong.push(`${formatOpcode(row.opcode)} ${row.name}: ${theirs}`);
    }
    expect(wrong).toEqual([]);
    const missing = [...names].filter(([opcode]) => instructionAt(opcode) === undefined);
    // `let` was dropped from typed function references before they were finished.
    expect(missing.map(([opcode, name]) => `${formatOpcode(opcode)} ${name}`)).toEqual([
      "0x17 let",
    ]);
  });

  it("agrees with the suite's modules on wide arithmetic", (context) => {
    const file = suiteFile("json/proposals-wide-arithmetic/wide-arithmetic/wide-arithmetic.0.wasm");
    if (!existsSync(file)) return context.skip();
    const hex = readFileSync(file).toString("hex");
    // Each function of the first module is `local.get` of its parameters and the instruction.
    const expected = ["i64.add128", "i64.sub128", "i64.mul_wide_s", "i64.mul_wide_u"];
    const found = [...hex.matchAll(/200[13]fc(..)0b/g)].map((match) => Number(`0x${match[1]}`));
    expect(found).toEqual(expected.map((name) => byName(name).opcode - opcodeOf(0xfc, 0)));
  });

  it("prices what can be long by its length, and block structure at nothing", () => {
    const free = INSTRUCTIONS.filter((row) => row.price === 0).map((row) => row.name);
    const structure = ["nop", "block", "loop", "else", "end", "try_table"];
    const legacy = ["try", "catch", "catch_all", "delegate"];
    expect(free.sort()).toEqual([...structure, ...legacy].sort());
    for (const { name, price } of INSTRUCTIONS) {
      const long = /^(memory|table)\.(init|copy|fill|grow)$|^array\.(new|init|fill|copy)/.test(
        name,
      );
      expect(typeof price === "string", name).toBe(long);
    }
  });
});

const EVERY_FEATURE = Object.fromEntries(FEATURES.map((name) => [name, true]));

describe("feature switches", () => {
  it("switch on what a feature builds on, and off what builds on it", () => {
    expect(featureSet({ gc: false, "function-references": false })).toBe(
      featureSet({ "function-references": false }),
    );
    // Switches have no order: what is off stays off.
    expect(featureSet({ "reference-types": false, gc: true })).toBe(
      featureSet({ "reference-types": false }),
    );
    expect(() => featureSet(JSON.parse('{ "simd2": true }'))).toThrow(RangeError);
    expect(featureSet(EVERY_FEATURE)).toBe(2 ** FEATURES.length - 1);
  });
});

describe("memory accesses", () => {
  const rows = INSTRUCTIONS.filter((row) => row.access !== null);

  it("touch as many bytes as the alignment that the host allows says", () => {
    for (const row of rows) {
      const { bytes } = row.access!;
      const natural = Math.log2(bytes);
      expect(acceptsAlignment(row, natural), `${row.name} at ${bytes}`).toBe(true);
      expect(acceptsAlignment(row, natural + 1), `${row.name} above ${bytes}`).toBe(false);
    }
    expect(rows).toHaveLength(23 + 22 + 66);
  });

  it("are widened as on the host", () => {
    const scalar = rows.filter(({ access, results, feature }) => {
      return access!.kind === "load" && results[0] < 5 && feature !== "simd";
    });
    expect(scalar).toHaveLength(14 + 7);
    for (const row of scalar) {
      const { bytes, extend } = row.access!;
      const code = [0x41, 0x20, ...rowBytes(row), Math.log2(bytes), 0];
      const host = hostInstruction(code, [], row.results);
      host.cells.setBigUint64(0x20, 0xffffffffffffffffn, true);
      host.run();
      const width = row.results[0] === 1 || row.results[0] === 3 ? 4 : 8;
      const loaded =
        width === 4 ? BigInt(host.cells.getUint32(0, true)) : host.cells.getBigUint64(0, true);
      const ones = 2n ** BigInt(8 * (extend === "s" ? width : bytes)) - 1n;
      expect(loaded, row.name).toBe(ones);
      // Where the value is as wide as the operand there is nothing to widen.
      expect(extend === undefined, row.name).toBe(bytes === width);
    }
  });
});

function rowBytes({ opcode }: Instruction): number[] {
  const prefix = prefixOf(opcode);
  return prefix === 0 ? [opcode] : [prefix, ...leb(opcode - opcodeOf(prefix, 0))];
}

/** Whether the host accepts the instruction, in unreachable code, with this alignment. */
function acceptsAlignment(row: Instruction, log2: number): boolean {
  const lane = row.immediates === "memarg lane" ? [0] : [];
  try {
    hostInstruction([0x00, ...rowBytes(row), log2, 0, ...lane, 0x00], [], []);
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/alignment/);
    return false;
  }
}
