// Deep calls that take turns: what lies deep is not moved, and nothing that they compute, are billed
// or are told depends on what was. Work is counted in words that are copied out and in.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Execution,
  Exhaustion,
  type Outcome,
  PRICE_TABLE_2,
  Store,
} from "../../src/api/index.ts";
import { compile } from "../../src/code/compiled.ts";
import { CodeAccount } from "../../src/code/room.ts";
import { measures, Part, Parts } from "../../src/interpreter/parts.ts";
import { room } from "../../src/interpreter/registers.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import type { RuntimeLimits } from "../../src/runtime/store.ts";
import { moduleOf } from "../api/support.ts";
import { Random } from "../fuzz/random.ts";
import { GUEST, OTHER, PLAIN, TABLE } from "./deep-programs.ts";
import { useSmallParts, useUsualParts } from "./small-parts.ts";

interface Case {
  readonly depth: number;
  readonly mode: number;
  readonly plain?: boolean;
  readonly limits?: Partial<RuntimeLimits>;
}

function start({ depth, limits = {}, mode, plain }: Case, visit: (n: number) => number = Number) {
  const store = new Store({ limits });
  const table = store.instantiate(TABLE).exports;
  const other = store.instantiate(OTHER, { table }).exports;
  const imports = { table, other, env: { visit } };
  const instance = plain ? store.instantiate(PLAIN) : store.instantiate(GUEST, imports);
  return instance.func("walk").start(depth, mode, { depth });
}

type Threw = Extract<Outcome, { kind: "threw" }>;
type Told = Error & { readonly backtrace?: unknown; readonly kind?: unknown };

/** What can be told about an end: values, or the error with its backtrace. */
function ending(outcome: Outcome, { usage }: Execution) {
  const { fuel, hostCalls } = usage;
  if (outcome.kind === "returned") return { fuel, hostCalls, values: outcome.values };
  const error = (outcome.kind === "trapped" ? outcome.trap : (outcome as Threw).error) as Told;
  return { fuel, hostCalls, error: error.message, backtrace: error.backtrace, of: error.kind };
}

function alone(which: Case, visit?: (n: number) => number) {
  const execution = start(which, visit);
  return ending(execution.run(), execution);
}

/** Runs executions in turns, until all have ended; how they did, and how many turns it took. */
function inTurns(executions: Execution[], slice: () => number, between: () => void = () => {}) {
  const ended: (Outcome | null)[] = executions.map(() => null);
  let turns = 0;
  while (ended.some((outcome) => outcome === null)) {
    for (const [i, execution] of executions.entries()) {
      if (ended[i] !== null) continue;
      turns++;
      between();
      const outcome = execution.run({ slice: slice() });
      if (outcome.kind !== "suspended") ended[i] = outcome;
    }
  }
  return { endings: ended.map((outcome, i) => ending(outcome as Outcome, executions[i])), turns };
}

/** Inside of a host function, above calls that may be deep. */
function runIfThereIsRoom(execution: Execution, slice: number): string {
  try {
    return execution.run({ slice }).kind;
  } catch (error) {
    expect(error).toBeInstanceOf(Exhaustion);
    return (error as Exhaustion).message;
  }
}

/** What moves frames, seen from outside. */
interface Moves {
  take(...args: unknown[]): Part;
}

/** Counts words that are copied out and in. */
function countMoves() {
  const moved = { out: 0, in: 0, parts: 0 };
  const { take } = Parts.prototype as unknown as Moves;
  vi.spyOn(Parts.prototype as unknown as Moves, "take").mockImplementation(function (
    this: unknown,
    ...args
  ) {
    const part = take.apply(this, args);
    moved.out += part.words;
    moved.parts++;
    return part;
  });
  const { drop, restore } = Part.prototype;
  vi.spyOn(Part.prototype, "drop").mockImplementation(function (this: Part, store) {
    moved.parts--;
    drop.call(this, store);
  });
  vi.spyOn(Part.prototype, "restore").mockImplementation(function (this: Part, slots, calls) {
    moved.in += this.words;
    restore.call(this, slots, calls);
  });
  return moved;
}

const nobody = compile(moduleOf("(module (func))").record, PRICE_TABLE_2).code(0);
const evictAll = () => room.reserve(nobody, room.limit, new CodeAccount(), true);

beforeEach(useUsualParts);
afterEach(() => {
  vi.restoreAllMocks();
  useUsualParts();
});

const DEEP = 100_000;

describe("deep executions", () => {
  it.each([
    [2, true],
    [3, true],
    [2, false],
    [3, false],
  ])("%i of them that take turns move few words (numbers only: %s)", (count, plain) => {
    const which = { depth: plain ? DEEP : DEEP >> 1, mode: 0, plain };
    const expected = alone(which);
    expect(expected).toHaveProperty("values");
    const executions = Array.from({ length: count }, () => start(which));
    const slice = expected.fuel * 0.45;
    for (const execution of executions) execution.run({ slice });
    const moved = countMoves();
    let most = 0;
    let before = { ...moved };
    const { endings, turns } = inTurns(
      executions,
      () => 1_000,
      () => {
        most = Math.max(most, moved.out + moved.in - before.out - before.in);
        before = { ...moved };
      },
    );
    expect(endings).toEqual(executions.map(() => expected));
    // Once each has what it had grown to alone taken out; then it is a few parts.
    const { mostCalls, mostSlots, partCalls, partSlots } = measures;
    expect(most).toBeLessThan(1.5 * (mostCalls + mostSlots));
    expect((moved.out + moved.in) / turns).toBeLessThan(3 * (partCalls + partSlots));
  });

  it("that run alone are not moved, nor copied as long as they are not very deep", () => {
    const expected = alone({ depth: DEEP, mode: 0, plain: true });
    const moved = countMoves();
    const run = start({ depth: 5_000, mode: 0, plain: true });
    inTurns([run], () => 500);
    expect(moved).toEqual({ out: 0, in: 0, parts: 0 });
    const deep = start({ depth: DEEP, mode: 0, plain: true });
    expect(inTurns([deep], () => 1_000).endings).toEqual([expected]);
    expect(moved.in).toBe(0);
    expect(moved.out).toBeLessThan(12 * DEEP);
  });

  it.each([
    ["caught at the bottom", 29_900],
    ["caught on the way", 15_000],
    ["caught by the first", 1],
    ["uncaught", 100_000],
    ["a trap", -1],
    ["too deep", -2],
    ["too deep, in a handler", -3],
  ])("throw: %s", (_, mode) => {
    const which = { depth: 30_000, mode };
    const expected = alone(which);
    const moved = countMoves();
    const { endings } = inTurns([start(which), start(which)], () => 3_000);
    expect(endings).toEqual([expected, expected]);
    expect(moved.out).toBeGreaterThan(100_000);
    expect(moved.parts).toBe(0);
  });

  it("look through frames where they are", () => {
    const which = { depth: 50_000, mode: 50_000 };
    const { fuel } = alone(which);
    const executions = [start(which), start(which)];
    for (const execution of executions) execution.run({ slice: 0.5 * fuel });
    const moved = countMoves();
    const { turns } = inTurns(executions, () => 1_000);
    const { partCalls, partSlots } = measures;
    expect(moved.in / turns).toBeLessThan(2 * (partCalls + partSlots));
  });
});

describe("frames in parts of a few calls", () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))("change nothing (%i)", (seed) => {
    const random = new Random(seed);
    const draw = (): Case => {
      const depth = random.below(random.oneIn(4) ? 400 : 60);
      const mode = random.oneIn(2) ? 0 : random.between(-3, depth + 20);
      const limits = random.oneIn(2)
        ? {}
        : { callDepth: random.between(50, 500), stackBytes: random.between(2_000, 40_000) };
      return { depth, mode, limits };
    };
    const cases = Array.from({ length: random.between(1, 3) }, draw);
    const expected = cases.map((which) => alone(which));
    useSmallParts(random.between(1, 9));
    const longest = random.between(1, 80);
    const disturb = () => {
      if (random.oneIn(12)) evictAll();
      if (random.oneIn(6)) alone({ depth: random.below(20), mode: 0 });
    };
    // Some of the turns are taken inside of the others' host functions.
    let nested: Execution | null = null;
    const visit = (n: number): number => {
      disturb();
      if (nested?.status === "suspended" && random.oneIn(2)) runIfThereIsRoom(nested, longest);
      return n;
    };
    const executions = cases.map((which) => start(which, visit));
    nested = random.oneIn(2) ? start(draw()) : null;
    const { endings } = inTurns(executions, () => random.between(1, longest), disturb);
    expect(endings).toEqual(expected);
  });

  it.each([0, 120, -1, -2, -3])("change nothing if it was once, at any point (mode %i)", (mode) => {
    const which = { depth: 150, mode, limits: { stackBytes: 60_000 } };
    const expected = alone(which);
    useSmallParts(3);
    for (let slice = 1; slice < expected.fuel; slice += 97) {
      const execution = start(which);
      execution.run({ slice });
      alone({ depth: 10, mode: 0 });
      expect(ending(execution.run(), execution)).toEqual(expected);
    }
  });

  it.each([
    { callDepth: 250, stackBytes: 1 << 20 },
    { callDepth: 10_000, stackBytes: 20_000 },
  ])("leave those above them the room that they would leave (%o)", (limits) => {
    const which = { depth: 200, mode: 0, limits };
    const inHost = () => {
      const found: unknown[] = [];
      const waiting = start({ depth: 120, mode: 0, limits });
      waiting.run({ slice: 4_500 });
      const visit = (n: number) => {
        found.push(alone({ depth: 3, mode: -2, limits }));
        found.push(runIfThereIsRoom(waiting, 1));
        return n;
      };
      return { found, visit };
    };
    const expected = inHost();
    alone(which, expected.visit);
    expect(expected.found).toContain("suspended");
    expect(expected.found).toContainEqual(expect.stringContaining("there is no room above"));
    expect(new Set(expected.found.map((told) => JSON.stringify(told))).size).toBeGreaterThan(6);
    useSmallParts(3);
    const disturbed = inHost();
    inTurns([start(which, disturbed.visit), start({ depth: 100, mode: 0 })], () => 40);
    expect(disturbed.found).toEqual(expected.found);
  });
});

describe("frames that are large", () => {
  it("count towards the slice when they come back", () => {
    const locals = "i64 ".repeat(1_000);
    const module = moduleOf(`(module
      (func $f (export "f") (param $n i32) (result i32) (local ${locals})
        (if (result i32) (local.get $n)
          (then (i32.add (i32.const 1) (call $f (i32.sub (local.get $n) (i32.const 1)))))
          (else (local.get 0)))))`);
    const f = new Store().instantiate(module).func("f");
    f.call(500);
    const thread = new Thread(f.store.runtime, f.target, [500], true);
    // Where it has begun to return.
    let outcome = thread.run(f.store.usage.fuel - 1_000);
    alone({ depth: 10, mode: 0, plain: true });
    const moved = countMoves();
    let most = 0;
    while (outcome.kind === "suspended") {
      const before = moved.in;
      outcome = thread.run(1_000);
      most = Math.max(most, moved.in - before);
    }
    expect(outcome).toEqual({ kind: "returned", values: [500] });
    expect(moved.in).toBeGreaterThan(400_000);
    expect(most).toBeLessThan(3 * measures.partSlots + 2_000);
  });
});

describe("results on their way", () => {
  const COUNT = 100;
  const results = `(result${" i32".repeat(COUNT)})`;
  const values = Array.from({ length: COUNT }, (_, i) => i);

  /** Deep enough to overwrite what lies above the frames of others. */
  const overwrite = () => alone({ depth: 100, mode: 0, plain: true });

  it("of a tail call of the host are kept, into whichever instance or to the end", () => {
    const store = new Store();
    const tail = store.instantiate(
      moduleOf(`(module (import "env" "host" (func $host ${results}))
        (func (export "tail") ${results} (return_call $host)))`),
      { env: { host: () => values } },
    );
    const caller = store.instantiate(
      moduleOf(`(module (import "tail" "tail" (func $tail ${results}))
        (func (export "direct") ${results} (call $tail))
        (func (export "tail") ${results} (return_call $tail)))`),
      { tail: tail.exports },
    );
    for (const func of [tail.func("tail"), caller.func("direct"), caller.func("tail")]) {
      const { endings } = inTurns([func.start()], () => 1, overwrite);
      expect(endings[0].values).toEqual(values);
    }
  });
});
