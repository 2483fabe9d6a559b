// The embedder's Module: the shapes that bytes may have, streams, and what a module says of itself.

import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { describe, expect, it, vi } from "vitest";
import { InvalidError, MalformedError, Module, ModuleDecoder } from "../../src/api/index.ts";
import { body, custom, moduleOf, name, section, vec } from "../binary/bytes.ts";
import { assemble } from "../validation/assemble.ts";

const PLUGIN = assemble(`(module
  (type $t (func (param i32 i64) (result f64)))
  (import "env" "log" (func (type $t)))
  (import "env" "memory" (memory 1 2))
  (import "env" "table" (table 3 externref))
  (import "env" "base" (global i32))
  (import "env" "tag" (tag (param f32)))
  (func (export "run") (result i32 v128) unreachable)
  (memory (export "big") i64 5)
  (table (export "own") 1 9 funcref)
  (global (export "counter") (mut i64) (i64.const 0))
  (export "again" (memory 0))
  (export "failure" (tag 0)))`);

const MALFORMED = moduleOf([99, 0]);
const INVALID = moduleOf(
  section(1, vec([0x60, 0, 0])),
  section(3, vec([0])),
  section(10, vec(body([0x1a]))),
);

describe("Module.from", () => {
  const views: (readonly [string, ArrayBufferView | ArrayBufferLike])[] = [
    ["Uint8Array", PLUGIN.slice()],
    ["ArrayBuffer", PLUGIN.slice().buffer],
    ["SharedArrayBuffer", shared()],
    ["Uint8Array on a SharedArrayBuffer", new Uint8Array(shared())],
    [
      "DataView with an offset",
      offsetView((buffer, at, length) => new DataView(buffer, at, length)),
    ],
    [
      "Uint8Array with an offset",
      offsetView((buffer, at, length) => new Uint8Array(buffer, at, length)),
    ],
    ["Int8Array", new Int8Array(PLUGIN.slice().buffer)],
    ["slice of a pooled Buffer", Buffer.concat([Buffer.from("xx"), PLUGIN]).subarray(2)],
  ];

  function shared(): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer(PLUGIN.length);
    new Uint8Array(buffer).set(PLUGIN);
    return buffer;
  }

  function offsetView<T>(make: (buffer: ArrayBuffer, at: number, length: number) => T): T {
    const around = new Uint8Array(PLUGIN.length + 16).fill(0xee);
    around.set(PLUGIN, 7);
    return make(around.buffer, 7, PLUGIN.length);
  }

  it.each(views)("takes a %s", (_, bytes) => {
    const module = Module.from(bytes);
    expect(module.record.bytes).toEqual(new Uint8Array(PLUGIN));
    expect(module.exports).toHaveLength(6);
  });

  it("takes an ArrayBuffer of another realm", async () => {
    const { runInNewContext } = await import("node:vm");
    const foreign = runInNewContext("Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0).buffer");
    expect(foreign).not.toBeInstanceOf(ArrayBuffer);
    expect(Module.from(foreign).exports).toEqual([]);
    expect(Module.from(runInNewContext("Uint8Array").from(moduleOf())).exports).toEqual([]);
  });

  it.each([
    ["(module)", /a string; \.wat text must be assembled/],
    [null, /null/],
    [undefined, /undefined/],
    [42, /number/],
    [{}, /object/],
    [[0, 0x61], /object/],
  ])("refuses %j with a TypeError that says so", (value, message) => {
    const call = () => Module.from(value as unknown as Uint8Array);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });

  it("copies the bytes", () => {
    const bytes = PLUGIN.slice();
    const module = Module.from(bytes);
    bytes.fill(0xff);
    expect(module.record.bytes).toEqual(new Uint8Array(PLUGIN));
  });

  it("raises MalformedError and InvalidError", () => {
    expect(() => Module.from(MALFORMED)).toThrow(MalformedError);
    expect(() => Module.from(INVALID)).toThrow(InvalidError);
    expect(() => Module.from(new Uint8Array(0))).toThrow(MalformedError);
  });

  it("hears of features and limits", () => {
    const simd = moduleOf(section(1, vec([0x60, 1, 0x7b, 0])));
    expect(Module.from(simd).record.types).toHaveLength(1);
    expect(() => Module.from(simd, { features: { simd: false } })).toThrow(/feature simd/);
    expect(() => Module.from(simd, { limits: { types: 0 } })).toThrow(/at most 0/);
    expect(() => Module.from(simd, { limits: { typos: 0 } as object })).toThrow(TypeError);
    expect(() => Module.from(simd, { features: { sind: true } as object })).toThrow(TypeError);
  });
});

describe("what a module says of itself", () => {
  const module = Module.from(PLUGIN);

  it("imports", () => {
    expect(module.imports).toEqual([
      { module: "env", name: "log", kind: "func", params: ["i32", "i64"], results: ["f64"] },
      {
        module: "env",
        name: "memory",
        kind: "memory",
        pageSize: 65536,
        min: 1n,
        max: 2n,
        address: "i32",
        shared: false,
      },
      {
        module: "env",
        name: "table",
        kind: "table",
        element: "externref",
        min: 3n,
        address: "i32",
        shared: false,
      },
      { module: "env", name: "base", kind: "global", type: "i32", mutable: false },
      { module: "env", name: "tag", kind: "tag", params: ["f32"] },
    ]);
  });

  it("exports, in the order of the export section", () => {
    const limits = { shared: false };
    expect(module.exports).toEqual([
      { name: "run", kind: "func", params: [], results: ["i32", "v128"] },
      { name: "big", kind: "memory", pageSize: 65536, min: 5n, address: "i64", ...limits },
      {
        name: "own",
        kind: "table",
        element: "funcref",
        min: 1n,
        max: 9n,
        address: "i32",
        ...limits,
      },
      { name: "counter", kind: "global", type: "i64", mutable: true },
      {
        name: "again",
        kind: "memory",
        pageSize: 65536,
        min: 1n,
        max: 2n,
        address: "i32",
        ...limits,
      },
      { name: "failure", kind: "tag", params: ["f32"] },
    ]);
  });

  it("names that are JavaScript's own are just names", () => {
    const exports = section(7, vec([...name("__proto__"), 0, 0], [...name("toString"), 0, 0]));
    const code = section(10, vec(body([])));
    const bytes = moduleOf(section(1, vec([0x60, 0, 0])), section(3, vec([0])), exports, code);
    expect(Module.from(bytes).exports.map((item) => item.name)).toEqual(["__proto__", "toString"]);
  });

  it("custom sections by name, as copies", () => {
    const bytes = moduleOf(
      custom("a", [1]),
      custom("b", [2]),
      custom("a", []),
      custom("a", [3, 4]),
    );
    const found = Module.from(bytes);
    expect(found.customSections("a").map((item) => [...item])).toEqual([[1], [], [3, 4]]);
    expect(found.customSections("c")).toEqual([]);
    found.customSections("a")[0].fill(9);
    expect([...found.customSections("a")[0]]).toEqual([1]);
  });
});

/** Chunks of the module, a few bytes each. */
function* pieces(bytes: Uint8Array = PLUGIN, size = 7): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** A generator that notes how far it was read and whether it was closed. */
function watched(chunks: readonly Uint8Array[]) {
  const log = { given: 0, closed: false };
  async function* stream() {
    try {
      for (const chunk of chunks) {
        log.given++;
        yield chunk;
      }
    } finally {
      log.closed = true;
    }
  }
  return { stream: stream(), log };
}

/** A web stream without async iteration, as older browsers have it; notes what happens to it. */
function plainWebStream(chunks: readonly Uint8Array[]) {
  const log = { reads: 0, released: false, cancelled: false };
  const reader = {
    async read() {
      const value = chunks[log.reads++];
      return value === undefined ? { done: true } : { done: false, value };
    },
    releaseLock() {
      log.released = true;
    },
    async cancel() {
      log.cancelled = true;
    },
  };
  return { stream: { getReader: () => reader }, log };
}

describe("Module.fromStream", () => {
  it.each([
    ["an async generator", () => watched([...pieces()]).stream],
    ["a web stream", () => ReadableStream.from(pieces())],
    ["a web stream without iteration", () => plainWebStream([...pieces()]).stream],
    ["a Node stream", () => Readable.from(pieces())],
    ["an async iterable of ArrayBuffers", () => Readable.from([PLUGIN.slice().buffer])],
  ])("reads %s", async (_, make) => {
    const module = await Module.fromStream(make() as AsyncIterable<Uint8Array>);
    expect(module.record.bytes).toEqual(new Uint8Array(PLUGIN));
    expect(module.exports).toEqual(Module.from(PLUGIN).exports);
  });

  it("raises what the stream raises", async () => {
    const failure = new Error("the connection is gone");
    async function* failing() {
      yield PLUGIN.slice(0, 20);
      throw failure;
    }
    await expect(Module.fromStream(failing())).rejects.toBe(failure);
  });

  it("refuses chunks that are no bytes, and streams that are none", async () => {
    const text = Readable.from(["(module)"]) as AsyncIterable<Uint8Array>;
    await expect(Module.fromStream(text)).rejects.toThrow(TypeError);
    for (const value of [null, 5, "x", {}, new Uint8Array(8)]) {
      const promise = Module.fromStream(value as unknown as AsyncIterable<Uint8Array>);
      await expect(promise, String(value)).rejects.toThrow(/expected a stream/);
    }
  });

  it("stops reading at an error and closes the stream", async () => {
    const chunks = [...pieces(INVALID, 1), ...pieces(INVALID, 1)];
    const { stream, log } = watched(chunks);
    await expect(Module.fromStream(stream)).rejects.toThrow(InvalidError);
    // The body is complete with the last byte of the first module.
    expect(log).toEqual({ given: INVALID.length, closed: true });
  });

  it("cancels a web stream at an error", async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(MALFORMED),
      cancel() {
        cancelled = true;
      },
    });
    await expect(Module.fromStream(stream)).rejects.toThrow(MalformedError);
    expect(cancelled).toBe(true);
  });

  it("cancels a web stream without iteration at an error", async () => {
    const { stream, log } = plainWebStream([MALFORMED, MALFORMED]);
    await expect(Module.fromStream(stream)).rejects.toThrow(MalformedError);
    expect(log).toEqual({ reads: 1, released: true, cancelled: true });
  });

  it("says that a stream ended too early", async () => {
    const { stream } = watched([PLUGIN.slice(0, 30)]);
    await expect(Module.fromStream(stream)).rejects.toThrow(
      /^(length out of bounds|unexpected end)/,
    );
    await expect(Module.fromStream(watched([]).stream)).rejects.toThrow(/^unexpected end/);
  });
});

describe("loading that takes long", () => {
  /** A function of `count` instructions that do nothing. */
  function nops(count: number): Uint8Array {
    const types = section(1, vec([0x60, 0, 0]));
    return moduleOf(types, section(3, vec([0])), section(10, vec(body(new Array(count).fill(1)))));
  }
  const LONG = nops(200_000);
  const never = () => new Promise<never>(() => {});

  it("ends with its timeout, however the bytes come", async () => {
    const exhaustion = { name: "Exhaustion", kind: "deadline" };
    expect(() => Module.from(LONG, { timeout: 0 })).toThrow(expect.objectContaining(exhaustion));
    await expect(Module.fromAsync(LONG, { timeout: 0 })).rejects.toMatchObject(exhaustion);
    const { stream } = watched([LONG]);
    await expect(Module.fromStream(stream, { timeout: 0 })).rejects.toMatchObject(exhaustion);
    expect(Module.from(LONG, { timeout: 60_000 }).record.bodyStarts).toHaveLength(1);
  });

  it("ends with its signal, with the reason, and does not begin after it", async () => {
    const controller = new AbortController();
    const loading = Module.fromAsync(LONG, { signal: controller.signal });
    controller.abort("enough");
    await expect(loading).rejects.toBe("enough");
    const { stream, log } = watched([LONG]);
    await expect(Module.fromStream(stream, { signal: controller.signal })).rejects.toBe("enough");
    expect(log.given).toBe(0);
  });

  it("does not wait for a stream that says nothing any more", async () => {
    const controller = new AbortController();
    let cancelled = 0;
    const stream = {
      getReader: () => ({ read: never, cancel: async () => cancelled++, releaseLock() {} }),
    };
    const loading = Module.fromStream(stream, { signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 5);
    await expect(loading).rejects.toBe("enough");
    await expect(Module.fromStream(stream, { timeout: 5 })).rejects.toMatchObject({
      kind: "deadline",
    });
    expect(cancelled).toBe(2);
    const silent = { [Symbol.asyncIterator]: () => ({ next: never }) };
    await expect(Module.fromStream(silent, { timeout: 5 })).rejects.toMatchObject({
      kind: "deadline",
    });
  });

  it("stops waiting for a stream at its deadline, though timers fire early", async () => {
    const real = globalThis.setTimeout;
    let isFirst = true;
    const early = (action: () => void, ms: number) => {
      const delay = isFirst ? 0 : ms;
      isFirst = false;
      return real(action, delay);
    };
    const timers = vi.spyOn(globalThis, "setTimeout").mockImplementation(early as typeof real);
    const silent = { [Symbol.asyncIterator]: () => ({ next: never }) };
    const loading = Module.fromStream(silent, { timeout: 100 });
    await expect(loading).rejects.toMatchObject({ kind: "deadline" });
    expect(timers.mock.calls.length).toBeGreaterThan(1);
    timers.mockRestore();
  });

  it("shares the turns of the event loop with other loading", async () => {
    const turns = { count: 0 };
    const counter = setInterval(() => turns.count++, 0);
    const modules = Array.from({ length: 40 }, () => Module.fromAsync(LONG));
    await Promise.all(modules);
    clearInterval(counter);
    expect(turns.count).toBeGreaterThan(5);
  });
});

describe("ModuleDecoder", () => {
  it("gives the same module as Module.from", () => {
    const decoder = new ModuleDecoder();
    for (const piece of pieces()) decoder.push(piece);
    const module = decoder.end();
    expect(module).toBeInstanceOf(Module);
    expect(module.imports).toEqual(Module.from(PLUGIN).imports);
  });

  it("refuses what is not bytes without being spoiled by it", () => {
    const decoder = new ModuleDecoder();
    expect(() => decoder.push("x" as unknown as Uint8Array)).toThrow(TypeError);
    decoder.push(moduleOf());
    expect(decoder.end().exports).toEqual([]);
  });
});
