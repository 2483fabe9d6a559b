// Too deep a recursion ends as it does in the interpreter, at the same call, whoever executes it.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HostEmitter } from "../../src/compiler/emitter.ts";
import { funcInvoke, moduleInstantiate } from "../../src/embedding/invoke.ts";
import { translateAtOnce } from "../../src/interpreter/registers.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import type { Value } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { functionValidator } from "../../src/validation/module.ts";
import { localHost } from "../fuzz/hosts.ts";
import { load } from "../validation/assemble.ts";
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

  it("through host functions ends, and harms nobody", () => {
    const world = worldOf({ text: TEXT, hosts: [AGAIN] }, true);
    expect(story(world, "out", [-1])[0]).toMatch(/^threw/);
    expect(story(world, "out", [100])[0]).toMatch(/^returned 107;/);
  });
});
