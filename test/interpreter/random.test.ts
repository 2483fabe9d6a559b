// Random programs: our interpreter and the host must agree in results, traps, memory and globals,
// and runs in slices with the run in one go, also in fuel. More of them: WASMETER_PROGRAMS=20000.

import { expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { toHex } from "../fuzz/reduce.ts";
import { compareProgram } from "./compare.ts";
import { randomProgram } from "./programs.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 1000);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
/** What is not run yet. */
const WITHOUT = "wasm3,-simd,-relaxed-simd,-gc";

const host = localHost();

it.skipIf(host === null)(`${COUNT} random programs run as on the host`, async () => {
  const features = parseFeatures(WITHOUT) & (host === null ? 0 : await hostFeatures(host));
  const findings: string[] = [];
  const total = { returned: 0, trapped: 0, fuel: 0, stops: 0 };
  for (let i = 0; i < COUNT && findings.length < 5; i++) {
    const bytes = randomProgram(SEED, i, features);
    const result = compareProgram(bytes, i);
    total.returned += result.returned;
    total.trapped += result.trapped;
    total.fuel += result.fuel;
    total.stops += result.stops;
    const [first] = result.differences;
    if (first !== undefined) findings.push(`program ${i}: ${first}\n${toHex(bytes)}`);
  }
  expect(findings).toEqual([]);
  expect(total.returned).toBeGreaterThan(COUNT);
  expect(total.trapped).toBeGreaterThan(COUNT / 4);
  expect(total.stops).toBeGreaterThan(20 * COUNT);
});
