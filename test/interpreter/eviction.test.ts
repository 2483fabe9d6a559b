// Code is taken away and made again under guests that run, wait or call each other: nothing that
// they compute, are billed or are told may change. The room is emptied by asking for all of it.

import { afterEach, describe, expect, it, vi } from "vitest";
import { type ImportMap, type Module, Store } from "../../src/api/index.ts";
import { room } from "../../src/interpreter/registers.ts";
import { inSlices, moduleOf } from "../api/support.ts";
import { evictAll, nobody } from "./evicting.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Room for one function: whenever one is translated, all others lose their code. */
function roomForOne(): () => number {
  const reserve = room.reserve.bind(room);
  const spy = vi.spyOn(room, "reserve").mockImplementation((code, size, account, evict) => {
    if (code !== nobody) evictAll();
    return reserve(code, size, account, evict);
  });
  return () => spy.mock.calls.filter(([code]) => code !== nobody).length;
}

/** Code that is not executed; its translation takes so many instructions more. */
function padding(instructions: number): string {
  return `(if (i32.const 0) (then ${"nop ".repeat(instructions)}))`;
}

const programOf = (pad: string) => `(module
  (import "env" "host" (func $host (param i32) (result i32)))
  (import "other" "twice" (func $twice (param i32) (result i32)))
  (import "env" "throws" (func $throws (param i32)))
  (import "env" "tag" (tag $t (param i32)))
  (tag $own (param i32))
  (type $unary (func (param i32) (result i32)))
  (table funcref (elem $fib $tail $leaf))
  (elem declare func $leaf)
  (func $fib (param i32) (result i32) ${pad}
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 2)) (i32.const 0))))))
  (func $leaf (param i32) (result i32) ${pad} (i32.add (local.get 0) (i32.const 1)))
  (func $tail (param i32) (result i32)
    (local $r funcref) ${pad}
    (local.set $r (ref.func $leaf))
    (if (ref.is_null (local.get $r)) (then unreachable))
    (return_call $leaf (call $host (local.get 0))))
  (func $refs (param i32) (result i32)
    (call_indirect (type $unary) (local.get 0) (i32.const 2)))
  (func $indirectly (param i32) (result i32)
    (return_call_indirect (type $unary) (local.get 0) (i32.const 1)))
  (func $fails (param i32) (if (local.get 0)
    (then (call $fails (i32.sub (local.get 0) (i32.const 1))))
    (else (throw $own (i32.const 5)))))
  (func $catches (param i32) (result i32) ${pad}
    (block $caught (result i32)
      (try_table (catch $own $caught) (call $fails (local.get 0)))
      (i32.const 0)))
  (func $catchesHost (param i32) (result i32) ${pad}
    (block $caught (result i32)
      (try_table (catch $t $caught) (call $throws (local.get 0)))
      (i32.const 0)))
  (func $rethrows (param i32) (result i32) ${pad}
    try (result i32)
      try (result i32)
        (call $fails (local.get 0)) (i32.const 0)
      catch_all
        (drop (call $host (local.get 0)))
        rethrow 0
      end
    catch $own
    end)
  (func (export "twice") (param i32) (result i32)
    (i32.add (call $leaf (local.get 0)) (call $leaf (local.get 0))))
  (func (export "main") (param i32) (result i32) (local $sum i32)
    (local.set $sum (call $fib (local.get 0)))
    (local.set $sum (i32.add (local.get $sum) (call $tail (local.get $sum))))
    (local.set $sum (i32.add (local.get $sum) (call $refs (local.get $sum))))
    (local.set $sum (i32.add (local.get $sum) (call $indirectly (local.get $sum))))
    (local.set $sum (i32.add (local.get $sum) (call $catches (i32.const 3))))
    (local.set $sum (i32.add (local.get $sum) (call $catchesHost (local.get $sum))))
    (local.set $sum (i32.add (local.get $sum) (call $rethrows (i32.const 3))))
    (i32.add (local.get $sum) (call $twice (local.get $sum)))))`;

const OTHER = `(module
  (func $one (result i32) (i32.const 1))
  (func (export "twice") (param i32) (result i32)
    (i32.sub (i32.add (i32.mul (i32.const 2) (local.get 0)) (call $one)) (call $one))))`;

const module = moduleOf(programOf(padding(0)));
/** The same with functions that are translated in several pieces. */
const large = moduleOf(programOf(padding(10_000)));
const other = moduleOf(OTHER);
const tagged = moduleOf(`(module (tag (export "tag") (param i32))
  (func (export "throw") (param i32) (throw 0 (local.get 0))))`);

/** The program in a store; `inHost` is called in its host function, before and after it calls in. */
function instance(inHost: () => void = () => {}, program: Module = module) {
  const store = new Store();
  const tags = store.instantiate(tagged);
  const twice = store.instantiate(other);
  const imports: ImportMap = {
    env: {
      tag: tags.exports.tag,
      throws: (n: number) => {
        inHost();
        tags.func("throw").call(n);
      },
      host: (n: number): number => {
        inHost();
        const nested = twice.func("twice").call(n) as number;
        return nested;
      },
    } as ImportMap[string],
    other: { twice: twice.func("twice") },
  };
  return { store, main: store.instantiate(program, imports).func("main") };
}

const N = 6;
const whole = instance();
const result = whole.main.call(N);
const { fuel } = whole.store.usage;

describe("a program whose code is evicted", () => {
  it("gives a result that is known", () => {
    const fib = 8;
    const tail = fib + (2 * fib + 1);
    const refs = tail + tail + 1;
    const indirectly = refs + 2 * refs + 1;
    const caught = indirectly + 5;
    const host = caught + caught + 5;
    expect(result).toBe(host + 2 * host);
    expect(fuel).toBeGreaterThan(200);
  });

  it("in a host function", () => {
    const { main, store } = instance(evictAll);
    expect(main.call(N)).toBe(result);
    expect(store.usage.fuel).toBe(fuel);
  });

  it("whenever another function is translated", () => {
    const translations = roomForOne();
    const { main, store } = instance();
    expect(main.call(N)).toBe(result);
    expect(store.usage.fuel).toBe(fuel);
    expect(translations()).toBeGreaterThan(30);
  });

  it.each([1, 2, 3, 10])("at every boundary of slices of %d", (slice) => {
    const { main, store } = instance();
    expect(inSlices(main.start(N), slice, evictAll)).toMatchObject({
      kind: "returned",
      value: result,
    });
    expect(store.usage.fuel).toBe(fuel);
  });

  it.each([1, 3, 100_000])("in functions that take several pieces, slices of %d", (slice) => {
    const first = instance(evictAll, large);
    expect(first.main.call(N)).toBe(result);
    const expected = first.store.usage.fuel;
    const { main, store } = instance(evictAll, large);
    let pauses = 0;
    const outcome = inSlices(main.start(N), slice, () => {
      if (pauses++ % 7 === 0) evictAll();
    });
    expect(outcome).toMatchObject({ kind: "returned", value: result });
    expect(store.usage.fuel).toBe(expected);
  });

  it("at each boundary alone", () => {
    for (let k = 1; k < fuel; k++) {
      const { main, store } = instance();
      const run = main.start(N);
      if (run.run({ slice: k }).kind === "suspended") evictAll();
      expect(run.run()).toMatchObject({ kind: "returned", value: result });
      expect(store.usage.fuel).toBe(fuel);
    }
  });

  it("with another one in between, room for one function, and slices of 1", () => {
    roomForOne();
    const two = [instance(evictAll), instance()];
    const runs = two.map(({ main }) => main.start(N));
    let outcomes = runs.map((run) => run.run({ slice: 1 }));
    while (outcomes.some(({ kind }) => kind === "suspended")) {
      outcomes = runs.map((run) => run.run({ slice: 1 }));
    }
    for (const [i, outcome] of outcomes.entries()) {
      expect(outcome).toMatchObject({ kind: "returned", value: result });
      expect(two[i].store.usage.fuel).toBe(fuel);
    }
  });

  it("while host functions' promises are waited for", async () => {
    const store = new Store();
    const text = `(module (import "env" "wait" (func $wait (param i32) (result i32)))
      (func $deep (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
          (else (call $wait (i32.const 7)))))
      (func (export "main") (result i32) (call $deep (i32.const 9))))`;
    const wait = async (n: number) => {
      await null;
      evictAll();
      return n;
    };
    const main = store.instantiate(moduleOf(text), { env: { wait } }).func("main");
    expect(await Promise.all([main.callAsync(), main.callAsync()])).toEqual([16, 16]);
  });

  it("names the same frames in its backtrace", () => {
    const text = `(module (import "env" "host" (func $host))
      (func $inner call $host unreachable)
      (func $outer nop call $inner nop)
      (func (export "main") call $outer))`;
    const frames = (host: () => void) => {
      const { exports } = new Store().instantiate(moduleOf(text), { env: { host } });
      try {
        exports.main();
      } catch (error) {
        return (error as { frames?: unknown; backtrace?: unknown }).backtrace ?? error;
      }
    };
    const before = frames(() => {});
    expect(frames(evictAll)).toEqual(before);
    expect(JSON.stringify(before)).toContain("offset");
  });
});

describe("layout", () => {
  it("is the same each time, but for where it begins", () => {
    const text = `(module (func (export "other") (param i64) (result i64) (local.get 0))
      (func (export "main") (param i32) (result i32) (local funcref)
        (loop $next
          (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
          (block $a (block $b (br_table $a $b (local.get 0)))))
        (local.get 0)))`;
    const { exports, target } = new Store().instantiate(moduleOf(text));
    const { code } = target.functionAt(1);
    const words = () => [...room.words.slice(code.start, code.start + code.size)];
    exports.main(9);
    const [first, start] = [words(), code.start];
    evictAll();
    expect(code.entry).toBe(-1);
    exports.other(1n);
    exports.main(9);
    const moved = code.start - start;
    expect(moved).not.toBe(0);
    const differences = words().map((word, i) => word - first[i]);
    expect(new Set(differences)).toEqual(new Set([0, moved]));
  });
});

describe("an execution that was deep", () => {
  it("stays suspended if there is no room for it above a deep call, and goes on later", () => {
    const text = `(module (import "env" "host" (func $host))
      (func $f (param i32) (result i32) (local i64 i64 i64 i64 i64 i64)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
          (else (call $host) (i32.const 0))))
      (func (export "f") (param i32) (result i32) (call $f (local.get 0))))`;
    const program = moduleOf(text);
    const f = (host: () => unknown) =>
      new Store().instantiate(program, { env: { host } }).func("f");
    const depth = 150_000;
    const first = f(() => {}).start(depth);
    expect(first.run({ slice: 7 * depth }).kind).toBe("suspended");
    let refused: unknown;
    const outer = f(() => {
      try {
        first.run();
      } catch (error) {
        refused = error;
      }
    });
    expect(outer.call(depth)).toBe(depth);
    expect(refused).toMatchObject({ kind: "stackBytes" });
    expect(first.run()).toMatchObject({ kind: "returned", value: depth });
  });
});
