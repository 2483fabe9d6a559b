// What an instance costs: many instances of a small module in one process, made through the API,
// each called once. Heap after collection, memory outside of it, and what the system counts for the
// process; and the time to make one.

import {
  type Bench,
  type Column,
  gather,
  loadPackage,
  median,
  type Package,
  type Row,
  type Sample,
  type Task,
} from "./harness.ts";
import { body, funcType, moduleOf, TYPE } from "./writer.ts";

const COUNT = 10_000;
/** Instances made before the first look at memory: tables and code that all of them share. */
const EARLIER = 200;
const LIMIT_BYTES = 2 ** 40;

/** A counter: an imported function, a global, a table if wanted, a memory if wanted. */
function counter({ table = false, memory = false }): Uint8Array {
  return moduleOf({
    type: (w) =>
      w.vec(2, (_, i) => {
        if (i === 0) funcType(w, [TYPE.i32], []);
        else funcType(w, [TYPE.i32], [TYPE.i32]);
      }),
    import: (w) => w.vec(1, () => w.name("env").name("log").u8(0, 0)),
    function: (w) => w.vec(1, () => w.u32(1)),
    ...(table && { table: (w) => w.vec(1, () => w.u8(TYPE.funcref, 0, 8)) }),
    ...(memory && { memory: (w) => w.vec(1, () => w.u8(0, 1)) }),
    global: (w) => w.vec(1, () => w.u8(TYPE.i32, 1, 0x41, 0, 0x0b)),
    export: (w) => w.vec(1, () => w.name("add").u8(0, 1)),
    // The global plus the argument, kept and returned.
    code: (w) => w.vec(1, () => body(w, (b) => b.u8(0x23, 0, 0x20, 0, 0x6a, 0x24, 0, 0x23, 0))),
  });
}

const MODULES: Readonly<Record<string, () => Uint8Array>> = {
  "function, import, global": () => counter({}),
  "the same and a table of 8": () => counter({ table: true }),
  "the same and a memory of 64 KiB": () => counter({ table: true, memory: true }),
};

/** Bytes after collection of what is not needed any more. */
function memoryNow() {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, external, rss };
}

/** `count` instances, each of which has been called. */
function make({ Module, Store }: Package, bytes: Uint8Array, count: number) {
  const store = new Store({ limits: { memoryBytes: LIMIT_BYTES } });
  const module = Module.from(bytes);
  const imports = { env: { log: () => undefined } };
  return Array.from({ length: count }, (_, i) => {
    const instance = store.instantiate(module, imports);
    if (instance.func("add").call(i) !== i) throw new Error(`instance ${i} miscounts`);
    return instance;
  });
}

async function measure(task: Task): Promise<Sample> {
  const wasmeter = await loadPackage();
  const bytes = MODULES[String(task.module)]();
  const earlier = make(wasmeter, bytes, EARLIER);
  const before = memoryNow();
  const started = performance.now();
  const instances = make(wasmeter, bytes, Number(task.count));
  const milliseconds = performance.now() - started;
  const after = memoryNow();
  // All of them are alive and keep what they have counted.
  for (const [i, instance] of [...earlier, ...instances].entries()) {
    const expected = 2 * (i < EARLIER ? i : i - EARLIER);
    const found = instance.func("add").call(expected / 2);
    if (found !== expected) throw new Error(`instance ${i} has counted ${found}`);
  }
  const per = (key: keyof typeof after) => [(after[key] - before[key]) / instances.length];
  const microseconds = [(1e3 * milliseconds) / instances.length];
  return { heap: per("heap"), external: per("external"), rss: per("rss"), microseconds };
}

const COLUMNS: readonly Column[] = [
  { key: "module", title: "module" },
  { key: "heap", title: "heap, bytes" },
  { key: "external", title: "outside the heap, bytes" },
  { key: "rss", title: "resident, bytes" },
  { key: "microseconds", title: "made and called in, µs", digits: 1 },
];

export const INSTANCES: Bench = {
  name: "instances",
  nodeOptions: ["--expose-gc"],
  tasks: (quick, selection) =>
    Object.keys(MODULES).flatMap((module) =>
      Array.from({ length: selection.processes ?? (quick ? 1 : 5) }, () => {
        return { module, count: COUNT };
      }),
    ),
  measure,
  report(results) {
    const rows: Row[] = Object.keys(MODULES).map((module) => {
      const middle = (key: string) =>
        median(gather(results, key, (task) => task.module === module));
      const keys = ["heap", "external", "rss", "microseconds"];
      return { module, ...Object.fromEntries(keys.map((key) => [key, middle(key)])) };
    });
    const about =
      `${COUNT.toLocaleString("en")} instances of a small module in one process, each with an ` +
      "Instance and a Func of the API in use: memory and wall-clock time per instance, medians.";
    return { bench: "instances", about, columns: COLUMNS, rows };
  },
};
