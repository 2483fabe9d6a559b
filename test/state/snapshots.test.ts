// Random programs that become bytes at every stop, and go on in a store that is made of these: here,
// and in another process.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Module, type Outcome, Store, type Tier } from "../../src/api/index.ts";
import { FEATURES, featureSet, parseFeatures } from "../../src/isa/features.ts";
import type { FunctionInstance } from "../../src/runtime/instances.ts";
import { Random } from "../fuzz/random.ts";
import { argument, refuel, takesNull } from "../interpreter/bounded.ts";
import { exceptionProgram } from "../interpreter/exception-programs.ts";
import { randomProgram } from "../interpreter/programs.ts";
import { stackProgram } from "../interpreter/stack-programs.ts";
import { begin, finish, quickjs } from "./quickjs-guest.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 10);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
/** Who waits is in no snapshot. */
const ENABLED = featureSet() & parseFeatures("default,-threads");
const ALL = Object.fromEntries(FEATURES.map((name) => [name, true]));
/** Stops after which a call runs to its end. */
const MOST_STOPS = 100;
const FUEL = 1e9;

function ending(outcome: Outcome): string {
  switch (outcome.kind) {
    case "returned":
      return `returned ${outcome.values.length}`;
    case "trapped":
      return `trapped ${outcome.trap.message}`;
    case "threw":
      return `threw ${outcome.error}`;
    default:
      return outcome.kind;
  }
}

function instantiate(module: Module, tier: Tier) {
  const store = new Store({ fuel: FUEL, tier });
  const guest = store.instantiate(module);
  refuel(guest.target);
  return { store, guest };
}

/** A call in slices, and what there is of its store in the end; if `moves`, as bytes in between. */
function course(
  module: Module,
  name: string,
  args: readonly unknown[],
  slice: number,
  tiers: readonly Tier[],
) {
  let { store, guest } = instantiate(module, tiers[0]);
  let run = guest.func(name).start(...args);
  let outcome = run.run({ slice });
  let stops = 0;
  for (; outcome.kind === "suspended" && stops < MOST_STOPS; stops++) {
    if (tiers.length > 1) {
      const bytes = store.snapshot({ instances: { guest }, executions: { run } });
      const tier = tiers[stops % tiers.length];
      const back = Store.restore(bytes, { modules: [module], tier });
      store = back.store;
      guest = back.instances.guest;
      run = back.executions.run;
    }
    outcome = run.run({ slice });
  }
  outcome = run.run();
  const state = Buffer.from(store.snapshot({ instances: { guest } })).toString("base64");
  return { end: ending(outcome), usage: run.usage, fuel: store.fuel, state, stops };
}

/** What differs if the functions of programs become bytes at every stop. */
function differences(make: (index: number) => Uint8Array, count: number, tiers: readonly Tier[]) {
  const found: string[] = [];
  let stops = 0;
  for (let i = 0; i < count && found.length < 5; i++) {
    const module = Module.from(make(i), { features: ALL });
    let exports: [string, FunctionInstance][];
    try {
      const { guest } = instantiate(module, "interpreter");
      exports = [...guest.target.exports].flatMap(([name, { kind, value }]) => {
        return kind === "func" && takesNull(value.type) ? [[name, value]] : [];
      });
    } catch {
      continue;
    }
    const random = new Random(i);
    for (const [name, { type }] of exports) {
      const args = type.params.map((param) => argument(random, param));
      for (const slice of [1, 30]) {
        const { stops: _, ...calm } = course(module, name, args, slice, tiers.slice(0, 1));
        // How often it stops depends on the clock, too: translation takes time.
        const { stops: moves, ...moved } = course(module, name, args, slice, tiers);
        stops += moves;
        const is = JSON.stringify({ ...moved, state: moved.state === calm.state });
        const was = JSON.stringify({ ...calm, state: true });
        if (is !== was) found.push(`program ${i}, ${name}, slice ${slice}: ${is}, calm ${was}`);
      }
    }
  }
  return { found, stops };
}

const MODES: readonly (readonly [string, readonly Tier[]])[] = [
  ["interpreted", ["interpreter", "interpreter"]],
  ["now interpreted, now compiled", ["interpreter", "compiled"]],
];

describe.each(MODES)("programs that become bytes at every stop, %s", (_, tiers) => {
  it.each<[string, number, (index: number) => Uint8Array]>([
    ["of everything", COUNT, (i) => randomProgram(SEED, i, ENABLED)],
    ["that juggle operands", Math.ceil(COUNT / 2), (i) => stackProgram(Random.of(SEED, i))],
    ["that throw", Math.ceil(COUNT / 10), (i) => exceptionProgram(Random.of(SEED, i))],
  ])("%s", (_, count, make) => {
    const { found, stops } = differences(make, count, tiers);
    expect(found).toEqual([]);
    expect(stops).toBeGreaterThan(5 * count);
  });
});

/** Executables of Node besides this one, with colons in between. */
const NODES = [process.execPath, ...(process.env.WASMETER_NODES?.split(":") ?? [])];

/** What a script of this folder prints, in a process of its own. */
function printed(node: string, script: string, ...args: readonly string[]): unknown {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const words = ["--import", "tsx", path, ...args];
  const { stderr, stdout } = spawnSync(node, words, { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

describe("a program of another process", () => {
  const kernel = (name: string) => {
    return readFileSync(new URL(`../../bench/kernels/${name}.wasm`, import.meta.url));
  };

  it.each(["sha256", "gc/list_sort"])("%s goes on there", (name) => {
    const directory = mkdtempSync(`${tmpdir()}/wasmeter-snapshot-`);
    try {
      const bytes = kernel(name);
      const module = Module.from(bytes);
      const store = new Store({ fuel: FUEL });
      const guest = store.instantiate(module);
      const run = guest.func("run").start(2);
      run.run({ slice: 20_000 });
      writeFileSync(`${directory}/module.wasm`, bytes);
      writeFileSync(`${directory}/snapshot`, store.snapshot({ executions: { run } }));
      const outcome = run.run();
      const found = printed(process.execPath, "./snapshot-child.ts", directory);
      const value = outcome.kind === "returned" ? String(outcome.value) : outcome.kind;
      expect(found).toEqual({ value, fuel: store.fuel, usage: run.usage });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each(NODES)("QuickJS in the middle of a script goes on, in %s", (node) => {
    const directory = mkdtempSync(`${tmpdir()}/wasmeter-snapshot-`);
    try {
      const store = new Store();
      const { guest, run } = begin(store, quickjs());
      run.run({ slice: 1_000_000 });
      const bytes = store.snapshot({ instances: { guest }, executions: { run } });
      writeFileSync(`${directory}/snapshot`, bytes);
      const found = printed(node, "./quickjs-child.ts", `${directory}/snapshot`);
      expect(found).toEqual([finish(guest, run), run.usage.fuel]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
