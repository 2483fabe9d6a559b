// Namespaces of their own: fuel, time limits, epochs, limits, features. What the JavaScript API says
// nothing about is promised by `createNamespace`.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Epoch } from "../../src/api/index.ts";
import { controlsOf, createNamespace, WebAssembly as Ours } from "../../src/js-api/index.ts";
import { Exhaustion } from "../../src/runtime/trap.ts";
import { assemble, func, instanceOf, thrownBy } from "./support.ts";

const COUNTER = `(module (import "m" "f" (func $f))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if $again (i32.lt_s (local.get 1) (local.get 0))))
    (local.get 1))
  (func (export "endless") (loop $again (br $again)))
  (func (export "call") (call $f))
  (func (export "protected") (result i32)
    (block $caught (try_table (catch_all $caught) (call $f)) (return (i32.const 0)))
    (i32.const 1)))`;

const nothing = { m: { f() {} } };
const codeOf = (error: Error) => (error as { readonly code?: string }).code;

describe("fuel", () => {
  it("is used up as the instructions say, and can be filled up", () => {
    const namespace = createNamespace({ fuel: 1_000 });
    const controls = controlsOf(namespace);
    const count = func(instanceOf(COUNTER, nothing, namespace), "count");
    expect(count(10)).toBe(10);
    // 8 instructions in each round (loop costs nothing), and local.get at the end.
    expect(controls.fuel).toBe(1_000 - 8 * 10 - 1);
    controls.fuel = 8 * 7 + 1;
    expect(count(7)).toBe(7);
    expect(controls.fuel).toBe(0);
  });

  it("that runs out is a RuntimeError with a code, and everything stays usable", () => {
    const namespace = createNamespace({ fuel: 1_000 });
    const count = func(instanceOf(COUNTER, nothing, namespace), "count");
    const error = thrownBy(() => count(1_000));
    expect(error).toBeInstanceOf(namespace.RuntimeError);
    expect([error.message, codeOf(error)]).toEqual(["out of fuel", "fuel"]);
    expect(error.cause).toBeInstanceOf(Exhaustion);
    controlsOf(namespace).fuel = Number.POSITIVE_INFINITY;
    expect(count(1_000)).toBe(1_000);
  });

  it("cannot be caught by the guest, also through JavaScript", () => {
    const namespace = createNamespace({ fuel: 1_000 });
    const inner = instanceOf(COUNTER, nothing, namespace);
    const outer = instanceOf(COUNTER, { m: { f: () => func(inner, "endless")() } }, namespace);
    expect(codeOf(thrownBy(() => func(outer, "protected")()))).toBe("fuel");
  });

  it("is one account for calls inside calls", () => {
    const namespace = createNamespace({ fuel: 10_000 });
    const inner = instanceOf(COUNTER, nothing, namespace);
    const outer = instanceOf(COUNTER, { m: { f: () => func(inner, "count")(100) } }, namespace);
    func(outer, "call")();
    const price = 10_000 - controlsOf(namespace).fuel;
    expect(price).toBe(8 * 100 + 1 + 1);
    expect(controlsOf(namespace).hostCalls).toBe(1);
  });

  it("is of a namespace: others have their own", () => {
    const namespaces = [createNamespace({ fuel: 500 }), createNamespace({ fuel: 500 })];
    const [poor] = namespaces.map((namespace) => instanceOf(COUNTER, nothing, namespace));
    expect(codeOf(thrownBy(() => func(poor, "endless")()))).toBe("fuel");
    expect(controlsOf(namespaces[1]).fuel).toBe(500);
  });
});

describe("a call that is stopped", () => {
  it("in the middle of growing a memory leaves nothing of that to the next one", () => {
    let looks = 0;
    const epoch = { reached: () => ++looks === 5 };
    // A memory of the host's grows in place.
    const namespace = createNamespace({ epoch, epochDeadline: 1, tier: "interpreter" });
    const text = `(module (memory 100)
      (func (export "grow") (result i32) (memory.grow (i32.const 7)))
      (func (export "use") (result i32)
        (i32.store8 (i32.const 0) (i32.const 5))
        (drop (memory.grow (i32.const 7)))
        (i32.load8_u (i32.const 0)))
      (func (export "size") (result i32) (memory.size)))`;
    const instance = instanceOf(text, {}, namespace);
    expect(codeOf(thrownBy(() => func(instance, "grow")()))).toBe("epoch");
    const controls = controlsOf(namespace);
    controls.fuel = 1_000;
    expect(func(instance, "use")()).toBe(5);
    expect(func(instance, "size")()).toBe(107);
    expect(controls.fuel).toBe(1_000 - 8 - 7 - 1);
  });

  it("in the middle of making an array does not leave that to the next one", () => {
    let looks = Number.NEGATIVE_INFINITY;
    const epoch = { reached: () => ++looks === 3 };
    const namespace = createNamespace({ epoch, epochDeadline: 1 });
    const objects = readFileSync(new URL("../api/objects.wasm", import.meta.url));
    const host = { see: () => null, extern: () => null };
    const instance = new namespace.Instance(new namespace.Module(objects), { host });
    looks = 0;
    expect(codeOf(thrownBy(() => func(instance, "filled")(3_000_000)))).toBe("epoch");
    const [first, last, , length] = func(instance, "vectors")(70_000) as number[];
    expect([first, last, length]).toEqual([9, 14, 70_007]);
  });
});

describe("time", () => {
  it("of a call is limited by timeout, and the next call has its own", () => {
    const namespace = createNamespace({ timeout: 30 });
    const instance = instanceOf(COUNTER, nothing, namespace);
    for (let i = 0; i < 2; i++) {
      const began = Date.now();
      const error = thrownBy(() => func(instance, "endless")());
      expect(error).toBeInstanceOf(namespace.RuntimeError);
      expect(codeOf(error)).toBe("deadline");
      expect(Date.now() - began).toBeGreaterThanOrEqual(29);
    }
    expect(func(instance, "count")(10)).toBe(10);
  });

  it("of a call inside a call is that of the outer one", () => {
    const namespace = createNamespace({ timeout: 30 });
    const inner = instanceOf(COUNTER, nothing, namespace);
    const began = Date.now();
    const f = () => {
      while (Date.now() - began < 40);
      func(inner, "endless")();
    };
    const outer = instanceOf(COUNTER, { m: { f } }, namespace);
    expect(codeOf(thrownBy(() => func(outer, "protected")()))).toBe("deadline");
    expect(Date.now() - began).toBeLessThan(1_000);
  });

  it("is up for all calls at the deadline", () => {
    const namespace = createNamespace({ deadline: Date.now() + 20 });
    const instance = instanceOf(COUNTER, nothing, namespace);
    expect(codeOf(thrownBy(() => func(instance, "endless")()))).toBe("deadline");
    expect(codeOf(thrownBy(() => func(instance, "count")(1)))).toBe("deadline");
    controlsOf(namespace).deadline = Number.POSITIVE_INFINITY;
    expect(func(instance, "count")(1)).toBe(1);
  });

  it("of a former call does not count when limits come back during a later one", () => {
    const namespace = createNamespace({ timeout: 5 });
    const controls = controlsOf(namespace);
    const f = () => {
      controls.deadline = Date.now() + 60_000;
    };
    const instance = instanceOf(COUNTER, { m: { f } }, namespace);
    const count = func(instance, "count");
    count(10);
    controls.timeout = Number.POSITIVE_INFINITY;
    const began = Date.now();
    while (Date.now() - began < 10);
    const text = `(module (import "m" "f" (func $f)) (import "m" "count" (func $count (param i32)
      (result i32))) (func (export "g") (result i32) call $f (call $count (i32.const 50_000))))`;
    // The deadline is set inside a call that began without any limit.
    expect(func(instanceOf(text, { m: { f, count } }, namespace), "g")()).toBe(50_000);
  });

  it("is looked at while imports are read", () => {
    let read = 0;
    const namespace = createNamespace({ epoch: { reached: () => read > 0 }, epochDeadline: 1 });
    const m = {
      get f() {
        read++;
        return () => {};
      },
    };
    const text = `(module ${'(import "m" "f" (func)) '.repeat(2_000)})`;
    const error = thrownBy(() => instanceOf(text, { m }, namespace));
    expect(error).toBeInstanceOf(namespace.RuntimeError);
    expect(codeOf(error)).toBe("epoch");
    expect(read).toBeLessThan(1_000);
  });

  it("is looked at while the exports of an instance are made", () => {
    let looks = 0;
    const epoch = { reached: () => ++looks > 3 };
    const names = Array.from({ length: 5_000 }, (_, i) => `(export "f${i}" (func $f))`);
    const bytes = assemble(`(module (func $f) ${names.join(" ")})`);
    const few = createNamespace({ epoch, epochDeadline: 1 });
    const error = thrownBy(() => new few.Instance(new few.Module(bytes)));
    expect(error).toBeInstanceOf(few.RuntimeError);
    expect(codeOf(error)).toBe("epoch");
    expect(looks).toBe(4);
    const free = createNamespace();
    const { exports } = new free.Instance(new free.Module(bytes));
    expect([Object.keys(exports).length, Object.isFrozen(exports)]).toEqual([5_000, true]);
  });

  it("can be an epoch of the embedder's", () => {
    const epoch = new Epoch();
    const namespace = createNamespace({ epoch, epochDeadline: 1 });
    const f = () => epoch.advance();
    const instance = instanceOf(COUNTER, { m: { f } }, namespace);
    expect(func(instance, "count")(100_000)).toBe(100_000);
    // Looked at after a call of the host, whatever follows, and before one of the guest.
    for (const name of ["call", "endless", "count"]) {
      expect(codeOf(thrownBy(() => func(instance, name)()))).toBe("epoch");
    }
  });
});

describe("limits", () => {
  it("on memory make growth fail as the host's would", () => {
    const namespace = createNamespace({ limits: { memoryBytes: 4 * 65_536 } });
    const memory = new namespace.Memory({ initial: 2 });
    expect(() => memory.grow(3)).toThrow(RangeError);
    expect(() => new namespace.Memory({ initial: 3 })).toThrow(RangeError);
    const text = `(module (memory 1) (func (export "grow") (param i32) (result i32)
      (memory.grow (local.get 0))))`;
    const grow = func(instanceOf(text, {}, namespace), "grow");
    expect([grow(2), grow(1), grow(1)]).toEqual([-1, 1, -1]);
    expect(() => instanceOf(`(module (memory 1))`, {}, namespace)).toThrow(RangeError);
    expect(controlsOf(namespace).peakMemoryBytes).toBe(4 * 65_536);
  });

  it("on globals are RangeErrors, also for those that imports make", () => {
    const namespace = createNamespace({ limits: { globals: 1 } });
    const global = new namespace.Global({ value: "i32" }, 5);
    expect(() => new namespace.Global({ value: "i32" })).toThrow(RangeError);
    const text = `(module (import "m" "g" (global i32)))`;
    expect(() => instanceOf(text, { m: { g: 5 } }, namespace)).toThrow(RangeError);
    expect(() => instanceOf(`(module (global i32 (i32.const 1)))`, {}, namespace)).toThrow(
      RangeError,
    );
    instanceOf(text, { m: { g: global } }, namespace);
  });

  it("on calls make a stack overflow", () => {
    const namespace = createNamespace({ limits: { callDepth: 100 } });
    const text = `(module (func $f (export "f") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1)))))`;
    const f = func(instanceOf(text, {}, namespace), "f");
    expect(f(90)).toBe(1);
    expect(() => f(110)).toThrow(RangeError);
  });

  it("on modules are compile errors", () => {
    const namespace = createNamespace({ decodingLimits: { functions: 1 } });
    const bytes = assemble(`(module (func) (func))`);
    expect(namespace.validate(bytes as Uint8Array<ArrayBuffer>)).toBe(false);
    expect(() => new namespace.Module(bytes)).toThrow(namespace.CompileError);
  });

  it.each([
    [{ fuel: -1 }],
    [{ fuel: Number.NaN }],
    [{ timeout: -1 }],
    [{ limits: { memoryBytes: -1 } }],
    [{ epochDeadline: 5 }],
    [{ epoch: new Epoch(), epochDeadline: Number.NaN }],
  ])("that make no sense are refused: %j", (options) => {
    expect(() => createNamespace(options)).toThrow(RangeError);
  });
});

describe("features", () => {
  const simd = assemble(`(module (func (result v128) (v128.const i32x4 0 0 0 0)))`);

  it("are a namespace's own", () => {
    expect(Ours.validate(simd)).toBe(true);
    expect(createNamespace({ features: { simd: false } }).validate(simd)).toBe(false);
    const tail = assemble(`(module (func $f (return_call $f)))`);
    expect(Ours.validate(tail)).toBe(true);
    expect(createNamespace({ features: { "tail-call": false } }).validate(tail)).toBe(false);
  });
});

describe("two namespaces", () => {
  const other = createNamespace();

  it("have classes of their own", () => {
    for (const name of ["Module", "Memory", "RuntimeError", "Tag"] as const) {
      expect(other[name]).not.toBe(Ours[name]);
    }
    expect(new other.CompileError()).not.toBeInstanceOf(Ours.CompileError);
  });

  it("know nothing of each other's objects", () => {
    const module = new Ours.Module(assemble(`(module (import "m" "m" (memory 1)))`));
    expect(() => new other.Instance(module, {})).toThrow(TypeError);
    const memory = new other.Memory({ initial: 1 });
    expect(() => new Ours.Instance(module, { m: { m: memory } })).toThrow(Ours.LinkError);
    expect(() => Ours.Memory.prototype.grow.call(memory, 1n)).toThrow(TypeError);
  });

  it("call each other's functions like any function of JavaScript", () => {
    const paid = createNamespace({ fuel: 1_000 });
    const { count } = instanceOf(COUNTER, nothing, paid).exports;
    const text = `(module (import "m" "f" (func $f (param i32) (result i32)))
      (func (export "f") (param i32) (result i32) (call $f (local.get 0))))`;
    const f = func(instanceOf(text, { m: { f: count } }, other), "f");
    expect(f(10)).toBe(10);
    expect(controlsOf(paid).fuel).toBe(1_000 - 81);
    expect(thrownBy(() => f(10_000))).toBeInstanceOf(paid.RuntimeError);
  });

  it("controlsOf knows only ours", () => {
    expect(() => controlsOf({})).toThrow(TypeError);
    expect(controlsOf(other).fuel).toBe(Number.POSITIVE_INFINITY);
  });
});
