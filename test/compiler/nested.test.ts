// What compiled code calls and does not execute itself: host functions, functions that are left
// out, those of other instances, and whatever these call. Each program does the same in both tiers.

import { describe, expect, it } from "vitest";
import { funcInvoke } from "../../src/embedding/invoke.ts";
import { argumentsAt, CallThread } from "../../src/interpreter/call.ts";
import { SLOTS } from "../../src/interpreter/loop.generated.ts";
import type { Watch } from "../../src/runtime/outcome.ts";
import { type Exhaustion, Trap } from "../../src/runtime/trap.ts";
import { Unfinished } from "../../src/runtime/unfinished.ts";
import { localHost } from "../fuzz/hosts.ts";
import {
  exported,
  globalOf,
  type Program,
  promise,
  type Rations,
  story,
  worldOf,
} from "./nested.ts";

const RATIONS: readonly Rations[] = [
  {},
  { slice: 1 },
  { slice: 100 },
  { fuel: 7 },
  { fuel: 100, slice: 9 },
  { fuel: 1_000, mayAwait: true },
];

/** The same in both tiers, whatever it gets; gives the story of a call that is never stopped. */
function same(program: Program, name: string, ...args: unknown[]): string {
  const told = RATIONS.map((rations) => {
    const [plain, fast] = [false, true].map((isCompiled) =>
      story(worldOf(program, isCompiled), name, args, rations),
    );
    expect(fast, JSON.stringify(rations)).toEqual(plain);
    return plain;
  });
  return told[0].join("\n");
}

/** Functions with handlers are left to the interpreter. */
const LEFT_OUT = "(block $out (try_table (catch_all $out) (br $out)))";

describe.skipIf(localHost() === null)("compiled code calls", () => {
  const LOOP = `(module
    (import "m" "h" (func $h (param i32) (result i32)))
    (global $g (export "g") (mut i32) (i32.const 1))
    (func (export "f") (param $n i32) (result i32) (local $sum i32)
      (loop $l
        (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (local.set $sum (i32.add (local.get $sum) (call $h (local.get $n))))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (i32.add (global.get $g) (local.get $sum))))`;

  it("host functions, which see its globals and who calls", () => {
    const program: Program = {
      text: LOOP,
      hosts: [
        (world, [n], caller) => {
          expect(caller).toBe(world.instance);
          world.log.push(`${globalOf(world, "g")}`);
          world.instance.globals[0].initialise({ low: 100 * Number(n), high: 0, reference: null });
          return Number(n) + 1;
        },
      ],
    };
    expect(same(program, "f", 4)).toMatch(/^returned 114; .*; 4; 100; 2,401,301,201$/);
  });

  it("host functions that promise, and goes on with what these come to", () => {
    const program: Program = { text: LOOP, hosts: [(_, [n]) => promise(Number(n) * 2)] };
    const waiting = story(worldOf(program, true), "f", [3], { mayAwait: true });
    expect(waiting).toHaveLength(4);
    expect(same(program, "f", 3)).toMatch(/^threw/);
  });

  it("host functions whose work is unfinished", () => {
    const program: Program = {
      text: LOOP,
      hosts: [
        ({ log }) => {
          log.push("a");
          return new Unfinished(() => {
            log.push("b");
            return new Unfinished(() => 5);
          });
        },
      ],
    };
    expect(same(program, "f", 3)).toMatch(/^returned 19;/);
  });

  it("host functions that throw", () => {
    const hosts = [
      () => {
        throw new Error("no");
      },
    ];
    expect(same({ text: LOOP, hosts }, "f", 3)).toMatch(/^threw Error: no ;/);
  });

  it("host functions that call the same instance", () => {
    const program: Program = {
      text: LOOP,
      hosts: [
        (world, [n]) => {
          if (Number(n) === 1) return 1;
          return funcInvoke(world.store, exported(world, "f"), [Number(n) - 1])[0];
        },
      ],
    };
    const [plain, fast] = [false, true].map((isCompiled) =>
      story(worldOf(program, isCompiled), "f", [5]),
    );
    expect(fast).toEqual(plain);
  });

  const MIXED = `(module
    (import "m" "h" (func $h (param i32) (result i32)))
    (tag $t (param i32))
    (global $g (export "g") (mut i32) (i32.const 0))
    (func $fast (export "fast") (param $n i32) (result i32) (local $i i32)
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (local.set $i (i32.const 5))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (if (result i32) (local.get $n)
        (then (i32.add (local.get $n) (call $middle (i32.sub (local.get $n) (i32.const 1)))))
        (else (call $h (global.get $g)))))
    (func $middle (param $n i32) (result i32)
      (i32.add (i32.const 1) (call $slow (local.get $n))))
    (func $slow (param $n i32) (result i32)
      ${LEFT_OUT}
      (global.set $g (i32.add (global.get $g) (i32.const 10)))
      (i32.add (i32.const 1) (call $fast (local.get $n))))
    (func $thrower (param $n i32) (result i32)
      (if (local.get $n) (then (return (call $fastThrower (i32.sub (local.get $n) (i32.const 1))))))
      (throw $t (global.get $g)))
    (func $fastThrower (param $n i32) (result i32)
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.add (i32.const 1) (call $thrower (local.get $n))))
    (func (export "uncaught") (param $n i32) (result i32) (call $thrower (local.get $n)))
    (func (export "caught") (param $n i32) (result i32)
      (block $b (result i32)
        (try_table (result i32) (catch $t $b) (call $fastThrower (local.get $n)))
        (return))
      (i32.add (i32.const 1000)))
    (func $tail (export "tail") (param $n i32) (result i32) (return_call $h (local.get $n)))
    (func (export "aboveTail") (param $n i32) (result i32)
      (i32.add (i32.const 1) (call $tail (local.get $n)))))`;

  it("functions that are left out, and these call it", () => {
    const hosts = [(_: unknown, [n]: unknown[]) => n];
    expect(same({ text: MIXED, hosts }, "fast", 20)).toMatch(/^returned 471;/);
  });

  it("host functions from frames that are nested", () => {
    const hosts = [(_: unknown, [n]: unknown[]) => promise(n)];
    const rations = { mayAwait: true, slice: 50 };
    const [plain, fast] = [false, true].map((isCompiled) =>
      story(worldOf({ text: MIXED, hosts }, isCompiled), "fast", [9], rations),
    );
    expect(fast).toEqual(plain);
    expect(plain).toHaveLength(2);
  });

  it("what traps, with frames of both tiers in the backtrace", () => {
    const hosts = [
      () => {
        throw new Trap(1);
      },
    ];
    same({ text: MIXED, hosts }, "fast", 7);
    const text = `(module
      (func $fast (export "f") (param $n i32) (result i32)
        (i32.add (i32.const 1) (call $slow (i32.sub (local.get $n) (i32.const 1)))))
      (func $slow (param $n i32) (result i32)
        ${LEFT_OUT}
        (if (local.get $n) (then (return (call $fast (local.get $n)))))
        unreachable))`;
    expect(same({ text }, "f", 3)).toMatch(/^trapped unreachable .*"funcIndex":0/);
  });

  it("what throws: caught outside, by nobody, and billed for each frame", () => {
    const hosts = [() => 0];
    expect(same({ text: MIXED, hosts }, "caught", 40)).toMatch(/^returned 1041;/);
    expect(same({ text: MIXED, hosts }, "uncaught", 9)).toMatch(/^threw WasmException/);
  });

  it("others in its place", () => {
    const hosts = [(_: unknown, [n]: unknown[]) => n];
    expect(same({ text: MIXED, hosts }, "tail", 5)).toMatch(/^returned 5;/);
    expect(same({ text: MIXED, hosts }, "aboveTail", 5)).toMatch(/^returned 6;/);
    const promising = [(_: unknown, [n]: unknown[]) => promise(n)];
    same({ text: MIXED, hosts: promising }, "tail", 5);
    same({ text: MIXED, hosts: promising }, "aboveTail", 5);
  });

  it("functions of other instances, in any direction", () => {
    const other: Program = {
      text: `(module
        (import "m" "h" (func $h (param i32) (result i32)))
        (global $own (mut i32) (i32.const 0))
        (func $slow (param i32) (result i32) ${LEFT_OUT} (call $h (local.get 0)))
        (func (export "f") (param $n i32) (result i32)
          (global.set $own (i32.add (global.get $own) (i32.const 3)))
          (i32.add (global.get $own) (call $slow (local.get $n)))))`,
      hosts: [(_, [n]) => (n === 9 ? promise(n) : n)],
    };
    const program: Program = {
      text: `(module
        (import "m" "a" (func $a (param i32) (result i32)))
        (import "m" "b" (func $b (param i32) (result i32)))
        (global $g (mut i32) (i32.const 0))
        (func $fast (export "fast") (param $n i32) (result i32)
          (global.set $g (i32.add (global.get $g) (i32.const 1)))
          (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
          (i32.add
            (i32.add (call $a (local.get $n)) (call $tail (local.get $n)))
            (call $fast (i32.sub (local.get $n) (i32.const 1)))))
        (func $tail (param $n i32) (result i32) (return_call $b (local.get $n))))`,
      hosts: [other, other],
    };
    expect(same(program, "fast", 8)).toMatch(/^returned 288;/);
    const rations = { mayAwait: true, fuel: 40 };
    const [plain, fast] = [false, true].map((isCompiled) =>
      story(worldOf(program, isCompiled), "fast", [11], rations),
    );
    expect(fast).toEqual(plain);
    expect(plain.join()).toContain("suspended host");
  });

  it("for JavaScript, which stops it by a deadline, or for want of fuel", () => {
    const text = `(module
      (func $fast (export "f") (param $n i32) (result i32)
        (i32.add (i32.const 1) (call $slow (i32.sub (local.get $n) (i32.const 1)))))
      (func $slow (param $n i32) (result i32)
        ${LEFT_OUT}
        (if (local.get $n) (then (return (call $fast (local.get $n)))))
        (loop $l (br $l))
        (i32.const 0)))`;
    const deadline: Watch = { active: true, patience: 0, reason: () => "deadline" };
    for (const [watch, fuel] of [
      [deadline, Number.POSITIVE_INFINITY],
      [null, 10_000],
    ] as const) {
      const [plain, fast] = [false, true].map((isCompiled) => {
        const world = worldOf({ text }, isCompiled);
        world.store.fuel = fuel;
        const thread = new CallThread(world.store, watch);
        SLOTS[argumentsAt()] = 5;
        try {
          return thread.perform(exported(world, "f"), { read: () => "returned" });
        } catch (error) {
          const { kind, backtrace } = error as Exhaustion;
          return [kind, ...backtrace.map(({ funcIndex }) => funcIndex)];
        }
      });
      expect(fast).toEqual(plain);
      expect(plain).toEqual([watch === null ? "fuel" : "deadline", 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    }
  });
});
