// Programs of which is known what they do (traced/): in one go, in slices, with others in between
// and at other places of the machine's stacks. More of them: WASMETER_PROGRAMS=20000.

import { describe, expect, it } from "vitest";
import { useSmallParts, useUsualParts } from "../interpreter/small-parts.ts";
import { Random } from "./random.ts";
import { toHex } from "./reduce.ts";
import { tracedProgram } from "./traced/generate.ts";
import { runTraced, styles } from "./traced/run.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 300);
const SEED = Number(process.env.WASMETER_SEED ?? 1);

describe("traced programs", () => {
  it(`${COUNT} do what they must in every style, for the same fuel`, async () => {
    const findings: string[] = [];
    const total = { slices: 0, threw: 0, hostCalls: 0 };
    for (let i = 0; i < COUNT && findings.length < 5; i++) {
      const random = Random.of(SEED, i);
      // Their calls are a few levels deep: frames are moved in parts of one or two of them.
      if (random.oneIn(4)) useUsualParts();
      else useSmallParts(random.between(1, 2));
      const program = tracedProgram(random);
      total.hostCalls += program.script.length;
      if (program.ending.how !== "returned") total.threw++;
      const fuels = new Set<number>();
      for (const style of styles(random)) {
        const { differences, fuel, slices } = await runTraced(program, style);
        total.slices += slices;
        fuels.add(fuel);
        for (const line of differences.slice(0, 1)) {
          findings.push(`program ${i}, ${style.name}: ${line}\n${toHex(program.bytes)}`);
        }
      }
      if (fuels.size > 1) findings.push(`program ${i}: fuel ${[...fuels]}`);
    }
    useUsualParts();
    expect(findings).toEqual([]);
    expect(total.slices).toBeGreaterThan(20 * COUNT);
    expect(total.threw).toBeGreaterThan(COUNT / 20);
    expect(total.hostCalls).toBeGreaterThan(COUNT);
  });
});
