// Instructions that the runtime executes for compiled code: their bills, limits, traps and stops
// are those of the interpreter.

import { describe, expect, it, vi } from "vitest";
import { Thread } from "../../src/interpreter/thread.ts";
import { parseFeatures } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compareTiers, nothingSeen, type Rations } from "./tiers.ts";

const engine = localHost();
const features = engine === null ? 0 : parseFeatures("default") & (await hostFeatures(engine));

const ENDLESS = Number.POSITIVE_INFINITY;

/** Stops at every place, and wherever a bill is too high. */
const RATIONS: readonly Rations[] = [
  { fuel: ENDLESS, slice: ENDLESS },
  { fuel: ENDLESS, slice: 1 },
  { fuel: 100_000, slice: 33 },
  ...Array.from({ length: 60 }, (_, i) => ({ fuel: i + 1, refill: ENDLESS, slice: ENDLESS })),
  ...Array.from({ length: 60 }, (_, i) => ({ fuel: 40 * i, refill: 500, slice: ENDLESS })),
];

function compare(text: string, size = 3) {
  const record = load(assemble(text));
  const seen = nothingSeen();
  for (const rations of RATIONS) compareTiers(record, features, 1, rations, seen, size);
  expect(seen.differences).toEqual([]);
  expect([...seen.reasons.keys()]).toEqual([]);
}

const LONG = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(600);

describe.skipIf(engine === null)("an instruction of the runtime's", () => {
  it.each([
    ["memory.grow", "(drop (memory.grow (local.get 0))) (drop (memory.grow (i32.const 9)))"],
    ["memory.fill", "(memory.fill (local.get 0) (i32.const 7) (i32.const 1000))"],
    ["memory.copy", "(memory.copy (i32.const 60) (local.get 0) (i32.const 700))"],
    ["memory.init", "(memory.init $d (i32.const 9) (i32.const 0) (local.get 0))"],
    ["data.drop", "(data.drop $d) (memory.init $d (i32.const 9) (i32.const 1) (local.get 0))"],
    ["a copy that traps", "(memory.copy (i32.const 60) (local.get 0) (i32.const 70000))"],
    ["a long fill", "(memory.fill (local.get 0) (i32.const 7) (i32.const 65000))"],
    ["a fill of nothing", "(memory.fill (local.get 0) (i32.const 7) (i32.const 0))"],
    ["a fill of nothing that traps", "(memory.fill (i32.const -1) (i32.const 7) (i32.const 0))"],
    ["a short fill that traps", "(memory.fill (i32.const 65535) (i32.const 7) (local.get 0))"],
    ["a short copy that traps", "(memory.copy (i32.const 0) (i32.const -3) (local.get 0))"],
    ["a fill of a page", "(memory.fill (i32.const 0) (i32.const 7) (i32.const 65536))"],
    ["a fill beyond a page", "(memory.fill (i32.const 0) (i32.const 7) (i32.const 65537))"],
    ["table.size", "(i32.store (i32.const 60) (table.size $t))"],
  ])("%s", (_, instruction) => {
    const around = (code: string) => `(module
      (memory (export "m") 1 8) (data $d "abcdef") (table $t 3 funcref)
      (func (export "f") (param i32) (result i32) ${code}))`;
    compare(around(`${instruction} (i32.load (i32.const 9))`));
    // An operand beneath, in a loop; what is behind it belongs to its segment.
    compare(
      around(`(i32.const 5) (loop $l ${instruction}
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.add (i32.load8_u (i32.const 61)))`),
    );
  });

  it("which is the host's own where it is short and the budget lasts", () => {
    const execute = vi.spyOn(Thread.prototype, "execute");
    const calls = (code: string, fuel: number) => {
      execute.mockClear();
      const record = load(
        assemble(`(module (memory 2) (memory $empty 0)
          (func (export "f") (param i32) (result i32) ${code} (i32.load (i32.const 65536))))`),
      );
      const seen = nothingSeen();
      compareTiers(record, features, 1, { fuel, slice: ENDLESS }, seen, 3);
      expect(seen).toMatchObject({ differences: [], calls: 1 });
      return execute.mock.calls.length;
    };
    const short = "(memory.fill (i32.const 1) (i32.const 7) (i32.const 65536))";
    expect(calls(short, ENDLESS)).toBe(0);
    expect(calls(short, 1_024)).toBe(1);
    expect(calls("(memory.copy (i32.const 8) (i32.const 0) (local.get 0))", ENDLESS)).toBe(0);
    expect(calls("(memory.fill (i32.const 1) (i32.const 7) (i32.const 65537))", ENDLESS)).toBe(1);
    expect(calls("(memory.fill $empty (i32.const 0) (local.get 0) (i32.const 0))", ENDLESS)).toBe(
      1,
    );
    execute.mockRestore();
  });

  it("in straight-line code that is longer than a segment may be", () => {
    compare(`(module (memory 1 8)
      (func (export "f") (param i32) (result i32)
        ${LONG} (drop (memory.grow (i32.const 1)))
        ${LONG} (memory.fill (i32.const 0) (i32.const 1) (i32.const 640))
        (i32.add (memory.size) (local.get 0))))`);
  });

  it("in a shared memory, whose atomic instructions are the host's", () => {
    compare(`(module (memory 1 4 shared)
      (func (export "f") (param i32) (result i32)
        (drop (i32.atomic.rmw.add (i32.const 8) (local.get 0)))
        (drop (memory.grow (i32.const 1)))
        (drop (i32.atomic.rmw.cmpxchg (i32.const 65536) (i32.const 0) (local.get 0)))
        (memory.copy (i32.const 16) (i32.const 65536) (i32.const 300))
        (i32.add (memory.size) (i32.atomic.load (i32.const 16))))
      (func (export "unaligned") (param i32) (result i32) (i32.atomic.load (i32.const 9)))
      (func (export "notify") (param i32) (result i32)
        (memory.atomic.notify (i32.const 8) (local.get 0))))`);
  });

  it("with a memory's growth seen by loads and stores", () => {
    compare(`(module (memory 0 3)
      (func (export "f") (param i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 65532) (i32.const 5))
        (drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 131068) (i32.const 6))
        (i32.add (i32.load (i32.const 65532)) (i32.load (i32.const 131068)))))`);
  });

  it("behind which a branch leaves the function with what lies beneath its condition", () => {
    compare(`(module
      (func $one (param i32) (result i32) (local.get 0))
      (func (export "f") (param i32) (result i32)
        (i32.const 5) (call $one (local.get 0)) (br_if 0) (drop) (i32.const 9)))`);
  });
});
