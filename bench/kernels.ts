// Execution speed: kernels of our own (bench/kernels) on scalars, vectors and GC objects, each run
// through the package's API with exact fuel beside the host's own WebAssembly in the same process,
// checksums compared. Two kinds of process: "mixed" ones have first run all the kernels of the
// group, so that the interpreter's loops know every instruction they use and no longer change;
// "alone" ones have run nothing else, which is faster than what a program that uses everything will
// see. Each tier is measured running to the end and really stopped about every millisecond.

import { readFileSync } from "node:fs";
import {
  type Bench,
  type Column,
  cpuSeconds,
  gather,
  loadPackage,
  median,
  type Package,
  type Report,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";
import { hostExport } from "./host.ts";

/** Kernels that are measured together. */
interface Group {
  readonly name: string;
  /** What they are. */
  readonly about: string;
  /** Where they are, below bench/. */
  readonly folder: string;
  /** The argument of each: the host's own WebAssembly takes at least 10 ms for it. */
  readonly sizes: Readonly<Record<string, number>>;
}

const SCALARS: Group = {
  name: "execution",
  about: "C kernels",
  folder: "kernels",
  sizes: {
    recursion: 33,
    sieve: 60,
    nbody: 250_000,
    mandelbrot: 450,
    matrix_f64: 20,
    matrix_i32: 22,
    sha256: 3000,
    hash64: 6000,
    sort: 110_000,
    machine: 12_000,
    bulk: 4500,
    strings: 160,
    dispatch: 8000,
    compress: 55,
  },
};

const VECTORS: Group = {
  name: "vectors",
  about: "C kernels on vectors",
  folder: "kernels/vector",
  sizes: {
    dot_f32: 18_000,
    dot_i16: 18_000,
    dot_i8: 11_000,
    blur: 700,
    base64: 4000,
    search: 2800,
    matrix_4x4: 6000,
    chacha20: 8000,
  },
};

const OBJECTS: Group = {
  name: "gc",
  about: "Kernels on GC objects",
  folder: "kernels/gc",
  sizes: { binary_trees: 300, list_sort: 20, casts: 40, arrays: 50 },
};

/** Much more than a run needs, and still exact when something is subtracted from it. */
const AMPLE_FUEL = 2 ** 50;
/** Part of a kernel's work that is enough to learn from. */
const LEARNING_PART = 20;
const LEARNING_PASSES = 3;
const WARM_RUNS = 8;
/** Enough for the interpreter, which has learnt before. */
const FEW_RUNS = 2;

/** The host's own WebAssembly, and how our own side executes a kernel. */
const HOST = "host";
const WAYS = ["interpreter", "interpreter stopped", "compiled", "compiled stopped"] as const;
type Way = (typeof WAYS)[number];
/** What stopped runs are compared with, to see how far they come in a millisecond. */
const ENDLESS: Readonly<Partial<Record<Way, Way>>> = {
  "interpreter stopped": "interpreter",
  "compiled stopped": "compiled",
};

/** A kernel ready to run on some side; a run gives the checksum. */
interface Side {
  run(size: number): unknown;
  /** Units after which runs stop, and go on. */
  slice: number;
  /** Units used and stops so far. */
  fuel(): number;
  stops(): number;
}

interface Kernel {
  readonly name: string;
  readonly size: number;
  readonly host: (size: number) => unknown;
  readonly ways: readonly (readonly [Way, Side])[];
}

function sideOf({ Module, Store }: Package, bytes: Uint8Array, way: Way): Side {
  const tier = way.startsWith("compiled") ? "compiled" : "interpreter";
  const store = new Store({ fuel: AMPLE_FUEL, tier });
  const func = store.instantiate(Module.from(bytes)).func("run");
  let stops = 0;
  return {
    slice: Number.POSITIVE_INFINITY,
    fuel: () => AMPLE_FUEL - store.fuel,
    stops: () => stops,
    run(size) {
      const { slice } = this;
      if (slice === Number.POSITIVE_INFINITY) return func.call(size);
      const execution = func.start(size);
      for (;;) {
        const outcome = execution.run({ slice });
        if (outcome.kind === "returned") return outcome.value;
        if (outcome.kind !== "suspended") throw new Error(`${way} ${outcome.kind}`);
        stops++;
      }
    },
  };
}

function prepare(wasmeter: Package, { folder, sizes }: Group, name: string): Kernel {
  const bytes = readFileSync(new URL(`${folder}/${name}.wasm`, import.meta.url));
  return {
    name,
    size: sizes[name],
    host: hostExport(bytes, "run"),
    ways: WAYS.map((way) => [way, sideOf(wasmeter, bytes, way)]),
  };
}

/** One run on either side: the seconds it took, having made sure of the checksum. */
function timedChecksum(kernel: Kernel, run: (size: number) => unknown, expected: unknown): number {
  const start = cpuSeconds();
  const checksum = run(kernel.size);
  const seconds = cpuSeconds() - start;
  if (checksum === expected) return seconds;
  throw new Error(`${kernel.name}: checksum ${checksum} instead of the host's ${expected}`);
}

/** Stopped runs stop about every millisecond from now on. */
function setSlices({ ways }: Kernel, seconds: (way: Way) => number, fuel: number): void {
  for (const [way, side] of ways) {
    const endless = ENDLESS[way];
    if (endless !== undefined) side.slice = Math.ceil(fuel / (1e3 * seconds(endless)));
  }
}

/** Medians of all sides in seconds, fuel and stops of a run, under names with the kernel's. */
function measureKernel(kernel: Kernel, runs: number): [string, number[]][] {
  const { name, ways } = kernel;
  const expected = kernel.host(kernel.size);
  const last = new Map<Way, number>();
  const fuels = new Set<number>();
  const runWay = ([way, side]: readonly [Way, Side]) => {
    const before = side.fuel();
    last.set(
      way,
      timedChecksum(kernel, (size) => side.run(size), expected),
    );
    fuels.add(side.fuel() - before);
  };
  for (let i = 0; i < WARM_RUNS; i++) {
    timedChecksum(kernel, kernel.host, expected);
    for (const item of ways) if (item[0].startsWith("compiled") || i < FEW_RUNS) runWay(item);
    if (i === FEW_RUNS) setSlices(kernel, (way) => last.get(way) ?? 0, [...fuels][0]);
  }
  const times = new Map<string, number[]>([HOST, ...WAYS].map((side) => [side, []]));
  const before = ways.map(([, side]) => side.stops());
  for (let i = 0; i < runs; i++) {
    times.get(HOST)?.push(timedChecksum(kernel, kernel.host, expected));
    for (const item of ways) {
      runWay(item);
      times.get(item[0])?.push(last.get(item[0]) ?? 0);
    }
  }
  if (fuels.size !== 1) throw new Error(`${name}: fuel differs between runs: ${[...fuels]}`);
  return [
    ...[...times].map(([side, all]): [string, number[]] => [`${name} ${side}`, [median(all)]]),
    ...ways.map(([way, side], i): [string, number[]] => {
      return [`${name} ${way} stops`, [(side.stops() - before[i]) / runs]];
    }),
    [`${name} fuel`, [...fuels]],
  ];
}

/** A pause lets the host finish compiling what has just proved hot. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

async function learn(kernels: readonly Kernel[]): Promise<void> {
  for (let pass = 0; pass < LEARNING_PASSES; pass++) {
    for (const { size, ways } of kernels) {
      const [[, interpreted]] = ways;
      // Recursion's work is exponential in its argument.
      interpreted.run(size < 100 ? Math.ceil(size / 2) : Math.ceil(size / LEARNING_PART));
      await pause();
    }
  }
}

async function measure(group: Group, task: Task): Promise<Sample> {
  const wasmeter = await loadPackage();
  const only = String(task.only);
  const names = task.process === "alone" ? [only] : Object.keys(group.sizes);
  const kernels = names.map((name) => prepare(wasmeter, group, name));
  if (task.process === "mixed") await learn(kernels);
  const wanted = kernels.filter(({ name }) => only === "" || name === only);
  return Object.fromEntries(wanted.flatMap((kernel) => measureKernel(kernel, Number(task.runs))));
}

function tasks({ sizes }: Group, quick: boolean, selection: Selection): Task[] {
  const { only } = selection;
  const known = Object.keys(sizes);
  if (only !== null && !known.includes(only)) {
    throw new RangeError(`no kernel "${only}"; known: ${known.join(", ")}`);
  }
  const runs = selection.runs ?? (quick ? 3 : 5);
  const processes = selection.processes ?? (quick ? 1 : 3);
  const names = only === null ? known : [only];
  const rounds = Array.from({ length: processes }, (): Task[] => [
    { process: "mixed", only: only ?? "", runs },
    ...names.map((name) => ({ process: "alone", only: name, runs })),
  ]);
  return rounds.flat();
}

const COLUMNS: readonly Column[] = [
  { key: "kernel", title: "kernel" },
  { key: "fuel", title: "million instructions", digits: 0 },
  { key: "host", title: "host, ms", digits: 1 },
  { key: "compiled", title: "compiled", digits: 2 },
  { key: "compiled stopped", title: "stopped every ms", digits: 2 },
  { key: "compiled stopped stops", title: "stops", digits: 0 },
  { key: "interpreter", title: "interpreter", digits: 1 },
  { key: "interpreter stopped", title: "stopped every ms", digits: 1 },
  { key: "alone", title: "alone", digits: 1 },
  { key: "nanoseconds", title: "ns per instruction", digits: 2 },
];
/** Of which there is a geometric mean. */
const RATIOS = [...WAYS, "alone"] as const;

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function report(group: Group, results: readonly (readonly [Task, Sample])[]): Report {
  const value = (name: string, what: string, process = "mixed") =>
    median(gather(results, `${name} ${what}`, (task) => task.process === process));
  const measured = Object.keys(group.sizes).filter((name) =>
    results.some(([, sample]) => `${name} fuel` in sample),
  );
  const rows = measured.map((name): Readonly<Record<string, number>> & { kernel: string } => {
    const ratios = WAYS.map((way) => [way, value(name, way) / value(name, HOST)]);
    return {
      kernel: name,
      host: 1e3 * value(name, HOST),
      fuel: value(name, "fuel") / 1e6,
      ...Object.fromEntries(ratios),
      alone: value(name, "interpreter", "alone") / value(name, HOST, "alone"),
      nanoseconds: (1e9 * value(name, "interpreter")) / value(name, "fuel"),
      "compiled stopped stops": value(name, "compiled stopped stops"),
    };
  });
  const mean = [...RATIOS, "nanoseconds"].map((key) => {
    return [key, geometricMean(rows.map((row) => row[key]))];
  });
  const about =
    `${group.about}, exact fuel on, beside the host's own WebAssembly in the same process: CPU ` +
    "time as ratio to the host's, medians over runs and processes, in processes that ran all the " +
    'kernels before; "alone": the interpreter in processes that ran nothing else.';
  const last = { kernel: "geometric mean", ...Object.fromEntries(mean) };
  return { bench: group.name, about, columns: COLUMNS, rows: [...rows, last] };
}

function benchOf(group: Group): Bench {
  return {
    name: group.name,
    tasks: (quick, selection) => tasks(group, quick, selection),
    measure: (task) => measure(group, task),
    report: (results) => report(group, results),
  };
}

/** Kernels beside the host's own WebAssembly. */
export const EXECUTION: Bench = benchOf(SCALARS);
/** The same where the newest V8 measures. */
export const EXECUTION_NEW: Bench = {
  ...benchOf({ ...SCALARS, name: "execution-new" }),
  node: "26",
};
/** Those on vectors. */
export const VECTORS_BENCH: Bench = benchOf(VECTORS);
/** Those on GC objects, which Node 20 does not know. */
export const GC_BENCH: Bench = { ...benchOf(OBJECTS), node: "26" };
