// Growth of decoding and validation on hostile shapes: nanoseconds per byte at five sizes, each
// twice the one before, and the exponent of the power law through them. Linear is 1.

import {
  type Bench,
  type Column,
  exponent,
  gather,
  loadBuilt,
  median,
  type Sample,
  type Task,
  timed,
  timedRuns,
} from "./harness.ts";
import { SHAPES } from "./shapes.ts";

const DOUBLINGS = 4;
/** An exponent above this is reported as more than linear. */
const LINEAR = 1.2;
/** A single measurement runs the action often enough to last this long. */
const SLICE_SECONDS = 0.01;
const WARM_UP_SECONDS = 0.5;

/** Seconds of one run, as the mean over a slice. */
function sliceTime(action: () => void): number {
  let runs = 0;
  let seconds = 0;
  while (seconds < SLICE_SECONDS) {
    seconds += timed(action);
    runs++;
  }
  return seconds / runs;
}

async function measure(task: Task): Promise<Sample> {
  const { api } = await loadBuilt();
  const shape = SHAPES.find(({ name }) => name === task.shape);
  if (shape === undefined) throw new RangeError(`unknown shape "${task.shape}"`);
  const sizes = Array.from({ length: DOUBLINGS + 1 }, (_, i) => shape.base * 2 ** i);
  const modules = sizes.map((n) => shape.make(n));
  // The optimiser's work and first-time growth of stacks belong to none of the sizes.
  timedRuns(() => modules.forEach((bytes) => api.Module.from(bytes)), 3, WARM_UP_SECONDS);
  const seconds: number[][] = modules.map(() => []);
  for (let round = 0; round < Number(task.rounds); round++) {
    modules.forEach((bytes, i) => {
      seconds[i].push(sliceTime(() => api.Module.from(bytes)));
    });
  }
  return { bytes: modules.map(({ length }) => length), seconds: seconds.map(median) };
}

const COLUMNS: readonly Column[] = [
  { key: "shape", title: "shape" },
  { key: "largest", title: "n up to" },
  { key: "kilobytes", title: "KB up to" },
  ...Array.from({ length: DOUBLINGS + 1 }, (_, i) => {
    return { key: `at${i}`, title: `ns/byte at n/${2 ** (DOUBLINGS - i)}`, digits: 1 };
  }),
  { key: "milliseconds", title: "ms at n", digits: 1 },
  { key: "exponent", title: "exponent", digits: 2 },
  { key: "verdict", title: "growth" },
];

export const GROWTH: Bench = {
  name: "growth",
  // A module's record of many small objects is copied again and again by a small young generation,
  // 16 MB by default: up to 5 times the ns/byte and an exponent of up to 1.7 (V8 11.3).
  nodeOptions: ["--min-semi-space-size=128", "--max-semi-space-size=128"],
  tasks: (quick) => SHAPES.map(({ name }) => ({ shape: name, rounds: quick ? 3 : 9 })),
  measure,
  report(results) {
    const rows = SHAPES.map(({ name, base, make }) => {
      const bytes = gather(results, "bytes", (task) => task.shape === name);
      const seconds = gather(results, "seconds", (task) => task.shape === name);
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
        milliseconds: 1e3 * seconds[DOUBLINGS],
        exponent: slope,
        verdict: slope > LINEAR ? "MORE THAN LINEAR" : "linear",
      };
    });
    const about =
      "Time against size on hostile shapes, decode and validate, warm: nanoseconds of CPU time per " +
      `byte at five doubling sizes; above an exponent of ${LINEAR} growth is called more than ` +
      "linear. A young generation of 128 MB keeps the garbage collector out of the exponent. Time " +
      "per byte is high where two bytes stand for 1,000 operands.";
    return { bench: "growth", about, columns: COLUMNS, rows };
  },
};
