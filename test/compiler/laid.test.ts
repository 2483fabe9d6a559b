// What is laid on the slots where compiled code stops, and what goes over its border.

import { describe, expect, it, vi } from "vitest";
import { SiteTable } from "../../src/code/sites.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import type { GlobalInstance } from "../../src/runtime/instances.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble, load } from "../validation/assemble.ts";
import { story, worldOf } from "./nested.ts";
import { compareTiers, nothingSeen } from "./tiers.ts";

const ENDLESS = Number.POSITIVE_INFINITY;
const FUELS = Array.from({ length: 80 }, (_, i) => i + 1);

/** Functions with values of every type in locals and beneath calls and loops, some constant. */
const TEXT = `(module
  (memory 1)
  (global $long (mut i64) (i64.const -5))
  (global $double (mut f64) (f64.const 1.5))
  (global $vector (mut v128) (v128.const i64x2 3 4))
  (func $stale (param i64 i64 i64 i64) (result i64)
    (i64.add (i64.mul (local.get 0) (local.get 1)) (i64.mul (local.get 2) (local.get 3))))
  (func $fresh (param i32) (result i32)
    (local $a i64) (local $b v128) (local $c f32) (local $n i32)
    (loop $l
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $n) (i32.const 3))))
    (i32.add (local.get 0) (i32.wrap_i64 (i64.add (local.get $a)
      (i64x2.extract_lane 1 (local.get $b))))))
  (func $deep (param $x i32) (result i64)
    (local $dead i32) (local $l i64) (local $v v128) (local $f f32) (local $d f64)
    (local.set $dead (i32.add (local.get $x) (i32.const 9)))
    (local.set $l (i64.extend_i32_s (i32.sub (i32.const 0) (local.get $x))))
    (local.set $v (i64x2.splat (i64.const 0x123456789abcdef0)))
    (local.set $f (f32.const nan:0x200001))
    (local.set $d (f64.const nan:0x4000000000001))
    (i64.const 0x7fffffff00000001)
    (local.get $dead)
    (v128.const i32x4 1 2 3 4)
    (local.get $v)
    (local.set $dead (i32.const 0))
    (call $fresh (i32.wrap_i64 (call $stale
      (i64.const -1) (local.get $l) (i64.const -2) (i64.const -3))))
    (drop)
    (i64x2.add)
    (i64x2.extract_lane 1)
    (local.set $l)
    (i64.extend_i32_s)
    (i64.add (local.get $l))
    (i64.add)
    (i64.add (i64.reinterpret_f64 (local.get $d)))
    (i64.add (i64.extend_i32_u (i32.reinterpret_f32 (local.get $f)))))
  (func (export "values") (param $x i32) (result i64) (local $i i32) (local $sum i64)
    (loop $l
      (local.set $sum (i64.add (local.get $sum) (call $deep (local.get $i))))
      (global.set $long (i64.xor (global.get $long) (local.get $sum)))
      (global.set $double (f64.add (global.get $double) (f64.const 0.5)))
      (global.set $vector (i64x2.add (global.get $vector) (i64x2.splat (global.get $long))))
      (memory.fill (local.get $i) (i32.const 7) (local.get $i))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))
    (local.get $sum)))`;

describe.skipIf(localHost() === null)("a frame that is laid where compiled code stops", () => {
  it.each([ENDLESS, 7])("is the interpreter's at any first stop, and %s units later", (refill) => {
    const record = load(assemble(TEXT));
    const seen = nothingSeen();
    for (const fuel of FUELS) {
      compareTiers(record, DEFAULT_FEATURES, fuel, { fuel, refill, slice: ENDLESS }, seen, 0);
    }
    expect(seen).toMatchObject({ compiled: FUELS.length, differences: [] });
    expect(seen.stops).toBeGreaterThanOrEqual(FUELS.length);
  });
});

describe.skipIf(localHost() === null)("a function whose calls come down", () => {
  /** How often its body was gone through, to come down at many of its calls. */
  function passes(operands: number, calls: number): number {
    const beneath = "(i32.const 1)".repeat(operands);
    const text = `(module
      (func $g)
      (func (export "f") (result i32)
        ${beneath} ${"(call $g)".repeat(calls)} ${"(i32.add)".repeat(operands - 1)}))`;
    const worlds = [true, false].map((isCompiled) => worldOf({ text }, isCompiled));
    const learn = vi.spyOn(SiteTable.prototype, "learn");
    const [compiled, interpreted] = worlds.map((world) =>
      [1, 2, 3].map((round) => story(world, "f", [], { slice: operands + 20 * round })),
    );
    expect(compiled).toEqual(interpreted);
    const tables = learn.mock.contexts as SiteTable[];
    learn.mockRestore();
    return tables.filter(({ code }) => code.index === 1).length;
  }

  it("is gone through once for all of them", () => {
    expect(passes(1, 50)).toBe(1);
  });

  it("is gone through for each where too much lies beneath them", () => {
    expect(passes(300, 50)).toBe(3);
  });
});

describe.skipIf(localHost() === null)("a global that compiled code has set", () => {
  it.each([
    ["i32", 1],
    ["i64", 1n],
    ["i64", 1n << 32n],
    ["f64", 2],
  ])("of type %s to %s is what others set it back to", (type, value) => {
    const text = `(module
      (global $g (export "g") (mut ${type}) (${type}.const 0))
      (func (export "set") (param ${type}) (global.set $g (local.get 0)))
      (func (export "get") (result ${type}) (global.get $g)))`;
    const world = worldOf({ text }, true);
    const global = world.instance.exports.get("g")?.value as GlobalInstance;
    story(world, "set", [value]);
    global.initialise({ low: 0, high: 0, reference: null });
    expect(story(world, "get", [])[0]).toMatch("returned 0;");
    story(world, "set", [value]);
    expect(story(world, "get", [])[0]).toMatch(`returned ${value};`);
  });
});
