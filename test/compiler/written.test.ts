// What is written is valid in the host's eyes, whatever the module; and operands that a call has
// left are gone once something takes them, also where others come in their place.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hostFeatures } from "../../src/compiler/features.ts";
import { assemble, load } from "../validation/assemble.ts";
import { HOST, writeHostModule } from "./host.ts";
import { compareTiers, nothingSeen, type Rations } from "./tiers.ts";

const features = hostFeatures();
const ENDLESS = Number.POSITIVE_INFINITY;

const MODULES = [
  "node_modules/sql.js/dist/sql-wasm.wasm",
  "node_modules/@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm",
  "node_modules/@bokuweb/zstd-wasm/dist/common/zstd.wasm",
  "node_modules/@resvg/resvg-wasm/index_bg.wasm",
  "bench/kernels/vector/matrix_4x4.wasm",
];

it.each(MODULES)("the host takes what is written for %s", (path) => {
  const record = load(readFileSync(path));
  const { bytes, leftOut } = writeHostModule(record, features);
  expect(HOST.validate(bytes)).toBe(true);
  expect(leftOut.size / record.functions.length).toBeLessThan(0.01);
});

const RATIONS: readonly Rations[] = [
  { fuel: ENDLESS, slice: ENDLESS },
  { fuel: ENDLESS, slice: 1 },
  { fuel: ENDLESS, slice: 7 },
  ...Array.from({ length: 60 }, (_, i) => ({ fuel: i + 1, refill: ENDLESS, slice: ENDLESS })),
];

/** Takes the uppermost of three operands, all of which calls have left. */
const TAKERS: readonly (readonly [name: string, code: string])[] = [
  ["if", "if (result i64) (i64.mul (call $g) (i64.const 3)) else (call $g) end"],
  ["br_if", "(block (param i32) (br_if 0)) (loop (result i64) (call $g))"],
  ["br_if with operands", "(block $b (param i32) (i32.eqz) (br_if $b)) (call $g)"],
  ["br_if to the function", "(local.set 0) (call $g) (call $f (local.get 0)) (br_if 0)"],
  ["br_table", "(block $b (param i32) (br_table $b 0 $b)) (loop (result i64) (call $g))"],
  ["local.set", "(local.set 0) (loop (result i64) (call $g))"],
  ["drop", "(drop) (block (result i64) (call $g))"],
  ["block", "(block (param i32) (result i64) (i64.extend_i32_s) (i64.add (call $g)))"],
  ["loop", "(loop (param i32) (result i64) (i64.extend_i32_s) (i64.add (call $g)))"],
];

describe("an operand that a call has left is taken by", () => {
  it.each(TAKERS)("%s", (_, code) => {
    const text = `(module
      (global $n (mut i32) (i32.const 0))
      (func $f (param i32) (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 7)))
        (i32.rem_u (i32.mul (local.get 0) (global.get $n)) (i32.const 3)))
      (func $g (result i64) (i64.extend_i32_u (call $f (i32.const 11))))
      (func $taken (param i32) (result i64 i64)
        (call $g)
        (call $f (local.get 0))
        ${code})
      (func (export "run") (param i32) (result i64)
        (call $taken (i32.add (local.get 0) (call $f (local.get 0))))
        (i64.sub)))`;
    const record = load(assemble(text));
    const seen = nothingSeen();
    for (let size = 0; size < 4; size++) {
      for (const rations of RATIONS) compareTiers(record, features, 1, rations, seen, size);
    }
    expect(seen.differences).toEqual([]);
    expect([...seen.reasons.keys()]).toEqual([]);
    expect(seen.compiled).toBeGreaterThan(0);
  });
});
