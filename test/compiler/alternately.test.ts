// Changes of tier wherever they are possible change nothing else: results, traps, fuel, memory,
// globals and the frames at every stop are the interpreter's. More: WASMETER_PROGRAMS=20000, and
// npm run execute -- --only-tiers.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { Random } from "../fuzz/random.ts";
import { toHex } from "../fuzz/reduce.ts";
import { randomProgram } from "../interpreter/programs.ts";
import { stackProgram } from "../interpreter/stack-programs.ts";
import { load } from "../validation/assemble.ts";
import { alternately, changes } from "./alternately.ts";
import { compareTiers, nothingSeen, type Rations } from "./tiers.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 60);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
const COMPARED = "default,-relaxed-simd,-threads,-exceptions,-legacy-exceptions,-gc";
const ENDLESS = Number.POSITIVE_INFINITY;

const RATIONS: readonly Rations[] = [
  { fuel: ENDLESS, slice: ENDLESS },
  { fuel: 100, slice: ENDLESS },
  { fuel: 1_000, slice: 33 },
];

const engine = localHost();
const features = engine === null ? 0 : parseFeatures(COMPARED) & (await hostFeatures(engine));

describe.skipIf(engine === null)("going down at some sites, and up again", () => {
  it.each([
    ["that juggle operands", (i: number) => stackProgram(Random.of(SEED, i))],
    ["of everything it takes", (i: number) => randomProgram(SEED, i, features)],
  ])(`in ${COUNT} programs %s`, (_, make) => {
    const seen = nothingSeen();
    const before = changes.down;
    for (let i = 0; i < COUNT && seen.differences.length === 0; i++) {
      const bytes = make(i);
      const record = load(bytes);
      for (const often of [1, 3]) {
        const random = Random.of(SEED, i);
        for (const rations of RATIONS) {
          alternately(
            () => random.oneIn(often),
            () => compareTiers(record, features, i, rations, seen),
          );
        }
      }
      if (seen.differences.length > 0) seen.differences.push(`program ${i}: ${toHex(bytes)}`);
    }
    expect(seen.differences).toEqual([]);
    expect(changes.down - before).toBeGreaterThan(COUNT);
  });

  it.each(["compress", "dispatch", "machine", "strings"])("in the kernel %s", (name) => {
    const record = load(new Uint8Array(readFileSync(`bench/kernels/${name}.wasm`)));
    const seen = nothingSeen();
    const before = changes.down;
    const random = Random.of(SEED, 0);
    alternately(
      () => random.oneIn(3),
      () => compareTiers(record, features, SEED, RATIONS[0], seen, 1),
    );
    expect(seen.differences).toEqual([]);
    expect(changes.down - before).toBeGreaterThan(100);
  });
});
