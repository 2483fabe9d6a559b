// Calls in both directions: conversion of values, identity of functions, errors on their way, calls
// inside calls. The host's own namespace runs the same scenarios.

import { describe, expect, it } from "vitest";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { func, Host, instanceOf, onBoth, thrownBy } from "./support.ts";

const NAMESPACES = [
  ["wasmeter", Ours],
  ["the host", Host],
] as const;

const VALUES: readonly unknown[] = [
  0,
  -0,
  1.9,
  -1.9,
  2 ** 31,
  2 ** 32 + 5,
  -(2 ** 40),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  5e-324,
  1e39,
  0n,
  2n ** 63n,
  -(2n ** 70n) + 3n,
  true,
  "0x10",
  " 12 ",
  "x",
  "",
  null,
  undefined,
  [],
  [7],
  {},
  { valueOf: () => 5 },
  { valueOf: () => 5n },
  { toString: () => "6" },
  new Date(3),
  Symbol.iterator,
  () => 1,
];

const signalling = new Float64Array(new BigUint64Array([0xfff4000000000001n]).buffer);

interface Result {
  readonly value?: unknown;
  readonly error?: unknown;
}

/** The same value, or errors of the same class. Values that are objects are the very same. */
function expectSame(ours: Result, host: Result, what: unknown): void {
  const same = Object.is(ours.value, host.value) && ours.error === host.error;
  // Only then for its message: it would iterate whatever it can.
  if (!same) expect(ours, String(what)).toEqual(host);
}

describe("values", () => {
  it("a signalling NaN of JavaScript's becomes the canonical one", () => {
    const { exports } = instanceOf(
      `(module
      (import "m" "nan" (func $nan (result f64)))
      (func (export "bits") (param f64) (result i64) local.get 0 i64.reinterpret_f64)
      (func (export "wide") (param f32) (result i32) local.get 0 i32.reinterpret_f32)
      (func (export "returned") (result i64) call $nan i64.reinterpret_f64))`,
      {
        m: { nan: () => signalling[0] },
      },
    ) as { readonly exports: Record<string, (value?: number) => unknown> };
    expect(exports.bits(signalling[0])).toBe(0x7ff8000000000000n);
    expect(exports.wide(signalling[0])).toBe(0x7fc00000);
    expect(exports.returned()).toBe(0x7ff8000000000000n);
  });

  const identities = `(module
    (import "m" "back" (func $back (param i32) (result i32)))
    (func (export "i32") (param i32) (result i32) local.get 0)
    (func (export "i64") (param i64) (result i64) local.get 0)
    (func (export "f32") (param f32) (result f32) local.get 0)
    (func (export "f64") (param f64) (result f64) local.get 0)
    (func (export "externref") (param externref) (result externref) local.get 0)
    (func (export "funcref") (param funcref) (result funcref) local.get 0))`;
  const imports = { m: { back: (x: number) => x } };

  it.each(["i32", "i64", "f32", "f64", "externref", "funcref"])(
    "of %s go in as in the host",
    (t) => {
      const instances = NAMESPACES.map(([, space]) => instanceOf(identities, imports, space));
      for (const value of VALUES) {
        const [ours, host] = instances.map((instance) => {
          try {
            return { value: func(instance, t)(value) };
          } catch (error) {
            return { error: (error as Error).constructor };
          }
        });
        expectSame(ours, host, value);
      }
    },
  );

  const RESULTS: readonly (readonly [string, string])[] = [
    ["i32", "i32"],
    ["i64", "i64"],
    ["f32", "f32"],
    ["f64", "f64"],
    ["externref", "externref"],
    ["funcref", "funcref"],
    ["i32 i64", "i32 and i64"],
    ["f64 externref i32", "f64, externref and i32"],
  ];

  it.each(RESULTS)("come from imports as in the host: (%s)", (types) => {
    const text = `(module (import "m" "f" (func $f (result ${types})))
      (func (export "f") (result ${types}) call $f))`;
    const answers = [
      ...VALUES,
      [1, 2n],
      new Set([1, 2n]),
      [1, 2],
      [1, 2n, 3],
      [1.5, "text", -1],
      "ab",
      Object.assign(() => 0, { [Symbol.iterator]: () => [3, 4n].values() }),
      { [Symbol.iterator]: () => 5 },
    ];
    for (const answer of answers) {
      const [ours, host] = NAMESPACES.map(([, space]) => {
        const instance = instanceOf(text, { m: { f: () => answer } }, space);
        try {
          return { value: func(instance, "f")() };
        } catch (error) {
          return { error: (error as Error).constructor };
        }
      });
      expectSame(ours, host, answer);
    }
  });

  it("are converted in order, and before anything runs", () => {
    onBoth((space) => {
      const log: string[] = [];
      const noted = (name: string, value: number | bigint) => ({
        valueOf() {
          log.push(name);
          return value;
        },
      });
      const text = `(module (import "m" "f" (func $f))
        (func (export "f") (param i32 i64 f64) (result i64) call $f local.get 1))`;
      const instance = instanceOf(text, { m: { f: () => log.push("f") } }, space);
      const result = func(instance, "f")(noted("a", 1), noted("b", 2n), noted("c", 3));
      const failed = thrownBy(() => func(instance, "f")(noted("d", 1), noted("e", 2)));
      return [log, result, failed.constructor.name];
    });
  });

  it("survive a conversion that calls the same function", () => {
    onBoth((space) => {
      const text = `(module (func (export "sub") (param i32 i32 i32) (result i32)
        (i32.sub (i32.sub (local.get 0) (local.get 1)) (local.get 2))))`;
      const sub = func(instanceOf(text, {}, space), "sub");
      const inner = { valueOf: () => sub(1000, { valueOf: () => sub(100, 10, 1) }, 1) };
      return [sub(inner, 1, inner), sub(1, inner, 1)];
    });
  });

  it("of v128 make a function uncallable, each time", () => {
    const text = `(module (import "m" "f" (func $f (param v128)))
      (func (export "in") (param v128))
      (func (export "out") (result v128) (v128.const i32x4 0 0 0 0))
      (func (export "on") (call $f (v128.const i32x4 0 0 0 0))))`;
    onBoth((space) => {
      const instance = instanceOf(text, { m: { f() {} } }, space);
      return ["in", "out", "on", "in", "out", "on"].map((name) => {
        return thrownBy(() => func(instance, name)(0)).constructor.name;
      });
    });
  });
});

describe("imported functions", () => {
  it("are called without this, with exactly their parameters", () => {
    onBoth((space) => {
      const calls: unknown[] = [];
      function strict(this: unknown, ...args: unknown[]) {
        calls.push([this, args]);
      }
      const params = [
        "",
        "i32",
        "i32 i32",
        "i32 i64 f64",
        "i32 i32 i32 f32",
        "i32 i32 i32 i32 i64",
      ];
      for (const list of params) {
        const types = list.split(" ").filter((t) => t !== "");
        const text = `(module (import "m" "f" (func $f (param ${list})))
          (func (export "f") ${types.map((t, i) => `(${t}.const ${i + 1})`).join(" ")} call $f))`;
        func(instanceOf(text, { m: { f: strict } }, space), "f")();
      }
      return calls;
    });
  });

  it("are wrapped when they are exported, but exports of instances are not wrapped again", () => {
    onBoth((space) => {
      const f = () => 7;
      const text = `(module (import "m" "f" (func (result i32))) (export "f" (func 0))
        (table (export "t") 1 funcref) (elem (i32.const 0) 0))`;
      const first = instanceOf(text, { m: { f } }, space);
      const second = instanceOf(text, { m: { f: first.exports.f } }, space);
      type Exported = { f: () => number; t: { get(i: number): unknown } };
      const { f: exported, t } = second.exports as unknown as Exported;
      const same = first.exports.f === exported;
      return [same, exported === f, t.get(0) === exported, exported()];
    });
  });

  it("have the names of their indices", () => {
    onBoth((space) => {
      const text = `(module (import "m" "a" (func)) (import "m" "g" (global i32))
        (import "m" "b" (func (param i32 i32))) (func (param i32)) (export "c" (func 2))
        (export "b" (func 1)) (export "a" (func 0)))`;
      const imports = { m: { a() {}, b() {}, g: 1 } };
      const { exports } = instanceOf(text, imports, space);
      return Object.entries(exports).map(([name, f]) => {
        const { length, name: own } = f as unknown as { length: number; name: string };
        return [name, own, length, Object.hasOwn(f, "prototype"), typeof f];
      });
    });
  });

  it("that are proxies or bound functions are called, too", () => {
    onBoth((space) => {
      const text = `(module (import "m" "f" (func $f (param i32) (result i32)))
        (func (export "f") (param i32) (result i32) local.get 0 call $f))`;
      const target = (x: number) => x * 2;
      const run = (f: unknown) => func(instanceOf(text, { m: { f } }, space), "f")(21);
      return [run(new Proxy(target, {})), run(target.bind(null))];
    });
  });

  it("belong to the caller's table like its own", () => {
    onBoth((space) => {
      const text = `(module (import "m" "f" (func $f (param i32) (result i32)))
        (import "m" "t" (table 2 funcref)) (type $t (func (param i32) (result i32)))
        (func $g (export "g") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (elem (i32.const 0) $f)
        (func (export "call") (param i32 i32) (result i32)
          (call_indirect (type $t) (local.get 0) (local.get 1))))`;
      const t = new space.Table({ element: "anyfunc", initial: 2 });
      const one = instanceOf(text, { m: { f: (x: number) => x * 10, t } }, space);
      t.set(1, one.exports.g);
      const two = instanceOf(text, { m: { f: (x: number) => x * 100, t } }, space);
      const call = func(one, "call");
      return [call(5, 0), call(5, 1), func(two, "call")(5, 1), t.get(1) === one.exports.g];
    });
  });
});

describe("errors", () => {
  const thrower = `(module (import "m" "f" (func $f)) (func (export "f") call $f))`;

  it.each([
    ["an error", new RangeError("mine")],
    ["a number", 3],
    ["undefined", undefined],
    ["null", null],
  ])("thrown by an import arrive unchanged: %s", (_, value) => {
    const throwing = () => {
      throw value;
    };
    const instance = instanceOf(thrower, { m: { f: throwing } });
    let caught: unknown = "nothing";
    try {
      func(instance, "f")();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(value);
  });

  it("of a stack overflow in the guest are RangeErrors, and the instance stays usable", () => {
    onBoth((space) => {
      const text = `(module (func $f (export "deep") (param i32) (result i32)
          (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0))))
        (func $g (export "endless") call $g))`;
      const instance = instanceOf(text, {}, space);
      const errors = [1, 2, 3].map(() => thrownBy(() => func(instance, "endless")()));
      const names = errors.map((error) => [error.name, error.message, error instanceof RangeError]);
      return [names, func(instance, "deep")(5_000)];
    });
  });

  it("of a stack overflow over both stacks are RangeErrors, and everything stays usable", () => {
    onBoth((space) => {
      const text = `(module (import "m" "f" (func $f (param i32) (result i32)))
        (func (export "f") (param i32) (result i32)
          (i32.add (local.get 0) (call $f (local.get 0)))))`;
      let bottom = Number.POSITIVE_INFINITY;
      const instance = instanceOf(
        text,
        { m: { f: (x: number) => (x >= bottom ? 0 : func(instance, "f")(x + 1)) } },
        space,
      );
      const overflow = [1, 2].map(() => thrownBy(() => func(instance, "f")(0)));
      bottom = 100;
      const sum = func(instance, "f")(0);
      return [overflow.map((error) => [error.name, error.message]), sum];
    });
  });

  it("can be a hundred levels of JavaScript and guest deep and be caught half way", () => {
    onBoth((space) => {
      const text = `(module (import "m" "f" (func $f (param i32) (result i32)))
        (func (export "f") (param i32) (result i32) (call $f (local.get 0))))`;
      const instance = instanceOf(
        text,
        {
          m: {
            f(x: number): unknown {
              if (x === 100) throw new Error("bottom");
              if (x !== 50) return func(instance, "f")(x + 1);
              try {
                return func(instance, "f")(x + 1);
              } catch (error) {
                return (error as Error).message.length;
              }
            },
          },
        },
        space,
      );
      return func(instance, "f")(0);
    });
  });
});
