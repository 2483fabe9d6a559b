// Real npm packages with Wasm inside (test/packages): time to load one, import and instantiation,
// and time of its job, with the polyfill in each tier beside the host's own WebAssembly. Each
// measurement is a fresh process that does the job several times: the first time counts, which is
// what a program that runs once sees, and the median of the last ones; and the memory that it took
// up to then. Every result is compared with the host's.

import { isDeepStrictEqual } from "node:util";
import type { Tier } from "../src/api/index.ts";
import { type JobReport, PACKAGES, type Package, runPackage } from "../test/packages/packages.ts";
import {
  type Bench,
  type Column,
  chosenWays,
  gather,
  median,
  packageUrl,
  type Report,
  type Row,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";

/** Runs after which the loop is compiled, and of those the ones that count. */
const RUNS = 8;
const WARM_RUNS = 3;
const MEBIBYTE = 2 ** 20;

/** The host's own WebAssembly, and ours in each tier. */
const TIERS: readonly Tier[] = ["interpreter", "compiled", "auto"];
type Side = "host" | Tier;

function packageOf(job: string): Package {
  const found = PACKAGES.find((item) => item.job === job);
  if (found !== undefined) return found;
  const known = PACKAGES.map((item) => item.job).join(", ");
  throw new RangeError(`no package "${job}"; known: ${known}`);
}

/** What replaces the host's WebAssembly on a side. */
function polyfillOf(side: Side): string | null {
  if (side === "host") return null;
  const url = new URL("tier-polyfill.mjs", import.meta.url);
  url.searchParams.set("package", packageUrl("bundle/js-api.js").href);
  url.searchParams.set("tier", side);
  return url.href;
}

/** Does a job on a side; its result is the one that was found on the host. */
async function measureSide(item: Package, side: Side, host: JobReport | null): Promise<JobReport> {
  const report = await runPackage(item, polyfillOf(side), { runs: RUNS });
  if (report.native !== (side === "host")) {
    throw new Error(`${item.job}: ${side} ran on the wrong WebAssembly`);
  }
  if (host !== null && !isDeepStrictEqual(report.result, host.result)) {
    throw new Error(`${item.job}: ${side} has another result than the host`);
  }
  return report;
}

async function measure(task: Task): Promise<Sample> {
  const item = packageOf(String(task.job));
  const entries: [string, number[]][] = [];
  let host: JobReport | null = null;
  for (const side of ["host", ...String(task.tiers).split(",")] as Side[]) {
    const report: JobReport = await measureSide(item, side, host);
    host ??= report;
    const { jobs, load, peak } = report;
    entries.push(
      [`${side} load`, [load.cpu]],
      [`${side} job`, [jobs[0].cpu]],
      [`${side} warm`, [median(jobs.slice(-WARM_RUNS).map(({ cpu }) => cpu))]],
      [`${side} peak`, [peak / MEBIBYTE]],
    );
  }
  return Object.fromEntries(entries);
}

function tasks(quick: boolean, selection: Selection): Task[] {
  const { only, processes } = selection;
  const tiers = chosenWays(TIERS, selection).join();
  const jobs = only === null ? PACKAGES.map(({ job }) => job) : [packageOf(only).job];
  const rounds = processes ?? (quick ? 1 : 3);
  return Array.from({ length: rounds }, () => jobs.map((job) => ({ job, tiers }))).flat();
}

/** What is measured, with the digits of the ratio to the host's. */
const STEPS = { load: 1, job: 2, warm: 2 } as const;
type Step = keyof typeof STEPS;

function columns(tiers: readonly Tier[]): Column[] {
  const steps = (Object.keys(STEPS) as Step[]).flatMap((step): Column[] => [
    { key: `host ${step}`, title: `${step}: host, ms`, digits: 0 },
    ...tiers.map((tier) => ({ key: `${tier} ${step}`, title: tier, digits: STEPS[step] })),
  ]);
  const peaks = tiers.map((tier) => ({ key: `${tier} peak`, title: tier, digits: 0 }));
  return [
    { key: "package", title: "package" },
    ...steps,
    { key: "host peak", title: "peak: host, MiB", digits: 0 },
    ...peaks,
  ];
}

type Results = readonly (readonly [Task, Sample])[];

function rowOf(results: Results, { job, title }: Package, tiers: readonly Tier[]): Row {
  const middle = (key: string) => median(gather(results, key, (task) => task.job === job));
  const row: { [key: string]: string | number } = { package: title };
  for (const step of Object.keys(STEPS)) {
    const host = middle(`host ${step}`);
    row[`host ${step}`] = host;
    for (const tier of tiers) row[`${tier} ${step}`] = middle(`${tier} ${step}`) / host;
  }
  for (const side of ["host", ...tiers]) row[`${side} peak`] = middle(`${side} peak`);
  return row;
}

/** A row of `how` over the ratios of all. */
function summary(
  rows: readonly Row[],
  tiers: readonly Tier[],
  title: string,
  how: (values: readonly number[]) => number,
): Row {
  const keys = Object.keys(STEPS).flatMap((step) => tiers.map((tier) => `${tier} ${step}`));
  const entries = keys.map((key) => [key, how(rows.map((row) => Number(row[key])))]);
  return { package: title, ...Object.fromEntries(entries) };
}

function report(results: Results): Report {
  const measured = PACKAGES.filter(({ job }) => results.some(([task]) => task.job === job));
  const tiers = TIERS.filter((tier) => results.some(([, sample]) => `${tier} job` in sample));
  const rows = measured.map((item) => rowOf(results, item, tiers));
  const about =
    "npm packages with Wasm inside, with wasmeter/polyfill in each tier beside the host's own " +
    "WebAssembly: CPU time of a fresh process to load the package and to do its job for the first " +
    `time, medians over processes; warm is the job's median in runs ${RUNS - WARM_RUNS + 1} to ` +
    `${RUNS}. Ours as ratios to the host's. Peak is what the process had resident at most up to ` +
    "the end of the first job. All results are equal.";
  const last = [
    summary(rows, tiers, "median", median),
    summary(rows, tiers, "largest", (values) => Math.max(...values)),
  ];
  return { bench: "packages", about, columns: columns(tiers), rows: [...rows, ...last] };
}

/** Packages beside the host's own WebAssembly. */
export const PACKAGES_BENCH: Bench = { name: "packages", tasks, measure, report };
