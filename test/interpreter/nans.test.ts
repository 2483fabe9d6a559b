// NaNs of hot code: what JavaScript's functions give for a NaN changes with the host and its tiers
// (Math.min of V8 14: all ones in some). nan-program.ts runs in processes of its own, in one per
// tier. Other hosts by hand: WASMETER_HOST="npx -y node@26" npx vitest run test/interpreter/nans.test.ts

import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
import type { Examination } from "./nan-program.ts";

const HOST = (process.env.WASMETER_HOST ?? process.execPath).split(" ");

/** Flags and rounds: without a compiler a round takes many times longer. */
const TIERS: readonly (readonly [flag: string, rounds: number])[] = [
  ["", 150],
  ["--no-opt", 10],
  ["--jitless", 5],
  ["--always-sparkplug", 20],
];

describe(`NaNs of rows with floats, on ${HOST.join(" ")}`, () => {
  let bundle: SourceBundle;
  beforeAll(async () => {
    bundle = await bundleSource("../test/interpreter/nan-program.ts");
  });
  afterAll(() => bundle?.remove());

  it.each(TIERS)("are those that the specification allows: node %s", (flag, rounds) => {
    const [program, ...options] = [...HOST, flag, bundle.path, String(rounds)].filter(Boolean);
    const { faults, rows } = JSON.parse(
      execFileSync(program, options, { encoding: "utf8" }),
    ) as Examination;
    expect(faults.slice(0, 10)).toEqual([]);
    // All with floats but the eight truncations that trap.
    expect(rows).toBe(62);
  });
});
