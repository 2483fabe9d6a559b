// What errors say: programs compare the messages of traps, and people read the others. V8's wording
// is compared where every supported version has the same.

import { describe, expect, it } from "vitest";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { assemble, func, Host, instanceOf, onBoth, thrownBy } from "./support.ts";

const TRAPS = `(module (memory 1) (table $t 2 funcref) (type $v (func)) (func $f (param i32))
  (elem (i32.const 0) $f)
  (func (export "unreachable") unreachable)
  (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "divu") (param i64 i64) (result i64) (i64.div_u (local.get 0) (local.get 1)))
  (func (export "rem") (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
  (func (export "remu") (param i64 i64) (result i64) (i64.rem_u (local.get 0) (local.get 1)))
  (func (export "trunc") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func (export "trunc64") (param f32) (result i64) (i64.trunc_f32_u (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32) (i64.store offset=8 (local.get 0) (i64.const 1)))
  (func (export "call") (param i32) (call_indirect (type $v) (local.get 0)))
  (func (export "get") (param i32) (result funcref) (table.get $t (local.get 0)))
  (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "tfill") (param i32) (table.fill $t (i32.const 0) (ref.null func) (local.get 0))))`;

const CASES: readonly (readonly [string, readonly unknown[]])[] = [
  ["unreachable", []],
  ["div", [1, 0]],
  ["div", [-(2 ** 31), -1]],
  ["divu", [1n, 0n]],
  ["rem", [1, 0]],
  ["remu", [1n, 0n]],
  ["trunc", [Number.NaN]],
  ["trunc", [1e300]],
  ["trunc64", [-2]],
  ["load", [-1]],
  ["load", [65_533]],
  ["store", [65_528]],
  ["call", [2]],
  ["get", [2]],
  ["fill", [65_537]],
  ["tfill", [3]],
];

describe("traps", () => {
  it.each(CASES)("say what the host's say: %s(%s)", (name, args) => {
    const outcome = onBoth((space) => func(instanceOf(TRAPS, {}, space), name)(...args));
    expect(outcome).toMatchObject({ error: "RuntimeError" });
  });

  it("have the guest's functions in the stack, with indices and offsets", () => {
    const text = `(module (func $inner unreachable) (func $outer (export "f") call $inner))`;
    const traceIn = (space: typeof Ours) => {
      const { message, stack = "" } = thrownBy(() => func(instanceOf(text, {}, space), "f")());
      expect(stack.startsWith(`RuntimeError: ${message}\n    at `)).toBe(true);
      // Who has called the guest comes next: nothing of the engine is in between.
      expect(stack.split("\n")[3]).toContain("messages.test");
      return [...stack.matchAll(/wasm-function\[(\d+)\]:(0x[0-9a-f]+)/g)].map(([part]) => part);
    };
    expect(traceIn(Ours)).toHaveLength(2);
    expect(traceIn(Ours)).toEqual(traceIn(Host));
  });

  // What versions of V8 say in different words: the class is the host's, the words are one of them.
  const VARYING: readonly (readonly [string, string, RegExp])[] = [
    ["a call of another type", "call 0", /function signature mismatch$/],
    ["a call of nothing", "call 1", /^null function or function signature mismatch$/],
    ["data", `(memory 1) (data (i32.const 65536) "x")`, /^WebAssembly.Instance\(\): data segment/],
    [
      "elements",
      "(table 1 funcref) (func $f) (elem (i32.const 1) $f)",
      /^WebAssembly.Instance\(\): table index is out of bounds$/,
    ],
  ];

  it.each(VARYING)("say so in one of V8's ways: %s", (_, what, words) => {
    const actIn = (space: typeof Ours) => {
      const [, index] = /^call (\d)$/.exec(what) ?? [];
      if (index === undefined) return instanceOf(`(module ${what})`, {}, space);
      return func(instanceOf(TRAPS, {}, space), "call")(Number(index));
    };
    expect(thrownBy(() => actIn(Host)).constructor).toBe(Host.RuntimeError);
    const error = thrownBy(() => actIn(Ours));
    expect(error.constructor).toBe(Ours.RuntimeError);
    expect(error.message).toMatch(words);
  });

  it("leave the start function as they are", () => {
    const text = `(module (func $f unreachable) (start $f))`;
    expect(onBoth((space) => instanceOf(text, {}, space))).toMatchObject({
      message: "unreachable",
    });
  });
});

describe("arguments of a wrong kind", () => {
  const ACTIONS: readonly (readonly [string, (space: typeof Ours) => unknown])[] = [
    ["no bytes", (space) => new space.Module(3 as never)],
    ["empty bytes", (space) => new space.Module(new Uint8Array(0))],
    ["no module", (space) => new space.Instance({})],
    ["validate", (space) => space.validate(3 as never)],
    ["exports", (space) => space.Module.exports({})],
    [
      "customSections",
      (space) => space.Module.customSections(...([] as unknown as [never, never])),
    ],
    ["memory", (space) => new space.Memory(3 as never)],
    ["memory without size", (space) => new space.Memory({} as never)],
    ["memory of -1", (space) => new space.Memory({ initial: -1 })],
    ["memory of 70000", (space) => new space.Memory({ initial: 70_000 })],
    ["memory above its maximum", (space) => new space.Memory({ initial: 2, maximum: 1 })],
    ["shared without maximum", (space) => new space.Memory({ initial: 1, shared: true })],
    ["memory of x", (space) => new space.Memory({ initial: "x" as never })],
    ["growth beyond it", (space) => new space.Memory({ initial: 1, maximum: 1 }).grow(1)],
    ["table of x", (space) => new space.Table({ element: "x" as never, initial: 1 })],
    ["table too large", (space) => new space.Table({ element: "anyfunc", initial: 10_000_001 })],
    [
      "table growth",
      (space) => new space.Table({ element: "anyfunc", initial: 1, maximum: 1 }).grow(1),
    ],
    ["global", (space) => new space.Global(undefined as never)],
    ["global of x", (space) => new space.Global({ value: "x" as never })],
    [
      "immutable global",
      (space) => {
        new space.Global({ value: "i32" }, 1).value = 2;
      },
    ],
    ["i64 global", (space) => new space.Global({ value: "i64" }, 1 as never)],
    ["receiver", (space) => space.Memory.prototype.grow.call({} as never, 1n)],
    ["getter", (space) => Reflect.get(space.Memory.prototype, "buffer", {})],
    ["exception", (space) => new space.Exception({}, [])],
  ];

  it.each(ACTIONS)("are refused in the host's words: %s", (_, action) => {
    // V8 14 has a parenthesis too many in one of them.
    const messages = [Ours, Host].map((space) => {
      const error = thrownBy(() => action(space));
      return [error.constructor.name, error.message.replace("value):", "value:")];
    });
    expect(messages[0]).toEqual(messages[1]);
  });
});

describe("modules that are refused", () => {
  it("are said where, with function and offset", () => {
    const bytes = assemble(`(module (func $good) (func $bad nop))`);
    // The nop becomes a drop, with nothing to drop.
    const at = bytes.lastIndexOf(0x01, bytes.lastIndexOf(0x0b));
    bytes[at] = 0x1a;
    const outcome = onBoth((space) => {
      const { message, name } = thrownBy(() => new space.Module(bytes));
      const [, prefix, offset] = /^(.*failed): .* (@\+\d+)$/.exec(message) ?? [];
      return [name, prefix, offset];
    });
    expect(outcome).toEqual({
      value: [
        "CompileError",
        "WebAssembly.Module(): Compiling function #1 failed",
        expect.stringMatching(/^@\+\d+$/),
      ],
    });
  });

  it("name the function that was called", async () => {
    const bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0);
    await expect(Ours.compile(bytes)).rejects.toThrow(/^WebAssembly\.compile\(\): .* @\+\d+$/);
    await expect(Ours.instantiate(bytes)).rejects.toThrow(/^WebAssembly\.instantiate\(\): /);
  });
});

describe("imports that do not fit", () => {
  const text = `(module (import "m" "f" (func (param i32))) (import "m" "g" (global i32))
    (import "m" "mem" (memory 2)) (import "m" "t" (table 1 funcref)))`;
  const f = () => {};
  const mem = new Ours.Memory({ initial: 2 });
  const MISFITS: readonly (readonly [object, RegExp])[] = [
    [{}, /^WebAssembly\.Instance\(\): Import #0 "m": module is not an object or function$/],
    [{ m: {} }, /Import #0 "m" "f": function import requires a callable$/],
    [{ m: { f } }, /Import #1 "m" "g": global import must be a number, valid Wasm reference/],
    [{ m: { f, g: 1n } }, /Import #1 "m" "g": global import must be a number/],
    [
      { m: { f, g: 1 } },
      /Import #2 "m" "mem": memory import must be a WebAssembly\.Memory object$/,
    ],
    [
      { m: { f, g: 1, mem: new Ours.Memory({ initial: 1 }), t: 1 } },
      /Import #3 "m" "t": table import requires a WebAssembly\.Table$/,
    ],
    [
      {
        m: {
          f,
          g: 1,
          mem: new Ours.Memory({ initial: 1 }),
          t: new Ours.Table({ element: "anyfunc", initial: 1 }),
        },
      },
      /Import #2 "m" "mem": imported memory does not match .* \(memory 2\), found \(memory 1\)$/,
    ],
    [
      { m: { f, g: 1, mem, t: new Ours.Table({ element: "externref", initial: 1 }) } },
      /Import #3 "m" "t": imported table does not match the expected type/,
    ],
  ];

  it.each(MISFITS)("%#", (imports, message) => {
    const error = thrownBy(() => instanceOf(text, imports));
    expect(error.message).toMatch(message);
    expect(error.constructor).toBe("m" in imports ? Ours.LinkError : TypeError);
  });
});
