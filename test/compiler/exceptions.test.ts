// Exceptions and compiled code: it throws by coming down, and what handles exceptions is the
// interpreter's. So the host need not know any.

import { describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { Random } from "../fuzz/random.ts";
import { exceptionProgram } from "../interpreter/exception-programs.ts";
import { assemble, load } from "../validation/assemble.ts";
import { story, worldOf } from "./nested.ts";
import { compareTiers, nothingSeen, type Rations } from "./tiers.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 100);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
const ENDLESS = Number.POSITIVE_INFINITY;

const engine = localHost();
const features = engine === null ? 0 : parseFeatures("default") & (await hostFeatures(engine));

const RATIONS: readonly Rations[] = [
  { fuel: ENDLESS, slice: ENDLESS },
  { fuel: ENDLESS, slice: 1 },
  { fuel: 7, slice: ENDLESS },
  { fuel: 100, slice: 33 },
];

function compare(bytes: Uint8Array, seen = nothingSeen(), size?: number) {
  const record = load(bytes);
  for (const rations of RATIONS) compareTiers(record, features, SEED, rations, seen, size);
  return seen;
}

const TABLE = `(module (tag $t (param i32)) (tag $other (param i64 f64))
  (func $throws (param i32) (result i32)
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $t (local.get 0))))
    (if (i32.eq (local.get 0) (i32.const 4))
      (then (throw $other (i64.const 7) (f64.const 0.5))))
    (i32.mul (local.get 0) (i32.const 3)))
  (func $cleans (param i32) (result i32) (local i32)
    (local.set 1 (i32.const 100))
    (block $all (result exnref)
      (i32.const 5)
      (try_table (result i32) (catch_all_ref $all) (call $throws (local.get 0)))
      (return (i32.add)))
    (local.set 1 (i32.add (local.get 1) (local.get 0)))
    (throw_ref))
  (func (export "f") (param i32) (result i32) (local i32 i32 f64)
    (loop $next
      (local.set 1 (i32.add (local.get 1)
        (block $caught (result i32)
          (local.set 3
            (block $odd (result i64 f64)
              (i32.const 77)
              (try_table (catch $t $caught) (catch $other $odd)
                (local.set 2 (local.get 0))
                (local.set 2 (i32.add (local.get 2) (call $cleans (local.get 0)))))
              (drop)
              (br $caught (local.get 2))))
          (drop)
          (i32.add (local.get 2) (i32.trunc_f64_s (f64.add (local.get 3) (local.get 3)))))))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))`;

describe.skipIf(engine === null)("exceptions", () => {
  it("are handled where `try_table` says so, with the locals as they were", () => {
    const seen = compare(assemble(TABLE), nothingSeen(), 9);
    expect(seen.differences).toEqual([]);
    expect(seen.compiled).toBe(RATIONS.length);
  });

  it("leave no function to the interpreter", () => {
    const { instance } = worldOf({ text: TABLE }, true);
    expect([...instance.leftOut]).toEqual([]);
  });

  it("that nobody handles have the backtrace that they have in the interpreter", () => {
    const text = `(module (tag $t (param i32 f64))
      (func $throws (param i32) (throw $t (local.get 0) (f64.const 1.5)))
      (func (export "f") (param i32)
        (loop $l
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (if (i32.eqz (local.get 0)) (then (call $throws (i32.const 5))))
          (br $l))))`;
    const [plain, fast] = [false, true].map((isCompiled) =>
      [1_000, 9].flatMap((fuel) => story(worldOf({ text }, isCompiled), "f", [40], { fuel })),
    );
    expect(fast).toEqual(plain);
    expect(plain[0]).toMatch(/^threw/);
  });

  it(`of ${COUNT} programs of the legacy proposal`, () => {
    const seen = nothingSeen();
    for (let i = 0; i < COUNT && seen.differences.length === 0; i++) {
      compare(exceptionProgram(Random.of(SEED, i)), seen);
    }
    expect(seen.differences).toEqual([]);
    expect(seen.compiled).toBeGreaterThan(COUNT);
  });
});
