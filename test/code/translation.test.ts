// Translation in pieces: whoever calls a function that is long pauses in front of it, like anywhere
// else, and whoever comes next goes on with it.

import { describe, expect, it, vi } from "vitest";
import { CodeLimitError, PRICE_TABLE_2, Store } from "../../src/api/index.ts";
import { compile } from "../../src/code/compiled.ts";
import { Draft } from "../../src/code/draft.ts";
import { OffsetTable } from "../../src/code/offsets.ts";
import { CodeAccount } from "../../src/code/room.ts";
import { Translation } from "../../src/code/translation.ts";
import { room } from "../../src/interpreter/registers.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { instanceOf, moduleOf } from "../api/support.ts";
import { Random } from "../fuzz/random.ts";

const LONG = 50_000;
const ADDS = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(LONG);
const FUNCTIONS = 7;
const fresh = moduleOf(`(module (func (export "f") (param i32) ${ADDS}))`);
const module = moduleOf(`(module
  ${`(func (param i32) (result i32) ${ADDS} (local.get 0))`.repeat(FUNCTIONS)}
  ${Array.from({ length: FUNCTIONS }, (_, i) => `(export "f${i}" (func ${i}))`).join("")})`);

function threadFor(name: string, argument: number): Thread {
  const store = new Store();
  const { target } = store.instantiate(module).func(name);
  return new Thread(store.runtime, target, [argument], false);
}

const deep = instanceOf(`(module (func $f (export "f") (param i32) (result i32)
  (if (result i32) (local.get 0)
    (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
    (else (i32.const 0)))))`).func("f");

describe("a long function", () => {
  it("is translated in pieces, between which the guest pauses", () => {
    const thread = threadFor("f0", 1);
    let pauses = 0;
    let outcome = thread.run(1_000);
    while (outcome.kind === "suspended" && thread.fuelUsed === 0) {
      pauses++;
      outcome = thread.run(1_000);
    }
    expect(pauses).toBeGreaterThan(LONG / 4_096);
    while (outcome.kind === "suspended") outcome = thread.run(100_000);
    expect(outcome).toEqual({ kind: "returned", values: [LONG + 1] });
  });

  it("is gone on with by whoever calls it, or waits for one that is", () => {
    const pieces = vi.spyOn(Translation.prototype, "advance");
    const threads: Thread[] = [];
    for (let i = 1; i < FUNCTIONS; i++) {
      threads.push(threadFor(`f${i}`, i), threadFor(`f${i}`, -i));
    }
    const results = new Map<Thread, unknown>();
    while (results.size < threads.length) {
      for (const thread of threads) {
        const outcome = results.has(thread) ? null : thread.run(10_000);
        if (outcome?.kind === "returned") results.set(thread, outcome.values[0]);
      }
    }
    expect(threads.map((thread) => results.get(thread))).toEqual(
      threads.map((_, i) => LONG + (i % 2 === 0 ? 1 : -1) * ((i >> 1) + 1)),
    );
    // Together they did what one alone would have done for each function.
    const work = () => pieces.mock.results.reduce((sum, { value }) => sum + (value as number), 0);
    const together = work() / (FUNCTIONS - 1);
    pieces.mockClear();
    const last = compile(moduleOf(`(module (func (param i32) ${ADDS}))`).record, PRICE_TABLE_2);
    while (last.code(0).entry < 0) last.translate(last.code(0), room, new CodeAccount(), 4_096);
    expect(together / work()).toBeCloseTo(1, 1);
    pieces.mockRestore();
  });

  it("is in the account of its store until it is done, and ends who has no room for it", () => {
    const poor = new Store({ limits: { hostBytes: 100_000 } });
    expect(() => poor.instantiate(fresh).func("f").call(1)).toThrow("bytes of the host's memory");
    expect(poor.runtime.usage("hostBytes")).toBeLessThan(10_000);
    const store = new Store();
    const { target } = store.instantiate(fresh).func("f");
    const before = store.runtime.usage("hostBytes");
    const thread = new Thread(store.runtime, target, [1], false);
    let most = 0;
    while (target.code.entry < 0) {
      thread.run(1_000);
      most = Math.max(most, store.runtime.usage("hostBytes"));
    }
    expect(most - before).toBeGreaterThan(100_000);
    expect(store.runtime.usage("hostBytes") - before).toBeLessThan(10_000);
  });

  it("gets all its arguments, however many, if another one runs meanwhile", () => {
    const sum = Array.from({ length: 99 }, (_, i) => `(local.get ${i + 1}) i64.add `).join("");
    const store = new Store();
    const main = store
      .instantiate(
        moduleOf(`(module (func (export "f") (param ${"i64 ".repeat(100)}) (result i64)
          ${"nop ".repeat(40_000)} local.get 0 ${sum}))`),
      )
      .func("f");
    const args = Array.from({ length: 100 }, (_, i) => BigInt(i));
    const thread = new Thread(store.runtime, main.target, args, false);
    let pauses = 0;
    let outcome = thread.run(1_000);
    for (; outcome.kind === "suspended"; outcome = thread.run(1_000)) {
      pauses++;
      // Fills the slots that were left.
      expect(deep.call(500)).toBe(500);
    }
    expect(pauses).toBeGreaterThan(5);
    expect(outcome).toEqual({ kind: "returned", values: [4_950n] });
  });

  it("does little at once, also where instructions have a thousand operands", () => {
    const types = "i32 ".repeat(1_000);
    const compiled = compile(
      moduleOf(`(module (func $f (param ${types}) (result ${types}) unreachable)
        (func ${"(i32.const 0)".repeat(1_000)} ${"call $f ".repeat(500)}
          ${"drop ".repeat(1_000)}))`).record,
      PRICE_TABLE_2,
    );
    const code = compiled.code(1);
    const work: number[] = [];
    while (code.entry < 0) work.push(compiled.translate(code, room, new CodeAccount(), 4_096));
    // A look at how much it was comes after 8 instructions.
    expect(Math.max(...work)).toBeLessThan(4_096 + 8 * 2_100);
    expect(work.length).toBeGreaterThan(10);
  });
});

describe("a function that cannot be translated", () => {
  it("is not tried again", () => {
    const store = new Store();
    const f = store
      .instantiate(
        moduleOf(`(module (func (export "f") (local ${"v128 ".repeat(40_000)})
        ${"nop ".repeat(20_000)} (drop (v128.not (v128.const i32x4 0 0 0 0)))))`),
      )
      .func("f");
    expect(() => f.call()).toThrow(CodeLimitError);
    const pieces = vi.spyOn(Translation.prototype, "advance");
    expect(() => f.call()).toThrow(CodeLimitError);
    expect(pieces).not.toHaveBeenCalled();
    pieces.mockRestore();
  });

  it("harms no other one", () => {
    // 160 labels, to each of which 450 operands would have to be moved down by one.
    const labels = Array.from({ length: 160 }, (_, i) => i).join(" ");
    const { exports } = instanceOf(`(module
      (type $t (func (result ${"i32 ".repeat(450)})))
      (func (export "f") ${"block (type $t) ".repeat(160)}
        ${"i32.const 7 ".repeat(451)} i32.const 0 br_table ${labels}
        ${"end ".repeat(160)} ${"drop ".repeat(450)})
      (func (export "g") (result i32) i32.const 3))`);
    expect(() => exports.f()).toThrow(CodeLimitError);
    expect(exports.g()).toBe(3);
  });

  it("is one that is longer than the room", () => {
    const draft = new Draft(1_000);
    for (let i = 0; i < 1_000; i++) draft.word(i);
    expect(() => draft.word(0)).toThrow(CodeLimitError);
  });
});

describe("offsets of instructions", () => {
  it("are found as in a plain list", () => {
    const random = new Random(11);
    const table = new OffsetTable();
    const entries: [position: number, offset: number][] = [];
    let [position, offset] = [0, 100_000];
    for (let i = 0; i < 5_000; i++) {
      // Some instructions write nothing, some take a few words back.
      position += random.below(8) === 0 ? random.below(100_000) : random.below(5);
      if (random.below(6) === 0) position = Math.max(0, position - random.below(4));
      offset += random.below(50) === 0 ? random.below(1_000_000) : 1 + random.below(6);
      while (entries.length > 0 && (entries.at(-1)?.[0] ?? -1) >= position) entries.pop();
      entries.push([position, offset]);
      table.add(position, offset);
    }
    table.finish();
    for (const [i, [at, expected]] of entries.entries()) {
      const next = entries[i + 1]?.[0] ?? at + 10;
      const entry = { position: at, offset: expected };
      expect([table.entryAt(at), table.entryAt(next - 1)]).toEqual([entry, entry]);
    }
    expect(new OffsetTable().entryAt(5).offset).toBe(0);
  });
});
