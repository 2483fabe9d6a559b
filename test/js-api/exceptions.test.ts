// Exceptions over the border in both directions. Node 20's own namespace has neither exnref nor
// JSTag: the expectations are the specification's steps.

import { describe, expect, it } from "vitest";
import {
  type Exception,
  type Instance,
  WebAssembly as Ours,
  type Tag,
} from "../../src/js-api/index.ts";
import { func, instanceOf, onBoth, thrownBy } from "./support.ts";

const CATCHERS = `(module
  (import "m" "f" (func $f))
  (import "m" "js" (tag $js (param externref)))
  (import "m" "tag" (tag $tag (param i32)))
  (func (export "all") (result i32)
    (block $caught
      (try_table (catch_all $caught) (call $f))
      (return (i32.const 0)))
    (i32.const 1))
  (func (export "js") (result externref)
    (block $caught (result externref)
      (try_table (catch $js $caught) (call $f))
      (return (ref.null extern))))
  (func (export "again")
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $f))
      (return))
    throw_ref)
  (func (export "tag") (result i32)
    (block $caught (result i32)
      (try_table (catch $tag $caught) (call $f))
      (return (i32.const -1))))
  (func (export "throw") (param i32) (throw $tag (local.get 0)))
  (func (export "throwJs") (param externref) (throw $js (local.get 0))))`;

const tag = new Ours.Tag({ parameters: ["i32"] });

/** An instance whose import throws. */
function catching(thrown: unknown): Instance {
  const f = () => {
    throw thrown;
  };
  return instanceOf(CATCHERS, { m: { f, js: Ours.JSTag, tag } });
}

/** What an action throws, whatever it is. */
function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a JavaScript exception", () => {
  const THROWN: readonly unknown[] = [new Error("mine"), 3, "text", null, undefined, { a: 1 }];

  it.each(THROWN)("is caught by catch_all, and by JSTag with its identity: %s", (value) => {
    const instance = catching(value);
    expect(func(instance, "all")()).toBe(1);
    expect(func(instance, "js")()).toBe(value);
  });

  it.each(THROWN)("is itself again when it is thrown on: %s", (value) => {
    expect(caught(func(catching(value), "again"))).toBe(value);
    expect(caught(func(catching(value), "tag"))).toBe(value);
  });

  it("is what the guest throws with JSTag", () => {
    const instance = catching(null);
    expect(caught(() => func(instance, "throwJs")("mine"))).toBe("mine");
  });

  // V8 11 and 14 let neither legacy catch_all nor try_table catch any of these.
  it("is no stack overflow, on whichever stack", () => {
    const deep = (): number => 1 + deep();
    const text = `(module (func $f (export "f") call $f))`;
    for (const f of [deep, func(instanceOf(text), "f")]) {
      const throughJs = () => f();
      for (const imported of [f, throughJs]) {
        const instance = instanceOf(CATCHERS, { m: { f: imported, js: Ours.JSTag, tag } });
        for (const name of ["all", "js", "again"]) {
          expect(thrownBy(() => func(instance, name)())).toBeInstanceOf(RangeError);
        }
      }
    }
    const own = () => {
      throw new RangeError("mine");
    };
    const instance = instanceOf(CATCHERS, { m: { f: own, js: Ours.JSTag, tag } });
    expect(func(instance, "all")()).toBe(1);
  });

  it("is a wrong result of an import, too", () => {
    const text = `(module (import "m" "f" (func $f (result i32)))
      (func (export "f") (result i32)
        (block $caught (try_table (catch_all $caught) (return (call $f))))
        (i32.const 7)))`;
    expect(func(instanceOf(text, { m: { f: () => 1n } }), "f")()).toBe(7);
  });
});

describe("an exception of WebAssembly", () => {
  it("made by JavaScript is caught by its tag and by catch_all, not by JSTag", () => {
    const exception = new Ours.Exception(tag, [42]);
    const instance = catching(exception);
    expect(func(instance, "tag")()).toBe(42);
    expect(func(instance, "all")()).toBe(1);
    expect(caught(func(instance, "js"))).toBe(exception);
    expect(caught(func(instance, "again"))).toBe(exception);
  });

  it("thrown by the guest has its tag and its values", () => {
    const thrown = caught(() => func(catching(null), "throw")(-5)) as Exception;
    expect(thrown).toBeInstanceOf(Ours.Exception);
    expect(thrown).not.toBeInstanceOf(Error);
    expect(thrown.is(tag)).toBe(true);
    expect(thrown.is(new Ours.Tag({ parameters: ["i32"] }))).toBe(false);
    expect(thrown.getArg(tag, 0)).toBe(-5);
    expect(thrown.stack).toBe(undefined);
  });

  it("goes through JavaScript and back and stays the same object", () => {
    const first = catching(null);
    const seen: unknown[] = [];
    const f = () => {
      try {
        func(first, "throw")(9);
      } catch (error) {
        seen.push(error);
        throw error;
      }
    };
    const second = instanceOf(CATCHERS, { m: { f, js: Ours.JSTag, tag } });
    expect(func(second, "tag")()).toBe(9);
    expect(caught(func(second, "again"))).toBe(seen[1]);
    expect(seen).toHaveLength(2);
  });

  it("has a stack if it is asked for", () => {
    const { stack } = new Ours.Exception(tag, [1], { traceStack: true });
    expect(stack).toContain("exceptions.test");
  });

  it("holds values converted by the tag's types", () => {
    const wide = new Ours.Tag({ parameters: ["i32", "i64", "f32", "externref"] });
    const exception = new Ours.Exception(wide, [2 ** 32 + 1, 2n ** 64n - 1n, 0.1, "x"]);
    const values = [0, 1, 2, 3].map((i) => exception.getArg(wide, i));
    expect(values).toEqual([1, -1n, Math.fround(0.1), "x"]);
    expect(() => new Ours.Exception(wide, [1])).toThrow(TypeError);
    expect(() => exception.getArg(tag, 0)).toThrow(TypeError);
    expect(() => exception.getArg(wide, 4)).toThrow(RangeError);
  });
});

describe("a trap", () => {
  it("is not caught by the guest, also when it comes through JavaScript", () => {
    const inner = instanceOf(`(module (func (export "f") unreachable))`);
    const instance = instanceOf(CATCHERS, { m: { f: inner.exports.f, js: Ours.JSTag, tag } });
    expect(thrownBy(func(instance, "all"))).toBeInstanceOf(Ours.RuntimeError);
    const through = () => func(inner, "f")();
    const outer = instanceOf(CATCHERS, { m: { f: through, js: Ours.JSTag, tag } });
    expect(thrownBy(func(outer, "all")).message).toBe("unreachable");
  });

  it("is caught if JavaScript has made the error", () => {
    expect(func(catching(new Ours.RuntimeError("mine")), "all")()).toBe(1);
  });
});

/** What the host has, too: all of this is compared with it. */
describe("legacy instructions", () => {
  const LEGACY = `(module
    (import "m" "f" (func $f (param i32)))
    (import "m" "tag" (tag $tag (param i32)))
    (func (export "throw") (param i32) (throw $tag (local.get 0)))
    (func (export "all") (param i32) (result i32)
      try (result i32) (call $f (local.get 0)) (i32.const 0) catch_all (i32.const 1) end)
    (func (export "tag") (param i32) (result i32)
      try (result i32) (call $f (local.get 0)) (i32.const 0) catch $tag end)
    (func (export "again") (param i32)
      try
        try (call $f (local.get 0)) catch_all rethrow 0 end
      delegate 0))`;
  const mine = new TypeError("mine");
  const THROWN: readonly [string, (namespace: typeof Ours, tag: Tag) => unknown][] = [
    ["an error", () => mine],
    ["a string", () => "text"],
    ["undefined", () => undefined],
    ["an exception", (namespace, tag) => new namespace.Exception(tag, [7])],
    ["another tag's exception", (namespace) => new namespace.Exception(tagOf(namespace), [7])],
  ];

  function tagOf(namespace: typeof Ours): Tag {
    return new namespace.Tag({ parameters: ["i32"] });
  }

  it.each(THROWN)("see %s that JavaScript throws", (_, make) => {
    const ends = (namespace: typeof Ours) => {
      const tag = tagOf(namespace);
      const thrown = make(namespace, tag);
      const f = () => {
        throw thrown;
      };
      const instance = instanceOf(LEGACY, { m: { f, tag } }, namespace);
      return ["all", "tag", "again"].map((name) => {
        try {
          return func(instance, name)(1);
        } catch (error) {
          return error === thrown ? "the same" : "another";
        }
      });
    };
    onBoth(ends);
  });

  it("catch what passed JavaScript and another instance, and no traps", () => {
    const ends = (namespace: typeof Ours) => {
      const tag = tagOf(namespace);
      const nothing = () => {};
      const inner = instanceOf(LEGACY, { m: { f: nothing, tag } }, namespace);
      const trap = func(instanceOf(`(module (func (export "f") unreachable))`, {}, namespace), "f");
      const f = (n: number) => (n < 0 ? trap() : func(inner, "throw")(n));
      const middle = instanceOf(LEGACY, { m: { f, tag } }, namespace);
      const outer = instanceOf(LEGACY, { m: { f: func(middle, "again"), tag } }, namespace);
      return ["all", "tag", "again"].flatMap((name) =>
        [5, -1].map((n) => {
          try {
            return func(outer, name)(n);
          } catch (error) {
            if (!(error instanceof namespace.Exception)) return (error as Error).name;
            return error.is(tag) ? error.getArg(tag, 0) : "another";
          }
        }),
      );
    };
    expect(onBoth(ends)).toEqual({
      value: [1, "RuntimeError", 5, "RuntimeError", 5, "RuntimeError"],
    });
  });
});
