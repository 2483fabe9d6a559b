// A suspended call is its frames: taken at any stop and put into another thread, it goes on as if
// nothing had been.

import { describe, expect, it } from "vitest";
import { BEHIND, CALL, ENTRY, LOOP, WITHIN } from "../../src/code/sites.ts";
import { featureSet, parseFeatures } from "../../src/isa/features.ts";
import { Random } from "../fuzz/random.ts";
import { toHex } from "../fuzz/reduce.ts";
import { exceptionProgram } from "../interpreter/exception-programs.ts";
import { randomProgram } from "../interpreter/programs.ts";
import { stackProgram } from "../interpreter/stack-programs.ts";
import { load } from "../validation/assemble.ts";
import { compareResumed, nothingSeen } from "./resumed.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 150);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
/** Who waits needs somebody who looks. */
const FEATURES = featureSet() & parseFeatures("default,-threads");

/** Findings in programs, each in slices of these lengths. */
function compareAll(make: (index: number) => Uint8Array, count = COUNT) {
  const findings: string[] = [];
  const seen = nothingSeen();
  for (let i = 0; i < count && findings.length < 5; i++) {
    const bytes = make(i);
    const record = load(bytes);
    for (const slice of [1, 7, 100]) compareResumed(record, i, () => slice, seen);
    const [first] = seen.differences.splice(0);
    if (first !== undefined) findings.push(`program ${i}: ${first}\n${toHex(bytes)}`);
  }
  return { findings, seen };
}

describe("frames that are taken and put back at every stop", () => {
  it(`${COUNT} programs of everything`, () => {
    const { findings, seen } = compareAll((i) => randomProgram(SEED, i, FEATURES));
    expect(findings).toEqual([]);
    expect(seen.taken).toBeGreaterThan(20 * COUNT);
    expect(seen.kinds).toEqual(new Set([ENTRY, LOOP, CALL, BEHIND, WITHIN]));
  });

  it(`${COUNT} programs that juggle operands and locals`, () => {
    const { findings, seen } = compareAll((i) => stackProgram(Random.of(SEED, i)));
    expect(findings).toEqual([]);
    expect(seen.taken).toBeGreaterThan(20 * COUNT);
  });

  const throwing = Math.ceil(COUNT / 10);

  it(`${throwing} programs that throw`, () => {
    const { findings, seen } = compareAll((i) => exceptionProgram(Random.of(SEED, i)), throwing);
    expect(findings).toEqual([]);
    expect(seen.taken).toBeGreaterThan(10 * throwing);
  });
});
