// npm run execute -- [--executions N] [--seed S] [--log FILE] [--only-tiers]
//
// Runs executing campaigns (test/fuzz/execute/) in processes of their own, one batch after the
// other, until there have been so many executions; prints figures and findings. The log has a line
// per batch: a run that is cut off goes on where it was. Exit code 1 if there is a finding.

import { execFile } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { plainScript } from "../bench/plain.ts";
import {
  addFigures,
  type ExecutionFinding,
  executeCampaign,
  type Figures,
  noFigures,
} from "../test/fuzz/execute/campaign.ts";
import { localHost } from "../test/fuzz/hosts.ts";
import { hostFeatures } from "../test/fuzz/probe.ts";

const BATCH = 2_000;
const BATCH_MS = 600_000;
const CHILD_FLAG = "--batch";

/** What a batch leaves in the log. */
interface Batch {
  readonly seed: number;
  readonly from: number;
  readonly figures: Figures;
  readonly findings: readonly ExecutionFinding[];
}

/** In a child process: one batch, as a line of JSON. */
async function runBatch(seed: number, from: number, onlyTiers: boolean): Promise<void> {
  const host = localHost();
  const features = host === null ? 0 : await hostFeatures(host);
  const options = { seed, from, count: BATCH, hostFeatures: features, onlyTiers };
  const { figures, findings } = await executeCampaign(options);
  process.stdout.write(JSON.stringify({ seed, from, figures, findings }));
}

/** One batch in a process of its own; one that dies or does not end is a finding, too. */
function batchInChild(
  script: string,
  seed: number,
  from: number,
  onlyTiers: boolean,
): Promise<Batch> {
  const args = [script, CHILD_FLAG, String(seed), String(from), String(onlyTiers)];
  const options = { timeout: BATCH_MS, killSignal: "SIGKILL", maxBuffer: 1 << 28 } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Batch);
      } catch {
        const detail = `the process ended: ${error?.message.slice(0, 200)} ${stderr.slice(-500)}`;
        const finding = { kind: "internal", seed, index: from, origin: "batch", detail, hex: "" };
        const figures = { ...noFigures(), inputs: BATCH, findings: 1 };
        resolve({ seed, from, figures, findings: [finding as ExecutionFinding] });
      }
    });
  });
}

function earlier(log: string | undefined, seed: number): Batch[] {
  if (log === undefined || !existsSync(log)) return [];
  const lines = readFileSync(log, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Batch).filter((batch) => batch.seed === seed);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      executions: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      log: { type: "string" },
      "only-tiers": { type: "boolean", default: false },
    },
  });
  const wanted = Number(values.executions);
  const seed = Number(values.seed);
  const batches = earlier(values.log, seed);
  let total = batches.map(({ figures }) => figures).reduce(addFigures, noFigures());
  const script = await plainScript(new URL(import.meta.url));
  try {
    for (let from = batches.length * BATCH; total.executions < wanted; from += BATCH) {
      const batch = await batchInChild(script.path, seed, from, values["only-tiers"]);
      batches.push(batch);
      total = addFigures(total, batch.figures);
      if (values.log !== undefined) appendFileSync(values.log, `${JSON.stringify(batch)}\n`);
      console.error(`${total.executions} executions, ${total.findings} findings`);
    }
  } finally {
    script.remove();
  }
  console.log(JSON.stringify(total, null, 2));
  for (const { kind, index, origin, detail, hex } of batches.flatMap((item) => item.findings)) {
    console.log(`\n${kind}, input ${index} (${origin}): ${detail.slice(0, 800)}\n  ${hex}`);
  }
  return total.findings === 0 ? 0 : 1;
}

const [flag, seed, from, onlyTiers] = process.argv.slice(2);
if (flag === CHILD_FLAG) await runBatch(Number(seed), Number(from), onlyTiers === "true");
else process.exitCode = await main();
