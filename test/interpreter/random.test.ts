// Random programs: our interpreter and the host must agree in results, traps, memory and globals,
// and runs in slices with the run in one go, also in fuel. More of them: WASMETER_PROGRAMS=20000.

import { describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { Random } from "../fuzz/random.ts";
import { toHex } from "../fuzz/reduce.ts";
import { compareProgram } from "./compare.ts";
import { exceptionProgram } from "./exception-programs.ts";
import { randomProgram } from "./programs.ts";
import { stackProgram } from "./stack-programs.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 1000);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
/** What relaxed vectors give is for each engine to choose; who waits needs somebody who looks. */
const COMPARED = "default,-relaxed-simd,-threads";

const engine = localHost();

/** Findings and totals of so many programs. */
function compareAll(make: (index: number) => Uint8Array, count = COUNT) {
  const findings: string[] = [];
  const total = { returned: 0, trapped: 0, stops: 0 };
  for (let i = 0; i < count && findings.length < 5; i++) {
    const bytes = make(i);
    const result = compareProgram(bytes, i);
    total.returned += result.returned;
    total.trapped += result.trapped;
    total.stops += result.stops;
    const [first] = result.differences;
    if (first !== undefined) findings.push(`program ${i}: ${first}\n${toHex(bytes)}`);
  }
  return { findings, total };
}

describe.skipIf(engine === null)("as on the host and in slices", () => {
  it(`${COUNT} programs of everything the host has`, async () => {
    const host = engine === null ? 0 : await hostFeatures(engine);
    const features = parseFeatures(COMPARED) & host;
    const { findings, total } = compareAll((i) => randomProgram(SEED, i, features));
    expect(findings).toEqual([]);
    expect(total.returned).toBeGreaterThan(COUNT);
    expect(total.trapped).toBeGreaterThan(COUNT / 4);
    expect(total.stops).toBeGreaterThan(20 * COUNT);
  });

  it(`${COUNT} programs that juggle operands and locals`, () => {
    const { findings, total } = compareAll((i) => stackProgram(Random.of(SEED, i)));
    expect(findings).toEqual([]);
    expect(total.returned).toBeGreaterThan(2 * COUNT);
    expect(total.stops).toBeGreaterThan(20 * COUNT);
  });

  const throwing = Math.ceil(COUNT / 10);

  it(`${throwing} programs that throw, in the legacy proposal's instructions`, () => {
    const make = (i: number) => exceptionProgram(Random.of(SEED, i));
    const { findings, total } = compareAll(make, throwing);
    expect(findings).toEqual([]);
    expect(total.returned).toBeGreaterThan(throwing);
    expect(total.trapped).toBeGreaterThan(2 * throwing);
    expect(total.stops).toBeGreaterThan(20 * throwing);
  });
});
