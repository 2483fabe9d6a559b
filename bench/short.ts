// What tiers cost programs that are short: CPU time from bytes to so many units of fuel, in processes
// that do nothing else, for a small module and for a large one. "auto" should be near the better of
// the other two, whatever the number: it does not know how much is still to come.

import { readFileSync } from "node:fs";
import type { Tier } from "../src/api/index.ts";
import {
  type Bench,
  type Column,
  chosenWays,
  cpuSeconds,
  gather,
  loadPackage,
  median,
  type Package,
  type Row,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";
import { runScript } from "./quickjs.ts";

const TIERS: readonly Tier[] = ["interpreter", "compiled", "auto"];
/** Units of fuel that programs get. */
const LENGTHS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8] as const;

const KERNEL = new URL("kernels/compress.wasm", import.meta.url);
/** Keeps the kernel busy for longer than anybody waits here. */
const KERNEL_SIZE = 55_000;

function runKernel({ Module, Store }: Package, tier: Tier, fuel: number): void {
  const store = new Store({ fuel, tier });
  store
    .instantiate(Module.from(readFileSync(KERNEL)))
    .func("run")
    .call(KERNEL_SIZE);
}

const PROGRAMS: Readonly<Record<string, typeof runKernel>> = {
  "compress, 2 KB": runKernel,
  "QuickJS, 0.6 MB": runScript,
};

async function measure({ fuel, program, tier }: Task): Promise<Sample> {
  const wasmeter = await loadPackage();
  const run = PROGRAMS[String(program)];
  const [began, clock] = [cpuSeconds(), performance.now()];
  try {
    run(wasmeter, tier as Tier, Number(fuel));
  } catch (error) {
    if (!(error instanceof wasmeter.Exhaustion) || error.kind !== "fuel") throw error;
    return { cpu: [cpuSeconds() - began], clock: [(performance.now() - clock) / 1e3] };
  }
  throw new Error(`${program} came to an end before ${fuel} units`);
}

function tasks(quick: boolean, selection: Selection): Task[] {
  const rounds = selection.processes ?? (quick ? 1 : 9);
  const tiers = chosenWays(TIERS, selection);
  const programs = Object.keys(PROGRAMS);
  const round = programs.flatMap((program) =>
    LENGTHS.flatMap((fuel) => tiers.map((tier): Task => ({ program, fuel, tier }))),
  );
  return Array.from({ length: rounds }, () => round).flat();
}

const COLUMNS: readonly Column[] = [
  { key: "program", title: "program" },
  { key: "fuel", title: "units" },
  ...TIERS.map((tier) => ({ key: `${tier} cpu`, title: `${tier}, ms`, digits: 1 })),
  ...TIERS.map((tier) => ({ key: `${tier} clock`, title: `${tier}, by the clock`, digits: 1 })),
];

/** Short programs. */
export const SHORT: Bench = {
  name: "short",
  tasks,
  measure,
  report(results) {
    const tiers = TIERS.filter((tier) => results.some(([task]) => task.tier === tier));
    const rowOf = (program: string, fuel: number): Row => {
      const entries = tiers.flatMap((tier) =>
        ["cpu", "clock"].map((key) => {
          const isThis = (task: Task) =>
            task.program === program && task.fuel === fuel && task.tier === tier;
          return [`${tier} ${key}`, 1e3 * median(gather(results, key, isThis))];
        }),
      );
      return { program, fuel: fuel.toLocaleString("en"), ...Object.fromEntries(entries) };
    };
    const rows = Object.keys(PROGRAMS).flatMap((program) =>
      LENGTHS.map((fuel) => rowOf(program, fuel)),
    );
    const about =
      "Programs that end after so many units of fuel, in each tier: CPU time of all threads, and " +
      "time by the clock, from the module's bytes to the end in a fresh process. Medians.";
    return { bench: "short", about, columns: COLUMNS, rows };
  },
};
