// Executions, calls and calls of exported functions that take turns on the one machine of the
// realm, also inside of each other's host functions: whoever is interrupted, however often and by
// whatever, gets the result it would have got alone. The turns are drawn from fixed seeds.

import { afterEach, describe, expect, it } from "vitest";
import { type Execution, type Instance, Store } from "../../src/api/index.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import { Random } from "../fuzz/random.ts";
import { useSmallParts, useUsualParts } from "../interpreter/small-parts.ts";
import { assemble } from "../validation/assemble.ts";
import { moduleOf } from "./support.ts";

// Each level of the recursion keeps numbers and references in locals, and a sum on the stack.
const GUEST = `(module
  (import "env" "visit" (func $visit (param i32)))
  (import "env" "weigh" (func $weigh (param externref) (result i32)))
  (func $sum (export "sum") (param $n i32) (param $tag i32) (param $ref externref) (result i32)
    (local $product i64) (local $copy externref)
    (if (i32.eqz (local.get $n)) (then (return (call $weigh (local.get $ref)))))
    (local.set $product (i64.extend_i32_u (i32.mul (local.get $n) (local.get $tag))))
    (local.set $copy (local.get $ref))
    (call $visit (local.get $n))
    (i32.add
      (i32.add (i32.wrap_i64 (local.get $product)) (call $weigh (local.get $ref)))
      (call $sum (i32.sub (local.get $n) (i32.const 1)) (local.get $tag) (local.get $copy)))))`;

interface Weight {
  readonly weight: number;
}

/** What a call has to give: the sum over its levels, each with a weight. */
const expected = (n: number, tag: number, { weight }: Weight) =>
  (tag * n * (n + 1)) / 2 + (n + 1) * weight;

interface Task {
  readonly execution: Execution;
  readonly result: number;
  running: boolean;
}

const MOST_TASKS = 6;
const MOST_NESTING = 3;
const MOST_DEPTH = 60;

/** Draws turns until enough tasks have ended. */
class Turns {
  private readonly random: Random;
  private readonly instances: Instance[];
  private readonly exported: (n: number, tag: number, ref: Weight) => number;
  private readonly tasks: Task[] = [];
  private nesting = 0;
  ended = 0;
  /** Turns that were taken inside of a host function. */
  nested = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const env = {
      visit: () => this.perhapsTurns(),
      weigh: (ref: unknown) => (ref as Weight).weight,
    };
    const module = moduleOf(GUEST);
    this.instances = [0, 1].map(() => new Store().instantiate(module, { env }));
    const { Instance, Module } = createNamespace();
    const { exports } = new Instance(new Module(assemble(GUEST)), { env });
    this.exported = exports.sum as typeof this.exported;
  }

  private arguments(depth: number): [n: number, tag: number, ref: Weight] {
    const { random } = this;
    return [random.below(depth), 1 + random.below(1000), { weight: random.below(1000) }];
  }

  private perhapsTurns(): void {
    if (this.nesting === MOST_NESTING || this.random.below(8) !== 0) return;
    this.nesting++;
    for (let turns = this.random.below(4); turns > 0; turns--) {
      this.nested++;
      this.turn();
    }
    this.nesting--;
  }

  turn(): void {
    const { random, tasks } = this;
    const kind = random.below(8);
    if (kind === 0) this.call();
    else if (kind === 1) this.callExported();
    else if (kind === 2 && tasks.length < MOST_TASKS) this.start();
    else {
      const idle = tasks.filter(({ running }) => !running);
      if (idle.length > 0) this.run(idle[random.below(idle.length)]);
    }
  }

  private start(): void {
    const [n, tag, ref] = this.arguments(MOST_DEPTH);
    const instance = this.instances[this.random.below(this.instances.length)];
    const execution = instance.func("sum").start(n, tag, ref);
    this.tasks.push({ execution, result: expected(n, tag, ref), running: false });
  }

  private call(): void {
    const args = this.arguments(10);
    expect(this.instances[0].func("sum").call(...args)).toBe(expected(...args));
  }

  private callExported(): void {
    const args = this.arguments(10);
    expect(this.exported(...args)).toBe(expected(...args));
  }

  private run(task: Task): void {
    task.running = true;
    const outcome = task.execution.run({ slice: 1 + this.random.below(60) });
    task.running = false;
    if (outcome.kind === "suspended") return;
    expect(outcome).toMatchObject({ kind: "returned", value: task.result });
    this.tasks.splice(this.tasks.indexOf(task), 1);
    this.ended++;
  }
}

afterEach(useUsualParts);

describe("executions and calls that take turns", () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "do not disturb each other (%i)",
    (seed) => {
      if (seed % 4 !== 0) useSmallParts(seed % 4);
      const turns = new Turns(seed);
      for (let i = 0; i < 20_000 && turns.ended < 30; i++) turns.turn();
      expect(turns.ended).toBe(30);
      expect(turns.nested).toBeGreaterThan(100);
    },
  );
});
