// One instance in two tiers: programs whose functions the host executes have the results, the fuel,
// the memory and the stops that they have in the interpreter. More: WASMETER_PROGRAMS=20000.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { Random } from "../fuzz/random.ts";
import { toHex } from "../fuzz/reduce.ts";
import { randomProgram } from "../interpreter/programs.ts";
import { stackProgram } from "../interpreter/stack-programs.ts";
import { load } from "../validation/assemble.ts";
import { compareTiers, nothingSeen, type Rations } from "./tiers.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 200);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
const COMPARED = "default,-relaxed-simd,-threads,-exceptions,-legacy-exceptions,-gc";
const ENDLESS = Number.POSITIVE_INFINITY;

const RATIONS: readonly Rations[] = [
  { fuel: ENDLESS, slice: ENDLESS },
  { fuel: ENDLESS, slice: 1 },
  { fuel: ENDLESS, slice: 100 },
  { fuel: 7, slice: ENDLESS },
  { fuel: 100, slice: ENDLESS },
  { fuel: 1_000, slice: 33 },
];

const engine = localHost();
const features = engine === null ? 0 : parseFeatures(COMPARED) & (await hostFeatures(engine));

function compareAll(make: (index: number) => Uint8Array) {
  const seen = nothingSeen();
  for (let i = 0; i < COUNT && seen.differences.length === 0; i++) {
    const bytes = make(i);
    const record = load(bytes);
    for (const rations of RATIONS) compareTiers(record, features, i, rations, seen);
    if (seen.differences.length > 0) seen.differences.push(`program ${i}: ${toHex(bytes)}`);
  }
  return seen;
}

describe.skipIf(engine === null)("an instance in two tiers", () => {
  it(`${COUNT} programs that juggle operands`, () => {
    const seen = compareAll((i) => stackProgram(Random.of(SEED, i)));
    expect(seen.differences).toEqual([]);
    expect(seen.compiled).toBeGreaterThan(COUNT / 2);
    expect(seen.stops).toBeGreaterThan(5 * COUNT);
  });

  it(`${COUNT} programs of everything it takes`, () => {
    const seen = compareAll((i) => randomProgram(SEED, i, features));
    expect(seen.differences).toEqual([]);
    expect(seen.compiled).toBeGreaterThan(0);
  });

  const FOLDER = "bench/kernels";
  const kernels = readdirSync(FOLDER).filter((name) => name.endsWith(".wasm"));
  it.each(kernels)("%s", (name) => {
    const record = load(new Uint8Array(readFileSync(`${FOLDER}/${name}`)));
    const seen = nothingSeen();
    for (const [fuel, slice] of [
      [ENDLESS, ENDLESS],
      [ENDLESS, 10_000],
      [1_000_000, ENDLESS],
    ]) {
      compareTiers(record, features, SEED, { fuel, slice }, seen, 1);
    }
    expect(seen.differences).toEqual([]);
    expect([...seen.reasons.keys()]).toEqual([]);
  });
});
