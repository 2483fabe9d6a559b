// How fast a guest is stopped: an endless loop under a deadline, by hand in a fresh process, when
// the process is warm, and under `callAsync` with the event loop in between.

import { readFileSync } from "node:fs";
import {
  type Bench,
  type Column,
  gather,
  loadPackage,
  median,
  type Sample,
  type Task,
} from "./harness.ts";

const FIXTURE = new URL("../fixtures/greedy.wasm", import.meta.url);
const TIMEOUT = 50;
const RUNS = 20;

async function measure(): Promise<Sample> {
  const { Exhaustion, Module, Store } = await loadPackage();
  const store = new Store({ fuel: 2 ** 50 });
  const loop = store.instantiate(Module.from(readFileSync(FIXTURE))).func("loop");
  const bounded = loop.with({ timeout: TIMEOUT });
  const stopped = async (call: () => unknown): Promise<number> => {
    const began = performance.now();
    try {
      await call();
    } catch (error) {
      if (error instanceof Exhaustion && error.kind === "deadline") {
        return performance.now() - began;
      }
      throw error;
    }
    throw new Error("the loop came to an end");
  };
  const [first] = [await stopped(() => bounded.call())];
  const warm: number[] = [];
  for (let i = 0; i < RUNS; i++) warm.push(await stopped(() => bounded.call()));
  const paced: number[] = [];
  for (let i = 0; i < RUNS; i++) paced.push(await stopped(() => bounded.callAsync()));
  return { "first call of a process": [first], "later calls": warm, callAsync: paced };
}

const COLUMNS: readonly Column[] = [
  { key: "what", title: "an endless loop under a deadline of 50 ms" },
  { key: "median", title: "stopped after, ms", digits: 1 },
  { key: "longest", title: "longest, ms", digits: 1 },
];

/** Deadlines. */
export const CONTROL: Bench = {
  name: "control",
  tasks: (quick): Task[] => Array.from({ length: quick ? 3 : 9 }, (_, process) => ({ process })),
  measure,
  report(results) {
    const rows = ["first call of a process", "later calls", "callAsync"].map((what) => {
      const times = gather(results, what, () => true);
      return { what, median: median(times), longest: Math.max(...times) };
    });
    const about = "Wall-clock time until `call` or `callAsync` has thrown, over processes.";
    return { bench: "control", about, columns: COLUMNS, rows };
  },
};
