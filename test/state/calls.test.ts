// What the frames of suspended calls say, where they cannot be had, and calls that are deep, go
// through several instances, and whose code and frames are moved meanwhile.

import { afterEach, describe, expect, it } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import { BEHIND, CALL, CUT, ENTRY, LOOP, WITHIN } from "../../src/code/sites.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import type { Value } from "../../src/runtime/instances.ts";
import { Exhaustion } from "../../src/runtime/trap.ts";
import { SnapshotError } from "../../src/state/errors.ts";
import {
  type Frame,
  finished,
  putFrames,
  type SuspendedCall,
  takeFrames,
} from "../../src/state/frames.ts";
import { instanceOf, thrown } from "../api/support.ts";
import { joinBodies, joinSections, splitBodies, splitSections } from "../fuzz/parts.ts";
import { SECTION } from "../fuzz/writer.ts";
import { GUEST, OTHER, PLAIN, TABLE } from "../interpreter/deep-programs.ts";
import { evictAll } from "../interpreter/evicting.ts";
import { useSmallParts, useUsualParts } from "../interpreter/small-parts.ts";
import { assemble } from "../validation/assemble.ts";
import { endOf, nothingSeen, resumed } from "./resumed.ts";

afterEach(useUsualParts);

type Imports = Parameters<typeof instanceOf>[1];

/** A call of the export `f` of a module, which has its code. */
function threadOf(text: string, args: readonly Value[], imports: Imports = {}, mayAwait = false) {
  const instance = instanceOf(text, imports);
  return new Thread(instance.store.runtime, instance.func("f").target, args, mayAwait);
}

/** Runs until the first stop at which `isThere` holds, of a thread in slices of one segment. */
function stopWhere(thread: Thread, isThere: (call: SuspendedCall) => boolean): SuspendedCall {
  for (let i = 0; i < 1_000 && thread.run(1).kind === "suspended"; i++) {
    const call = finished(takeFrames(thread));
    if (isThere(call)) return call;
  }
  throw new Error("it never stops there");
}

const innermost = (kind: number) => (call: SuspendedCall) => call.frames[0]?.kind === kind;

/** What matters of a frame; references as they are. */
function told({ funcIndex, kind, locals, operands }: Frame) {
  const values = (raws: Frame["locals"]) =>
    raws.map(({ high, low, reference, upper }) => {
      return reference ?? (upper === undefined ? [low, high] : [low, high, upper.low, upper.high]);
    });
  return { funcIndex, kind, locals: values(locals), operands: values(operands) };
}

const OPERANDS = `(module
  (memory 1)
  (global $g (mut i32) (i32.const 5))
  (func $callee (param i32 f64) (result i32 i64)
    (local $v v128) (local $r externref) (local $n i32)
    (local.set $v (v128.const i32x4 1 2 3 4))
    (local.set $n (i32.const 3))
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 2))
    (i32.const 7) (i64.const -2))
  (func (export "f") (param $p i32) (param $r externref) (result i32 i64 f32)
    (f32.const nan:0x200001)
    (local.get $p) (local.get $r) (global.get $g) (v128.const i32x4 5 6 7 8)
    (i64.const 0x100000002)
    (local.set $p (i32.const 99))
    (call $callee (i32.const 11) (f64.const 1))
    (local.set $p (i32.wrap_i64)) drop drop drop drop drop drop drop
    (if (i32.eqz (local.get $p)) (then unreachable))
    (local.get $p) (i64.const 8) (f32.const 0)))`;

describe("frames", () => {
  const R = { reference: 1 };
  const caller = {
    funcIndex: 1,
    kind: CALL,
    locals: [[99, 0], R],
    operands: [[0x7fa00001, 0], [4, 0], R, [5, 0], [5, 6, 7, 8], [2, 1]],
  };
  const one = [0, 0x3ff00000];

  it("at the entry: locals that are no parameters are as they begin", () => {
    const { frames } = stopWhere(threadOf(OPERANDS, [4, R]), (call) => call.frames.length > 1);
    const locals = [[11, 0], one, [0, 0, 0, 0], [0, 0], [0, 0]];
    const callee = { funcIndex: 0, kind: ENTRY, locals, operands: [] };
    expect(frames.map(told)).toEqual([callee, caller]);
  });

  it("at a loop, and in front of an instruction that is done outside", () => {
    const thread = threadOf(OPERANDS, [4, R]);
    const locals = (n: number) => [[11, 0], one, [1, 2, 3, 4], [0, 0], [n, 0]];
    const atLoop = stopWhere(thread, innermost(LOOP)).frames;
    expect(atLoop.map(told)).toEqual([
      { funcIndex: 0, kind: LOOP, locals: locals(2), operands: [] },
      caller,
    ]);
    const within = stopWhere(thread, innermost(WITHIN)).frames;
    expect(within.map(told)).toEqual([
      {
        funcIndex: 0,
        kind: WITHIN,
        locals: locals(0),
        operands: [
          [0, 0],
          [1, 0],
          [2, 0],
        ],
      },
      caller,
    ]);
    const { compiled } = within[0].instance;
    const { bytes } = compiled.module;
    expect(within.map(({ offset }) => bytes[offset])).toEqual([0xfc, 0x10]);
    expect(bytes[atLoop[0].offset]).toBe(0x03);
  });

  it("need not have the values of locals that are not read again, though operands lie there", () => {
    const thread = threadOf(
      `(module
        (func $callee (result i32) (i32.const 1))
        (func (export "f") (param i32 i64 externref) (result i32 i64 externref)
          (local.get 0) (local.get 1) (local.get 2)
          (drop (call $callee))))`,
      [5, 6n, R],
    );
    const inCallee = ({ frames }: SuspendedCall) => frames.length > 1;
    const behind = ({ frames }: SuspendedCall) => frames[0]?.operands.length === 4;
    for (const there of [inCallee, behind]) {
      const { callee, frames, isPaid } = stopWhere(thread, there);
      const other = { low: 99, high: 99, reference: null };
      const forgetful = frames.map((frame) => {
        return { ...frame, locals: frame.locals.map(() => other) };
      });
      const call = { callee, frames: forgetful, isPaid, doing: null };
      const outcome = finished(putFrames(thread.store, call, false)).run(Number.POSITIVE_INFINITY);
      expect(outcome).toEqual({ kind: "returned", values: [5, 6n, R] });
    }
  });

  it("have null for locals that have no value yet, whatever lies there", () => {
    const text = `(module
      (type $t (func))
      (elem declare func $g)
      (func $g (type $t))
      (func $h (param externref externref))
      (func $k (local $a funcref) (local $b externref) (local $n i32)
        (loop $x (br_if $x (i32.lt_u
          (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 2))))
        (local.set $a (ref.func $g))
        (loop $y (br_if $y (i32.lt_u
          (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
        (drop (local.get $a)))
      (func (export "f") (param externref)
        (call $h (local.get 0) (local.get 0)) (call $k)))`;
    // wabt has no (ref func): the local of type funcref becomes one.
    const parts = splitSections(assemble(text)) ?? [];
    const bytes = joinSections(
      parts.map(({ id, payload }) => {
        if (id !== SECTION.code) return { id, payload };
        const [g, h, k, f] = splitBodies(payload) ?? [];
        const nonNull = Uint8Array.of(k[0], 1, 0x64, ...k.subarray(2));
        return { id, payload: joinBodies([g, h, nonNull, f]) };
      }),
    );
    const store = new Store();
    const { target } = store.instantiate(Module.from(bytes)).func("f");
    const thread = new Thread(store.runtime, target, [R], false);
    const inK = ({ frames }: SuspendedCall) => frames[0]?.funcIndex === 2;
    const atEntry = stopWhere(thread, inK).frames[0];
    expect([atEntry.kind, ...told(atEntry).locals.flat()]).toEqual([ENTRY, 0, 0, 0, 0, 0, 0]);
    const inLoop = stopWhere(thread, innermost(LOOP)).frames[0];
    expect(told(inLoop).locals).toEqual([
      [0, 0],
      [0, 0],
      [1, 0],
    ]);
    const later = stopWhere(thread, (call) => call.frames[0]?.locals[2]?.low === 4).frames[0];
    expect(told(later).locals[0]).toHaveProperty("code.index", 0);
  });

  it("behind a call, with its results", () => {
    const isBehindCall = ({ frames }: SuspendedCall) => {
      return frames[0]?.kind === BEHIND && frames[0].funcIndex === 1;
    };
    const { frames } = stopWhere(threadOf(OPERANDS, [4, R]), isBehindCall);
    const operands = [...caller.operands, [7, 0], [-2, -1]];
    expect(frames.map(told)).toEqual([{ ...caller, kind: BEHIND, operands }]);
  });

  it("where a long segment is cut", () => {
    const adds = "(local.set 0 (i32.add (local.get 0) (i32.const 3)))".repeat(2_000);
    const text = `(module (func (export "f") (param i32) (result i32) ${adds} (local.get 0)))`;
    const cut = stopWhere(threadOf(text, [1]), innermost(CUT));
    // The operands of the addition at which the thousandth instruction was.
    expect(told(cut.frames[0]).locals).toEqual([[1 + 3 * 250, 0]]);
    const seen = nothingSeen();
    const whole = threadOf(text, [1]).run(Number.POSITIVE_INFINITY);
    expect(whole).toEqual({ kind: "returned", values: [6_001] });
    expect(endOf(threadOf(text, [1]), 1, seen)).toBe("returned 6001, 8001 units");
  });

  it("of functions that no thread has come to can be put", () => {
    const thread = threadOf(OPERANDS, [4, R]);
    const call = stopWhere(thread, innermost(LOOP));
    thread.abandon();
    const fresh = instanceOf(OPERANDS);
    const frames = call.frames.map((frame) => ({
      ...frame,
      instance: fresh.func("f").target.instance!,
    }));
    const moved = { callee: fresh.func("f").target, frames, isPaid: false, doing: null };
    const next = finished(putFrames(fresh.store.runtime, moved, false));
    expect(next.run(Number.POSITIVE_INFINITY)).toEqual({ kind: "returned", values: [-2, 8n, 0] });
  });
});

describe("no frames", () => {
  it("of a call that has ended", () => {
    const thread = threadOf(OPERANDS, [4, null]);
    thread.run(Number.POSITIVE_INFINITY);
    const error = thrown(SnapshotError, () => finished(takeFrames(thread)));
    expect(error.message).toBe("the call cannot be taken: it is not suspended");
  });

  it("can be put that are none", () => {
    const thread = threadOf(OPERANDS, [4, null]);
    const call = stopWhere(thread, innermost(LOOP));
    const [first, second] = call.frames;
    const put = (frames: readonly Frame[]) =>
      thrown(SnapshotError, () => finished(putFrames(thread.store, { ...call, frames }, false)))
        .message;
    const nowhere = /no call can be suspended like this at offset \d+/;
    expect(put([{ ...first, offset: first.offset + 1 }, second])).toMatch(nowhere);
    expect(put([{ ...first, kind: CALL }, second])).toMatch(nowhere);
    expect(put([first, { ...second, kind: BEHIND }])).toMatch(nowhere);
    const values = /has too many values or too few/;
    expect(put([{ ...first, locals: [] }, second])).toMatch(values);
    expect(put([first, { ...second, operands: [] }])).toMatch(values);
  });

  it("can be put where they have no room", () => {
    const thread = new Thread(new Store().runtime, deep(PLAIN).target, [500, 0, null], false);
    while (thread.run(100).kind === "suspended" && thread.fuelUsed < 3_000);
    const call = finished(takeFrames(thread));
    expect(call.frames.length).toBeGreaterThan(300);
    for (const limits of [{ callDepth: 100 }, { stackBytes: 2_000 }]) {
      const { runtime } = new Store({ limits });
      const error = thrown(Exhaustion, () => finished(putFrames(runtime, call, false)));
      expect(error.kind).toBe(Object.keys(limits)[0]);
    }
    // Nothing of it has stayed.
    const next = finished(putFrames(thread.store, call, false));
    expect(next.run(Number.POSITIVE_INFINITY).kind).toBe("returned");
  });
});

function deep(module: typeof PLAIN, store = new Store()) {
  if (module === PLAIN) return store.instantiate(PLAIN).func("walk");
  const table = store.instantiate(TABLE).exports;
  const other = store.instantiate(OTHER, { table }).exports;
  return store.instantiate(GUEST, { table, other, env: { visit: Number } }).func("walk");
}

let stops = 0;

/** Not always: in a slice that is shorter than a translation nothing else would happen. */
function evictNowAndThen(): void {
  if (stops++ % 3 === 0) evictAll();
}

const DISTURBANCES: readonly (readonly [string, () => void])[] = [
  ["", () => {}],
  [", with all code evicted now and then", evictNowAndThen],
];

describe.each(DISTURBANCES)("calls in each other, in slices%s", (_title, disturb) => {
  const modes: readonly (readonly [what: string, mode: number])[] = [
    ["return", 0],
    ["are caught and thrown again", 20],
    ["are caught at the bottom", 119],
    ["trap", -1],
  ];
  it.each(modes)("that %s", (_, mode) => {
    const seen = nothingSeen();
    const begun = () => {
      const store = new Store();
      const args = [120, mode, { argument: 1 }];
      return new Thread(store.runtime, deep(GUEST, store).target, args, false);
    };
    const expected = endOf(begun(), Number.POSITIVE_INFINITY, seen);
    for (const slice of [1, 7, 100]) {
      expect(endOf(begun(), slice, seen, disturb)).toBe(expected);
      useSmallParts(4);
      expect(endOf(begun(), slice, seen, disturb)).toBe(expected);
      useUsualParts();
    }
    expect(seen.taken).toBeGreaterThan(1_000);
  });
});

it("references arrive as they are", () => {
  const store = new Store();
  const object = { argument: 1 };
  let thread = new Thread(store.runtime, deep(GUEST, store).target, [50, 0, object], false);
  let outcome = thread.run(10);
  while (outcome.kind === "suspended") {
    thread = resumed(thread);
    outcome = thread.run(10);
  }
  expect(outcome).toHaveProperty("values.1", object);
});
