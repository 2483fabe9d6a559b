// Limits of a store, each at the limit and one above it, from the embedder's side; hostile guests;
// many instances. Counting and rollback are tested in test/runtime/limits.test.ts.

import { describe, expect, it } from "vitest";
import {
  Exhaustion,
  LinkError,
  type Module,
  type RuntimeLimits,
  Store,
} from "../../src/api/index.ts";
import { HOSTILE, instanceOf, moduleOf, thrown } from "./support.ts";

const PAGE = 65536;

/** Enough for every test here. Without the check of a limit it stops the guest: the test fails. */
const FUEL = 4_000;

/** A store with these limits and an instance of the hostile module in it. */
function hostile(limits: Partial<RuntimeLimits>) {
  const store = new Store({ fuel: FUEL, limits });
  return { store, instance: store.instantiate(moduleOf(HOSTILE)) };
}

describe("limits", () => {
  it("of memory: growth fails, instantiation is an error", () => {
    const { instance, store } = hostile({ memoryBytes: 5 * PAGE });
    expect(instance.exports.allocate()).toBe(5);
    expect(store.usage.peakMemoryBytes).toBe(5 * PAGE);
    const another = thrown(Exhaustion, () => store.instantiate(moduleOf("(module (memory 1))")));
    expect([another.kind, another.phrase]).toEqual(["memoryBytes", "memory limit exceeded"]);
    expect(() => store.instantiate(moduleOf("(module (memory 0))"))).not.toThrow();
    // At the limit, and a page above it.
    const module = moduleOf("(module (memory 5))");
    expect(() =>
      new Store({ limits: { memoryBytes: 5 * PAGE } }).instantiate(module),
    ).not.toThrow();
    const tight = new Store({ limits: { memoryBytes: 5 * PAGE - 1 } });
    expect(thrown(Exhaustion, () => tight.instantiate(module)).kind).toBe("memoryBytes");
  });

  it("of memory count all memories of the store", () => {
    const store = new Store({ fuel: FUEL, limits: { memoryBytes: 6 * PAGE } });
    const [a, b] = [1, 2].map(() => store.instantiate(moduleOf(HOSTILE)));
    expect(a.exports.allocate()).toBe(5);
    expect(b.exports.allocate()).toBe(1);
  });

  it("of table elements", () => {
    const { instance, store } = hostile({ tableElements: 7 });
    expect(instance.exports.fill()).toBe(7);
    const module = moduleOf("(module (table 1 funcref))");
    expect(thrown(Exhaustion, () => store.instantiate(module)).kind).toBe("tableElements");
  });

  it("of instances", () => {
    const store = new Store({ limits: { instances: 3 } });
    const module = moduleOf(`(module (func (export "f") (result i32) (i32.const 1)))`);
    const instances = [1, 2, 3].map(() => store.instantiate(module));
    const error = thrown(Exhaustion, () => store.instantiate(module));
    expect([error.kind, error.phrase]).toEqual(["instances", "instance limit exceeded"]);
    expect(instances.map(({ exports }) => exports.f())).toEqual([1, 1, 1]);
  });

  it("of globals", () => {
    const store = new Store({ limits: { globals: 3 } });
    const two = moduleOf(`(module (global i32 (i32.const 1)) (global i64 (i64.const 1)))`);
    const one = moduleOf(`(module (global i32 (i32.const 1)))`);
    store.instantiate(two);
    expect(thrown(Exhaustion, () => store.instantiate(two)).kind).toBe("globals");
    expect(() => store.instantiate(one)).not.toThrow();
  });

  it("of call depth", () => {
    // deep(n) is n + 1 calls.
    const { instance } = hostile({ callDepth: 100 });
    expect(instance.exports.deep(99)).toBe(99);
    const error = thrown(Exhaustion, () => instance.exports.deep(100));
    expect([error.kind, error.phrase]).toEqual(["callDepth", "call stack exhausted"]);
    expect(instance.exports.deep(99)).toBe(99);
  });

  it("of call depth, of which a call into another instance takes no more", () => {
    const store = new Store({ limits: { callDepth: 100 } });
    // Each level of main is a call here and one in the instance whose table leads back.
    const way = instanceOf(
      `(module (table (export "back") 1 funcref) (type $f (func (param i32) (result i32)))
        (func (export "next") (param i32) (result i32)
          (call_indirect (type $f) (local.get 0) (i32.const 0))))`,
      {},
      store,
    );
    const main = instanceOf(
      `(module (import "way" "next" (func $next (param i32) (result i32)))
        (func (export "main") (param i32) (result i32)
          (if (result i32) (local.get 0)
            (then (call $next (i32.sub (local.get 0) (i32.const 1))))
            (else (i32.const 7)))))`,
      { way: way.exports },
      store,
    );
    way.table("back").set(0, main.func("main"));
    for (let round = 0; round < 3; round++) {
      expect(main.exports.main(49)).toBe(7);
      expect(thrown(Exhaustion, () => main.exports.main(50)).kind).toBe("callDepth");
    }
  });

  it("of call depth, also after another instance has returned or thrown", () => {
    const store = new Store({ limits: { callDepth: 100 } });
    const far = instanceOf(
      `(module (tag $e)
        (func (export "f") (throw $e)) (func (export "g")))`,
      {},
      store,
    );
    const { exports } = instanceOf(
      `(module (import "far" "f" (func $f)) (import "far" "g" (func $g))
        (func $deep (param i32)
          (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "main") (param i32)
          (block $caught (try_table (catch_all $caught) (call $f)))
          (call $deep (local.get 0)))
        (func (export "after") (param i32)
          (call $g)
          (call $deep (local.get 0))))`,
      { far: far.exports },
      store,
    );
    for (const name of ["main", "after"]) {
      exports[name](98);
      expect(thrown(Exhaustion, () => exports[name](99)).kind).toBe("callDepth");
    }
  });

  it("of the value stack", () => {
    const text = (locals: number) =>
      `(module (func (export "f") (local ${"i64 ".repeat(locals)})))`;
    const store = () => new Store({ limits: { stackBytes: 800 } });
    instanceOf(text(50), {}, store()).exports.f();
    // 101 locals of 8 bytes are more than 800.
    const { exports } = instanceOf(text(101), {}, store());
    expect(thrown(Exhaustion, () => exports.f()).kind).toBe("stackBytes");
  });

  it("are what the options say, and nothing else", () => {
    thrown(RangeError, () => new Store({ limits: { memoryBytes: -1 } }));
    thrown(RangeError, () => new Store({ limits: { memoryBytes: Number.NaN } }));
    const typo = { memoryByte: 1 } as Partial<RuntimeLimits>;
    expect(thrown(TypeError, () => new Store({ limits: typo })).message).toMatch(/memoryByte/);
    expect(new Store({ limits: { callDepth: 5 } }).limits.callDepth).toBe(5);
  });
});

describe("what is no module", () => {
  it.each([null, undefined, 5, {}, new Uint8Array(8), new Store()])("is refused: %s", (value) => {
    const module = value as unknown as Module;
    expect(thrown(TypeError, () => new Store().instantiate(module)).message).toMatch(/a Module/);
  });
});

describe("a hostile guest", () => {
  it("leaves the store, other instances and the host working, over and over", () => {
    const store = new Store({ limits: { memoryBytes: 20 * PAGE, tableElements: 1000 } });
    const module = moduleOf(HOSTILE);
    const good = store.instantiate(module);
    const bad = store.instantiate(module);
    for (let round = 0; round < 5; round++) {
      expect(thrown(Exhaustion, () => bad.exports.recurse()).phrase).toBe("call stack exhausted");
      expect(bad.exports.allocate()).toBe(19);
      expect(bad.exports.fill()).toBe(999);
      store.fuel = 100_000;
      expect(thrown(Exhaustion, () => bad.exports.loop()).kind).toBe("fuel");
      store.fuel = Number.POSITIVE_INFINITY;
      expect(thrown(Error, () => bad.exports.trap()).message).toMatch(/^unreachable/);
      expect(good.exports.deep(500)).toBe(500);
      expect(good.memory().pages).toBe(1);
      expect(bad.exports.deep(500)).toBe(500);
    }
    expect(store.instantiate(moduleOf("(module)")).exports).toEqual(Object.create(null));
  });

  it("cannot fill the stack so that a host function's call finds no room", () => {
    const text = `(module (import "env" "f" (func $f (result i32)))
      (func $down (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (call $down (i32.sub (local.get 0) (i32.const 1))))
          (else (call $f)))))`;
    const store = new Store({ limits: { callDepth: 50 } });
    const inner = instanceOf(HOSTILE, {}, store);
    const { exports } = instanceOf(text, { env: { f: () => inner.exports.deep(10) } }, store);
    expect(exports.down(10)).toBe(10);
    // What a host function calls lies on top of its caller, and counts as well.
    expect(thrown(Exhaustion, () => exports.down(45)).kind).toBe("callDepth");
    expect(exports.down(10)).toBe(10);
  });
});

describe("10,000 instances of a small module", () => {
  it("live side by side, each with its own state", () => {
    const module = moduleOf(`(module
      (import "env" "log" (func $log (param i32)))
      (global $n (mut i32) (i32.const 0))
      (func (export "add") (param i32) (result i32)
        (global.set $n (i32.add (global.get $n) (local.get 0))) (global.get $n)))`);
    const log = () => {};
    const store = new Store({ limits: { instances: 10_000 } });
    const imports = { env: { log } };
    store.instantiate(module, imports).exports.add(1);
    const before = settledHeap();
    const instances = Array.from({ length: 9_999 }, () => store.instantiate(module, imports));
    const idle = (settledHeap() - before) / instances.length;
    for (const [i, instance] of instances.entries()) instance.func("add").call(i);
    const called = (settledHeap() - before) / instances.length;
    for (const [i, instance] of instances.entries()) {
      expect(instance.func("add").call(1)).toBe(i + 1);
    }
    thrown(Exhaustion, () => store.instantiate(module, imports));
    thrown(LinkError, () => store.instantiate(module));
    console.log(`bytes per instance: ${idle.toFixed(0)}, after a call ${called.toFixed(0)}`);
    // 100 MB for all of them would be too much by any standard.
    expect(called).toBeLessThan(10_000);
  });
});

/** Bytes on the host's heap and outside of it, after collecting garbage if that is possible. */
function settledHeap(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
