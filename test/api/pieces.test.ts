// Work outside of the loop that a guest can make long: it goes in pieces, with a look in between,
// and gives the same results for the same fuel however often it is stopped.

import { describe, expect, it, vi } from "vitest";
import {
  Epoch,
  Exhaustion,
  hostFunc,
  type Instance,
  Module,
  Store,
  Table,
  Tag,
  WasmException,
} from "../../src/api/index.ts";
import { assemble } from "../validation/assemble.ts";
import { instanceOf, moduleOf, thrown } from "./support.ts";

const MIB = 1 << 20;

/** A signal that is never given, and counts who asks. */
class Looks {
  count = 0;
  get aborted(): boolean {
    this.count++;
    return false;
  }
  addEventListener(): void {}
  removeEventListener(): void {}
}

/** Looks that a call has had, and what it gave. */
function looksOf(instance: Instance, name: string, ...args: unknown[]) {
  const signal = new Looks();
  const result = instance
    .func(name)
    .with({ signal })
    .call(...args);
  return { looks: signal.count, result };
}

/** Runs a call in slices of one unit; the result and the fuel. */
function stepwise(instance: Instance, name: string, ...args: unknown[]) {
  const execution = instance.func(name).start(...args);
  let outcome = execution.run({ slice: 1 });
  let stops = 0;
  while (outcome.kind === "suspended" && outcome.reason === "slice") {
    stops++;
    outcome = execution.run({ slice: 1 });
  }
  const value = outcome.kind === "returned" ? outcome.value : outcome;
  return { value, fuel: execution.usage.fuel, stops };
}

const BULK = `(module
  (memory (export "memory") 256 1024)
  (table $t (export "table") 100000 300000 externref)
  (table $u 100000 externref)
  (elem $e declare func $fill)
  (func $fill (export "fill") (param i32 i32)
    (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy elements") (param i32 i32 i32)
    (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill elements") (param i32 externref i32)
    (table.fill $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fills")
    ${"(memory.fill (i32.const 0) (i32.const 1) (i32.const 400000))".repeat(100)})
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "endless") (loop (br 0)))
  (func (export "grow table") (param i32) (result i32)
    (table.grow $t (ref.null extern) (local.get 0))))`;

describe("bulk operations", () => {
  it("are looked at in between, also where no control transfer is", () => {
    const instance = instanceOf(BULK);
    expect(looksOf(instance, "fill", 0, 8 * MIB).looks).toBeGreaterThan(15);
    expect(looksOf(instance, "fills").looks).toBeGreaterThan(50);
    expect(stepwise(instance, "fill elements", 0, "x", 100_000).stops).toBeGreaterThan(10);
  });

  it("give the same bytes for the same fuel in pieces, forwards and backwards", () => {
    const pattern = Uint8Array.from({ length: 3 * MIB }, (_, i) => (i * 2654435761) >>> 24);
    const ranges = [
      [0, 5, 2 * MIB + 77],
      [5, 0, 2 * MIB + 77],
      [3 * MIB, 1, 2 * MIB],
      [MIB, MIB, 2 * MIB],
    ];
    for (const [to, from, count] of ranges) {
      const [whole, pieces] = [instanceOf(BULK), instanceOf(BULK)];
      for (const instance of [whole, pieces]) instance.memory("memory").write(0, pattern);
      const execution = whole.func("copy").start(to, from, count);
      expect(execution.run().kind).toBe("returned");
      const stepped = stepwise(pieces, "copy", to, from, count);
      expect(stepped.stops).toBeGreaterThan(3);
      expect(stepped.fuel).toBe(execution.usage.fuel);
      expect(stepped.fuel).toBe(4 + Math.ceil(count / 64));
      const bytes = (instance: Instance) => instance.memory("memory").bytes;
      expect(Buffer.compare(bytes(pieces), bytes(whole))).toBe(0);
      const expected = new Uint8Array(bytes(whole).length);
      expected.set(pattern);
      expected.copyWithin(to, from, from + count);
      expect(Buffer.compare(bytes(whole), expected)).toBe(0);
    }
  });

  it("copy elements in pieces, forwards and backwards", () => {
    for (const [to, from] of [
      [0, 3],
      [3, 0],
    ]) {
      const instance = instanceOf(BULK);
      const table = instance.table("table");
      for (let i = 0; i < 50_000; i++) table.set(i, i);
      expect(stepwise(instance, "copy elements", to, from, 40_000).stops).toBeGreaterThan(5);
      for (let i = 0; i < 40_000; i += 997) expect(table.get(to + i)).toBe(from + i);
    }
  });

  it("write nothing if any of the range is out of bounds", () => {
    const instance = instanceOf(BULK);
    const outcome = stepwise(instance, "fill", 1, 256 * 65_536).value;
    expect(outcome).toMatchObject({ kind: "trapped" });
    expect(instance.memory("memory").bytes[1]).toBe(0);
  });

  it("stop for fuel with a part done, and go on", () => {
    const store = new Store({ fuel: 40_000 });
    const instance = instanceOf(BULK, {}, store);
    const execution = instance.func("fill").start(0, 8 * MIB);
    expect(execution.run()).toEqual({ kind: "suspended", reason: "fuel" });
    store.fuel = 1e6;
    expect(execution.run().kind).toBe("returned");
    expect(execution.usage.fuel).toBe(4 + (8 * MIB) / 64);
    expect(instance.memory("memory").bytes.every((b, i) => b === (i < 8 * MIB ? 7 : 0))).toBe(true);
  });
});

/** Stops a guest so many looks after that was said. */
class StopAt extends Epoch {
  left = 0;

  override reached(): boolean {
    return --this.left === 0;
  }
}

describe("the translation of a long function", () => {
  it("ends a slice, though it costs no fuel", () => {
    const body = "(drop (i32.add (local.get 0) (i32.const 1)))".repeat(100_000);
    const instance = instanceOf(`(module (func (export "f") (param i32) ${body}))`);
    const execution = instance.func("f").start(1);
    let pauses = 0;
    while (execution.run({ slice: 1_000 }).kind === "suspended" && execution.usage.fuel === 0) {
      pauses++;
    }
    expect(pauses).toBeGreaterThan(3);
    expect(execution.status).toBe("suspended");
  });

  it("does not end a slice because the host stands still in the middle of it", () => {
    let now = performance.now();
    const clock = vi.spyOn(performance, "now").mockImplementation(() => {
      now += 20;
      return now;
    });
    try {
      const instance = instanceOf(`(module (func (export "spin") (loop (br 0))))`);
      const execution = instance.func("spin").start();
      expect(execution.run({ slice: 100 })).toEqual({ kind: "suspended", reason: "slice" });
      expect(execution.usage.fuel).toBe(100);
    } finally {
      clock.mockRestore();
    }
  });
});

describe("growth of a memory", () => {
  const grown = (looks = 0) => {
    const epoch = new StopAt();
    // A memory of the host's grows in place.
    const store = new Store({ epoch, epochDeadline: 1, tier: "interpreter" });
    const instance = instanceOf(BULK, {}, store);
    epoch.left = looks;
    // The first growth after the first has something in reserve.
    instance.memory("memory").write(16 * MIB - 3, Uint8Array.of(1, 2, 3));
    return instance;
  };

  it("moves the bytes in pieces, with looks in between", () => {
    const instance = grown();
    const { looks, result } = looksOf(instance, "grow", 300);
    expect(result).toBe(256);
    expect(looks).toBeGreaterThan(20);
    expect([...instance.memory("memory").read(16 * MIB - 3, 4)]).toEqual([1, 2, 3, 0]);
    expect(instance.memory("memory").pages).toBe(556);
  });

  it("costs the same in pieces, and loses nothing that is written meanwhile", () => {
    const instance = grown(20);
    const memory = instance.memory("memory");
    const execution = instance.func("grow").start(300);
    expect(execution.run()).toEqual({ kind: "suspended", reason: "epoch" });
    // By now the beginning has been copied.
    memory.write(0, Uint8Array.of(9));
    expect(memory.pages).toBe(256);
    instance.func("fill").call(1, 1);
    expect(execution.run()).toMatchObject({ kind: "returned", value: 256 });
    expect([...memory.read(0, 3)]).toEqual([9, 7, 0]);
    expect(memory.pages).toBe(556);
    expect(execution.usage.fuel).toBe(2 + 300);
  });

  it("is complete before another guest of the store goes on", () => {
    const instance = grown(5);
    const execution = instance.func("grow").start(700);
    expect(execution.run()).toEqual({ kind: "suspended", reason: "epoch" });
    expect(instance.func("grow").call(100)).toBe(-1);
    expect(instance.memory("memory").pages).toBe(956);
    expect(execution.run()).toMatchObject({ kind: "returned", value: 256 });
  });

  it("comes to its end, however many others take turns", () => {
    const instance = grown();
    const others = [0, 1].map(() => instance.func("endless").start());
    const execution = instance.func("grow").start(300);
    for (let turns = 0; execution.run({ slice: 1, timeout: 0.001 }).kind === "suspended"; turns++) {
      expect(turns).toBeLessThan(1_000);
      for (const other of others) other.run({ slice: 10 });
    }
    expect(execution.status).toBe("returned");
    expect(instance.memory("memory").pages).toBe(556);
  });

  it("gives -1 if the host has grown it beyond the maximum meanwhile", () => {
    const instance = grown(5);
    const execution = instance.func("grow").start(700);
    expect(execution.run()).toEqual({ kind: "suspended", reason: "epoch" });
    expect(instance.memory("memory").grow(100)).toBe(256);
    expect(execution.run()).toMatchObject({ kind: "returned", value: -1 });
    expect(instance.memory("memory").pages).toBe(356);
  });

  it("is given up with its execution", () => {
    const instance = grown(5);
    const execution = instance.func("grow").start(300);
    expect(execution.run()).toEqual({ kind: "suspended", reason: "epoch" });
    execution.cancel();
    instance.func("fill").call(1, 1);
    expect(instance.memory("memory").pages).toBe(256);
  });
});

describe("imports", () => {
  it("are found in pieces, with looks in between, and what is made for them is counted", () => {
    const count = 10_000;
    const module = moduleOf(`(module ${'(import "env" "f" (func)) '.repeat(count)})`);
    const store = new Store();
    const signal = new Looks();
    store.instantiate(module, { env: { f() {} } }, { signal });
    // Linking them afterwards is looked at every 500.
    expect(signal.count).toBeGreaterThan(count / 500 + count / 300);
    expect(store.runtime.usage("hostBytes")).toBeGreaterThan(count * 500);
    const tight = new Store({ limits: { hostBytes: 1e6 } });
    const linked = () => tight.instantiate(module, { env: { f() {} } });
    expect(thrown(Exhaustion, linked).kind).toBe("hostBytes");
  });
});

describe("large tables", () => {
  it("are as short ones, behind their head, too", () => {
    const store = new Store();
    const table = new Table(store, { min: 1, element: "externref" }, "first");
    expect(table.grow(400_000, "second")).toBe(1);
    expect(table.grow(5, "third")).toBe(400_001);
    table.set(300_000, "set");
    const at = [0, 1, 262_143, 262_144, 299_999, 300_000, 300_001, 400_000, 400_001, 400_005];
    expect(at.map((i) => table.get(i))).toEqual([
      "first",
      ...new Array<string>(4).fill("second"),
      "set",
      "second",
      "second",
      "third",
      "third",
    ]);
    expect(() => table.get(400_006)).toThrow(RangeError);
  });

  it("hold functions that call_indirect finds, traps and types included", () => {
    const instance = instanceOf(`(module
      (table $t 300000 funcref)
      (elem (table $t) (i32.const 299999) func $f)
      (elem (table $t) (i32.const 270000) func $g)
      (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func $g)
      (func (export "call") (param i32) (result i32)
        (call_indirect $t (param i32) (result i32) (i32.const 41) (local.get 0))))`);
    const call = instance.func("call");
    expect(call.call(299_999)).toBe(42);
    expect(() => call.call(299_998)).toThrow(/uninitialized element/);
    expect(() => call.call(270_000)).toThrow(/indirect call type mismatch/);
    expect(() => call.call(300_000)).toThrow(/undefined element/);
  });

  it("grow by ten million elements at once", () => {
    const table = new Table(new Store(), { min: 0 });
    expect(table.grow(10_000_000)).toBe(0);
    expect(table.get(9_999_999)).toBeNull();
  });
});

const DEEP = `(module
  (import "env" "failure" (tag $failure))
  (tag $other)
  (func $down (param i32)
    (if (i32.eqz (local.get 0)) (then (throw $failure)))
    (block $caught
      (try_table (catch $other $caught) (call $down (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "caught") (param i32) (result i32)
    (block $caught
      (try_table (catch $failure $caught) (call $down (local.get 0)))
      (return (i32.const 0)))
    (i32.const 1))
  (func (export "uncaught") (param i32) (call $down (local.get 0))))`;

describe("exceptions", () => {
  const failure = () => new Tag();

  it("are searched for in pieces, and cost what was searched", () => {
    const instance = instanceOf(DEEP, { env: { failure: failure() } });
    const depth = 30_000;
    const { looks, result } = looksOf(instance, "caught", depth);
    expect(result).toBe(1);
    // The way down alone takes fewer.
    expect(looks).toBeGreaterThan(40);
    const execution = instance.func("caught").start(depth);
    expect(execution.run()).toMatchObject({ kind: "returned", value: 1 });
    const stepped = stepwise(instance, "caught", depth);
    expect(stepped).toMatchObject({ value: 1, fuel: execution.usage.fuel });
    // A frame, a clause that does not fit and the end of its handler for each level; at the bottom
    // there is no handler around, at the top a frame and a clause that fits.
    const searched = 3 * depth + 1 + 2;
    const base = instance.func("caught").start(0);
    base.run();
    const perLevel = (execution.usage.fuel - Math.floor(searched / 16) - base.usage.fuel) / depth;
    expect(perLevel).toBe(7);
  });

  it("show where they were thrown if nobody catches them", () => {
    const instance = instanceOf(DEEP, { env: { failure: failure() } });
    const error = thrown(WasmException, () => instance.func("uncaught").call(5_000));
    expect(error.backtrace).toHaveLength(50);
    expect(error.backtrace[0].funcIndex).toBe(0);
  });

  it("stop for fuel in the middle of the search, and go on", () => {
    const store = new Store();
    const instance = instanceOf(DEEP, { env: { failure: failure() } }, store);
    const whole = instance.func("caught").start(20_000);
    whole.run();
    store.fuel = whole.usage.fuel - 1_000;
    const execution = instance.func("caught").start(20_000);
    expect(execution.run()).toEqual({ kind: "suspended", reason: "fuel" });
    store.fuel = 1e6;
    expect(execution.run()).toMatchObject({ kind: "returned", value: 1 });
    expect(execution.usage.fuel).toBe(whole.usage.fuel);
  });
});

describe("what a host function throws through a tail call", () => {
  const text = `(module
    (type $void (func))
    (import "env" "h" (func $h))
    (table funcref (elem $h))
    (elem declare func $h)
    (func $direct (block $x (try_table (catch_all $x) (return_call $h))))
    (func $indirect
      (block $x (try_table (catch_all $x) (return_call_indirect (type $void) (i32.const 0)))))
    (func $reference
      (block $x (try_table (catch_all $x) (drop (ref.func $h)) (nop))))
    (export "direct" (func $direct))
    (export "indirect" (func $indirect))
    (export "reference" (func $reference))
    (func (export "caller") (result i32)
      (block $x (try_table (catch_all $x) (call $direct)) (return (i32.const 1))) (i32.const 2)))`;
  const error = new Tag().exception();
  /** wabt does not know `return_call_ref`. */
  const module = () => {
    const bytes = assemble(text);
    const at = Buffer.from(bytes).indexOf(Uint8Array.of(0xd2, 0, 0x1a, 0x01));
    bytes.set([0x15, 0], at + 2);
    return Module.from(bytes);
  };

  it("is not caught by the frame that has gone, but by the next one", () => {
    const h = () => {
      throw error;
    };
    const instance = new Store().instantiate(module(), { env: { h } });
    for (const name of ["direct", "indirect", "reference"]) {
      expect(thrown(WasmException, () => instance.func(name).call())).toBe(error);
    }
    expect(instance.func("caller").call()).toBe(2);
  });

  it("nor if it is what a promise is rejected with", async () => {
    const h = hostFunc("() -> ()", () => Promise.reject(error));
    const instance = new Store().instantiate(module(), { env: { h } });
    for (const name of ["direct", "indirect", "reference"]) {
      await expect(instance.func(name).callAsync()).rejects.toBe(error);
    }
    expect(await instance.func("caller").callAsync()).toBe(2);
  });
});

describe("calls", () => {
  it("pay for the locals that they zero", () => {
    const instance = instanceOf(`(module
      (func $f (local ${"i64 ".repeat(1000)}))
      (func $g (local ${"i64 ".repeat(15)}))
      (func (export "main") (call $f) (call $g)))`);
    expect(instance.func("main").call()).toBeUndefined();
    expect(instance.store.lastUsage?.fuel).toBe(2 + Math.floor(1000 / 16));
  });

  it("of host functions that take long are looked at", () => {
    const module = moduleOf(`(module (import "env" "slow" (func $slow))
      (func (export "main") (loop (call $slow) (br 0))))`);
    let calls = 0;
    const slow = () => {
      calls++;
      const end = performance.now() + 2;
      while (performance.now() < end);
    };
    const store = new Store();
    const main = store.instantiate(module, { env: { slow } }).func("main");
    expect(thrown(Exhaustion, () => main.with({ timeout: 20 }).call()).kind).toBe("deadline");
    expect(calls).toBeLessThan(14);
  });
});
