// A whole program as guest: QuickJS (the package quickjs-wasi) executes a script, beside the host's
// own WebAssembly. The first run of a process, with all that was left to compile, in processes of
// its own for each way; later ones side by side in one process, where the ways take turns. Stopped
// runs are stopped, and go on, about every millisecond.

import { readFileSync } from "node:fs";
import type { Tier } from "../src/api/index.ts";
import { IMPORTS } from "../test/packages/quickjs-wasi.ts";
import {
  type Bench,
  type Column,
  chosenWays,
  cpuSeconds,
  gather,
  loadPackage,
  median,
  type Package,
  ROOT,
  type Row,
  type Sample,
  type Selection,
  type Task,
} from "./harness.ts";
import { hostInstance } from "./host.ts";

const MODULE = new URL("node_modules/quickjs-wasi/quickjs.wasm", ROOT);
const AMPLE_FUEL = 2 ** 50;
/** Units of fuel after which stopped runs stop: about a millisecond of compiled code. */
const SLICE = 2_500_000;
const ENDLESS = Number.POSITIVE_INFINITY;
const WARM_UP_RUNS = 8;

/** Objects, closures, strings, regular expressions, big integers, sorting, JSON and exceptions. */
const SCRIPT = `(() => {
  class Board {
    #columns = new Set(); #up = new Set(); #down = new Set(); solutions = 0;
    place(row, size) {
      if (row === size) { this.solutions++; return this; }
      for (let c = 0; c < size; c++) {
        if (this.#columns.has(c) || this.#up.has(row + c) || this.#down.has(row - c)) continue;
        this.#columns.add(c); this.#up.add(row + c); this.#down.add(row - c);
        this.place(row + 1, size);
        this.#columns.delete(c); this.#up.delete(row + c); this.#down.delete(row - c);
      }
      return this;
    }
  }
  const fibonacci = (n) => n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
  const words = [];
  for (let i = 0; i < 1500; i++) words.push("word" + (i * 7919) % 1009);
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sieve = new Uint8Array(6000);
  let primes = 0;
  for (let n = 2; n < sieve.length; n++) {
    if (sieve[n]) continue;
    primes++;
    for (let m = n * n; m < sieve.length; m += n) sieve[m] = 1;
  }
  let caught = 0;
  for (let i = 0; i < 300; i++) try { if (i % 3 === 0) null.x; } catch { caught++; }
  const tree = (depth) => depth === 0 ? { leaf: true } : { left: tree(depth - 1), right: tree(depth - 1) };
  const text = JSON.stringify(tree(9));
  const { length } = words.join(" ").replace(/w(or)d(\\d+)/g, (_, or, n) => or + n * 2);
  return JSON.stringify({
    queens: new Board().place(0, 6).solutions,
    fibonacci: fibonacci(20),
    counts: [...counts].sort(([, a], [, b]) => b - a).slice(0, 3).length,
    primes, caught, length,
    tree: JSON.stringify(JSON.parse(text)).length,
    big: (3n ** 500n % 1000000007n).toString(),
    sorted: Array.from({ length: 2000 }, (_, i) => (i * 7919) % 1009).sort((a, b) => a - b)[1000],
    float: Array.from({ length: 2000 }, (_, i) => Math.sin(i) * i).reduce((a, b) => a + b).toFixed(6),
  });
})()`;

/** An instance on either side. */
interface Guest {
  call(name: string, ...args: readonly number[]): unknown;
  /** The bytes of its memory, as they are now. */
  readonly memory: Uint8Array;
}

function nativeGuest(): Guest {
  const { exports } = hostInstance(readFileSync(MODULE), IMPORTS);
  return {
    call: (name, ...args) => (exports[name] as (...args: readonly number[]) => unknown)(...args),
    get memory() {
      return new Uint8Array((exports.memory as { readonly buffer: ArrayBuffer }).buffer);
    },
  };
}

/** A guest of ours, and what it has used. */
interface Metered extends Guest {
  /** Stops so far. */
  readonly stops: number;
  readonly fuel: number;
}

interface Metering {
  readonly tier: Tier;
  readonly fuel?: number;
  /** Units after which each call stops, and goes on. */
  readonly slice?: number;
}

function meteredGuest(
  { Module, Store }: Package,
  { fuel = AMPLE_FUEL, slice = ENDLESS, tier }: Metering,
): Metered {
  const store = new Store({ fuel, tier });
  const instance = store.instantiate(Module.from(readFileSync(MODULE)), IMPORTS);
  let stops = 0;
  return {
    call(name, ...args) {
      if (slice === ENDLESS) return instance.func(name).call(...args);
      const execution = instance.func(name).start(...args);
      let outcome = execution.run({ slice });
      while (outcome.kind === "suspended") {
        stops++;
        outcome = execution.run({ slice });
      }
      if (outcome.kind !== "returned") throw new Error(`${name} ${outcome.kind}`);
      return outcome.value;
    },
    get memory() {
      return instance.memory().bytes;
    },
    get stops() {
      return stops;
    },
    get fuel() {
      return fuel - store.fuel;
    },
  };
}

/** A script engine in a guest that is ready. */
class Engine {
  private readonly guest: Guest;

  constructor(guest: Guest) {
    this.guest = guest;
    guest.call("_initialize");
    if (guest.call("qjs_init") !== 0) throw new Error("qjs_init failed");
  }

  /** The result of the script as text. */
  run(): string {
    const { guest } = this;
    const [source, length] = this.put(SCRIPT);
    const [fileName] = this.put("script");
    const value = Number(guest.call("qjs_eval", source, length, fileName, 0));
    const text = this.textOf(value);
    guest.call("qjs_free_value", value);
    for (const address of [source, fileName]) guest.call("wasm_free", address);
    return text;
  }

  private put(text: string): [number, number] {
    const encoded = new TextEncoder().encode(`${text}\0`);
    const address = Number(this.guest.call("wasm_malloc", encoded.length));
    this.guest.memory.set(encoded, address);
    return [address, encoded.length - 1];
  }

  private textOf(value: number): string {
    const address = Number(this.guest.call("qjs_get_string", value));
    const { memory } = this.guest;
    const text = memory.slice(address, memory.indexOf(0, address));
    this.guest.call("qjs_free_cstring", address);
    return new TextDecoder().decode(text);
  }
}

/** Runs the script as far as so much fuel lasts, which is for instances and all. */
export function runScript(wasmeter: Package, tier: Tier, fuel: number): void {
  new Engine(meteredGuest(wasmeter, { tier, fuel })).run();
}

/** How the script is run: by the host itself, or by us in a tier, to the end or with stops. */
interface Way {
  readonly name: string;
  readonly tier: Tier | null;
  readonly slice: number;
}

const WAYS: readonly Way[] = [
  { name: "host", tier: null, slice: ENDLESS },
  { name: "compiled", tier: "compiled", slice: ENDLESS },
  { name: "compiled stopped", tier: "compiled", slice: SLICE },
  { name: "auto", tier: "auto", slice: ENDLESS },
  { name: "auto stopped", tier: "auto", slice: SLICE },
  { name: "interpreter", tier: "interpreter", slice: ENDLESS },
  { name: "interpreter stopped", tier: "interpreter", slice: SLICE },
];

/** A guest on its way, with what only ours know. */
interface Subject {
  readonly run: () => string;
  readonly stops: () => number;
  readonly fuel: () => number;
}

function waysOf(names: readonly string[]): readonly Way[] {
  return WAYS.filter(({ name }) => names.includes(name));
}

function prepare(wasmeter: Package, { slice, tier }: Way): Subject {
  if (tier === null) {
    const engine = new Engine(nativeGuest());
    return { run: () => engine.run(), stops: () => 0, fuel: () => 0 };
  }
  const guest = meteredGuest(wasmeter, { tier, slice });
  const engine = new Engine(guest);
  return { run: () => engine.run(), stops: () => guest.stops, fuel: () => guest.fuel };
}

/** A pause lets the host finish compiling what has just proved hot. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Load and first run of a process that does nothing else. */
function measureFirst(wasmeter: Package, way: Way): Sample {
  const began = cpuSeconds();
  const subject = prepare(wasmeter, way);
  const loaded = cpuSeconds();
  const [clock, stops, fuel] = [performance.now(), subject.stops(), subject.fuel()];
  subject.run();
  return {
    load: [loaded - began],
    first: [cpuSeconds() - loaded],
    clock: [(performance.now() - clock) / 1e3],
    firstStops: [subject.stops() - stops],
    fuel: [subject.fuel() - fuel],
  };
}

/** Later runs; the ways take turns. */
async function measureWarm(wasmeter: Package, ways: readonly Way[], runs: number): Promise<Sample> {
  const subjects = ways.map((way) => ({ ...way, ...prepare(wasmeter, way) }));
  const expected = subjects[0].run();
  const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  const counts: [string, number[]][] = [];
  for (let run = -WARM_UP_RUNS; run < runs; run++) {
    for (const { fuel, name, run: runOnce, stops } of subjects) {
      const [began, stopsBefore, fuelBefore] = [cpuSeconds(), stops(), fuel()];
      const result = runOnce();
      const seconds = cpuSeconds() - began;
      if (result !== expected) throw new Error(`${name}: ${result} instead of ${expected}`);
      times.get(name)?.push(seconds);
      if (run < 0) await pause();
      else if (run === 0) {
        counts.push([`${name} stops`, [stops() - stopsBefore]]);
        counts.push([`${name} fuel`, [fuel() - fuelBefore]]);
      }
    }
  }
  const later = [...times].map(([name, all]) => [name, all.slice(WARM_UP_RUNS)]);
  return Object.fromEntries([...later, ...counts]);
}

async function measure(task: Task): Promise<Sample> {
  const wasmeter = await loadPackage();
  const ways = waysOf(String(task.ways).split("; "));
  if (task.kind === "warm") return await measureWarm(wasmeter, ways, Number(task.runs));
  return measureFirst(wasmeter, ways[0]);
}

function tasks(quick: boolean, selection: Selection): Task[] {
  const { processes, runs } = selection;
  const rounds = processes ?? (quick ? 1 : 5);
  const [host, ...ours] = WAYS.map(({ name }) => name);
  const ways = [host, ...chosenWays(ours, selection)];
  const first = ways.map((way): Task => ({ ways: way, kind: "first" }));
  const warm = { ways: ways.join("; "), kind: "warm", runs: runs ?? (quick ? 5 : 15) };
  return Array.from({ length: rounds }, () => [...first, warm]).flat();
}

const COLUMNS: readonly Column[] = [
  { key: "way", title: "way" },
  { key: "load", title: "load, ms", digits: 0 },
  { key: "first", title: "first run, ms", digits: 0 },
  { key: "firstRatio", title: "ratio", digits: 2 },
  { key: "clock", title: "by the clock, ms", digits: 0 },
  { key: "warm", title: "warm, ms", digits: 0 },
  { key: "warmRatio", title: "ratio, warm", digits: 2 },
  { key: "stops", title: "stops in a run", digits: 0 },
  { key: "fuel", title: "million units", digits: 1 },
];

/** A program beside the host's own WebAssembly. */
export const QUICKJS: Bench = {
  name: "quickjs",
  tasks,
  measure,
  report(results) {
    const first = (way: string, key: string) =>
      median(gather(results, key, ({ kind, ways }) => kind === "first" && ways === way));
    const warm = (key: string) => gather(results, key, ({ kind }) => kind === "warm");
    const shortest = (way: string) => Math.min(...warm(way));
    const measured = WAYS.filter(({ name }) => results.some(([, sample]) => name in sample));
    const rows: Row[] = measured.map(({ name }) => ({
      way: name,
      load: 1e3 * first(name, "load"),
      first: 1e3 * first(name, "first"),
      firstRatio: first(name, "first") / first("host", "first"),
      clock: 1e3 * first(name, "clock"),
      warm: 1e3 * shortest(name),
      warmRatio: shortest(name) / shortest("host"),
      stops: median(warm(`${name} stops`)) || null,
      fuel: median(warm(`${name} fuel`)) / 1e6 || null,
    }));
    const about =
      "QuickJS (quickjs-wasi) executes a script, exact fuel on, beside the host's own WebAssembly: " +
      "CPU time of all threads of a fresh process to load it and to run the script for the first " +
      "time, medians over processes; warm is the shortest of later runs, in which the ways take " +
      `turns. Stopped: every ${SLICE.toLocaleString("en")} units.`;
    return { bench: "quickjs", about, columns: COLUMNS, rows };
  },
};
