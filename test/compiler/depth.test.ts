// Too deep a recursion ends as it does in the interpreter, at the same call, whoever executes it.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HostEmitter } from "../../src/compiler/emitter.ts";
import { funcInvoke, moduleInstantiate } from "../../src/embedding/invoke.ts";
import { translateAtOnce } from "../../src/interpreter/registers.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import type { ExternInstance, FunctionInstance, Value } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { functionValidator } from "../../src/validation/module.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compileInstance } from "./compiled.ts";
import { writeHostModule } from "./host.ts";
import { exported, type Host, type Program, type Rations, story, worldOf } from "./nested.ts";

const TEXT = `(module
  (import "m" "h" (func $h (param i32) (result i32)))
  (table funcref (elem $small $large))
  (type $t (func (param i32) (result i32)))
  (global $g (mut i32) (i32.const 0))
  (func $small (export "small") (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (i32.add (i32.const 1) (call $small (i32.sub (local.get $n) (i32.const 1)))))
  (func $large (export "large") (param $n i32) (result i32) (local i64 i64 i64 i64 i64 i64 f64 f64)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (local.set 1 (i64.extend_i32_u (local.get $n)))
    (i32.add
      (i32.add (i32.wrap_i64 (local.get 1)) (i32.const 1))
      (call_indirect (type $t)
        (i32.sub (local.get $n) (i32.const 1))
        (i32.and (local.get $n) (i32.const 1)))))
  (func $tail (export "tail") (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))
    (return_call $tail (i32.sub (local.get $n) (i32.const 1))))
  (func $out (export "out") (param $n i32) (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))
    (i32.add (i32.const 1) (call $h (i32.sub (local.get $n) (i32.const 1))))))`;

const MIXED = `(module
  (global $g (mut i32) (i32.const 0))
  (func $fast (export "f") (param $n i32) (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))
    (i32.add (i32.const 1) (call $slow (i32.sub (local.get $n) (i32.const 1)))))
  (func $slow (param $n i32) (result i32) (local i64 i64 i64 i64)
    (block $out (try_table (catch_all $out) (br $out)))
    (if (i32.eqz (local.get $n)) (then (return (i32.const 7))))
    (i32.add (i32.const 1) (call $fast (i32.sub (local.get $n) (i32.const 1))))))`;

/** A recursion through another instance and back, with a loop at the end of it; tail calls. */
const INNER = `(module
  (table (export "t") 2 funcref)
  (type $t (func (param i32) (result i32)))
  (func $loop (result i32) (local i32)
    (loop $l
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get 0) (i32.const 1000000))))
    (local.get 0))
  (func (export "deep") (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (call $loop))))
    (i32.add
      (i32.const 1)
      (call_indirect (type $t) (i32.sub (local.get $n) (i32.const 1)) (i32.const 0))))
  (func (export "even") (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
    (return_call_indirect (type $t) (i32.sub (local.get $n) (i32.const 1)) (i32.const 1))))`;
const OUTER = `(module
  (import "" "t" (table 2 funcref))
  (import "" "deep" (func $deep (param i32) (result i32)))
  (import "" "even" (func $even (param i32) (result i32)))
  (elem (i32.const 0) $run $odd)
  (func $run (export "run") (param i32) (result i32) (call $deep (local.get 0)))
  (func $odd (export "odd") (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
    (return_call $even (i32.sub (local.get $n) (i32.const 1)))))`;

const FOLDER = "bench/kernels";

const AGAIN: Host = (world, [n]) => funcInvoke(world.store, exported(world, "out"), [n])[0];

/** The same in both tiers; gives the end of it. */
function same(program: Program, name: string, args: readonly Value[], rations?: Rations): string {
  const [plain, fast] = [false, true].map((isCompiled) =>
    story(worldOf(program, isCompiled), name, args, rations),
  );
  expect(fast).toEqual(plain);
  return plain.at(-1) as string;
}

const LIMITS = [
  {},
  { callDepth: 3 },
  { callDepth: 50 },
  { callDepth: 3_001 },
  { stackBytes: 1_000 },
  { stackBytes: 100_000 },
];

it("takes as much room as frames of register code, or more", () => {
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith(".wasm"))) {
    const record = load(new Uint8Array(readFileSync(`${FOLDER}/${name}`)));
    const instance = moduleInstantiate(new Store(), record, []);
    const { target } = writeHostModule(record, DEFAULT_FEATURES);
    const validator = functionValidator(record);
    for (let index = record.importedFunctions; index < record.functions.length; index++) {
      const body = index - record.importedFunctions;
      const emitter = new HostEmitter(target, index);
      validator.function(index, record.bodyStarts[body], record.bodyEnds[body], emitter);
      const func = instance.functionAt(index);
      translateAtOnce(func);
      expect(emitter.frameBytes).toBeGreaterThanOrEqual(4 * func.code.frameWords);
    }
  }
});

describe.skipIf(localHost() === null)("a recursion in the host", () => {
  it.each(LIMITS)("for ever ends at the same call: %j", (limits) => {
    for (const name of ["small", "large"]) {
      const program = { text: TEXT, hosts: [AGAIN], limits };
      expect(same(program, name, [-1])).toMatch(/^threw Exhaustion: call stack exhausted/);
      same(program, name, [-1], { slice: 1_000 });
    }
    const end = same({ text: MIXED, limits }, "f", [-1]);
    expect(end).toMatch(/^threw Exhaustion: call stack exhausted/);
  });

  it.each([{ callDepth: 5 }, { callDepth: 40 }, { stackBytes: 2_000 }])(
    "through host functions, too: %j",
    (limits) => {
      const end = same({ text: TEXT, hosts: [AGAIN], limits }, "out", [-1]);
      expect(end).toMatch(/^threw Exhaustion: call stack exhausted/);
    },
  );

  it("returns from deeper than the host's stack", () => {
    const program = { text: TEXT, hosts: [AGAIN] };
    expect(same(program, "small", [100_000])).toMatch(/^returned 100007;/);
    expect(same(program, "tail", [100_000])).toMatch(/^returned 7;/);
    expect(same({ text: MIXED }, "f", [50_000])).toMatch(/^returned 50007;/);
    same(program, "large", [50_000], { slice: 10_000 });
  });

  it("goes on where JavaScript has used nearly all of the host's stack", () => {
    const world = worldOf({ text: TEXT, hosts: [AGAIN] }, true);
    const at = <T>(depth: number, f: () => T): T => (depth === 0 ? f() : at(depth - 1, f));
    let [most, tooMany] = [0, 100_000];
    while (tooMany - most > 100) {
      const middle = (most + tooMany) >> 1;
      try {
        most = at(middle, () => middle);
      } catch {
        tooMany = middle;
      }
    }
    const run = () => funcInvoke(world.store, exported(world, "large"), [8_000])[0];
    const result = run();
    for (const part of [0.5, 0.8, 0.9, 0.95]) {
      expect(at(Math.floor(part * most), run)).toBe(result);
    }
  });

  it("between instances goes on in the host's code, however deep it is", () => {
    const store = new Store();
    store.fuel = 1e9;
    const made = (text: string, imports: readonly ExternInstance[]) => {
      const instance = moduleInstantiate(store, load(assemble(text)), imports);
      expect(compileInstance(instance, DEFAULT_FEATURES)).toBe(null);
      return (name: string) => instance.exports.get(name) as ExternInstance;
    };
    const inner = made(INNER, []);
    const outer = made(OUTER, [inner("t"), inner("deep"), inner("even")]);
    const fuelOf = (name: string, n: number) => {
      const { compiledFuel, fuel } = store;
      const { value } = outer(name) as { value: FunctionInstance };
      const [result] = funcInvoke(store, value, [n]);
      return [result, (store.compiledFuel - compiledFuel) / (fuel - store.fuel)];
    };
    for (const n of [0, 30, 120, 200]) {
      const [result, part] = fuelOf("run", n);
      expect(result).toBe(1_000_000 + n);
      expect(part).toBeGreaterThan(0.99);
    }
    // Neither on the host's stack nor on ours anything piles up.
    const [result, part] = fuelOf("odd", 100_000);
    expect(result).toBe(1);
    expect(part).toBeGreaterThan(0.9);
  });

  it("through host functions ends, and harms nobody", () => {
    const world = worldOf({ text: TEXT, hosts: [AGAIN] }, true);
    expect(story(world, "out", [-1])[0]).toMatch(/^threw/);
    expect(story(world, "out", [100])[0]).toMatch(/^returned 107;/);
  });
});
