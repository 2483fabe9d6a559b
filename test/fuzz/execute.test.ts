// Some thousands of executions of generated and mutated modules under small limits: the host and we
// agree, slices change nothing, and every error is a documented one. More: npm run execute.

import { describe, expect, it } from "vitest";
import { executeCampaign, noFigures } from "./execute/campaign.ts";
import { localHost } from "./hosts.ts";
import { hostFeatures } from "./probe.ts";

const COUNT = Number(process.env.WASMETER_EXECUTIONS ?? 1200);
const SEED = Number(process.env.WASMETER_SEED ?? 1);

describe("executing", () => {
  it(`${COUNT} modules`, async () => {
    const host = localHost();
    const features = host === null ? 0 : await hostFeatures(host);
    const options = { seed: SEED, from: 0, count: COUNT, hostFeatures: features };
    const { figures, findings } = await executeCampaign(options);
    expect(findings).toEqual([]);
    expect(figures.executed).toBeGreaterThan(COUNT / 2);
    expect(figures.executions).toBeGreaterThan(2 * COUNT);
    expect(figures.limited).toBeGreaterThan(COUNT / 10);
    if (host !== null) expect(figures.compared).toBeGreaterThan(COUNT / 8);
    expect(Object.keys(figures)).toEqual(Object.keys(noFigures()));
  });
});
