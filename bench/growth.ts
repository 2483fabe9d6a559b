// Growth of decoding and validation on hostile shapes: nanoseconds per byte at five sizes, each
// twice the one before, and the exponent of the power law through them. Linear is 1. What the
// host's garbage collector takes is not ours to judge and bends the line; it is told apart.

import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import {
  type Bench,
  type Column,
  exponent,
  gather,
  loadBuilt,
  median,
  quantile,
  type Sample,
  type Task,
  timedRuns,
} from "./harness.ts";
import { SHAPES } from "./shapes.ts";

const DOUBLINGS = 4;
/** An exponent above this is reported as more than linear. */
const LINEAR = 1.2;
/** A single measurement runs the action often enough to last this long. */
const SLICE_SECONDS = 0.01;
const WARM_UP_SECONDS = 0.5;
/** How long the collector's entries may take to arrive. */
const ENTRIES_MILLISECONDS = 5;

/** Knows when the garbage collector ran. */
function collectorClock() {
  let entries: { readonly startTime: number; readonly duration: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    entries.push(...list.getEntries());
  });
  observer.observe({ entryTypes: ["gc"] });
  /** Seconds of collection that began since `start`, in ms of `performance.now`, until now. */
  return async function secondsSince(start: number): Promise<number> {
    const end = performance.now();
    // Entries come by way of the event loop, together with those of collections in idle time.
    await setTimeout(ENTRIES_MILLISECONDS);
    const inside = entries.map(({ startTime, duration }) =>
      Math.max(0, Math.min(startTime + duration, end) - Math.max(startTime, start)),
    );
    entries = [];
    return inside.reduce((sum, milliseconds) => sum + milliseconds, 0) / 1e3;
  };
}

/**
 * Seconds of one run: the mean with the collector, and without it. Not all collections are reported
 * and a pause of the process stretches those that are; a run without any is the better witness.
 */
async function slice(action: () => void, collectorSince: ReturnType<typeof collectorClock>) {
  const start = performance.now();
  const times = timedRuns(action, 1, SLICE_SECONDS);
  const seconds = times.reduce((a, b) => a + b, 0);
  const rest = (seconds - (await collectorSince(start))) / times.length;
  const shortest = Math.min(...times);
  return { total: seconds / times.length, own: rest > 0 ? Math.min(rest, shortest) : shortest };
}

async function measure(task: Task): Promise<Sample> {
  const { api } = await loadBuilt();
  const shape = SHAPES.find(({ name }) => name === task.shape);
  if (shape === undefined) throw new RangeError(`unknown shape "${task.shape}"`);
  const sizes = Array.from({ length: DOUBLINGS + 1 }, (_, i) => shape.base * 2 ** i);
  const modules = sizes.map((n) => shape.make(n));
  // The optimiser's work and first-time growth of stacks belong to none of the sizes.
  timedRuns(() => modules.forEach((bytes) => api.Module.from(bytes)), 3, WARM_UP_SECONDS);
  const collectorSince = collectorClock();
  const own: number[][] = modules.map(() => []);
  const total: number[][] = modules.map(() => []);
  for (let round = 0; round < Number(task.rounds); round++) {
    for (const [i, bytes] of modules.entries()) {
      const times = await slice(() => api.Module.from(bytes), collectorSince);
      own[i].push(times.own);
      total[i].push(times.total);
    }
  }
  return {
    bytes: modules.map(({ length }) => length),
    seconds: own.map((times) => quantile(times, 0.25)),
    total: total.map(median),
  };
}

const COLUMNS: readonly Column[] = [
  { key: "shape", title: "shape" },
  { key: "largest", title: "n up to" },
  { key: "kilobytes", title: "KB up to" },
  ...Array.from({ length: DOUBLINGS + 1 }, (_, i) => {
    return { key: `at${i}`, title: `ns/byte at n/${2 ** (DOUBLINGS - i)}`, digits: 1 };
  }),
  { key: "milliseconds", title: "ms at n with GC", digits: 1 },
  { key: "exponent", title: "exponent", digits: 2 },
  { key: "verdict", title: "growth" },
];

export const GROWTH: Bench = {
  name: "growth",
  // All collection on the thread that reports how long it took; with helpers, their CPU time would
  // be in the total and not in what is taken off.
  nodeOptions: ["--single-threaded-gc"],
  tasks: (quick) => SHAPES.map(({ name }) => ({ shape: name, rounds: quick ? 3 : 15 })),
  measure,
  report(results) {
    const rows = SHAPES.map(({ name, base, make }) => {
      const bytes = gather(results, "bytes", (task) => task.shape === name);
      const seconds = gather(results, "seconds", (task) => task.shape === name);
      const total = gather(results, "total", (task) => task.shape === name);
      // The bytes that every size has do not grow and would bend the line.
      const fixed = make(0).length;
      const slope = exponent(
        bytes.map((length) => length - fixed),
        seconds,
      );
      const perByte = seconds.map((time, i) => [`at${i}`, (1e9 * time) / bytes[i]]);
      return {
        shape: name,
        largest: base * 2 ** DOUBLINGS,
        kilobytes: bytes[DOUBLINGS] / 1e3,
        ...Object.fromEntries(perByte),
        milliseconds: 1e3 * total[DOUBLINGS],
        exponent: slope,
        verdict: slope > LINEAR ? "MORE THAN LINEAR" : "linear",
      };
    });
    const about =
      "Time against size on hostile shapes, decode and validate, warm: nanoseconds of CPU time " +
      "per byte at five doubling sizes without garbage collection, and the exponent through " +
      `them; above ${LINEAR} growth is called more than linear. Time per byte is high where two ` +
      "bytes stand for 1,000 operands.";
    return { bench: "growth", about, columns: COLUMNS, rows };
  },
};
