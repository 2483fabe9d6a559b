// The list of known failures: what is one, what is missing on it, what must go (src/cli/spec/
// expectations.ts), and the patterns of results (values.ts), over made-up scripts.

import { describe, expect, it } from "vitest";
import { compare, formatLines, parseExpectations, shrunk } from "../src/cli/spec/expectations.ts";
import type { CommandResult, ScriptResult } from "../src/cli/spec/runner.ts";
import type { Verdict } from "../src/cli/spec/state.ts";
import {
  exactValue,
  HostReferences,
  lanesMatch,
  matches,
  type ScriptValue,
} from "../src/cli/spec/values.ts";
import { EXTERNREF, F32, F64, FUNCREF, I32, I64, type ValType } from "../src/isa/types.ts";
import { Bits } from "../src/runtime/values.ts";

const PASSED: Verdict = { outcome: "passed", reason: "" };
const SKIPPED: Verdict = { outcome: "skipped", reason: "text" };
const FAILED: Verdict = { outcome: "failed", reason: "found 1, expected 2" };

/** A script `g/n` with a command on each of these lines. */
function script(verdicts: readonly (readonly [line: number, verdict: Verdict])[]): ScriptResult {
  const results = verdicts.map(([line, verdict]): CommandResult => {
    return { command: { type: "assert_return", line, text: "" }, verdict, fuel: 0 };
  });
  return { group: "g", name: "n", results, modules: 0, validModules: 0, stops: 0, compiledFuel: 0 };
}

function listed(lists: Readonly<Record<string, string>>) {
  const reasons = {
    later: "not there yet",
    odd: "the suite is wrong",
  };
  return parseExpectations({ reasons, failures: { "g/n": lists } });
}

const RUN = script([
  [1, PASSED],
  [2, FAILED],
  [4, FAILED],
  [5, FAILED],
  [7, SKIPPED],
  [8, FAILED],
]);

describe("comparison with known failures", () => {
  it("is content with exactly the failures that occur", () => {
    const known = listed({ later: "2-4 8", odd: "5" });
    expect(compare([RUN], known)).toEqual({ expected: 4, unlisted: [], passing: [] });
  });

  it("reports failures that are not listed", () => {
    expect(compare([RUN], listed({ later: "2-4" })).unlisted).toEqual(["g/n:5", "g/n:8"]);
  });

  it("reports listed commands that pass or are skipped, also inside a range", () => {
    const { passing, unlisted } = compare([RUN], listed({ later: "1-4 7-8", odd: "5" }));
    expect({ passing, unlisted }).toEqual({ passing: ["g/n:1", "g/n:7"], unlisted: [] });
  });

  it("reports lines without a command", () => {
    const known = listed({ later: "2-4 6 8-9", odd: "5" });
    expect(compare([RUN], known).passing).toEqual(["g/n:6", "g/n:9"]);
  });

  it("says nothing about scripts that did not run", () => {
    const known = listed({ later: "2" });
    expect(compare([], known)).toEqual({ expected: 0, unlisted: [], passing: [] });
  });

  it("shrinks to what still fails, and never grows", () => {
    const known = listed({ later: "1-4 7-8", odd: "5" });
    const { failures } = JSON.parse(shrunk([RUN], known));
    expect(failures).toEqual({ "g/n": { later: "2-4 8", odd: "5" } });
    expect(JSON.parse(shrunk([], known)).failures).toEqual({
      "g/n": { later: "1-4 7-8", odd: "5" },
    });
    expect(JSON.parse(shrunk([script([[2, PASSED]])], known)).failures).toEqual({});
  });

  it("writes lines as ranges of commands that follow each other", () => {
    const failed = ({ verdict }: CommandResult) => verdict.outcome === "failed";
    expect(formatLines(RUN.results, failed)).toBe("2-5 8");
    expect(formatLines(RUN.results, () => false)).toBe("");
  });

  it.each([
    [{ reasons: {}, failures: { "g/n": { later: "1" } } }, /no reason "later"/],
    [{ reasons: { odd: "" }, failures: {} }, /says nothing/],
    [{ reasons: { odd: "x" }, failures: { "g/n": { odd: "2-1" } } }, /"2-1" is no line/],
    [{ reasons: { odd: "x" }, failures: { "g/n": { odd: "" } } }, /"" is no line/],
    [{ reasons: { odd: "x" }, failures: { "g/n": { odd: 7 } } }, /lines must be a string/],
    [{ reasons: {} }, /failures must be an object/],
  ])("refuses the list %j", (json, message) => {
    expect(() => parseExpectations(json)).toThrow(message);
  });
});

const hosts = new HostReferences();

/** Whether a value with these bits matches. */
function bitsMatch(pattern: ScriptValue, type: ValType, bits: bigint): boolean {
  const { low, high } = new Bits(Number(bits & 0xffffffffn), Number(bits >> 32n));
  return matches(pattern, exactValue({ low, high, reference: null }, type), type, hosts);
}

describe("patterns of results", () => {
  it.each<[string, string, ValType, bigint, boolean]>([
    ["i32", "4294967295", I32, 0xffffffffn, true],
    ["i32", "1", I32, 2n, false],
    ["i64", "1", I32, 1n, false],
    ["i64", "18446744073709551615", I64, 0xffffffffffffffffn, true],
    ["i64", "4294967295", I64, 0xffffffffffffffffn, false],
    ["f32", "2147483648", F32, 0x80000000n, true],
    ["f32", "0", F32, 0x80000000n, false],
    ["f32", "2139095041", F32, 0x7f800001n, true],
    ["f32", "nan:canonical", F32, 0x7fc00000n, true],
    ["f32", "nan:canonical", F32, 0xffc00000n, true],
    ["f32", "nan:canonical", F32, 0x7fc00001n, false],
    ["f32", "nan:canonical", F32, 0x7f800001n, false],
    ["f32", "nan:arithmetic", F32, 0xffc00001n, true],
    ["f32", "nan:arithmetic", F32, 0x7fa00000n, false],
    ["f32", "nan:arithmetic", F32, 0x7f800000n, false],
    ["f32", "nan:strange", F32, 0x7fc00000n, false],
    ["f64", "nan:canonical", F64, 0xfff8000000000000n, true],
    ["f64", "nan:canonical", F64, 0x7ff8000000000001n, false],
    ["f64", "nan:arithmetic", F64, 0x7ff8000000000001n, true],
    ["f64", "nan:arithmetic", F64, 0x7ff4000000000000n, false],
    ["i32", "nan:canonical", I32, 0x7fc00000n, false],
  ])("%s %s of type %i and bits %i: %s", (type, value, found, bits, expected) => {
    expect(bitsMatch({ type, value }, found, bits)).toBe(expected);
  });

  it("either: one of them is enough", () => {
    const values = ["1", "2"].map((value) => ({ type: "i32", value }));
    expect(bitsMatch({ type: "either", values }, I32, 2n)).toBe(true);
    expect(bitsMatch({ type: "either", values }, I32, 3n)).toBe(false);
    expect(bitsMatch({ type: "either" }, I32, 1n)).toBe(false);
  });

  it("lanes of a vector, the first one lowest", () => {
    const bits = (0x7fc00001n << 96n) | (0xffc00000n << 64n) | (2n << 32n) | 1n;
    const lanes = (...value: string[]) =>
      lanesMatch({ type: "v128", laneType: "f32", value }, bits);
    expect(lanes("1", "2", "nan:canonical", "nan:arithmetic")).toBe(true);
    expect(lanes("2", "1", "nan:canonical", "nan:arithmetic")).toBe(false);
    expect(lanes("1", "2", "nan:canonical", "nan:canonical")).toBe(false);
    expect(lanes("1", "2", "nan:canonical")).toBe(false);
    expect(lanesMatch({ type: "v128", laneType: "i64", value: ["1", "0"] }, 1n)).toBe(true);
    expect(lanesMatch({ type: "v128", value: ["1", "0"] }, 1n)).toBe(false);
  });

  it("references: null, host values, kinds", () => {
    const ofType = (pattern: ScriptValue, reference: unknown, type = EXTERNREF) =>
      matches(pattern, { reference }, type, hosts);
    const [one, two] = [hosts.get("1"), hosts.get("2")];
    expect(hosts.get("1")).toBe(one);
    expect(ofType({ type: "externref", value: "1" }, one)).toBe(true);
    expect(ofType({ type: "externref", value: "1" }, two)).toBe(false);
    expect(ofType({ type: "externref", value: "1" }, null)).toBe(false);
    expect(ofType({ type: "externref", value: "null" }, null)).toBe(true);
    expect(ofType({ type: "refnull", value: "null" }, null)).toBe(true);
    expect(ofType({ type: "refnull", value: "null" }, one)).toBe(false);
    expect(ofType({ type: "externref" }, one)).toBe(true);
    expect(ofType({ type: "externref" }, null)).toBe(false);
    expect(ofType({ type: "funcref" }, one, FUNCREF)).toBe(false);
    expect(ofType({ type: "structref" }, one)).toBe(false);
    expect(ofType({ type: "i32", value: "0" }, null)).toBe(false);
  });
});
