// Throughput of decoding and validation over real modules, in MB of code section per second of CPU
// time: warm (many runs in one process) beside the host's engine and the npm package wasmparser,
// which reads all events but validates nothing; and cold (first run of a process).

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { ModuleRecord } from "../src/module/module.ts";
import {
  type Bench,
  type Built,
  type Column,
  distUrl,
  gather,
  loadBuilt,
  median,
  type Report,
  type Row,
  type Sample,
  spread,
  type Task,
  timedRuns,
} from "./harness.ts";
import { hostAccepts } from "./host.ts";
import { MODULE_NAMES, moduleBytes, moduleUrl } from "./modules.ts";

type Wasmparser = typeof import("wasmparser");

const CODE = 10;
const PEERS = ["wasmeter", "v8", "wasmparser"] as const;

/** Bytes of the code section. */
export function codeBytes(module: ModuleRecord): number {
  const section = module.sections.find(({ id }) => id === CODE);
  if (section === undefined) throw new Error("the module has no code section");
  return section.end - section.start;
}

/** Reads every event with wasmparser. */
function parse({ BinaryReader }: Wasmparser, bytes: Uint8Array<ArrayBuffer>): void {
  const reader = new BinaryReader();
  reader.setData(bytes.buffer, 0, bytes.length);
  while (reader.read()) {}
  if (reader.error !== null) throw reader.error;
}

/** Reads every instruction of every body and checks nothing else. */
export function readInstructions(built: Built, module: ModuleRecord): void {
  const { bytes, features, bodyStarts, bodyEnds } = module;
  const limits = built.limits.decodingLimits();
  const reader = new built.instructions.InstructionReader(bytes, features, limits);
  for (let i = 0; i < bodyStarts.length; i++) {
    const end = bodyEnds[i];
    reader.reset(bytes, bodyStarts[i], end);
    reader.locals(0);
    while (reader.pos < end) reader.next();
  }
}

function requireValid(bytes: Uint8Array<ArrayBuffer>): void {
  if (!hostAccepts(bytes)) throw new Error("the host refuses the module");
}

const WARM_UP_SECONDS = 1.5;

async function measureWarm(task: Task): Promise<Sample> {
  const built = await loadBuilt();
  const wasmparser = createRequire(import.meta.url)("wasmparser") as Wasmparser;
  const bytes = moduleBytes(String(task.module));
  const { Module } = built.api;
  const module = Module.from(bytes).record;
  const actions = {
    wasmeter: () => Module.from(bytes),
    reader: () => readInstructions(built, module),
    v8: () => requireValid(bytes),
    wasmparser: () => parse(wasmparser, bytes),
  };
  const seconds = Number(task.seconds);
  const sample: { [name: string]: number[] } = { bytes: [codeBytes(module)] };
  for (const [name, action] of Object.entries(actions)) {
    timedRuns(action, 2, Math.min(WARM_UP_SECONDS, seconds));
    sample[name] = timedRuns(action, 5, seconds);
  }
  return sample;
}

async function measureCold(task: Task): Promise<Sample> {
  const { api } = await loadBuilt();
  const name = String(task.module);
  const sample: { [name: string]: number[] } = {
    bytes: [codeBytes(api.Module.from(moduleBytes(name)).record)],
    load: [],
  };
  const script = fileURLToPath(new URL("cold.mjs", import.meta.url));
  const file = fileURLToPath(moduleUrl(name));
  for (const peer of PEERS) {
    sample[peer] = [];
    for (let i = 0; i < Number(task.processes); i++) {
      const args = [script, distUrl().href, file, peer];
      const output = execFileSync(process.execPath, args, { encoding: "utf8" });
      const { load, decode } = JSON.parse(output) as { load: number; decode: number };
      sample[peer].push(decode);
      if (peer === "wasmeter") sample.load.push(load);
    }
  }
  return sample;
}

const RATE_COLUMNS: readonly Column[] = [
  { key: "module", title: "module" },
  { key: "megabytes", title: "code, MB", digits: 2 },
  { key: "wasmeter", title: "wasmeter", digits: 1 },
  { key: "spread", title: "± quartiles, %", digits: 0 },
  { key: "reader", title: "reader alone", digits: 0 },
  { key: "v8", title: "V8", digits: 0 },
  { key: "wasmparser", title: "wasmparser", digits: 1 },
  { key: "toV8", title: "wasmeter : V8", digits: 2 },
  { key: "toWasmparser", title: "wasmeter : wasmparser", digits: 2 },
];

const COLD_COLUMNS: readonly Column[] = [
  ...RATE_COLUMNS.filter(({ key }) => key !== "reader"),
  { key: "milliseconds", title: "first decode, ms", digits: 0 },
  { key: "load", title: "loading the code, ms", digits: 0 },
];

function rateRow(name: string, results: readonly (readonly [Task, Sample])[]): Row {
  const values = (key: string) => gather(results, key, (task) => task.module === name);
  const megabytes = values("bytes")[0] / 1e6;
  const rate = (key: string) => {
    const times = values(key);
    return times.length > 0 ? megabytes / median(times) : null;
  };
  const [wasmeter, v8, wasmparser] = PEERS.map((peer) => megabytes / median(values(peer)));
  return {
    module: name,
    megabytes,
    wasmeter,
    spread: spread(values("wasmeter")),
    reader: rate("reader"),
    v8,
    wasmparser,
    toV8: wasmeter / v8,
    toWasmparser: wasmeter / wasmparser,
    milliseconds: 1e3 * median(values("wasmeter")),
    load: values("load").length > 0 ? 1e3 * median(values("load")) : null,
  };
}

function rateReport(
  about: string,
  bench: string,
  columns: readonly Column[],
  results: readonly (readonly [Task, Sample])[],
): Report {
  return { bench, about, columns, rows: MODULE_NAMES.map((name) => rateRow(name, results)) };
}

export const DECODE: Bench = {
  name: "decode",
  tasks(quick) {
    const processes = quick ? 1 : 3;
    return MODULE_NAMES.flatMap((module) =>
      Array.from({ length: processes }, (_, process) => {
        return { module, process, seconds: quick ? 0.5 : 2 };
      }),
    );
  },
  measure: measureWarm,
  report(results) {
    const about =
      "Decode and validate, warm: MB of code section per second of CPU time, median over several " +
      "processes. V8 validates with its own decoder; wasmparser reads all events, no validation.";
    return rateReport(about, "decode", RATE_COLUMNS, results);
  },
};

export const COLD: Bench = {
  name: "cold",
  tasks: (quick) => MODULE_NAMES.map((module) => ({ module, processes: quick ? 1 : 7 })),
  measure: measureCold,
  report(results) {
    const about =
      "Decode and validate, cold: the first module of a fresh process, MB of code section per " +
      "second of CPU time (all threads), median over processes; loading the code is not included.";
    return rateReport(about, "cold", COLD_COLUMNS, results);
  },
};
