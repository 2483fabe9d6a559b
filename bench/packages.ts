// Real npm packages with Wasm inside (test/packages): time to load one, import and instantiation,
// and time of its job, with the polyfill beside the host's own WebAssembly. Each measurement is a
// fresh process that does the job several times: the first time counts, which is what a program that
// runs once sees, and the median of the last ones. Every result is compared with the host's.

import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { type JobReport, PACKAGES, type Package, runPackage } from "../test/packages/packages.ts";
import {
  type Bench,
  type Column,
  distUrl,
  gather,
  median,
  type Report,
  type Row,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";

/** Runs after which the loop is compiled, and of those the ones that count. */
const RUNS = 8;
const WARM_RUNS = 3;

const SIDES = ["native", "ours"] as const;
type Side = (typeof SIDES)[number];

function packageOf(job: string): Package {
  const found = PACKAGES.find((item) => item.job === job);
  if (found !== undefined) return found;
  const known = PACKAGES.map((item) => item.job).join(", ");
  throw new RangeError(`no package "${job}"; known: ${known}`);
}

/** What users import, of the build that is measured. */
const polyfill = () => fileURLToPath(new URL("bundle/polyfill.js", distUrl()));

async function measure(task: Task): Promise<Sample> {
  const item = packageOf(String(task.job));
  const reports: Record<Side, JobReport> = {
    native: await runPackage(item, null, { runs: RUNS }),
    ours: await runPackage(item, polyfill(), { runs: RUNS }),
  };
  if (!reports.native.native || reports.ours.native) {
    throw new Error(`${item.job}: a side ran on the wrong WebAssembly`);
  }
  if (!isDeepStrictEqual(reports.ours.result, reports.native.result)) {
    throw new Error(`${item.job}: the result differs from the host's`);
  }
  const entries = SIDES.flatMap((side) => {
    const { load, jobs } = reports[side];
    const warm = jobs.slice(-WARM_RUNS).map(({ cpu }) => cpu);
    return [
      [`${side} load`, [load.cpu]],
      [`${side} job`, [jobs[0].cpu]],
      [`${side} warm`, [median(warm)]],
    ] as const;
  });
  return Object.fromEntries(entries);
}

function tasks(quick: boolean, { only, processes }: Selection): Task[] {
  const jobs = only === null ? PACKAGES.map(({ job }) => job) : [packageOf(only).job];
  const rounds = processes ?? (quick ? 1 : 3);
  return Array.from({ length: rounds }, () => jobs.map((job) => ({ job }))).flat();
}

const COLUMNS: readonly Column[] = [
  { key: "package", title: "package" },
  { key: "nativeLoad", title: "load, host, ms", digits: 0 },
  { key: "load", title: "load, wasmeter, ms", digits: 0 },
  { key: "nativeJob", title: "job, host, ms", digits: 0 },
  { key: "job", title: "job, wasmeter, ms", digits: 0 },
  { key: "ratio", title: "ratio", digits: 1 },
  { key: "nativeWarm", title: "warm, host, ms", digits: 0 },
  { key: "warm", title: "warm, wasmeter, ms", digits: 0 },
  { key: "warmRatio", title: "ratio, warm", digits: 1 },
];

function report(results: readonly (readonly [Task, Sample])[]): Report {
  const measured = PACKAGES.filter(({ job }) => results.some(([task]) => task.job === job));
  const rows: Row[] = measured.map(({ job, title }) => {
    const middle = (key: string) => median(gather(results, key, (task) => task.job === job));
    return {
      package: title,
      nativeLoad: middle("native load"),
      load: middle("ours load"),
      nativeJob: middle("native job"),
      job: middle("ours job"),
      ratio: middle("ours job") / middle("native job"),
      nativeWarm: middle("native warm"),
      warm: middle("ours warm"),
      warmRatio: middle("ours warm") / middle("native warm"),
    };
  });
  const about =
    "npm packages with Wasm inside, with wasmeter/polyfill beside the host's own WebAssembly: CPU " +
    "time of a fresh process to load the package and to do its job for the first time, medians " +
    `over processes; warm is the job's median in runs ${RUNS - WARM_RUNS + 1} to ${RUNS}. All ` +
    "results are equal.";
  return { bench: "packages", about, columns: COLUMNS, rows };
}

/** Packages beside the host's own WebAssembly. */
export const PACKAGES_BENCH: Bench = { name: "packages", tasks, measure, report };
