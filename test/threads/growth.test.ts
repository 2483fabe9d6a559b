// A shared memory grows for all who have it: accesses of the others find out when they would fail.

import { describe, expect, it, vi } from "vitest";
import { Exhaustion, Memory, Store, Trap } from "../../src/api/index.ts";
import { instanceOf, thrown } from "../api/support.ts";
import { guest, pair } from "./guests.ts";

const PAGE = 65_536;

describe("a memory that another store has made longer", () => {
  it("has the same bytes", () => {
    const [a, b] = pair();
    a.exports.store(8, 5);
    expect([b.exports.load(8), b.memory.read(8, 1)[0]]).toEqual([5, 5]);
    expect(a.exports.grow(1)).toBe(1);
    a.exports.store(PAGE, 6);
    a.exports.store(8, 7);
    expect([b.exports.load(8), b.exports.load(PAGE)]).toEqual([7, 6]);
    expect(thrown(Trap, () => b.exports.load(2 * PAGE)).code).toBe("memoryOutOfBounds");
  });

  const [size, page] = [3, 2 * PAGE];
  const uses: readonly (readonly [string, (b: ReturnType<typeof guest>) => unknown, unknown])[] = [
    ["size", ({ exports }) => exports.size(), size],
    ["grow", ({ exports }) => exports.grow(1), size],
    ["store", ({ exports }) => exports.store(page, 1), undefined],
    ["fill", ({ exports }) => exports.fill(page, 10), undefined],
    ["copy from", ({ exports }) => exports.copy(0, page, 10), undefined],
    ["copy to", ({ exports }) => exports.copy(page, 0, 10), undefined],
    ["an atomic access", ({ exports }) => exports.add(page, 1), 0],
    ["wait", ({ exports }) => exports.wait32(page, 1, 0n), 1],
    ["notify", ({ exports }) => exports.notify(page, 1), 0],
    ["bytes", ({ memory }) => memory.bytes.length, size * PAGE],
    ["pages", ({ memory }) => memory.pages, size],
    ["read", ({ memory }) => memory.read(page, 1)[0], 0],
    ["the embedder's grow", ({ memory }) => memory.grow(1), size],
    ["the embedder's notify", ({ memory }) => memory.notify(page), 0],
    [
      "import",
      ({ memory, store }) => {
        const text = `(module (import "env" "memory" (memory 3 10 shared)))`;
        return instanceOf(text, { env: { memory } }, store) !== null;
      },
      true,
    ],
  ];

  it.each(uses)("shows in %s", (_, use, expected) => {
    const [a, b] = pair();
    a.exports.grow(2);
    expect(use(b)).toBe(expected);
  });

  it("is found by all accesses of the loop, also where two are one instruction", () => {
    const locals = "(local i32 i64) ".repeat(70);
    const accesses = [
      "(i32.store (local.get 0) (i32.load (local.get 0)))",
      "(i64.store (local.get 0) (i64.load (local.get 0)))",
      "(i32.store (i32.const 0) (i32.const 5)) (i32.store (local.get 0) (i32.const 6))",
      "(drop (i32.load (i32.const 0))) (drop (i32.load (local.get 0)))",
      "(drop (i32.add (i32.load offset=4 (local.get 0)) (i32.const 1)))",
      "(drop (i32.load8_u (i32.add (local.get 0) (i32.const 1))))",
      "(f64.store (local.get 0) (f64.const 1.5))",
      "(drop (f32.load (local.get 0)))",
      "(i32.store8 $other (local.get 0) (i32.const 1))",
      "(drop (i64.load16_s $other (local.get 0)))",
      "(i32.store $other (local.get 0) (i32.load $other (local.get 0)))",
    ];
    for (const access of accesses) {
      for (const frame of ["", locals]) {
        const store = new Store();
        const memory = new Memory(store, { min: 0, max: 3, shared: true });
        const other = new Memory(store, { min: 0, max: 3, shared: true });
        const text = `(module (import "m" "memory" (memory 0 3 shared))
          (import "m" "other" (memory $other 0 3 shared))
          (global $n (export "n") (mut i32) (i32.const 0))
          (func (export "run") (param i32) ${frame}
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            ${access}
            (global.set $n (i32.add (global.get $n) (i32.const 100)))))`;
        const instance = instanceOf(text, { m: { memory, other } }, store);
        const { exports } = instance;
        const grow = () => {
          for (const shared of [memory, other]) {
            Memory.from(new Store(), shared.share()).grow(1);
          }
        };
        grow();
        exports.run(16);
        expect(thrown(Trap, () => exports.run(PAGE)).code).toBe("memoryOutOfBounds");
        grow();
        exports.run(PAGE);
        expect([access, frame === "", instance.global("n").value]).toEqual([
          access,
          frame === "",
          203,
        ]);
      }
    }
  });

  it("counts in every store that has it, and is refused where a limit is", () => {
    const a = guest({ limits: { memoryBytes: 3 * PAGE } });
    const b = guest({}, a.memory.share());
    expect(b.exports.grow(1)).toBe(1);
    expect([a.store, b.store].map((store) => store.usage.peakMemoryBytes)).toEqual([
      PAGE,
      2 * PAGE,
    ]);
    expect([a.exports.grow(2), a.exports.grow(1), a.exports.grow(1)]).toEqual([-1, 2, -1]);
    // Others may go further; then it is counted, but refused no longer.
    expect([b.exports.grow(4), a.exports.size(), a.exports.grow(0)]).toEqual([3, 7, -1]);
    expect(a.store.usage.peakMemoryBytes).toBe(7 * PAGE);
    const small = new Store({ limits: { memoryBytes: PAGE } });
    const error = thrown(Exhaustion, () => Memory.from(small, a.memory.share()));
    expect(error.kind).toBe("memoryBytes");
    expect(small.usage.peakMemoryBytes).toBe(0);
  });

  it("does not grow beyond its maximum", () => {
    const [a, b] = pair();
    expect([a.exports.grow(9), b.exports.grow(1), b.exports.size()]).toEqual([1, -1, 10]);
    thrown(RangeError, () => b.memory.grow(1));
  });
});

describe("where the host has no memory of its own", () => {
  it("all of it is reserved, and the same is seen", async () => {
    vi.resetModules();
    vi.stubGlobal("WebAssembly", undefined);
    const api = await import("../../src/api/index.ts");
    vi.unstubAllGlobals();
    const [first, second] = [new api.Store(), new api.Store()];
    const memory = new api.Memory(first, { min: 1, max: 3, shared: true });
    const other = api.Memory.from(second, structuredClone(memory.share()));
    expect([other.grow(1), memory.pages, memory.bytes.length]).toEqual([1, 2, 2 * PAGE]);
    memory.write(PAGE, Uint8Array.of(9));
    expect([...other.read(PAGE, 1)]).toEqual([9]);
    expect(memory.grow(1)).toBe(2);
    thrown(RangeError, () => other.grow(1));
    expect(Object.prototype.toString.call(memory.share().parts.bytes)).toBe(
      "[object SharedArrayBuffer]",
    );
    expect(memory.notify(0)).toBe(0);
  });
});
