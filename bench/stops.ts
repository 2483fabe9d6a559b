// What it costs to stop a call that is many frames deep, and to let it go on: a function calls
// itself, with operands and locals that are needed afterwards, and counts down in a loop in the
// innermost call. Stopped there once, when all frames have just been made: what stop, resumption and
// the return through them take more than without. Stopped there over and over: what each stop takes.
// And the memory that the host has in use for a call that is suspended.

import load from "wabt";
import type { Execution, Func, Store, Tier } from "../src/api/index.ts";
import {
  type Bench,
  type Column,
  chosenWays,
  gather,
  loadPackage,
  median,
  type Package,
  type Row,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";

const TIERS: readonly Tier[] = ["compiled", "interpreter"];
const DEPTHS = [1, 10, 100, 1_000, 10_000] as const;
const AMPLE_FUEL = 2 ** 50;
/** Frames of all the calls that are kept suspended. */
const KEPT_FRAMES = 50_000;
const MOST_KEPT = 5_000;
/** Units between two stops in the innermost call, and how many of these there are in a run. */
const SLICE = 20_000;
const STOPS = 100;

const TEXT = `(module
  (func $f (export "f") (param $n i32) (param $x i64) (param $m i32) (result i32)
    (local $s i32) (local $d f64)
    (local.set $s (i32.add (local.get $n) (i32.const 3)))
    (local.set $d (f64.convert_i32_s (local.get $n)))
    (if (result i32) (i32.eqz (local.get $n))
      (then
        (loop $l
          (br_if $l (local.tee $m (i32.sub (local.get $m) (i32.const 1)))))
        (i32.const 1))
      (else
        (i32.add
          (i32.add
            (i32.mul (local.get $n) (i32.const 7))
            (call $f
              (i32.sub (local.get $n) (i32.const 1))
              (i64.add (local.get $x) (i64.const 1))
              (local.get $m)))
          (i32.add
            (local.get $s)
            (i32.add
              (i32.wrap_i64 (local.get $x))
              (i32.trunc_f64_s (local.get $d)))))))))`;

/** The function at a depth. */
class Recursion {
  private readonly store: Store;
  private readonly func: Func;
  private readonly depth: number;
  /** Units of all calls but the innermost one's loop, and of a turn of that. */
  private readonly calls: number;
  private readonly turn: number;

  constructor({ Module, Store }: Package, bytes: Uint8Array, tier: Tier, depth: number) {
    this.store = new Store({ fuel: AMPLE_FUEL, tier });
    this.func = this.store.instantiate(Module.from(bytes)).func("f");
    this.depth = depth;
    const [one, two] = [1, 2].map((turns) => this.fuelOf(this.start(turns)));
    this.turn = two - one;
    this.calls = one - this.turn;
  }

  start(turns: number): Execution {
    return this.func.start(this.depth, 5n, turns);
  }

  /** One that turns in the loop when it has used so many units, and long after that. */
  startTurning(units: number): Execution {
    return this.start(Math.ceil((this.toLoop + 2 * units) / this.turn));
  }

  /** Units after which all calls have been made for sure. */
  get toLoop(): number {
    return this.calls + this.turn;
  }

  private fuelOf(execution: Execution): number {
    const before = this.store.fuel;
    finish(execution);
    return before - this.store.fuel;
  }
}

function finish(execution: Execution): unknown {
  const outcome = execution.run();
  if (outcome.kind !== "returned") throw new Error(`the call ${outcome.kind}`);
  return outcome.value;
}

function stopAfter(execution: Execution, slice: number): void {
  const outcome = execution.run({ slice });
  if (outcome.kind !== "suspended") throw new Error(`the call ${outcome.kind}`);
}

/** Microseconds of `run` with what `prepare` gives, the shortest of many. */
function shortest<Prepared>(
  prepare: () => Prepared,
  run: (prepared: Prepared) => void,
  seconds: number,
): number {
  let least = Number.POSITIVE_INFINITY;
  const end = performance.now() + 1e3 * seconds;
  do {
    const prepared = prepare();
    const began = process.hrtime.bigint();
    run(prepared);
    least = Math.min(least, Number(process.hrtime.bigint() - began) / 1e3);
  } while (performance.now() < end);
  return least;
}

function measureOnce(recursion: Recursion, seconds: number): number {
  const { toLoop } = recursion;
  const prepare = () => recursion.startTurning(toLoop);
  // Side by side, so that both profit from what has been compiled meanwhile.
  let [whole, stopped] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 4; round++) {
    whole = Math.min(whole, shortest(prepare, finish, seconds / 8));
    const stopOnce = (execution: Execution) => {
      stopAfter(execution, toLoop);
      finish(execution);
    };
    stopped = Math.min(stopped, shortest(prepare, stopOnce, seconds / 8));
  }
  return stopped - whole;
}

function measureOften(recursion: Recursion, seconds: number): number {
  const prepare = () => {
    const execution = recursion.startTurning(STOPS * SLICE);
    stopAfter(execution, recursion.toLoop);
    return execution;
  };
  const inOne = (execution: Execution) => stopAfter(execution, STOPS * SLICE);
  const often = (execution: Execution) => {
    for (let stop = 0; stop < STOPS; stop++) stopAfter(execution, SLICE);
  };
  let [whole, stopped] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 4; round++) {
    whole = Math.min(whole, shortest(prepare, inOne, seconds / 8));
    stopped = Math.min(stopped, shortest(prepare, often, seconds / 8));
  }
  return (stopped - whole) / (STOPS - 1);
}

/** Bytes in use after collection. */
function bytesInUse(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function measureMemory(recursion: Recursion, depth: number): number {
  const count = Math.min(MOST_KEPT, Math.ceil(KEPT_FRAMES / depth));
  const kept = Array.from({ length: count }, () => recursion.startTurning(0));
  const before = bytesInUse();
  for (const execution of kept) stopAfter(execution, recursion.toLoop);
  const after = bytesInUse();
  for (const execution of kept) execution.cancel();
  return (after - before) / count;
}

async function measure({ depth, seconds, tier }: Task): Promise<Sample> {
  const wasmeter = await loadPackage();
  const { parseWat } = await load();
  const bytes = parseWat("stops.wat", TEXT).toBinary({}).buffer;
  const recursion = new Recursion(wasmeter, bytes, tier as Tier, Number(depth));
  return {
    once: [measureOnce(recursion, Number(seconds))],
    often: [measureOften(recursion, Number(seconds))],
    bytes: [measureMemory(recursion, Number(depth))],
  };
}

function tasks(quick: boolean, selection: Selection): Task[] {
  const seconds = quick ? 1 : 4;
  const rounds = selection.processes ?? (quick ? 1 : 5);
  const tiers = chosenWays(TIERS, selection);
  const round = tiers.flatMap((tier) => DEPTHS.map((depth) => ({ depth, tier, seconds })));
  return Array.from({ length: rounds }, () => round).flat();
}

function columnsOf(tier: Tier): Column[] {
  return [
    { key: `${tier} once`, title: `${tier}: stop and resume all, µs`, digits: 1 },
    { key: `${tier} often`, title: "at the innermost, µs", digits: 2 },
    { key: `${tier} bytes`, title: "suspended, bytes", digits: 0 },
  ];
}

/** Stops by depth. */
export const STOPS_BENCH: Bench = {
  name: "stops",
  nodeOptions: ["--expose-gc"],
  tasks,
  measure,
  report(results) {
    const tiers = TIERS.filter((tier) => results.some(([task]) => task.tier === tier));
    const rows = DEPTHS.map((depth): Row => {
      const entries = tiers.flatMap((tier) =>
        ["once", "often", "bytes"].map((key): [string, number] => {
          const values = gather(results, key, (task) => task.tier === tier && task.depth === depth);
          return [`${tier} ${key}`, key === "bytes" ? median(values) : Math.min(...values)];
        }),
      );
      return { frames: depth.toLocaleString("en"), ...Object.fromEntries(entries) };
    });
    const about =
      "To stop a call and to go on: wall-clock time that a run of a recursive function takes more " +
      "if it is stopped once in the innermost of so many calls, all of which have to be saved, " +
      `and for each stop if it is stopped there again and again (every ${SLICE.toLocaleString("en")} ` +
      "units). Shortest of many runs. Suspended: memory in use for one such call that is stopped.";
    const columns = [{ key: "frames", title: "frames" }, ...tiers.flatMap(columnsOf)];
    return { bench: "stops", about, columns, rows };
  },
};
