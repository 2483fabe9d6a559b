// npm run fuzz -- [--count N] [--seed S] [--host node@26]
//
// Runs a fuzzing campaign (test/fuzz/) and prints what came of it; disagreements are made small
// first. Exit code 1 if there is one, 64 for wrong usage. The engine of Node.js 20 keeps something
// of every module and becomes slower: several runs of 25,000 with different seeds suit it best.

import { parseArgs } from "node:util";
import { type FeatureSet, featureNames, parseFeatures } from "../src/isa/features.ts";
import { type Finding, findingKey, runCampaign, type Summary } from "../test/fuzz/campaign.ts";
import { campaignSources, suiteLocation, suiteModules } from "../test/fuzz/corpus.ts";
import { childHost, type Host, localHost } from "../test/fuzz/hosts.ts";
import { hostFeatures } from "../test/fuzz/probe.ts";
import { toHex } from "../test/fuzz/reduce.ts";
import { reduceFinding } from "../test/fuzz/reduce-finding.ts";

const USAGE = "usage: npm run fuzz -- [--count N] [--seed S] [--host node@26]";
const OPTIONS = {
  count: { type: "string", default: "10000" },
  seed: { type: "string", default: "1" },
  host: { type: "string" },
} as const;
/** Findings that look alike are reported once; of the others at most so many are made small. */
const MAX_REDUCED = 20;

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;
}

function printSummary(summary: Summary): void {
  const { inputs, accepted, refused, chunked, origins, filtered, findings } = summary;
  console.log(`${inputs} inputs: ${accepted} accepted, ${refused} refused`);
  console.log(`${chunked} of them decoded in chunks as well`);
  console.log("\norigin                      inputs   accepted");
  for (const [origin, tally] of [...origins].sort()) {
    const share = percent(tally.accepted, tally.inputs);
    console.log(`${origin.padEnd(24)} ${String(tally.inputs).padStart(9)} ${share.padStart(10)}`);
  }
  console.log("\nknown difference                    inputs");
  for (const [name, count] of filtered) console.log(`${name.padEnd(33)} ${count}`);
  console.log(`\n${findings.length} findings`);
}

/** One finding of each sort, the shortest input. */
function distinct(findings: readonly Finding[]): Finding[] {
  const shortest = new Map<string, Finding>();
  for (const finding of findings) {
    const known = shortest.get(findingKey(finding));
    if (known === undefined || finding.bytes.length < known.bytes.length) {
      shortest.set(findingKey(finding), finding);
    }
  }
  return [...shortest.values()];
}

async function printFindings(summary: Summary, host: Host, features: FeatureSet): Promise<void> {
  for (const finding of distinct(summary.findings).slice(0, MAX_REDUCED)) {
    const small = await reduceFinding(finding, host, features);
    console.log(`\n${finding.kind}, input ${finding.index} (${finding.origin})`);
    console.log(`  ${finding.detail.split("\n").slice(0, 2).join("\n  ")}`);
    console.log(`  ${toHex(small)}`);
  }
}

async function main(count: number, seed: number, host: Host): Promise<number> {
  const features = await hostFeatures(host);
  const lacking = featureNames(parseFeatures("all") & ~features);
  console.log(`host: ${host.name}; without ${lacking.join(", ") || "nothing"}`);
  if (suiteModules().length === 0) {
    console.log(`NO SPECIFICATION SUITE at ${suiteLocation()}: its modules are not mutated`);
  }
  const summary = await runCampaign({
    seed,
    count,
    host,
    features,
    sources: campaignSources(seed, features),
    progress: (done) => {
      if (done % 100_000 === 0) console.error(`${done} of ${count}`);
    },
  });
  printSummary(summary);
  await printFindings(summary, host, features);
  return summary.findings.length === 0 ? 0 : 1;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`not a count: ${text}`);
  return value;
}

async function run(): Promise<number> {
  let settings: { count: number; seed: number; host: string | undefined };
  try {
    const { values } = parseArgs({ options: OPTIONS });
    const { count, seed, host } = values;
    settings = { count: positive(count), seed: positive(seed), host };
  } catch (error) {
    console.error(error instanceof Error ? `${error.message}\n${USAGE}` : USAGE);
    return 64;
  }
  const host = settings.host === undefined ? localHost() : childHost(settings.host);
  if (host === null) {
    console.error("this Node.js has no WebAssembly; name another with --host");
    return 64;
  }
  try {
    return await main(settings.count, settings.seed, host);
  } finally {
    host.close();
  }
}

process.exitCode = await run();
