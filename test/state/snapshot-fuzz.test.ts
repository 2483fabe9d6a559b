// Snapshots that somebody has changed: refused, or as good as any. Never an error of ours, a crash
// or a hang.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  CodeLimitError,
  Exhaustion,
  LinkError,
  Module,
  type Restored,
  SnapshotError,
  Store,
  Trap,
  WasmException,
} from "../../src/api/index.ts";
import { crc32 } from "../../src/state/checksum.ts";
import { moduleOf } from "../api/support.ts";
import { Random } from "../fuzz/random.ts";

const COUNT = Number(process.env.WASMETER_MUTATIONS ?? 200);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
const HEAD_BYTES = 8;
const LIMITS = {
  memoryBytes: 1 << 24,
  tableElements: 100_000,
  gcBytes: 1 << 22,
  hostBytes: 1 << 22,
  instances: 100,
};

/** A module, what it imports, and snapshots of it. */
interface Sample {
  readonly name: string;
  readonly module: Module;
  readonly imports: Readonly<Record<string, object>>;
  readonly snapshots: readonly Uint8Array[];
}

/** Snapshots of a call at its stops. */
function sample(
  name: string,
  module: Module,
  call: readonly [string, ...unknown[]],
  slices: readonly number[],
  imports: Readonly<Record<string, object>> = {},
): Sample {
  const store = new Store({ fuel: 1e6 });
  const guest = store.instantiate(module, imports);
  const [func, ...args] = call;
  const run = guest.func(func).start(...args);
  const snapshots = slices.map((slice) => {
    run.run({ slice });
    return store.snapshot({ instances: { guest }, executions: { run } });
  });
  return { name, module, imports, snapshots };
}

const OBJECTS = Module.from(readFileSync(new URL("../api/objects.wasm", import.meta.url)));
const PROGRAM = moduleOf(`(module
  (import "e" "wait" (func $wait (param i32) (result i32)))
  (memory (export "m") 2)
  (data (i32.const 10) "some data")
  (table $t 5 funcref)
  (elem (i32.const 0) $wait $down $deep)
  (elem $passive funcref (ref.func $down) (ref.null func))
  (tag $e (param i64 funcref))
  (global $g (mut f64) (f64.const 2))
  (global $v (mut v128) (v128.const i32x4 1 2 3 4))
  (func $down (param i32) (result i32) (local v128 i64 externref)
    (i32.store (i32.mul (local.get 0) (i32.const 97)) (local.get 0))
    (global.set $g (f64.mul (global.get $g) (f64.const 1.5)))
    (i32.add (local.get 0)
      (call_indirect (param i32) (result i32)
        (i32.sub (local.get 0) (i32.const 1)) (i32.gt_s (local.get 0) (i32.const 1)))))
  (func $deep (export "f") (param i32) (result i32) (local $r funcref)
    (block $caught (result i64 funcref)
      (try_table (catch $e $caught)
        (drop (call $down (local.get 0)))
        (throw $e (i64.const 7) (ref.func $down)))
      (unreachable))
    (local.set $r)
    (table.set $t (i32.const 3) (local.get $r))
    (i32.wrap_i64)))`);

const wait = () => new Promise<number>(() => {});
const see = (value: unknown) => value;
const SAMPLES: readonly Sample[] = [
  sample("calls, promises", PROGRAM, ["f", 20], [1, 100, 1_000], { e: { wait } }),
  sample("exceptions", PROGRAM, ["f", 100], [1, 200, 1_000], { e: { wait: (x: number) => x } }),
  sample("objects", OBJECTS, ["inFrame", 40], [50, 200], { host: { see, extern: see } }),
  sample("vectors", OBJECTS, ["vectors", 20], [1, 1, 1], { host: { see, extern: see } }),
];

/** The bytes with some of them changed, or gone, or twice there. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = [...bytes.subarray(HEAD_BYTES, -4)];
  for (let i = 1 + random.below(3); i > 0; i--) {
    const at = random.below(changed.length);
    switch (random.below(4)) {
      case 0:
        changed[at] = random.below(256);
        break;
      case 1:
        changed[at] ^= 1 << random.below(8);
        break;
      case 2:
        changed[at] = (changed[at] + random.pick([1, 255])) & 255;
        break;
      default: {
        // Within a chunk, whose length changes with it, nothing would be left to check.
        const other = random.below(changed.length);
        [changed[at], changed[other]] = [changed[other], changed[at]];
      }
    }
  }
  return Uint8Array.from([...bytes.subarray(0, HEAD_BYTES), ...changed, 0, 0, 0, 0]);
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

const REFUSALS = [SnapshotError, LinkError, Exhaustion, CodeLimitError];
const ENDINGS = [Exhaustion, WasmException, CodeLimitError];
const isOne = (error: unknown, classes: readonly (new (...args: never[]) => unknown)[]) => {
  return classes.some((Class) => error instanceof Class);
};

/** What has come of a snapshot; anything that is not as it should be is thrown. */
function outcomeOf(bytes: Uint8Array, { imports, module }: Sample): string {
  let back: Restored;
  try {
    back = Store.restore(bytes, { modules: [module], imports, limits: LIMITS });
  } catch (error) {
    if (isOne(error, REFUSALS)) return "refused";
    throw error;
  }
  const { executions, instances, store } = back;
  store.fuel = Math.min(store.fuel, 20_000);
  for (const run of Object.values(executions)) {
    const outcome = run.run();
    if (outcome.kind === "threw" && !isOne(outcome.error, ENDINGS)) throw outcome.error;
    if (outcome.kind === "trapped" && !(outcome.trap instanceof Trap)) throw outcome.trap;
  }
  try {
    const suspended = Object.entries(executions).filter(([, run]) => run.status === "suspended");
    store.snapshot({ instances, executions: Object.fromEntries(suspended) });
  } catch (error) {
    if (!isOne(error, REFUSALS)) throw error;
  }
  return "restored";
}

describe.each(SAMPLES)("$name", (one) => {
  it("are restored", () => {
    for (const bytes of one.snapshots) expect(outcomeOf(bytes, one)).toBe("restored");
  });

  it("that were changed on the way are refused", () => {
    const random = Random.of(SEED, 1);
    for (let i = 0; i < COUNT / 4; i++) {
      const bytes = random.pick(one.snapshots).slice();
      bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      expect(() => Store.restore(bytes, { modules: [one.module] })).toThrow(SnapshotError);
    }
  });

  it("that somebody has made up are refused, or go on", () => {
    const random = Random.of(SEED, 2);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < COUNT; i++) {
      const bytes = withChecksum(mutated(random.pick(one.snapshots), random));
      const outcome = outcomeOf(bytes, one);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect(outcomes.get("refused")).toBeGreaterThan(COUNT / 100);
    expect(outcomes.get("restored")).toBeGreaterThan(COUNT / 100);
  });
});
