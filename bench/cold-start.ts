// What a guest gets in the first moments of a process: instructions done in the first 50, 100 and
// 300 ms, and the time that a million take. The ways take turns, so that a busy machine is equally
// unfair to all of them.

import { readFileSync } from "node:fs";
import type { Func, Store } from "../src/api/index.ts";
import {
  type Bench,
  type Column,
  gather,
  loadPackage,
  median,
  type Package,
  type Row,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";

/** Kernels and arguments that keep them busy for longer than anybody waits here. */
const SIZES: Readonly<Record<string, number>> = {
  sieve: 60_000,
  sha256: 3_000_000,
  nbody: 250_000_000,
  strings: 160_000,
  dispatch: 8_000_000,
  compress: 55_000,
};
/** A part of a million instructions of each kernel in turn: a program of many instructions. */
const PLUGIN = "all of them";
const PROGRAMS = [...Object.keys(SIZES), PLUGIN];

const WAYS = ["call", "call, deadline", "callAsync, deadline", "after warmUp"] as const;
type Way = (typeof WAYS)[number];

/** Milliseconds after which instructions are counted, and from one such moment to the next. */
const MOMENTS = [50, 100, 300] as const;
const STEPS = [50, 50, 200] as const;
const MILLION = 1e6;
const AMPLE_FUEL = 2 ** 50;
/** What a million instructions may take in the last column. */
const DEADLINE = 300;
/** No deadline of a guest is this long. */
const LONG_TIMEOUT = 60_000;

/** Milliseconds that this thread has had of a processor; NaN where the system does not say. */
function threadTime(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Runs a guest until it has used up its fuel. */
async function exhaust({ Exhaustion }: Package, guest: () => unknown): Promise<void> {
  try {
    await guest();
  } catch (error) {
    if (error instanceof Exhaustion && error.kind === "fuel") return;
    throw error;
  }
  throw new Error("the guest came to an end");
}

function prepare({ Module, Store }: Package, name: string): { store: Store; run: Func } {
  const bytes = readFileSync(new URL(`kernels/${name}.wasm`, import.meta.url));
  const store = new Store({ fuel: AMPLE_FUEL });
  return { store, run: store.instantiate(Module.from(bytes)).func("run") };
}

async function measureMillion(wasmeter: Package, program: string, way: Way): Promise<Sample> {
  const names = program === PLUGIN ? Object.keys(SIZES) : [program];
  let million = 0;
  let thread = 0;
  for (const name of names) {
    const { run, store } = prepare(wasmeter, name);
    store.fuel = Math.ceil(MILLION / names.length);
    const guest = way === "call" ? run : run.with({ timeout: LONG_TIMEOUT });
    const isAsync = way === "callAsync, deadline";
    const [began, before] = [performance.now(), threadTime()];
    await exhaust(wasmeter, () =>
      isAsync ? guest.callAsync(SIZES[name]) : guest.call(SIZES[name]),
    );
    million += performance.now() - began;
    thread += threadTime() - before;
  }
  return { million: [million], thread: [thread] };
}

function measureMoments(wasmeter: Package, program: string): Sample {
  const { run, store } = prepare(wasmeter, program);
  const execution = run.start(SIZES[program]);
  const done = STEPS.map((timeout, i) => {
    execution.run({ timeout });
    return [String(MOMENTS[i]), [(AMPLE_FUEL - store.fuel) / 1e6]] as const;
  });
  return Object.fromEntries(done);
}

async function measure(task: Task): Promise<Sample> {
  const wasmeter = await loadPackage();
  if (task.way === "after warmUp") await wasmeter.warmUp();
  const program = String(task.program);
  if (task.measured === "moments") return measureMoments(wasmeter, program);
  return await measureMillion(wasmeter, program, task.way as Way);
}

function tasks(quick: boolean, { only, processes }: Selection): Task[] {
  if (only !== null && !PROGRAMS.includes(only)) {
    throw new RangeError(`no program "${only}"; known: ${PROGRAMS.join(", ")}`);
  }
  const rounds = processes ?? (quick ? 3 : 15);
  const programs = only === null ? PROGRAMS : [only];
  const round = programs.flatMap((program) =>
    WAYS.flatMap((way): Task[] => {
      const task = { program, way };
      // Only an execution under a deadline can be looked at in between.
      const hasMoments = program !== PLUGIN && (way === "call, deadline" || way === "after warmUp");
      return [
        { ...task, measured: "million" },
        ...(hasMoments ? [{ ...task, measured: "moments" }] : []),
      ];
    }),
  );
  return Array.from({ length: rounds }, () => round).flat();
}

const COLUMNS: readonly Column[] = [
  { key: "program", title: "program" },
  { key: "way", title: "way" },
  ...MOMENTS.flatMap((moment): Column[] => [
    { key: `${moment}`, title: `million in ${moment} ms`, digits: 2 },
    { key: `${moment} least`, title: "least", digits: 2 },
  ]),
  { key: "million", title: "a million takes, ms", digits: 0 },
  { key: "longest", title: "longest", digits: 0 },
  { key: "thread", title: "of its thread's time", digits: 0 },
  { key: "threadLongest", title: "longest", digits: 0 },
  { key: "late", title: `over ${DEADLINE} ms, %`, digits: 0 },
];

function rowOf(results: readonly (readonly [Task, Sample])[], program: string, way: Way): Row {
  const values = (key: string) =>
    gather(results, key, (task) => task.program === program && task.way === way);
  const moments = MOMENTS.flatMap((moment): [string, number | null][] => {
    const done = values(String(moment));
    if (done.length === 0) return [];
    return [
      [`${moment}`, median(done)],
      [`${moment} least`, Math.min(...done)],
    ];
  });
  const million = values("million");
  const late = million.filter((time) => time > DEADLINE).length;
  return {
    program,
    way,
    ...Object.fromEntries(moments),
    million: median(million),
    longest: Math.max(...million),
    thread: median(values("thread")),
    threadLongest: Math.max(...values("thread")),
    late: (100 * late) / million.length,
  };
}

/** The first moments of a process. */
export const COLD_START: Bench = {
  name: "cold-start",
  tasks,
  measure,
  report(results) {
    const measured = PROGRAMS.filter((name) => results.some(([task]) => task.program === name));
    const about =
      "Millions of instructions in the first moments of a process, and wall-clock time of a " +
      "million, beside what the thread had of a processor, which is what it would take on an idle " +
      "machine: medians and worst over processes that have run nothing else. The last program is " +
      "a sixth of a million of each of the others.";
    const rows = measured.flatMap((program) => WAYS.map((way) => rowOf(results, program, way)));
    return { bench: "cold-start", about, columns: COLUMNS, rows };
  },
};
