// What comes in runs is what a sink otherwise hears instruction by instruction: the same bytes,
// prices, heights, types and accesses to locals, and nothing else changes.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { instructionAt } from "../../src/isa/index.ts";
import { PRICE_TABLE_2 } from "../../src/isa/prices.ts";
import { RunRules, type RunSink, type Taken } from "../../src/validation/runs.ts";
import type { BodyFacts, BodySink } from "../../src/validation/sink.ts";
import { assemble, listen, load, stackOf } from "./assemble.ts";

const PRICES = PRICE_TABLE_2.fixed;

/** Operands that are popped where rows do not say it: drop, select, what handles variables. */
const POPPED: ReadonlyMap<number, number> = new Map([
  ...([
    [0x1a, 1],
    [0x1b, 3],
    [0x21, 1],
    [0x22, 1],
    [0x24, 1],
  ] as const),
]);

/** What is known of plain instructions in a row, behind the last one. */
interface Heard {
  start: number;
  end: number;
  count: number;
  price: number;
  lowest: number;
  accesses: number[];
}

/** Hears everything; runs are of at most `most` instructions, of those that are `taken`. */
class Listener implements BodySink {
  readonly runs?: RunSink;
  /** Offsets behind which instructions came alone or a run ended, with the operands there. */
  readonly stacks = new Map<number, string>();
  readonly heard: Heard[] = [];
  alone = 0;
  private facts: BodyFacts | null = null;

  constructor(most: number, taken: (op: number) => Taken) {
    if (most === 0) return;
    const rules = new RunRules(PRICES, taken);
    const run: RunSink["run"] = ({ accessCount, accesses, bytes, end, lowest, start, ...rest }) => {
      expect(bytes.length).toBeGreaterThanOrEqual(end);
      const { instructions: count, price } = rest;
      expect(count).toBeLessThanOrEqual(most);
      const some = Array.from(accesses.subarray(0, accessCount));
      this.heard.push({ start, end, count, price, lowest, accesses: some });
      if (this.facts !== null) this.stacks.set(end, stackOf(this.facts));
    };
    this.runs = { rules, mostInRun: most, takesGlobal: (index) => index === 0, run };
  }

  begin(facts: BodyFacts): void {
    this.facts = facts;
  }

  instruction(facts: BodyFacts): void {
    this.alone++;
    const { heightBefore, instruction } = facts;
    const { a, op, pos, start } = instruction;
    this.stacks.set(pos, stackOf(facts));
    const accesses = op >= 0x20 && op <= 0x22 ? [2 * a + (op === 0x20 ? 0 : 1)] : [];
    const lowest = heightBefore - (POPPED.get(op) ?? instructionAt(op)?.params?.length ?? 0);
    this.heard.push({ start, end: pos, count: 1, price: PRICES[op], lowest, accesses });
  }
}

function heardOf(bytes: Uint8Array, most: number, taken: (op: number) => Taken): Listener {
  const listener = new Listener(most, taken);
  listen(load(bytes), listener);
  return listener;
}

const PROGRAM = `(module
  (memory 1)
  (global $n (mut i32) (i32.const 0))
  (global $x (mut f64) (f64.const 0))
  (func (param i32 f32) (result i64) (local i64 v128)
    (global.set $n (i32.add (global.get $n) (i32.const 0x12345678)))
    (global.set $x (f64.add (global.get $x) (f64.const 0.1)))
    (local.set 2 (i64.extend_i32_u (local.tee 0 (i32.load8_u offset=300 (local.get 0)))))
    (local.set 3 (v128.load8_lane 5 (i32.const 8) (v128.const i64x2 1 2)))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (local.get 3) (local.get 3)))
    (f32.store (local.get 0) (select (local.get 1) (f32.const 0.5) (i32.const 1)))
    (drop (i8x16.extract_lane_s 3 (local.get 3)))
    (if (result i64) (i64.eqz (local.get 2))
      (then (nop) (br 1 (i64.const -1)) (drop (i32.add)))
      (else (i64.trunc_f32_s (local.get 1))))))`;

const MODULES: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ["all forms", assemble(PROGRAM)],
  ["a kernel", readFileSync("bench/kernels/compress.wasm")],
];

it.each(MODULES)("runs of %s are what their instructions are", (_, bytes) => {
  const alone = heardOf(bytes, 0, () => "alone");
  for (const most of [1, 3, 1000]) {
    const inRuns = heardOf(bytes, most, (op) => (op % 7 === 3 ? "alone" : "in runs"));
    let next = 0;
    for (const { count, ...run } of inRuns.heard) {
      const parts = alone.heard.slice(next, next + count);
      next += count;
      const [{ start }] = parts;
      const { end } = parts[count - 1];
      const lowest = Math.min(...parts.map((part) => part.lowest));
      const accesses = parts.flatMap((part) => part.accesses);
      const price = parts.reduce((sum, part) => sum + part.price, 0);
      expect(run).toEqual({ start, end, price, lowest, accesses });
      expect(inRuns.stacks.get(run.end)).toBe(alone.stacks.get(run.end));
    }
    expect(next).toBe(alone.heard.length);
    expect(inRuns.alone).toBeLessThan(alone.alone);
  }
});
