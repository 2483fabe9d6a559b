// Execution speed: kernels of our own (bench/kernels) on scalars, vectors and GC objects, each run
// through the package's API with exact fuel beside the host's own WebAssembly in the same process,
// checksums compared. Two kinds of process: "mixed" ones have first run all the kernels of the
// group, so that the interpreter's loops know every instruction they use and no longer change;
// "alone" ones have run nothing else, which is faster than what a program that uses everything will
// see. The host tier, where the host's engine executes what we write for it, is measured beside.

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
  type Row,
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
const WARM_NATIVE_RUNS = 8;
const WARM_RUNS = 2;

/** A kernel ready to run; a run gives the checksum. */
interface Kernel {
  readonly name: string;
  readonly size: number;
  native(size: number): unknown;
  ours(size: number): unknown;
  compiled(size: number): unknown;
  /** Fuel used so far by each tier. */
  fuel(): Readonly<Record<Tier, number>>;
}

/** Who executes our own side of a kernel. */
type Tier = "ours" | "compiled";
const TIERS: readonly Tier[] = ["ours", "compiled"];

function prepare({ Module, Store }: Package, { folder, sizes }: Group, name: string): Kernel {
  const bytes = readFileSync(new URL(`${folder}/${name}.wasm`, import.meta.url));
  const [ours, compiled] = (["interpreter", "compiled"] as const).map((tier) => {
    const store = new Store({ fuel: AMPLE_FUEL, tier });
    return { run: store.instantiate(Module.from(bytes)).func("run"), store };
  });
  const used = (store: { readonly fuel: number }) => AMPLE_FUEL - store.fuel;
  return {
    name,
    size: sizes[name],
    native: hostExport(bytes, "run"),
    ours: (size) => ours.run.call(size),
    compiled: (size) => compiled.run.call(size),
    fuel: () => ({ ours: used(ours.store), compiled: used(compiled.store) }),
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

/** Fuel of one run; every run must use the same, in both tiers. */
function fuelOfRuns(kernel: Kernel, before: ReturnType<Kernel["fuel"]>, runs: number): number {
  const after = kernel.fuel();
  const [fuel, compiled] = TIERS.map((tier) => (after[tier] - before[tier]) / runs);
  if (Number.isInteger(fuel) && fuel === compiled) return fuel;
  throw new Error(`${kernel.name}: fuel differs between runs`);
}

/** Medians of all sides in seconds, and the fuel of a run, under names with the kernel's. */
function measureKernel(kernel: Kernel, runs: number): [string, number[]][] {
  const expected = kernel.native(kernel.size);
  for (let i = 0; i < WARM_NATIVE_RUNS; i++) {
    timedChecksum(kernel, kernel.native, expected);
    timedChecksum(kernel, kernel.compiled, expected);
  }
  for (let i = 0; i < WARM_RUNS; i++) timedChecksum(kernel, kernel.ours, expected);
  const sides = ["native", ...TIERS] as const;
  const times = sides.map((): number[] => []);
  const before = kernel.fuel();
  for (let i = 0; i < runs; i++) {
    sides.forEach((side, at) => {
      times[at].push(timedChecksum(kernel, kernel[side], expected));
    });
  }
  return [
    ...sides.map((side, at): [string, number[]] => [`${kernel.name} ${side}`, [median(times[at])]]),
    [`${kernel.name} fuel`, [fuelOfRuns(kernel, before, runs)]],
  ];
}

/** A pause lets the host finish compiling what has just proved hot. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

async function learn(kernels: readonly Kernel[]): Promise<void> {
  for (let pass = 0; pass < LEARNING_PASSES; pass++) {
    for (const kernel of kernels) {
      const { size } = kernel;
      // Recursion's work is exponential in its argument.
      kernel.ours(size < 100 ? Math.ceil(size / 2) : Math.ceil(size / LEARNING_PART));
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
  { key: "native", title: "host, ms", digits: 1 },
  { key: "ours", title: "wasmeter, ms", digits: 0 },
  { key: "ratio", title: "ratio", digits: 1 },
  { key: "fuel", title: "million instructions", digits: 0 },
  { key: "nanoseconds", title: "ns per instruction", digits: 2 },
  { key: "alone", title: "ratio alone", digits: 1 },
  { key: "compiled", title: "host tier, ratio", digits: 2 },
];

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function report(group: Group, results: readonly (readonly [Task, Sample])[]): Report {
  const value = (name: string, what: string, process: string) =>
    median(gather(results, `${name} ${what}`, (task) => task.process === process));
  const ratioOf = (name: string, process: string, tier: Tier = "ours") =>
    value(name, tier, process) / value(name, "native", process);
  const measured = Object.keys(group.sizes).filter((name) =>
    results.some(([, sample]) => `${name} ours` in sample),
  );
  const rows = measured.map((name) => ({
    kernel: name,
    native: 1e3 * value(name, "native", "mixed"),
    ours: 1e3 * value(name, "ours", "mixed"),
    ratio: ratioOf(name, "mixed"),
    fuel: value(name, "fuel", "mixed") / 1e6,
    nanoseconds: (1e9 * value(name, "ours", "mixed")) / value(name, "fuel", "mixed"),
    alone: ratioOf(name, "alone"),
    compiled: ratioOf(name, "mixed", "compiled"),
  }));
  const mean: Row = {
    kernel: "geometric mean",
    ratio: geometricMean(rows.map(({ ratio }) => ratio)),
    nanoseconds: geometricMean(rows.map(({ nanoseconds }) => nanoseconds)),
    alone: geometricMean(rows.map(({ alone }) => alone)),
    compiled: geometricMean(rows.map(({ compiled }) => compiled)),
  };
  const about =
    `${group.about}, exact fuel on, beside the host's own WebAssembly in the same process: CPU ` +
    'time, medians over runs and processes, in processes that ran all the kernels before; "alone": ' +
    "in processes that ran nothing else. Host tier: the host's engine executes what it can.";
  return { bench: group.name, about, columns: COLUMNS, rows: [...rows, mean] };
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
