// What wasmeter adds to the start of a program: wall-clock time of a process that imports the
// package and gets the first result of a tiny module, beside processes that do nothing. The kinds
// take turns, so that a busy machine is equally unfair to all of them.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  type Bench,
  type Column,
  gather,
  median,
  packageUrl,
  quantile,
  type Row,
  type Sample,
  type Task,
} from "./harness.ts";

const SCRIPT = fileURLToPath(new URL("startup.mjs", import.meta.url));
const COMMON_JS = fileURLToPath(new URL("startup.cjs", import.meta.url));
const EMPTY = fileURLToPath(new URL("empty.mjs", import.meta.url));
const STEPS = ["import", "decode", "instantiate", "call"] as const;

/** Arguments of Node by what is measured. */
function commands(): Readonly<Record<string, readonly string[]>> {
  return {
    "empty script": ["-e", ""],
    "empty module": [EMPTY],
    "first result, require": [COMMON_JS, fileURLToPath(packageUrl("bundle/index.cjs"))],
    "first result, import": [SCRIPT, packageUrl().href],
    "the same, interpreter": [SCRIPT, packageUrl().href, "interpreter"],
    "the same, auto": [SCRIPT, packageUrl().href, "auto"],
    "the same, compiled": [SCRIPT, packageUrl().href, "compiled"],
    "import without code cache": [SCRIPT, packageUrl("portable/index.js").href],
  };
}

/** Milliseconds from start to end of a process. */
function processTime(args: readonly string[]): number {
  const started = performance.now();
  execFileSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  return performance.now() - started;
}

async function measure(task: Task): Promise<Sample> {
  const kinds = Object.entries(commands());
  const sample: { [name: string]: number[] } = {};
  for (const name of [...Object.keys(commands()), ...STEPS]) sample[name] = [];
  // The first process of each kind reads files that the system has not at hand.
  for (const [, args] of kinds) processTime(args);
  for (let round = 0; round < Number(task.processes); round++) {
    for (const [kind, args] of kinds) sample[kind].push(processTime(args));
    // Printing takes time of its own: the steps are asked for in another process.
    const output = execFileSync(process.execPath, [
      SCRIPT,
      packageUrl().href,
      "interpreter",
      "times",
    ]);
    const steps = JSON.parse(output.toString()) as Record<string, number>;
    for (const step of STEPS) sample[step].push(steps[step]);
  }
  return sample;
}

const COLUMNS: readonly Column[] = [
  { key: "what", title: "process, or step in it" },
  { key: "milliseconds", title: "median, ms", digits: 1 },
  { key: "low", title: "lower quartile, ms", digits: 1 },
  { key: "over", title: "over the empty script, ms", digits: 1 },
  { key: "overModule", title: "over the empty module, ms", digits: 1 },
];

export const STARTUP: Bench = {
  name: "startup",
  tasks: (quick, { processes }) => [{ what: "startup", processes: processes ?? (quick ? 5 : 25) }],
  measure,
  report(results) {
    const values = (key: string) => gather(results, key, () => true);
    /** Median of the differences within a round. */
    const over = (kind: string, than: string) =>
      median(values(kind).map((time, round) => time - values(than)[round]));
    const line = (what: string) => ({
      what,
      milliseconds: median(values(what)),
      low: quantile(values(what), 0.25),
    });
    const kinds: Row[] = Object.keys(commands()).map((kind) => ({
      ...line(kind),
      over: over(kind, "empty script"),
      overModule: over(kind, "empty module"),
    }));
    const about =
      "Import of the package and first result of a tiny module: wall-clock time of whole " +
      "processes that take turns, and of the steps as the process itself sees them. The empty " +
      "script is node -e '', the empty module a file that Node loads as an ES module; without code " +
      "cache is what another engine, or another Node than the one that built the package, loads. " +
      "Where no tier is named, stores have the one that is their default.";
    return { bench: "startup", about, columns: COLUMNS, rows: [...kinds, ...STEPS.map(line)] };
  },
};
