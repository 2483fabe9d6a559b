// How much work is left when the last byte of a module has arrived: the module comes in chunks of
// 16 KiB, and the CPU time of each push is measured; the stream's own waiting is left out. And how
// early an error in the first function body shows.

import {
  type Bench,
  type Built,
  type Column,
  cpuSeconds,
  gather,
  loadBuilt,
  median,
  type Sample,
  type Task,
} from "./harness.ts";
import { MODULE_NAMES, moduleBytes } from "./modules.ts";

const CHUNK_BYTES = 16 * 1024;
const BREAK = 0xff;
const PER_CENT = 100;

/** Seconds of each push and, last, of `end`. */
function pushTimes({ api }: Built, bytes: Uint8Array, chunkBytes: number): number[] {
  const decoder = new api.ModuleDecoder();
  const times: number[] = [];
  let before = cpuSeconds();
  const note = () => {
    const now = cpuSeconds();
    times.push(now - before);
    before = now;
  };
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    decoder.push(bytes.subarray(at, at + chunkBytes));
    note();
  }
  decoder.end();
  note();
  return times;
}

/** Bytes and seconds until the decoder refuses a module whose first body is broken. */
function firstError({ api }: Built, bytes: Uint8Array): { fed: number; seconds: number } {
  const { bodyEnds } = api.Module.from(bytes).record;
  const broken = bytes.slice();
  // The final `end` of the first body becomes an opcode that does not exist.
  broken[bodyEnds[0] - 1] = BREAK;
  const decoder = new api.ModuleDecoder();
  const before = cpuSeconds();
  for (let at = 0; at < broken.length; at += CHUNK_BYTES) {
    const chunk = broken.subarray(at, at + CHUNK_BYTES);
    try {
      decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof api.MalformedError)) throw error;
      return { fed: at + chunk.length, seconds: cpuSeconds() - before };
    }
  }
  throw new Error("the broken module was accepted");
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

async function measure(task: Task): Promise<Sample> {
  const built = await loadBuilt();
  const bytes = moduleBytes(String(task.module));
  const sample = {
    bytes: [bytes.length],
    total: [] as number[],
    last: [] as number[],
    longest: [] as number[],
    whole: [] as number[],
    fed: [] as number[],
    error: [] as number[],
  };
  for (let i = 0; i < Number(task.runs); i++) {
    const times = pushTimes(built, bytes, CHUNK_BYTES);
    sample.total.push(sum(times));
    sample.last.push(times[times.length - 1] + times[times.length - 2]);
    sample.longest.push(Math.max(...times));
    sample.whole.push(sum(pushTimes(built, bytes, bytes.length)));
    const { fed, seconds } = firstError(built, bytes);
    sample.fed.push(fed);
    sample.error.push(seconds);
  }
  return sample;
}

const COLUMNS: readonly Column[] = [
  { key: "module", title: "module" },
  { key: "total", title: "all pushes, ms", digits: 1 },
  { key: "whole", title: "in one chunk, ms", digits: 1 },
  { key: "last", title: "after the last byte, ms", digits: 2 },
  { key: "share", title: "share, %", digits: 2 },
  { key: "longest", title: "longest push, ms", digits: 1 },
  { key: "fed", title: "error seen after, %", digits: 1 },
  { key: "error", title: "error, ms", digits: 1 },
];

export const STREAM: Bench = {
  name: "stream",
  tasks(quick) {
    return MODULE_NAMES.map((module) => ({ module, runs: quick ? 3 : 9 }));
  },
  measure,
  report(results) {
    const rows = MODULE_NAMES.map((module) => {
      const middle = (key: string) => median(gather(results, key, (t) => t.module === module));
      const totals = gather(results, "total", (task) => task.module === module);
      const lasts = gather(results, "last", (task) => task.module === module);
      return {
        module,
        total: 1e3 * middle("total"),
        whole: 1e3 * middle("whole"),
        last: 1e3 * middle("last"),
        share: PER_CENT * median(lasts.map((last, i) => last / totals[i])),
        longest: 1e3 * middle("longest"),
        fed: (PER_CENT * middle("fed")) / middle("bytes"),
        error: 1e3 * middle("error"),
      };
    });
    const about =
      "Chunks of 16 KiB: CPU time of all pushes, of the last push and end() together and their " +
      "share of the whole; and how much of a module with a broken first body is read before the " +
      "error, in percent of its bytes and in CPU time. Medians.";
    return { bench: "stream", about, columns: COLUMNS, rows };
  },
};
