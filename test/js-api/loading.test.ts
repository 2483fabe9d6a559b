// Ways to a module: asynchronous compilation, streaming from a Response, compile options. The host
// is asked wherever it can answer.

import { describe, expect, it } from "vitest";
import { EXTERNREF, HEAP_EXTERN, I32, refType } from "../../src/isa/types.ts";
import { createNamespace, WebAssembly as Ours } from "../../src/js-api/index.ts";
import { build } from "../attacks/build.ts";
import { leb, moduleOf, section, vec } from "../binary/bytes.ts";
import { assemble, func, Host, instanceOf, rejectionOf, thrownBy } from "./support.ts";

const ADD = assemble(`(module (func (export "add") (param i32 i32) (result i32)
  (i32.add (local.get 0) (local.get 1))))`);

const WASM = { headers: { "content-type": "application/wasm" } };

/** A response that brings the bytes in pieces. */
function trickling(bytes: Uint8Array, size: number, init: ResponseInit = WASM): Response {
  let at = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
  return new Response(body, init);
}

describe("compile and instantiate", () => {
  it("take a copy of the bytes before they return", async () => {
    const bytes = ADD.slice();
    const promises = [Ours.compile(bytes), Ours.instantiate(bytes)] as const;
    bytes.fill(0);
    expect(await promises[0]).toBeInstanceOf(Ours.Module);
    const { instance } = await promises[1];
    expect(func(instance, "add")(2, 3)).toBe(5);
  });

  it("reject and do not throw", async () => {
    for (const action of [Ours.compile, Ours.instantiate]) {
      const promise = action(3 as never) as Promise<unknown>;
      expect(await rejectionOf(promise)).toBeInstanceOf(TypeError);
    }
    expect(await rejectionOf(Ours.compile(new Uint8Array(4)))).toBeInstanceOf(Ours.CompileError);
    const module = new Ours.Module(assemble(`(module (import "a" "b" (func)))`));
    expect(await rejectionOf(Ours.instantiate(module))).toBeInstanceOf(TypeError);
    const empty = Ours.instantiate(module, { a: {} });
    expect(await rejectionOf(empty)).toBeInstanceOf(Ours.LinkError);
  });

  it("take every kind of view", async () => {
    const padded = new Uint8Array(ADD.length + 16);
    padded.set(ADD, 8);
    const view = new DataView(padded.buffer, 8, ADD.length);
    for (const source of [ADD, ADD.slice().buffer, view]) {
      const { instance } = await Ours.instantiate(source);
      expect(func(instance, "add")(2, 3)).toBe(5);
    }
  });

  it("ask a view itself for its bytes, not its properties", () => {
    class Odd extends Uint8Array {
      override get buffer(): ArrayBuffer {
        return new ArrayBuffer(8);
      }
    }
    const odd = new Odd(ADD);
    const bare = Object.setPrototypeOf(ADD.slice(), null);
    const view = Object.setPrototypeOf(new DataView(ADD.slice().buffer), Uint8Array.prototype);
    for (const source of [odd, bare]) expect(Host.validate(source)).toBe(true);
    // The host takes no DataView at all, the specification every BufferSource.
    for (const source of [odd, bare, view]) expect(Ours.validate(source)).toBe(true);
  });

  it("find nothing in a detached buffer", () => {
    const buffer = new ArrayBuffer(8);
    const views = [new Uint8Array(buffer), new DataView(buffer)];
    structuredClone(buffer, { transfer: [buffer] });
    for (const source of [buffer, views[0]]) {
      expect(Ours.validate(source)).toBe(Host.validate(source));
      expect(thrownBy(() => new Ours.Module(source))).toBeInstanceOf(Ours.CompileError);
    }
    expect(Ours.validate(views[1])).toBe(false);
  });

  it("let the event loop have its turn during a large module", async () => {
    // A function of seven million instructions.
    const nops = new Uint8Array(7_000_000).fill(0x01);
    const code = [...leb(nops.length + 2), 0];
    const head = moduleOf(section(1, vec([0x60, 0, 0])), section(3, vec([0])), [
      10,
      ...leb(1 + code.length + nops.length + 1),
      1,
      ...code,
    ]);
    const bytes = Uint8Array.from(Buffer.concat([head, nops, Uint8Array.of(0x0b)]));
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await Ours.compile(bytes);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });
});

describe("streaming", () => {
  it.each([1, 7, 10_000])("takes a response in pieces of %d bytes", async (size) => {
    const module = await Ours.compileStreaming(trickling(ADD, size));
    expect(func(new Ours.Instance(module), "add")(2, 3)).toBe(5);
    const source = Promise.resolve(trickling(ADD, size));
    const { instance } = await Ours.instantiateStreaming(source, {});
    expect(func(instance, "add")(2, 3)).toBe(5);
  });

  const RESPONSES: readonly (readonly [string, () => unknown])[] = [
    ["no response", () => 3],
    ["another type", () => new Response(ADD)],
    [
      "a parameter",
      () => trickling(ADD, 9, { headers: { "content-type": "application/wasm;a=b" } }),
    ],
    ["an error status", () => trickling(ADD, 9, { ...WASM, status: 404 })],
    ["wrong bytes", () => trickling(ADD.slice().fill(7), 9)],
    ["too few bytes", () => trickling(ADD.slice(0, -1), 9)],
    ["no bytes", () => new Response(null, WASM)],
    ["a rejected promise", () => Promise.reject(new RangeError("mine"))],
    [
      "a body that fails",
      () =>
        new Response(new ReadableStream({ pull: () => Promise.reject(new Error("cut")) }), WASM),
    ],
  ];

  it.each(RESPONSES)("refuses what the host refuses: %s", async (_, make) => {
    const [ours, host] = await Promise.all(
      [Ours, Host].map((space) => rejectionOf(space.compileStreaming(make()))),
    );
    expect(ours.name).toBe(host.name);
    expect((ours as { code?: string }).code === "ERR_WEBASSEMBLY_RESPONSE").toBe(
      (host as { code?: string }).code === "ERR_WEBASSEMBLY_RESPONSE",
    );
  });

  it("refuses a body that was read before", async () => {
    const response = trickling(ADD, 9);
    await response.arrayBuffer();
    expect(await rejectionOf(Ours.compileStreaming(response))).toBeInstanceOf(TypeError);
  });

  it("stops reading when the bytes are wrong", async () => {
    let cancelled = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64)),
      cancel() {
        cancelled = true;
      },
    });
    const error = await rejectionOf(Ours.compileStreaming(new Response(body, WASM)));
    expect(error).toBeInstanceOf(Ours.CompileError);
    expect(cancelled).toBe(true);
  });
});

describe("modules", () => {
  it("tell what they import, export and hold in custom sections", () => {
    const text = `(module (import "a" "f" (func)) (import "a" "g" (global i32))
      (memory (export "m") 1) (table (export "t") 1 funcref) (func (export "x")))`;
    const bytes = assemble(text);
    const custom = Uint8Array.of(0, 5, 2, 0x68, 0x69, 1, 2);
    const whole = new Uint8Array([...bytes, ...custom, ...custom]);
    const [ours, host] = [Ours, Host].map((space) => {
      const module = new space.Module(whole);
      const sections = space.Module.customSections(module, "hi");
      return [
        space.Module.imports(module),
        space.Module.exports(module),
        sections.map((section) => [...new Uint8Array(section)]),
        space.Module.customSections(module, "none"),
      ];
    });
    expect(ours).toEqual(host);
  });

  it("can be made again by subclasses, as can memories", () => {
    class Special extends Ours.Module {
      readonly special = true;
    }
    const module = new Special(ADD);
    expect([module instanceof Ours.Module, module.special]).toEqual([true, true]);
    expect(func(new Ours.Instance(module), "add")(2, 3)).toBe(5);
    class Named extends Ours.Memory {}
    const memory = new Named({ initial: 1 });
    const { exports } = instanceOf(`(module (import "m" "m" (memory 1)) (export "m" (memory 0)))`, {
      m: { m: memory },
    });
    expect(exports.m).toBe(memory);
  });
});

describe("builtins", () => {
  /** Exports of a module that imports js-string's functions of numbers and strings. */
  function strings(imports: object = {}) {
    const text = `(module
      (import "wasm:js-string" "length" (func $length (param externref) (result i32)))
      (import "wasm:js-string" "charCodeAt" (func $at (param externref i32) (result i32)))
      (import "wasm:js-string" "equals" (func $equals (param externref externref) (result i32)))
      (import "wasm:js-string" "test" (func $test (param externref) (result i32)))
      (export "length" (func $length)) (export "at" (func $at)) (export "equals" (func $equals))
      (func (export "test") (param externref) (result i32) (call $test (local.get 0))))`;
    const module = new Ours.Module(assemble(text), { builtins: ["js-string"] });
    const instance = new Ours.Instance(module, imports);
    return (name: string) => func(instance, name);
  }

  it("do what String's methods do, whatever became of those", () => {
    const { charCodeAt } = String.prototype;
    const call = strings();
    String.prototype.charCodeAt = () => 0;
    try {
      expect([call("length")("abc"), call("at")("abc", 1), call("test")(3)]).toEqual([3, 98, 0]);
      expect([call("equals")("a", "a"), call("equals")(null, null)]).toEqual([1, 1]);
    } finally {
      String.prototype.charCodeAt = charCodeAt;
    }
  });

  const STRING = refType(HEAP_EXTERN, false);
  const MADE = build({
    types: [
      [[EXTERNREF, EXTERNREF], [STRING]],
      [[EXTERNREF, I32, I32], [STRING]],
      [[EXTERNREF], [I32]],
      [[EXTERNREF], [STRING]],
      [[EXTERNREF], [EXTERNREF]],
    ],
    imports: [
      ["concat", 0, "wasm:js-string"],
      ["substring", 1, "wasm:js-string"],
      ["length", 2, "wasm:js-string"],
      ["cast", 3, "wasm:js-string"],
      ["see", 4],
    ],
    functions: [
      {
        type: 4,
        export: "twice",
        code: (c) => c.op("local.get", 0).op("local.get", 0).op("call", 0).op("call", 4),
      },
      {
        type: 4,
        export: "part",
        code: (c) => c.op("local.get", 0).op("call", 5).i32(3).i32(20).op("call", 1),
      },
      {
        type: 2,
        export: "lengthOfAny",
        code(c) {
          c.op("local.get", 0).op("any.convert_extern").op("extern.convert_any");
          c.op("call", 3).op("call", 2);
        },
      },
    ],
  });

  it.each([
    ["no limit", {}],
    ["a limit on objects", { limits: { gcBytes: 2 ** 20 } }],
  ])("give JavaScript strings as they are, under %s", (_, options) => {
    const namespace = createNamespace(options);
    const seen: unknown[] = [];
    const see = (value: unknown) => {
      seen.push(value);
      return value;
    };
    const module = new namespace.Module(MADE, { builtins: ["js-string"] });
    const instance = new namespace.Instance(module, { env: { see } });
    const text = "a string that is long";
    expect(func(instance, "twice")(text)).toBe(text + text);
    expect(func(instance, "part")(text)).toBe((text + text).slice(3, 20));
    expect(seen).toEqual([text + text, text + text]);
    expect(func(instance, "part")("x".repeat(1_000))).toBe("x".repeat(17));
    expect(func(instance, "lengthOfAny")(text)).toBe(text.length);
    const held: unknown[] = [];
    for (let i = 0; i < 2_000; i++) held.push(func(instance, "twice")("y".repeat(1_000)));
    expect(held[1_999]).toBe("y".repeat(2_000));
  });

  it("trap for what is no string or not inside it", () => {
    const call = strings();
    for (const action of [
      () => call("length")(3),
      () => call("at")("abc", 3),
      () => call("at")("abc", -1),
      () => call("equals")("a", undefined),
    ]) {
      expect(thrownBy(action)).toBeInstanceOf(Ours.RuntimeError);
    }
  });

  /** A name, as it is encoded. */
  const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];

  /** js-string's functions of arrays, and two that make arrays and look into them. */
  function arrays(namespace = Ours) {
    const [i32, array, extern] = [[0x7f], [0x63, 0], [0x6f]];
    const make = [0, 0x20, 1, 0x20, 0, 0xfb, 6, 0, 0x0b];
    const get = [0, 0x20, 0, 0x20, 1, 0xfb, 13, 0, 0x0b];
    const bytes = moduleOf(
      section(1, [
        ...[5, 0x5e, 0x77, 1],
        ...[0x60, 3, ...array, ...i32, ...i32, 1, 0x64, ...extern],
        ...[0x60, 3, ...extern, ...array, ...i32, 1, ...i32],
        ...[0x60, 2, ...i32, ...i32, 1, ...array],
        ...[0x60, 2, ...array, ...i32, 1, ...i32],
      ]),
      section(2, [
        ...[2, ...text("wasm:js-string"), ...text("fromCharCodeArray"), 0, 1],
        ...[...text("wasm:js-string"), ...text("intoCharCodeArray"), 0, 2],
      ]),
      section(3, [2, 3, 4]),
      section(7, [
        ...[4, ...text("from"), 0, 0, ...text("into"), 0, 1],
        ...[...text("make"), 0, 2, ...text("get"), 0, 3],
      ]),
      section(10, [2, make.length, ...make, get.length, ...get]),
    );
    const module = new namespace.Module(bytes, { builtins: ["js-string"] });
    const instance = new namespace.Instance(module, {});
    const [from, into, makeArray, at] = ["from", "into", "make", "get"].map((name) => {
      return func(instance, name);
    });
    const codes = (of: unknown, length: number) => Array.from({ length }, (_, i) => at(of, i));
    return { from, into, make: makeArray, codes };
  }

  it.each([5, 100_000])("turn arrays of %i codes into strings, and back", (length) => {
    const { codes, from, into, make } = arrays();
    const given = make(length, 0x8041);
    expect(from(given, 0, length)).toBe("\u8041".repeat(length));
    expect(from(given, 1, 3)).toBe("\u8041\u8041");
    expect(from(given, length, length)).toBe("");
    expect(into("abc\ud800", given, length - 4)).toBe(4);
    expect(into("\uffff", given, 0)).toBe(1);
    expect(into("", given, length)).toBe(0);
    expect([codes(given, 1), from(given, length - 4, length)]).toEqual([[0xffff], "abc\ud800"]);
    const all = Array.from({ length }, (_, i) => String.fromCharCode(i)).join("");
    expect(into(all, given, 0)).toBe(length);
    expect(from(given, 0, length)).toBe(all);
  });

  it("trap for an array that is null or too short", () => {
    const { from, into, make } = arrays();
    const given = make(5, 1);
    const outside = "array element access out of bounds";
    for (const [action, message] of [
      ...[
        [6, 6],
        [3, 2],
        [0, 6],
        [-1, 0],
        [0, -1],
      ].map(([start, end]) => [() => from(given, start, end), outside] as const),
      [() => into("abc", given, 3), outside],
      [() => into("", given, 6), outside],
      [() => into("x", given, -1), outside],
      [() => from(null, 0, 0), "dereferencing a null pointer"],
      [() => into("x", null, 0), "dereferencing a null pointer"],
      [() => into(null, null, 0), "illegal cast"],
    ] as const) {
      const error = thrownBy(action);
      expect([error.name, error.message]).toEqual(["RuntimeError", message]);
    }
  });

  it("move no more of an array than takes a moment where guests are stopped", () => {
    const length = 2 ** 20 + 1;
    const { from, into, make } = arrays(createNamespace({ fuel: 1e9 }));
    const given = make(length, 65);
    const whole = from(given, 0, length - 1);
    expect(whole).toHaveLength(2 ** 20);
    expect(into(whole, given, 1)).toBe(2 ** 20);
    const refusal = "a string of 1048577 characters, at most 1048576 are allowed";
    expect(() => from(given, 0, length)).toThrow(refusal);
    expect(() => into(`${whole}.`, given, 0)).toThrow(refusal);
  });

  it("make no string that would keep the host busy where guests are stopped", () => {
    // Puts a string together with itself, so often: wabt knows no `(ref extern)`.
    const body = [
      ...[0, 0x03, 0x40, 0x20, 0, 0x20, 0, 0x10, 0, 0x21, 0],
      ...[0x20, 1, 0x41, 1, 0x6b, 0x22, 1, 0x0d, 0, 0x0b, 0x20, 0, 0x0b],
    ];
    const bytes = moduleOf(
      section(1, [2, 0x60, 2, 0x6f, 0x6f, 1, 0x64, 0x6f, 0x60, 2, 0x6f, 0x7f, 1, 0x6f]),
      section(2, [1, ...text("wasm:js-string"), ...text("concat"), 0, 0]),
      section(3, [1, 1]),
      section(7, [1, ...text("double"), 0, 1]),
      section(10, [1, body.length, ...body]),
    );
    const double = (namespace: typeof Ours, times: number) => {
      const module = new namespace.Module(bytes, { builtins: ["js-string"] });
      return func(new namespace.Instance(module, {}), "double")("ab", times);
    };
    for (const options of [{ fuel: 1e6 }, { timeout: 1e6 }]) {
      const namespace = createNamespace(options);
      expect(double(namespace, 20)).toHaveLength(2 ** 21);
      expect(() => double(namespace, 21)).toThrow(namespace.RuntimeError);
      expect(() => double(namespace, 21)).toThrow(
        /^a string of 4194304 characters, at most 2097152/,
      );
    }
    expect(double(Ours, 24)).toHaveLength(2 ** 25);
  });

  it("need no import, are not in the list of imports, and are checked when compiled", () => {
    const wrong = assemble(`(module (import "wasm:js-string" "length" (func (param externref))))`);
    const options = { builtins: ["js-string"] };
    expect(Ours.validate(wrong, options)).toBe(false);
    expect(() => new Ours.Module(wrong, options)).toThrow(Ours.CompileError);
    expect(Ours.validate(wrong)).toBe(true);
    expect(Ours.Module.imports(new Ours.Module(wrong))).toHaveLength(1);
    const twice = { builtins: ["js-string", "js-string"] };
    expect(Ours.validate(ADD, twice)).toBe(false);
    expect(Ours.validate(ADD, { builtins: ["another-set"] })).toBe(true);
  });

  it("strings can be constants by the names of their imports", () => {
    const text = `(module (import "'" "hello \\e2\\98\\ba" (global $g externref))
      (import "m" "g" (global externref))
      (func (export "f") (result externref) (global.get $g)))`;
    const module = new Ours.Module(assemble(text), { importedStringConstants: "'" });
    expect(Ours.Module.imports(module)).toEqual([{ module: "m", name: "g", kind: "global" }]);
    const instance = new Ours.Instance(module, { m: { g: 1 } });
    expect(func(instance, "f")()).toBe("hello ☺");
    const mutable = assemble(`(module (import "'" "x" (global (mut externref))))`);
    expect(Ours.validate(mutable, { importedStringConstants: "'" })).toBe(false);
  });
});
