// Runs benchmarks and prints their tables: `npm run bench -- [name…] [--json] [--quick] [--save]`;
// `--only NAME`, `--ways NAME,…`, `--runs N` and `--processes N` narrow down those that understand
// them; `--node VERSION` has another Node measure, from npm.
// Each task of a benchmark runs in a process of its own, so that none sees another's type feedback.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ATTACKS_BENCH } from "./attacks.ts";
import { COLD_START } from "./cold-start.ts";
import { CONTROL } from "./control.ts";
import { COLD, DECODE } from "./decode.ts";
import { type StoredReport, textTable } from "./format.ts";
import { GROWTH } from "./growth.ts";
import {
  type Bench,
  ensureBuilt,
  environment,
  type Measuring,
  measuringNode,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";
import { INSTANCES } from "./instances.ts";
import { EXECUTION, EXECUTION_NEW, GC_BENCH, VECTORS_BENCH } from "./kernels.ts";
import { MICRO } from "./micro.ts";
import { MICRO_RUN } from "./micro-run.ts";
import { PACKAGES_BENCH } from "./packages.ts";
import { plainScript } from "./plain.ts";
import { PRINT } from "./print.ts";
import { QUICKJS } from "./quickjs.ts";
import { SHORT } from "./short.ts";
import { STARTUP } from "./startup.ts";
import { STOPS_BENCH } from "./stops.ts";
import { STREAM } from "./stream.ts";
import { WASI_BENCH } from "./wasi.ts";
import { WRITING } from "./writing.ts";

const BENCHES: readonly Bench[] = [
  DECODE,
  COLD,
  STREAM,
  GROWTH,
  WRITING,
  PRINT,
  MICRO,
  EXECUTION,
  EXECUTION_NEW,
  VECTORS_BENCH,
  GC_BENCH,
  MICRO_RUN,
  PACKAGES_BENCH,
  QUICKJS,
  WASI_BENCH,
  STARTUP,
  SHORT,
  INSTANCES,
  CONTROL,
  STOPS_BENCH,
  COLD_START,
  ATTACKS_BENCH,
];
const RESULTS = new URL("results/results.json", import.meta.url);
const CHILD_FLAG = "--measure";

/** What is kept of runs. */
interface Results {
  readonly reports: readonly StoredReport[];
}

function benchNamed(name: string): Bench {
  const bench = BENCHES.find((item) => item.name === name);
  if (bench !== undefined) return bench;
  throw new RangeError(`no benchmark "${name}"; known: ${BENCHES.map((b) => b.name).join(", ")}`);
}

/** Measures one task in a fresh process of `script`, which prints its sample. */
function measureInChild(node: Measuring, script: string, bench: Bench, task: Task): Sample {
  const args = [script, CHILD_FLAG, bench.name, JSON.stringify(task)];
  const output = execFileSync(node.path, [...(bench.nodeOptions ?? []), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 26,
  });
  return JSON.parse(output.toString()) as Sample;
}

async function runChild(name: string, task: string): Promise<void> {
  const sample = await benchNamed(name).measure(JSON.parse(task) as Task);
  process.stdout.write(JSON.stringify(sample));
}

function runBench(
  script: string,
  bench: Bench,
  node: Measuring,
  quick: boolean,
  selection: Selection,
): StoredReport {
  const results: [Task, Sample][] = [];
  const tasks = bench.tasks(quick, selection);
  for (const task of tasks) {
    progress(`${bench.name} ${results.length + 1}/${tasks.length} ${Object.values(task)[0]}`);
    results.push([task, measureInChild(node, script, bench, task)]);
  }
  progress("");
  return { ...bench.report(results), environment: environment(node) };
}

/** One line that overwrites itself; only where somebody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Replaces the reports of the same benchmarks in the kept results; others stay as they are. */
function save(results: Results): void {
  const kept = readResults()?.reports ?? [];
  const renewed = new Map(results.reports.map((report) => [report.bench, report]));
  const order = BENCHES.map(({ name }) => name);
  const reports = order.flatMap((name) => {
    const report = renewed.get(name) ?? kept.find(({ bench }) => bench === name);
    return report === undefined ? [] : [report];
  });
  mkdirSync(new URL(".", RESULTS), { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify({ reports }, roundNumbers, 2)}\n`);
}

function readResults(): Results | null {
  try {
    return JSON.parse(readFileSync(RESULTS, "utf8")) as Results;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw error;
  }
}

/** Four significant digits are more than the measurements carry. */
function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

function countOption(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new RangeError(`${name} must be a whole number from 1, not "${text}"`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      only: { type: "string" },
      runs: { type: "string" },
      processes: { type: "string" },
      ways: { type: "string" },
      node: { type: "string" },
    },
  });
  const benches = positionals.length > 0 ? positionals.map(benchNamed) : BENCHES;
  const selection: Selection = {
    only: values.only ?? null,
    runs: countOption("--runs", values.runs),
    processes: countOption("--processes", values.processes),
    ways: values.ways?.split(",") ?? null,
  };
  const { node = null } = values;
  if (values.save && (selection.only ?? selection.ways ?? node) !== null) {
    throw new RangeError("--save keeps whole tables: not with --only, --ways or --node");
  }
  ensureBuilt();
  const reports: StoredReport[] = [];
  const script = await plainScript(new URL(import.meta.url));
  try {
    for (const bench of benches) {
      const report = runBench(
        script.path,
        bench,
        measuringNode(bench, node),
        values.quick,
        selection,
      );
      reports.push(report);
      if (!values.json) console.log(textTable(report));
    }
  } finally {
    script.remove();
  }
  if (values.json) console.log(JSON.stringify({ reports }, roundNumbers, 2));
  if (values.save) save({ reports });
}

const [flag, name, task] = process.argv.slice(2);
if (flag === CHILD_FLAG) await runChild(name, task);
else await main();
