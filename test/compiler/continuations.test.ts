// Going up: a frame that the interpreter has goes on in the host's code at every loop's header, and
// comes down again at every site; results, traps, memory, globals and fuel stay what they are.

import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { Continuations, patience } from "../../src/compiler/continuations.ts";
import { ascent } from "../../src/interpreter/ascent.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { parseFeatures } from "../../src/isa/features.ts";
import type { Value } from "../../src/runtime/instances.ts";
import type { Continuation } from "../../src/runtime/tier.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { Random } from "../fuzz/random.ts";
import { toHex } from "../fuzz/reduce.ts";
import { stackProgram } from "../interpreter/stack-programs.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compileInstance } from "./compiled.ts";
import { exported, story, type World, worldOf } from "./nested.ts";
import { compareTiers, nothingSeen, type Rations } from "./tiers.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 100);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
const COMPARED = "default,-relaxed-simd,-threads,-exceptions,-legacy-exceptions,-gc";
const ENDLESS = Number.POSITIVE_INFINITY;

const RATIONS: readonly Rations[] = [
  { fuel: ENDLESS, slice: 1 },
  { fuel: ENDLESS, slice: 40 },
  { fuel: ENDLESS, slice: 200 },
  { fuel: 13, slice: ENDLESS },
  { fuel: 100, slice: ENDLESS },
  { fuel: 1_000, slice: 33 },
];

const engine = localHost();
const features = engine === null ? 0 : parseFeatures(COMPARED) & (await hostFeatures(engine));

/** So many loops within each other, of two rounds: more than get continuations at once. */
function loops(depth: number): string {
  if (depth === 0) return "(global.set $trace (i32.add (global.get $trace) (i32.const 1)))";
  const counter = `(local.get ${depth})`;
  return `(local.set ${depth} (i32.const 0))
    (loop ${loops(depth - 1)}
      (local.set ${depth} (i32.add ${counter} (i32.const 1)))
      (br_if 0 (i32.lt_u ${counter} (i32.const 2))))`;
}

/** Loops within loops, with parameters, in every kind of block, and what lies beneath them. */
const NESTED = `(module
  (memory (export "memory") 1)
  (global $trace (export "trace") (mut i32) (i32.const 0))
  (func $note (param i32)
    (global.set $trace (i32.add (i32.mul (global.get $trace) (i32.const 31)) (local.get 0))))

  (func (export "nest") (param $n i32) (result i32 i64) (local $i i32) (local $j i32) (local $k i32)
    (i32.const 1000)
    (i64.const 7)
    (loop $outer (param i64) (result i64)
      (i64.add (i64.const 3))
      (local.set $j (i32.const 0))
      (block $done
        (loop $middle
          (br_if $done (i32.ge_u (local.get $j) (local.get $n)))
          (local.set $k (i32.const 0))
          (i32.const 5)
          (loop $inner (param i32) (result i32)
            (i32.add (local.get $k))
            (call $note (local.get $k))
            (local.set $k (i32.add (local.get $k) (i32.const 1)))
            (br_if $inner (i32.lt_u (local.get $k) (local.get $n))))
          (call $note)
          (local.set $j (i32.add (local.get $j) (i32.const 1)))
          (br $middle)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_u (local.get $i) (local.get $n)))))

  (func (export "many") (param i32) (local i32 i32 i32 i32 i32 i32) ${loops(6)})

  (func (export "branches") (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (loop $again
      (if (i32.and (local.get $i) (i32.const 1))
        (then
          (loop $odd
            (local.set $sum (i32.add (local.get $sum) (i32.const 3)))
            (br_if $odd (i32.rem_u (local.get $sum) (i32.const 5))))
          (call $note (i32.const 1)))
        (else
          (call $note (i32.const 2))
          (loop $even
            (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
            (block $a (block $b (block $c
              (br_table $even $b $c $again $a (i32.rem_u (local.get $sum) (i32.const 6))))
              (local.set $sum (i32.add (local.get $sum) (i32.const 10))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))))
          (call $note (local.get $sum))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum))

  (func (export "values") (param $n i32) (result i32 i64 f32 f64) (local $i i32)
      (local $f f32) (local $d f64) (local $v v128)
    (local.set $f (f32.reinterpret_i32 (i32.const 0x7fa12345)))
    (local.set $d (f64.reinterpret_i64 (i64.const 0x7ff4123456789abc)))
    (local.set $v (v128.const i64x2 0x0123456789abcdef 0x7ff4123456789abc))
    (v128.const i32x4 1 2 3 4)
    (loop $l (param v128) (result v128)
      (i32x4.add (local.get $v))
      (i32.store (i32.shl (local.get $i) (i32.const 2)) (i32.reinterpret_f32 (local.get $f)))
      (i64.store offset=256 (i32.shl (local.get $i) (i32.const 3))
        (i64.reinterpret_f64 (local.get $d)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (local.set $v)
    (i32x4.extract_lane 2 (local.get $v))
    (i64x2.extract_lane 1 (local.get $v))
    (f32.const 1.5)
    (f64.const 2.5))

  (func $deep (export "deep") (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (loop $l
      (if (local.get $n)
        (then (local.set $sum
          (i32.add (local.get $sum) (call $deep (i32.sub (local.get $n) (i32.const 1)))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 2))))
    (i32.add (local.get $sum) (i32.const 1)))

  (func $even (export "even") (param $n i32) (result i32) (local $i i32)
    (loop $l
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 3))))
    (if (result i32) (local.get $n)
      (then (return_call $odd (i32.sub (local.get $n) (i32.const 1))))
      (else (i32.const 1))))
  (func $odd (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (return_call $even (i32.sub (local.get $n) (i32.const 1))))
      (else (i32.const 0))))

  (func $divide (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func (export "trap in itself") (param $n i32) (result i32) (local $i i32)
    (loop $l (result i32)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (i32.rem_s (local.get $i) (i32.sub (local.get $n) (local.get $i)))
      (br_if $l (i32.const 1))))
  (func (export "trap in a callee") (param $n i32) (result i32)
    (loop $l (result i32)
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (call $divide (i32.const 100) (local.get $n))
      (br_if $l (i32.const 1))))
  (func (export "trap in a conversion") (param $n i32) (result i32) (local $d f64)
    (local.set $d (f64.const 0))
    (loop $l (result i32)
      (local.set $d (f64.div (f64.convert_i32_s (local.get $n)) (local.get $d)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (i32.trunc_f64_s (f64.sub (local.get $d) (local.get $d)))
      (br_if $l (i32.const 1)))))`;

describe.skipIf(engine === null)("going up", () => {
  const before = [{ ...patience }, { ...ascent }] as const;
  let asked: MockInstance<Continuations["ascend"]>;
  let left: MockInstance<Continuations["after"]>;
  let made: MockInstance<(...args: never[]) => unknown>;

  beforeEach(() => {
    Object.assign(patience, { units: 0, unitsPerByte: 0 });
    Object.assign(ascent, { units: 0, steps: Number.POSITIVE_INFINITY, stay: 0 });
    asked = vi.spyOn(Continuations.prototype, "ascend");
    left = vi.spyOn(Continuations.prototype, "after");
    made = vi.spyOn(Continuations.prototype, "instantiate" as never);
  });

  afterEach(() => {
    Object.assign(patience, before[0]);
    Object.assign(ascent, before[1]);
    vi.restoreAllMocks();
  });

  function found<T>({ mock }: { mock: { results: { value: T | null }[] } }): T[] {
    return mock.results.flatMap(({ value }) => (value === null ? [] : [value]));
  }

  it.each([2, 3, 4, 5, 7])("at every header of nested loops, %i rounds", (size) => {
    const record = load(assemble(NESTED));
    const seen = nothingSeen();
    for (const rations of RATIONS) compareTiers(record, features, SEED, rations, seen, size);
    expect(seen.differences).toEqual([]);
    expect(seen.compiled).toBe(RATIONS.length);
    expect(found<Continuation>(asked as never).length).toBeGreaterThan(20);
    if (size > 2) expect(found(left as never).length).toBeGreaterThan(5);
    expect(made.mock.results.length).toBeGreaterThan(5);
    expect(found(made as never)).toHaveLength(made.mock.results.length);
  });

  const CALLING = {
    text: `(module
      (import "" "add" (func $add (param i32) (result i32)))
      (func (export "run") (param $n i32) (result i32) (local $sum i32)
        (loop $l
          (local.set $sum (i32.add (call $add (local.get $n)) (local.get $sum)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n)))
        (local.get $sum)))`,
    hosts: [
      ({ log }: World, [value]: Value[]) => {
        log.push(String(value));
        return (value as number) * 3;
      },
    ],
  };

  it("in a loop that calls the host's functions", () => {
    for (const rations of [{ slice: 1 }, { slice: 50 }, { fuel: 9 }, { fuel: 100, slice: 33 }]) {
      const [plain, fast] = [false, true].map((isCompiled) =>
        story(worldOf(CALLING, isCompiled), "run", [12], rations),
      );
      expect(fast).toEqual(plain);
    }
    expect(found<Continuation>(asked as never).length).toBeGreaterThan(20);
  });

  it("in a call that was there before its instance was compiled", () => {
    const [plain, fast] = [false, true].map((isCompiled) => {
      const world = worldOf(CALLING, false);
      const { store } = world;
      const thread = new Thread(store, exported(world, "run"), [50], false);
      expect(thread.run(100)).toMatchObject({ kind: "suspended" });
      if (isCompiled) expect(compileInstance(world.instance, features)).toBe(null);
      return [thread.run(ENDLESS), thread.fuelUsed, world.log];
    });
    expect(fast).toEqual(plain);
    expect(found<Continuation>(asked as never)).toHaveLength(1);
  });

  it("not where its store has no more room for compiled code", () => {
    const used = worldOf(CALLING, true).store.usage("compiledBytes");
    const limits = { compiledBytes: used + 1_000 };
    const world = worldOf({ ...CALLING, limits }, true);
    expect(story(world, "run", [50], { slice: 20 })).toHaveLength(1);
    expect(asked).toHaveBeenCalled();
    expect(found<Continuation>(asked as never)).toEqual([]);
    expect(world.store.usage("compiledBytes")).toBe(used);
  });

  it(`in ${COUNT} programs that juggle operands`, () => {
    const seen = nothingSeen();
    for (let i = 0; i < COUNT && seen.differences.length === 0; i++) {
      const bytes = stackProgram(Random.of(SEED, i));
      const record = load(bytes);
      for (const rations of RATIONS) compareTiers(record, features, i, rations, seen);
      if (seen.differences.length > 0) seen.differences.push(`program ${i}: ${toHex(bytes)}`);
    }
    expect(seen.differences).toEqual([]);
    expect(found<Continuation>(asked as never).length).toBeGreaterThan(COUNT / 2);
  });
});
