// One kind of instruction at a time, with the package `benchmark`: what a dispatch, a call, a call
// to and from the host, an access to memory or an operation takes in wasmeter with exact fuel on, in
// either tier, and in the host's own WebAssembly. A process measures one kind: nothing else has trained it.

import Benchmark from "benchmark";
import load from "wabt";
import type { Tier } from "../src/api/index.ts";
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
  readonly interpreter: Side;
  readonly compiled: Side;
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

/** Our own side in a tier, and the units that it has used. */
function ownSide({ Module, Store }: Package, bytes: Uint8Array, micro: MicroModule, tier: Tier) {
  const store = new Store({ fuel: AMPLE_FUEL, tier });
  const func = store.instantiate(Module.from(bytes), IMPORTS).func("run");
  const run = side((...args) => func.call(...args), micro);
  return { run, used: () => AMPLE_FUEL - store.fuel };
}

async function prepare(wasmeter: Package, name: string): Promise<Subject> {
  const micro = MICRO_MODULES[name];
  const { parseWat } = await load();
  const bytes = parseWat(`${name}.wat`, micro.text).toBinary({}).buffer;
  const interpreter = ownSide(wasmeter, bytes, micro, "interpreter");
  const compiled = ownSide(wasmeter, bytes, micro, "compiled");
  const host = side(hostExport(bytes, "run", IMPORTS), micro);
  const expected = host();
  for (const { run } of [interpreter, compiled]) {
    const found = run();
    if (found !== expected) throw new Error(`${name}: ${found} instead of the host's ${expected}`);
  }
  const fuel = interpreter.used();
  if (compiled.used() !== fuel) throw new Error(`${name}: fuel differs between tiers`);
  return {
    items: TURNS * (micro.items ?? 1),
    interpreter: interpreter.run,
    compiled: compiled.run,
    host,
    fuel,
  };
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
  const { compiled, fuel, host, interpreter, items } = await prepare(await loadPackage(), name);
  const seconds = Number(task.seconds);
  return {
    items: [items],
    fuel: [fuel],
    interpreter: [await shortest(name, interpreter, seconds)],
    compiled: [await shortest(name, compiled, seconds)],
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
  { key: "host", title: "host, ns", digits: 2 },
  { key: "compiled", title: "compiled, ns", digits: 2 },
  { key: "compiledRatio", title: "ratio", digits: 2 },
  { key: "interpreter", title: "interpreter, ns", digits: 2 },
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
      const [items, fuel] = ["items", "fuel"].map(value);
      const [compiled, host, interpreter] = ["compiled", "host", "interpreter"].map(value);
      return {
        case: String(task.case),
        host: (1e9 * host) / items,
        compiled: (1e9 * compiled) / items,
        compiledRatio: compiled / host,
        interpreter: (1e9 * interpreter) / items,
        ratio: interpreter / host,
        instructions: fuel / items,
        perInstruction: (1e9 * interpreter) / fuel,
      };
    });
    const about =
      "Execution of one kind of instruction, with what brings its operands and its share of the " +
      "loop around it: wall-clock time of one, exact fuel on, beside the host's own WebAssembly, " +
      "by the package benchmark (shortest sample), each kind in its own process.";
    return { bench: "micro-run", about, columns: COLUMNS, rows };
  },
};
