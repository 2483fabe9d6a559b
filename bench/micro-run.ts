// One kind of instruction at a time, with the package `benchmark`: what a dispatch, a call, a call
// to and from the host, an access to memory or an operation takes in wasmeter with exact fuel on,
// and in the host's own WebAssembly. A process measures one kind: nothing else has trained it.

import Benchmark from "benchmark";
import load from "wabt";
import {
  type Bench,
  type Column,
  gather,
  loadPackage,
  type Package,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";
import { type HostFunction, hostExport } from "./host.ts";
import { MICRO_MODULES, type MicroModule } from "./micro-modules.ts";

const TURNS = 20_000;
const AMPLE_FUEL = 2 ** 50;
const IMPORTS = { host: { increment: (value: number | bigint) => (Number(value) + 1) | 0 } };

/** Runs all turns once, on either side; gives what must be equal on both. */
type Side = () => unknown;

/** One kind of instruction, ready to be measured. */
interface Subject {
  readonly items: number;
  readonly ours: Side;
  readonly host: Side;
  /** Units of fuel that one run uses. */
  readonly fuel: number;
}

/** All turns: in the module, or by calling it as often. */
function side(run: HostFunction, { items }: MicroModule): Side {
  if (items !== null) return () => run(TURNS);
  return () => {
    let value: unknown = 0;
    for (let turn = 0; turn < TURNS; turn++) value = run(value as number);
    return value;
  };
}

async function prepare({ Module, Store }: Package, name: string): Promise<Subject> {
  const micro = MICRO_MODULES[name];
  const { parseWat } = await load();
  const bytes = parseWat(`${name}.wat`, micro.text).toBinary({}).buffer;
  const store = new Store({ fuel: AMPLE_FUEL });
  const func = store.instantiate(Module.from(bytes), IMPORTS).func("run");
  const ours = side((...args) => func.call(...args), micro);
  const host = side(hostExport(bytes, "run", IMPORTS), micro);
  const before = store.fuel;
  const [found, expected] = [ours(), host()];
  if (found !== expected) throw new Error(`${name}: ${found} instead of the host's ${expected}`);
  return { items: TURNS * (micro.items ?? 1), ours, host, fuel: before - store.fuel };
}

/** Seconds of the shortest sample: the others contain more of what else the machine was doing. */
function shortest(name: string, action: Side, seconds: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { maxTime: seconds, minSamples: 5 };
    const benchmark = new Benchmark(name, () => void action(), options);
    benchmark.on("complete", () => resolve(Math.min(...benchmark.stats.sample)));
    benchmark.on("error", () => reject(benchmark.error));
    benchmark.run({ async: true });
  });
}

async function measure(task: Task): Promise<Sample> {
  const name = String(task.case);
  const { items, ours, host, fuel } = await prepare(await loadPackage(), name);
  const seconds = Number(task.seconds);
  return {
    items: [items],
    fuel: [fuel],
    ours: [await shortest(name, ours, seconds)],
    host: [await shortest(name, host, seconds)],
  };
}

function tasks(quick: boolean, { only }: Selection): Task[] {
  const names = Object.keys(MICRO_MODULES);
  if (only !== null && !names.includes(only)) {
    throw new RangeError(`no case "${only}"; known: ${names.join(", ")}`);
  }
  return names
    .filter((name) => only === null || name === only)
    .map((name) => ({ case: name, seconds: quick ? 0.2 : 2 }));
}

const COLUMNS: readonly Column[] = [
  { key: "case", title: "what" },
  { key: "ours", title: "wasmeter, ns", digits: 2 },
  { key: "host", title: "host, ns", digits: 2 },
  { key: "ratio", title: "ratio", digits: 1 },
  { key: "instructions", title: "fuel", digits: 2 },
  { key: "perInstruction", title: "ns per unit of fuel", digits: 2 },
];

export const MICRO_RUN: Bench = {
  name: "micro-run",
  tasks,
  measure,
  report(results) {
    const rows = results.map(([task]) => {
      const value = (key: string) => gather(results, key, (other) => other === task)[0];
      const [items, fuel, ours, host] = ["items", "fuel", "ours", "host"].map(value);
      return {
        case: String(task.case),
        ours: (1e9 * ours) / items,
        host: (1e9 * host) / items,
        ratio: ours / host,
        instructions: fuel / items,
        perInstruction: (1e9 * ours) / fuel,
      };
    });
    const about =
      "Execution of one kind of instruction, with what brings its operands and its share of the " +
      "loop around it: wall-clock time of one, exact fuel on, beside the host's own WebAssembly, " +
      "by the package benchmark (shortest sample), each kind in its own process.";
    return { bench: "micro-run", about, columns: COLUMNS, rows };
  },
};
