// A short campaign with fixed seeds against the engine of this process, and against another one if
// WASMETER_HOST names it (for example "npx -y node@26"). Long ones: npm run fuzz.

import { afterAll, describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { examine, type Finding, runCampaign, type Summary } from "./campaign.ts";
import { campaignSources, suiteLocation, suiteModules } from "./corpus.ts";
import { COUNTEREXAMPLES } from "./counterexamples.ts";
import { childHost, type Host, localHost } from "./hosts.ts";
import { hostFeatures } from "./probe.ts";
import { toHex } from "./reduce.ts";
import { judge } from "./verdict.ts";

const command = process.env.WASMETER_HOST;
const local = localHost();
const other = command === undefined ? null : childHost(command);

if (suiteModules().length === 0) {
  console.warn(`NO SPECIFICATION SUITE at ${suiteLocation()}: its modules are not mutated`);
}

afterAll(() => other?.close());

function describeFinding({ kind, index, origin, detail, bytes }: Finding): string {
  return `${kind}, input ${index} (${origin}): ${detail}\n${toHex(bytes)}`;
}

async function campaign(host: Host, seed: number, count: number): Promise<Summary> {
  const features = await hostFeatures(host);
  return runCampaign({ seed, count, host, features, sources: campaignSources(seed, features) });
}

function check({ findings, inputs, accepted, chunked }: Summary): void {
  expect(findings.map(describeFinding)).toEqual([]);
  // Inputs that are all refused, or all accepted, would test little.
  expect(accepted / inputs).toBeGreaterThan(0.1);
  expect(accepted / inputs).toBeLessThan(0.6);
  expect(chunked).toBeGreaterThan(inputs / 8);
}

describe("fuzzing", () => {
  it.skipIf(local === null)("agrees with the engine of this process", async () => {
    check(await campaign(local as Host, 20260701, 6000));
  });

  it.skipIf(other === null)(`agrees with ${command}`, async () => {
    check(await campaign(other as Host, 20260702, 6000));
  });

  it.skipIf(other === null)(`knows how ${command} differs on the counterexamples`, async () => {
    const host = other as Host;
    const known = COUNTEREXAMPLES.filter(({ features }) => features === "all");
    for (const { name, hex } of known) {
      const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
      const [accepted] = await host.validate([bytes]);
      const verdict = judge(bytes, parseFeatures("all"));
      const { detail, filter } = await examine(host, bytes, verdict, accepted);
      expect(detail === null || filter !== null, `${name}: ${detail}`).toBe(true);
    }
  });

  it.skipIf(local === null)("is the same for the same seed", async () => {
    const [first, second] = [
      await campaign(local as Host, 7, 300),
      await campaign(local as Host, 7, 300),
    ];
    expect(second.origins).toEqual(first.origins);
    expect(second.accepted).toBe(first.accepted);
  });

  it.skipIf(local === null)("finds out a host that lies", async () => {
    const honest = local as Host;
    const liar: Host = {
      ...honest,
      validate: async (modules) => (await honest.validate(modules)).map((answer) => !answer),
    };
    const { findings, inputs } = await campaign(liar, 7, 200);
    // Filters may take a few, since the liar's explanations do not fit.
    expect(findings.length).toBeGreaterThan(inputs * 0.9);
  });
});
