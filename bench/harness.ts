// What every benchmark shares: the built package, clocks, medians, and the form of a result. Times
// are CPU times of the process, because the machine may be shared; wall-clock time would then
// measure the neighbours.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Root of the repository, as a URL that ends with a slash. */
export const ROOT = new URL("../", import.meta.url);

/**
 * Overrides which build is measured; for comparing two of them. Like dist/ it must lie below a
 * package.json of type "module": Node would spend 6 ms on finding out what the files are.
 */
export const DIST_VARIABLE = "WASMETER_BENCH_DIST";

/** One measurement to make in a process of its own. */
export type Task = Readonly<Record<string, string | number>>;

/** What a task measured: lists of numbers by name. */
export type Sample = Readonly<Record<string, readonly number[]>>;

/** A column of a report; `digits` after the decimal point for numbers. */
export interface Column {
  readonly key: string;
  readonly title: string;
  readonly digits?: number;
}

/** A cell: text, a number, or null where nothing could be measured. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A table of results. */
export interface Report {
  readonly bench: string;
  /** What is measured, how, and in which unit; one or two sentences. */
  readonly about: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** What the command line asks of benchmarks that can be narrowed down; null: their own choice. */
export interface Selection {
  /** The only item to measure. */
  readonly only: string | null;
  /** Runs of which a process reports the median. */
  readonly runs: number | null;
  /** Processes over which the median is taken. */
  readonly processes: number | null;
  /** The only tiers of ours, or ways to run, to measure. */
  readonly ways: readonly string[] | null;
}

/** Those of `known` that the command line asks for; all by default. */
export function chosenWays<Way extends string>(
  known: readonly Way[],
  { ways }: Selection,
): readonly Way[] {
  const unknown = ways?.find((way) => !known.some((one) => one === way));
  if (unknown === undefined) return known.filter((way) => ways?.includes(way) ?? true);
  throw new RangeError(`no way "${unknown}"; known: ${known.join(", ")}`);
}

/** A benchmark: tasks, each measured in a fresh process, and the report made of all of them. */
export interface Bench {
  readonly name: string;
  /** Options of Node for the measuring processes. */
  readonly nodeOptions?: readonly string[];
  /** Version of Node that measures, from npm; the one that this process runs on by default. */
  readonly node?: string;
  tasks(quick: boolean, selection: Selection): readonly Task[];
  measure(task: Task): Promise<Sample>;
  report(results: readonly (readonly [Task, Sample])[]): Report;
}

/** Date, machine and engine of a run. */
export interface Environment {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly v8: string;
}

/** The Node that measures for a benchmark. */
export interface Measuring {
  readonly path: string;
  readonly versions: Readonly<Record<"node" | "v8", string>>;
}

/** `version`: instead of the benchmark's own. */
export function measuringNode({ node: own }: Bench, version: string | null): Measuring {
  const node = version ?? own;
  if (node === undefined) return { path: process.execPath, versions: process.versions };
  const about = "JSON.stringify({ path: process.execPath, versions: process.versions })";
  const output = execFileSync("npx", ["--yes", `node@${node}`, "--print", about]);
  return JSON.parse(output.toString()) as Measuring;
}

export function environment({ versions: { node, v8 } }: Measuring): Environment {
  const [first] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: first?.model.trim() ?? process.arch,
    cores: cpus().length,
    node,
    v8,
  };
}

/** Folder of the build that is measured, as a URL that ends with a slash. */
export function distUrl(): URL {
  const override = process.env[DIST_VARIABLE];
  return override === undefined ? new URL("dist/", ROOT) : pathToFileURL(`${override}/`);
}

function newest(folder: URL): number {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const child = new URL(entry.isDirectory() ? `${entry.name}/` : entry.name, folder);
    time = Math.max(time, entry.isDirectory() ? newest(child) : statSync(child).mtimeMs);
  }
  return time;
}

/** Builds the package if dist/ is missing or older than the sources. */
export function ensureBuilt(): void {
  if (process.env[DIST_VARIABLE] !== undefined) return;
  const entry = new URL("dist/bundle/index.js", ROOT);
  if (existsSync(entry) && statSync(entry).mtimeMs >= newest(new URL("src/", ROOT))) return;
  const options = { cwd: fileURLToPath(ROOT), stdio: "inherit" } as const;
  const { status } = spawnSync("npm", ["run", "--silent", "build"], options);
  if (status !== 0) throw new Error("the build failed; there is nothing to measure");
}

/** Seconds of CPU time that this process has used, all of its threads together. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Seconds of CPU time that `action` takes. */
export function timed(action: () => unknown): number {
  const start = cpuSeconds();
  action();
  return cpuSeconds() - start;
}

/** Runs `action` until both bounds are reached; the seconds of each run. */
export function timedRuns(action: () => unknown, runs: number, seconds: number): number[] {
  const times: number[] = [];
  for (let total = 0; times.length < runs || total < seconds; ) {
    const time = timed(action);
    times.push(time);
    total += time;
  }
  return times;
}

/** The value below which the share `at` of the values lie, with linear interpolation. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * at;
  const low = Math.floor(position);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (position - low);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Distance of the quartiles in percent of the median: how noisy the values are. */
export function spread(values: readonly number[]): number {
  return (100 * (quantile(values, 0.75) - quantile(values, 0.25))) / median(values);
}

/** Slope of the straight line through the logarithms: the exponent of a power law. */
export function exponent(sizes: readonly number[], times: readonly number[]): number {
  const x = sizes.map(Math.log);
  const y = times.map(Math.log);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, value, i) => sum + (value - meanX) * (y[i] - meanY), 0);
  const variance = x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
  return covariance / variance;
}

/** All values under `key` in the samples of the tasks that `select` picks. */
export function gather(
  results: readonly (readonly [Task, Sample])[],
  key: string,
  select: (task: Task) => boolean,
): number[] {
  return results.filter(([task]) => select(task)).flatMap(([, sample]) => sample[key] ?? []);
}

/** The parts of the built package that benchmarks use, typed by their sources. */
export interface Built {
  readonly api: typeof import("../src/api/index.ts");
  readonly cursor: typeof import("../src/binary/cursor.ts");
  readonly instructions: typeof import("../src/binary/instructions.ts");
  readonly features: typeof import("../src/compiler/features.ts");
  readonly hostCode: typeof import("../src/compiler/host-code.ts");
  readonly hostModule: typeof import("../src/compiler/module.ts");
  readonly limits: typeof import("../src/module/limits.ts");
}

/** What users of Node get: the API. */
export type Package = typeof import("../src/api/index.ts");

/** The file that users import, of the build that is measured; or another one that it has. */
export function packageUrl(file = "bundle/index.js"): URL {
  return new URL(file, distUrl());
}

/** Loads what users get. */
export async function loadPackage(): Promise<Package> {
  return (await import(packageUrl().href)) as Package;
}

/** Loads the build. tsx passes plain JavaScript modules through unchanged. */
export async function loadBuilt(): Promise<Built> {
  const load = async (path: string) => await import(new URL(path, distUrl()).href);
  return {
    api: await load("api/index.js"),
    cursor: await load("binary/cursor.js"),
    instructions: await load("binary/instructions.js"),
    features: await load("compiler/features.js"),
    hostCode: await load("compiler/host-code.js"),
    hostModule: await load("compiler/module.js"),
    limits: await load("module/limits.js"),
  };
}
