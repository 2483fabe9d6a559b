// What it takes to hand a real module over to the host's engine: its code written again, so that it
// pays and can be stopped, and compiled. MB of code section per second, beside validation alone,
// which is part of it; how many bytes are written for each that is read; and the time until it can
// be instantiated, in a process that has done nothing else, and later.

import type { ModuleRecord } from "../src/module/module.ts";
import { codeBytes } from "./decode.ts";
import {
  type Bench,
  type Built,
  type Column,
  cpuSeconds,
  gather,
  loadBuilt,
  median,
  type Row,
  type Sample,
  type Task,
} from "./harness.ts";
import { compileOnHost } from "./host.ts";
import { MODULE_NAMES, moduleBytes } from "./modules.ts";

/** Modules written before the time of a later one is taken. */
const WARM_UP_RUNS = 5;

/** Seconds of CPU time and by the clock. */
function timed(action: () => void): { cpu: number; clock: number } {
  const [cpu, began] = [cpuSeconds(), performance.now()];
  action();
  return { cpu: cpuSeconds() - cpu, clock: (performance.now() - began) / 1e3 };
}

/** Until the host has a module of which instances can be made. */
function makeReady({ api, features, hostCode }: Built, record: ModuleRecord): void {
  const code = new hostCode.HostCode(record, api.PRICE_TABLE_2, features.hostFeatures());
  while (!code.isComplete) code.advance(true);
}

/** Writes the module for the host: bytes of its code, and functions that are left out. */
function write({ api, features, hostModule }: Built, record: ModuleRecord) {
  const writer = new hostModule.HostModuleWriter(
    record,
    api.PRICE_TABLE_2,
    features.hostFeatures(),
  );
  while (writer.writeNext());
  const { bytes, leftOut } = writer.finish();
  return { written: codeBytes(api.Module.from(bytes).record), leftOut: leftOut.size };
}

async function measure(task: Task): Promise<Sample> {
  const built = await loadBuilt();
  const bytes = moduleBytes(String(task.module));
  const { Module } = built.api;
  const { record } = Module.from(bytes);
  const first = timed(() => makeReady(built, record));
  // Once: the host knows it then.
  const host = timed(() => compileOnHost(bytes));
  const [validated, ready]: number[][] = [[], []];
  for (let run = -WARM_UP_RUNS; run < Number(task.runs); run++) {
    let later = record;
    const validation = timed(() => {
      later = Module.from(bytes).record;
    });
    const writing = timed(() => makeReady(built, later));
    if (run < 0) continue;
    validated.push(validation.cpu);
    ready.push(writing.cpu);
  }
  const { leftOut, written } = write(built, record);
  return {
    bytes: [codeBytes(record)],
    written: [written],
    leftOut: [leftOut],
    first: [first.cpu],
    clock: [first.clock],
    validated: [Math.min(...validated)],
    ready: [Math.min(...ready)],
    host: [host.cpu],
  };
}

const COLUMNS: readonly Column[] = [
  { key: "module", title: "module" },
  { key: "megabytes", title: "code, MB", digits: 2 },
  { key: "growth", title: "bytes out per byte in", digits: 2 },
  { key: "leftOut", title: "functions left out" },
  { key: "first", title: "first of a process: ready, ms" },
  { key: "clock", title: "by the clock, ms" },
  { key: "ready", title: "later, ms" },
  { key: "rate", title: "MB/s", digits: 1 },
  { key: "validated", title: "validation alone, MB/s", digits: 1 },
  { key: "host", title: "host's own module, ms" },
];

export const WRITING: Bench = {
  name: "writing",
  tasks(quick, { processes, runs }) {
    const round = MODULE_NAMES.map((module) => ({ module, runs: runs ?? (quick ? 3 : 10) }));
    return Array.from({ length: processes ?? (quick ? 1 : 5) }, () => round).flat();
  },
  measure,
  report(results) {
    const rows = MODULE_NAMES.map((module): Row => {
      const values = (key: string) => gather(results, key, (task) => task.module === module);
      const [bytes] = values("bytes");
      const shortest = (key: string) => Math.min(...values(key));
      return {
        module,
        megabytes: bytes / 1e6,
        growth: values("written")[0] / bytes,
        leftOut: values("leftOut")[0],
        first: 1e3 * median(values("first")),
        clock: 1e3 * median(values("clock")),
        ready: 1e3 * shortest("ready"),
        rate: bytes / shortest("ready") / 1e6,
        validated: bytes / shortest("validated") / 1e6,
        host: 1e3 * median(values("host")),
      };
    });
    const about =
      "Real modules written for the host's engine and handed over to it (decoded and validated " +
      "before): CPU time until instances can be made, in a process that has done nothing else " +
      "(median over processes) and later (shortest), as MB of code section per second too, beside " +
      "decoding and validation alone, and what the host takes for the guest's own module.";
    return { bench: "writing", about, columns: COLUMNS, rows };
  },
};
