// References in compiled code: they are the host's externref there, whatever their types, and what
// can be seen is what the interpreter does.

import { describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { HostValue } from "../../src/runtime/objects.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { assemble, load } from "../validation/assemble.ts";
import { type Host, story, worldOf } from "./nested.ts";
import { compareTiers, nothingSeen, type Rations } from "./tiers.ts";

const engine = localHost();
const features = engine === null ? 0 : parseFeatures("default") & (await hostFeatures(engine));
const ENDLESS = Number.POSITIVE_INFINITY;

const RATIONS: readonly Rations[] = [
  { fuel: ENDLESS, slice: ENDLESS },
  { fuel: ENDLESS, slice: 1 },
  { fuel: ENDLESS, slice: 13 },
  ...Array.from({ length: 40 }, (_, i) => ({ fuel: i + 1, refill: ENDLESS, slice: ENDLESS })),
];

/** All of a module is compiled, and does what it does in the interpreter. */
function compare(bytes: Uint8Array, sizes: readonly number[] = [3]) {
  const record = load(bytes);
  const seen = nothingSeen();
  for (const size of sizes) {
    for (const rations of RATIONS) compareTiers(record, features, 1, rations, seen, size);
  }
  expect(seen.differences).toEqual([]);
  expect([...seen.reasons.keys()]).toEqual([]);
}

/** The stories of an export with host functions, in both tiers. */
function stories(text: string, hosts: readonly Host[], args: readonly unknown[]): string[][] {
  return [false, true].map((isCompiled) =>
    [ENDLESS, 1, 5].flatMap((fuel) => {
      const world = worldOf({ text, hosts }, isCompiled);
      if (isCompiled) expect([...world.instance.leftOut]).toEqual([]);
      return story(world, "f", args as never, { fuel });
    }),
  );
}

describe.skipIf(engine === null)("references in compiled code", () => {
  it("are passed, returned, kept in locals and chosen from", () => {
    compare(
      assemble(`(module
        (table $f 2 funcref) (global $g (mut funcref) (ref.null func))
        (elem declare func $swap)
        (func $swap (param externref f32 funcref v128) (result v128 funcref externref)
          (local.get 3) (local.get 2) (local.get 0))
        (func $count (param i32 funcref) (result i32 funcref)
          (local.get 1)
          (loop $l (param funcref) (result funcref)
            (local.set 1)
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (block (result funcref) (local.get 1))
            (br_if $l (local.get 0)))
          (local.set 1) (i32.const 7) (local.get 1))
        (func (export "f") (param i32) (result i32) (local externref funcref)
          (global.set $g (ref.func $swap))
          (call $swap (ref.null extern) (f32.const 1) (global.get $g) (v128.const i64x2 1 2))
          (local.set 1) (local.set 2) (drop)
          (call $count (local.get 0)
            (select (result funcref) (local.get 2) (ref.null func) (local.get 0)))
          (local.set 2)
          (table.set $f (i32.const 1) (local.get 2))
          (i32.add (ref.is_null (table.get $f (i32.const 1))))
          (i32.add (i32.shl (ref.is_null (table.get $f (i32.const 0))) (i32.const 4)))
          (i32.add (i32.shl (ref.is_null (local.get 1)) (i32.const 5)))))`),
      [1, 3],
    );
  });

  it("are in tables, which grow and are filled", () => {
    compare(
      assemble(`(module (type $t (func (result i32)))
        (table $t 2 70 funcref) (elem declare func $one)
        (func $one (result i32) (i32.const 1))
        (func (export "f") (param i32) (result i32)
          (drop (table.grow $t (ref.func $one) (local.get 0)))
          (table.fill $t (i32.const 0) (ref.null func) (i32.const 1))
          (table.set $t (i32.const 1) (table.get $t (local.get 0)))
          (i32.add (table.size $t) (call_indirect $t (type $t) (i32.const 1)))))`),
      [0, 1, 2, 60, 68, 69, -1],
    );
  });

  it("come from the host and go there", () => {
    const text = `(module
      (import "m" "next" (func $next (param externref) (result externref)))
      (table $t 2 externref)
      (func $keep (param externref i64) (result externref)
        (table.set $t (i32.const 1) (local.get 0))
        (call $next (table.get $t (i32.const 1))))
      (func (export "f") (param externref i32) (result externref externref i32)
        (local externref)
        (local.set 2 (local.get 0))
        (loop $l
          (local.set 0 (call $keep (call $next (local.get 0)) (i64.const 1)))
          (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
        (local.get 0) (local.get 2) (ref.is_null (local.get 0))))`;
    const next: Host = ({ log }, [value]) => {
      log.push(String(value));
      return value === "xxxx" ? null : `${value}x`;
    };
    for (const first of ["", null, 1]) {
      const [plain, fast] = stories(text, [next], [first, 5]);
      expect(fast).toEqual(plain);
    }
  });

  it("to what a census must see never stay in the host's frames", () => {
    const text = `(module
      (import "m" "make" (func $make (result externref)))
      (import "m" "see" (func $see (param i32)))
      (table $t 2 externref)
      (func $through (result externref) (return_call $make))
      (func $kept (param externref i32) (result externref)
        (call $see (local.get 1))
        (local.get 0))
      (func (export "f") (param externref i32) (result i32) (local externref)
        (call $see (i32.const 1))
        (loop $l
          (table.set $t (i32.const 0) (call $through))
          (local.set 2 (call $make))
          (call $see (i32.const 2))
          (local.set 0 (call $kept (table.get $t (i32.const 0)) (i32.const 3)))
          (call $see (i32.const 4))
          (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
        (i32.add (ref.is_null (local.get 0)) (ref.is_null (local.get 2)))))`;
    // An array of the host's is wrapped, and counts.
    const make: Host = () => new HostValue([]);
    const see: Host = ({ log, store }, [place]) => {
      store.objects.count();
      log.push(`${place}: ${store.usage("gcBytes")}`);
    };
    const [plain, fast] = stories(text, [make, see], [null, 4]);
    expect(fast).toEqual(plain);
    expect(plain[0]).toContain("3: 144,4: 96");
    const [given, taken] = stories(text, [make, see], [new HostValue([]), 1]);
    expect(taken).toEqual(given);
  });
});
