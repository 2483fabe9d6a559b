// A v128 takes two neighbouring slots wherever a value can be: in locals and parameters, on the
// stack, at branches, in calls, globals and exceptions, beside values that take one. Expected values
// were worked out by hand from the specification (4.4 Instructions). Nothing here computes.

import { describe, expect, it } from "vitest";
import {
  CodeLimitError,
  Global,
  hostFunc,
  Store,
  Tag,
  WasmException,
} from "../../src/api/index.ts";
import { inSlices, instanceOf, thrown } from "../api/support.ts";
import { evictAll } from "./evicting.ts";

/** A v128 whose four words are n, n + 1, n + 2 and n + 3, as the host has it and in a program. */
const vector = (n: number) => new Uint8Array(Int32Array.of(n, n + 1, n + 2, n + 3).buffer);
const v = (n: number) => `(v128.const i32x4 ${n} ${n + 1} ${n + 2} ${n + 3})`;

/** Values as text: a vector whose words follow each other is `v` and the first one. */
function show(value: unknown): string {
  if (Array.isArray(value)) return value.map(show).join(" ");
  if (!(value instanceof Uint8Array)) return String(value);
  const [first, ...others] = new Int32Array(value.slice().buffer);
  const follow = others.length === 3 && others.every((word, i) => word === first + i + 1);
  return follow ? `v${first}` : `[${[first, ...others].join(" ")}]`;
}

interface Case {
  readonly name: string;
  /** Fields of the module; LOCALS stands where a function may have more of them. */
  readonly text: string;
  readonly args?: readonly unknown[];
  readonly expected: string;
}

const CASES: readonly Case[] = [
  {
    name: "parameters and locals of one slot and of two",
    text: `(func (export "f") (param i32 v128 i64 v128 f64) (result v128 f64 v128 i32 v128 i64)
      (local v128 i32 v128) LOCALS
     (local.set 5 (local.get 1)) (local.set 1 (local.get 3)) (local.set 6 (local.get 0))
     (local.get 5) (local.get 4) (local.get 1) (local.get 6) (local.get 7) (local.get 2))`,
    args: [7, vector(10), 8n, vector(20), 1.5],
    expected: "v10 1.5 v20 7 [0 0 0 0] 8",
  },
  {
    name: "locals are zero, whatever was there",
    text: `(func $g (result v128 i32) (local i32 v128 i64 v128) LOCALS (local.get 1) (local.get 0)
       (local.set 1 ${v(1)}) (local.set 3 ${v(2)}) (local.set 0 (i32.const 3)))
      (func (export "f") (result v128 i32 v128 i32) (call $g) (call $g))`,
    expected: "[0 0 0 0] 0 [0 0 0 0] 0",
  },
  {
    name: "a local is set while it is on the stack twice",
    text: `(func (export "f") (param i32 v128) (result v128 i32 v128 v128) LOCALS
      local.get 1 local.get 0 local.get 1 ${v(50)} local.set 1 i32.const 9 local.set 0 local.get 1)`,
    args: [7, vector(10)],
    expected: "v10 7 v10 v50",
  },
  {
    name: "a chain of tees",
    text: `(func (export "f") (param v128) (result v128 v128 v128 v128) (local v128 v128) LOCALS
      ${v(1)} local.tee 1 local.tee 2 local.get 0 ${v(2)} local.set 1 local.get 1 local.get 2
      local.get 0 local.set 2)`,
    args: [vector(10)],
    expected: "v1 v10 v2 v1",
  },
  {
    name: "what is dropped leaves its slots to others",
    text: `(func (export "f") (param v128 i32) (result i32 v128 i32 v128) LOCALS
      ${v(1)} ${v(5)} drop drop local.get 1 ${v(9)} i32.const 3 drop i32.const 4 local.get 0)`,
    args: [vector(10), 2],
    expected: "2 v9 4 v10",
  },
  ...[0, 1].map((condition) => ({
    name: `select of locals, constants and operands: ${condition}`,
    text: `(func (export "f") (param v128 v128 i32) (result v128 v128 v128 v128) LOCALS
      local.get 0 local.get 1 local.get 2 select
      ${v(30)} local.get 1 local.get 2 select (result v128)
      local.get 0 ${v(40)} local.get 2 select
      ${v(50)} ${v(60)} local.get 2 select local.tee 0)`,
    args: [vector(10), vector(20), condition],
    expected: condition === 0 ? "v20 v20 v40 v60" : "v10 v30 v10 v50",
  })),
  {
    name: "the two ends of an if with parameters",
    text: `(func (export "f") (param i32 v128) (result v128 i32 v128) LOCALS
      i32.const 5 local.get 1 ${v(3)} local.get 0
      if (param i32 v128 v128) (result v128 i32 v128)
        local.set 1 local.set 1 i32.const 8 drop local.set 0 ${v(6)} i32.const 7 local.get 1
      else drop drop drop local.get 1 local.get 0 ${v(4)} end)`,
    args: [0, vector(10)],
    expected: "v10 0 v4",
  },
  ...[0, 1].map((condition) => ({
    name: `br_if moves operands down by one slot, or leaves them: ${condition}`,
    text: `(func (export "f") (param i32 v128) (result v128 i32 v128) LOCALS
      block (result v128 i32 v128)
        i32.const 1
        local.get 1 i32.const 2 ${v(3)} local.get 0 br_if 0
        i32.const 4 ${v(5)} br 0
      end)`,
    args: [condition, vector(10)],
    expected: condition === 0 ? "v3 4 v5" : "v10 2 v3",
  })),
  ...[0, 1, 2, 3].map((index) => ({
    name: `br_table with operands to labels at different heights: ${index}`,
    text: `(func (export "f") (param i32 v128) (result i32 v128 i32 v128) LOCALS
      i32.const 100 ${v(200)}
      block (result i32 v128) i32.const 1
        block (result i32 v128) ${v(9)}
          block (result i32 v128)
            i32.const 7 local.get 1 local.get 0 br_table 0 1 2 2 end
          drop drop drop i32.const 20 ${v(21)} end
        drop drop drop i32.const 30 ${v(31)} end)`,
    args: [index, vector(10)],
    expected: ["100 v200 30 v31", "100 v200 30 v31", "100 v200 7 v10", "100 v200 7 v10"][index],
  })),
  {
    name: "a loop with operands that swaps them",
    text: `(func (export "f") (param i32) (result v128 i32 v128) (local v128 v128 i32) LOCALS
      ${v(1)} i32.const 77 ${v(2)}
      loop (param v128 i32 v128) (result v128 i32 v128)
        local.set 1 local.set 3 local.set 2 local.get 1 local.get 3 local.get 2
        local.get 0 i32.const -1 i32.add local.tee 0 br_if 0 end)`,
    args: [3],
    expected: "v2 77 v1",
  },
  {
    name: "calls, and results that take more room than arguments",
    text: `(func $g (param v128 i32) (result i32 v128 v128 i32) LOCALS
        local.get 1 local.get 0 local.get 0 i32.const 9)
      (func (export "f") (param v128 i32) (result i32 i32 v128 v128 i32 v128) LOCALS
        local.get 1 local.get 0 i32.const 6 call $g drop drop drop drop
        local.get 0 local.get 1 call $g local.get 0)`,
    args: [vector(10), 3],
    expected: "3 3 v10 v10 9 v10",
  },
  {
    name: "one result, from a local, a constant and in the middle",
    text: `(func $local (param i32 v128) (result v128) LOCALS local.get 1)
      (func $constant (param i32 v128) (result v128) LOCALS ${v(5)})
      (func $middle (param i32 v128) (result v128) LOCALS i32.const 3 local.get 1
        local.get 0 br_if 0 drop drop ${v(6)})
      (func (export "f") (param i32 v128) (result v128 v128 v128 v128) LOCALS
        (call $local (local.get 0) (local.get 1)) (call $constant (local.get 0) (local.get 1))
        (call $middle (i32.const 0) (local.get 1)) (call $middle (i32.const 1) (local.get 1)))`,
    args: [7, vector(10)],
    expected: "v10 v5 v6 v10",
  },
  {
    name: "recursion with a v128 at each depth",
    text: `(func $g (param v128 i32) (result v128) (local v128) LOCALS
       (local.set 2 (local.get 0))
        (if (local.get 1) (then
          (drop (call $g ${v(3)} (i32.sub (local.get 1) (i32.const 1))))))
       (local.get 2))
      (func (export "f") (param v128) (result v128) LOCALS (call $g (local.get 0) (i32.const 50)))`,
    args: [vector(10)],
    expected: "v10",
  },
  {
    name: "tail calls whose arguments are each other's places",
    text: `(type $t (func (param v128 i32 v128) (result v128 i32 v128)))
      (table funcref (elem $g))
      (func $g (type $t) LOCALS local.get 2 local.get 1 local.get 0)
      (func $h (type $t) LOCALS local.get 2 local.get 1 local.get 0 i32.const 0
        return_call_indirect (type $t))
      (func (export "f") (param i32 v128 v128) (result v128 i32 v128) LOCALS
        local.get 2 local.get 0 local.get 1 return_call $h)`,
    args: [7, vector(10), vector(20)],
    expected: "v20 7 v10",
  },
  {
    name: "call_indirect, beside a reference",
    text: `(type $t (func (param externref v128 externref) (result externref v128 externref)))
      (table funcref (elem $g))
      (func $g (type $t) (local externref) LOCALS local.get 2 local.get 1 local.get 0)
      (func (export "f") (param externref v128 externref) (result externref v128 externref) LOCALS
        local.get 0 local.get 1 local.get 2 i32.const 0 call_indirect (type $t))`,
    args: ["a", vector(10), "b"],
    expected: "b v10 a",
  },
  {
    name: "globals of one cell and of two, and references beside them",
    text: `(global $a i32 (i32.const 1)) (global $b (mut v128) ${v(10)})
      (global $c (mut externref) (ref.null extern)) (global $d v128 ${v(20)})
      (global $e (mut i64) (i64.const 5)) (global $f (mut externref) (ref.null extern))
      (func (export "f") (param externref) (result i32 v128 v128 i64 externref externref v128)
        LOCALS
        (global.set $c (local.get 0)) global.get $a global.get $b (global.set $b ${v(30)})
        global.get $d (global.set $e (i64.const 6)) global.get $e global.get $c global.get $f
        global.get $b)`,
    args: ["r"],
    expected: "1 v10 v20 6 r null v30",
  },
  {
    name: "a payload lands where its label wants it",
    text: `(tag $e (param i32 v128 externref v128 i64))
      (func $g (param i32 v128 externref) LOCALS
        local.get 0 local.get 1 local.get 2 ${v(3)} i64.const 4 throw $e)
      (func (export "f") (param i32 v128 externref) (result i32 v128 externref v128 i64) LOCALS
        ${v(1)} i32.const 2
        block (result i32 v128 externref v128 i64)
          try_table (catch $e 0) local.get 0 local.get 1 local.get 2 call $g end unreachable end
        return)`,
    args: [7, vector(10), "r"],
    expected: "7 v10 r v3 4",
  },
  {
    name: "a payload and the exception itself, at the function's own label",
    text: `(tag $e (param v128 i32))
      (func $g (param v128) (result v128 i32 exnref) LOCALS
        try_table (catch_ref $e 0) local.get 0 i32.const 9 throw $e end unreachable)
      (func (export "f") (param v128) (result v128 i32) LOCALS
        try_table (catch $e 0) local.get 0 call $g throw_ref end unreachable)`,
    args: [vector(10)],
    expected: "v10 9",
  },
];

/** Locals that push operands out of the reach of narrow instructions. */
const MANY = `(local ${"v128 ".repeat(40)}${"i32 ".repeat(70)})`;

/** The results of `f`, in one go or in the smallest slices; its code may be evicted between them. */
function results(text: string, args: readonly unknown[], slice: number, evicts = false): string {
  const run = instanceOf(`(module ${text})`)
    .func("f")
    .start(...args);
  const outcome = inSlices(run, slice, evicts ? evictAll : undefined);
  if (outcome.kind !== "returned") throw new Error(outcome.kind);
  return show(outcome.values);
}

describe("values of two slots", () => {
  it.each(CASES.map((item) => [item.name, item] as const))("%s", (_, { args = [], ...item }) => {
    for (const locals of ["", MANY]) {
      const text = item.text.replaceAll("LOCALS", locals);
      expect(results(text, args, Number.POSITIVE_INFINITY)).toBe(item.expected);
      expect(results(text, args, 1)).toBe(item.expected);
      expect(results(text, args, 1, true)).toBe(item.expected);
    }
  });
});

describe("at the border", () => {
  it("a host function takes and gives v128", () => {
    const seen: string[] = [];
    const text = `(module
      (import "env" "f" (func $f (param v128 i32 v128) (result i32 v128 v128)))
      (func (export "f") (param i32) (result i32 v128 v128 i32)
        ${v(1)} local.get 0 ${v(2)} call $f local.get 0))`;
    const f = (a: Uint8Array, n: number, b: Uint8Array) => {
      seen.push(show([a, n, b]));
      return [n + 1, b, a];
    };
    expect(show(instanceOf(text, { env: { f } }).func("f").call(7))).toBe("8 v2 v1 7");
    const typed = hostFunc("(v128 i32 v128) -> (i32 v128 v128)", (_, a, n, b) => [n, a, b]);
    expect(
      show(
        instanceOf(text, { env: { f: typed } })
          .func("f")
          .call(7),
      ),
    ).toBe("7 v1 v2 7");
    expect(seen).toEqual(["v1 7 v2"]);
  });

  it("a host function is called by nobody but the host, and may answer later", async () => {
    const text = `(module (import "env" "f" (func $f (param v128) (result v128)))
      (export "f" (func $f)) (func (export "g") (param v128) (result v128)
        (call $f (local.get 0))))`;
    const instance = instanceOf(text, { env: { f: (a: Uint8Array) => a } });
    expect(show(instance.func("f").call(vector(10)))).toBe("v10");
    const later = instanceOf(text, { env: { f: async (a: Uint8Array) => a } });
    expect(show(await later.func("g").callAsync(vector(20)))).toBe("v20");
  });

  it("what a function is called with is what the bytes were then", () => {
    const instance = instanceOf(
      `(module (func (export "f") (param v128) (result v128) (local.get 0)))`,
    );
    const given = vector(10);
    const run = instance.func("f").start(given);
    given.fill(0);
    expect(show(run.finish())).toBe("v10");
    const part = new Uint8Array([...vector(0).subarray(0, 3), ...vector(20)]).subarray(3);
    expect(show(instance.func("f").call(part))).toBe("v20");
  });

  it("what is no v128 is refused", () => {
    const instance = instanceOf(
      `(module (import "env" "f" (func $f (result v128))) (export "g" (func $f))
        (func (export "f") (param v128)))`,
      { env: { f: () => 3 } },
    );
    for (const value of [1, 1n, null, new Uint8Array(15), new Uint16Array(8), [...vector(1)]]) {
      const { message } = thrown(TypeError, () => instance.func("f").call(value));
      expect(message).toContain("argument 1 of f must be a Uint8Array of 16 bytes (v128)");
    }
    expect(thrown(TypeError, () => instance.func("g").call()).message).toContain(
      "the result of env.f must be a Uint8Array of 16 bytes (v128), found the number 3",
    );
  });

  it("a global is made, imported, read and written", () => {
    const store = new Store();
    const counter = new Global(store, { type: "v128", mutable: true }, vector(10));
    const fixed = new Global(store, { type: "v128" }, vector(20));
    const text = `(module (import "env" "a" (global $a (mut v128)))
      (import "env" "b" (global $b v128)) (global $c (mut v128) (global.get $b))
      (export "c" (global $c))
      (func (export "f") (result v128 v128 v128)
        global.get $a global.get $b (global.set $a ${v(30)}) global.get $c))`;
    const instance = instanceOf(text, { env: { a: counter, b: fixed } }, store);
    expect(show(instance.func("f").call())).toBe("v10 v20 v20");
    expect(show(counter.value)).toBe("v30");
    const c = instance.global("c");
    c.value = vector(40);
    expect(show([c.type, c.value])).toBe("v128 v40");
    expect(show(instance.func("f").call())).toBe("v30 v20 v40");
    expect(() => {
      c.value = 3;
    }).toThrow("the global's value must be a Uint8Array of 16 bytes (v128)");
  });

  it("an exception carries v128 both ways", () => {
    const tag = new Tag("(i32 v128 externref)");
    const text = `(module (import "env" "t" (tag $t (param i32 v128 externref)))
      (import "env" "f" (func $f))
      (func (export "f") (result i32 v128 externref)
        try_table (catch $t 0) call $f end unreachable)
      (func (export "g") (param externref) i32.const 1 ${v(2)} local.get 0 throw $t))`;
    const f = () => {
      throw tag.exception(5, vector(10), "r");
    };
    const instance = instanceOf(text, { env: { t: tag, f } });
    expect(show(instance.func("f").call())).toBe("5 v10 r");
    const error = thrown(WasmException, () => instance.func("g").call("s"));
    expect(tag.is(error) && show(error.payload)).toBe("1 v2 s");
  });

  it("an import must have the type that the module names", () => {
    const typed = hostFunc("(v128) -> ()", () => {});
    const text = (type: string) => `(module (import "env" "f" (func (param ${type}))))`;
    expect(() => instanceOf(text("v128"), { env: { f: typed } })).not.toThrow();
    expect(() => instanceOf(text("i64"), { env: { f: typed } })).toThrow(/incompatible/);
  });
});

describe("limits", () => {
  it("a frame of more slots than instructions can name is refused", () => {
    const text = (locals: number) => `(module (func (export "f") (result v128)
      (local ${"v128 ".repeat(locals)}) ${v(1)} local.set ${locals - 1} local.get ${locals - 1}))`;
    expect(show(instanceOf(text(20_000)).func("f").call())).toBe("v1");
    expect(() => instanceOf(text(40_000)).func("f").call()).toThrow(CodeLimitError);
  });

  it("locals cost by their number, whatever their size", () => {
    const fuel = (type: string) => {
      const store = new Store({ fuel: 1000 });
      const locals = `${type} `.repeat(160);
      instanceOf(`(module (func (export "f") (local ${locals})))`, {}, store).func("f").call();
      return 1000 - store.fuel;
    };
    expect(fuel("v128")).toBe(fuel("i32"));
  });
});
