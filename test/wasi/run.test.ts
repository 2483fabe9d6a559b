// Running programs: commands and reactors, exit codes, and instances of the embedder API, of the
// namespace and of the host's own WebAssembly.

import { describe, expect, it } from "vitest";
import { LinkError, Module, Store, Trap } from "../../src/api/index.ts";
import { WebAssembly } from "../../src/js-api/index.ts";
import { captureOutput, type ForeignInstance, WasiExit, wasi } from "../../src/wasi/index.ts";
import { thrown } from "../api/support.ts";
import { assemble } from "../validation/assemble.ts";

/** Writes its first argument to standard output, grows, writes it again, ends with its length. */
const ECHO = `(module
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $args_get (i32.const 16) (i32.const 100)))
    (i32.store (i32.const 32) (i32.const 100))
    (i32.store (i32.const 36) (i32.sub (i32.load (i32.const 4)) (i32.const 1)))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40)))
    (drop (memory.grow (i32.const 10)))
    (i32.store8 (i32.const 600000) (i32.const 10))
    (i32.store (i32.const 44) (i32.const 600000))
    (i32.store (i32.const 48) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 44) (i32.const 1) (i32.const 40)))
    (call $exit (i32.load (i32.const 36)))
    unreachable))`;

const IMPORTS = `
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))`;

const program = (body: string) => `(module ${IMPORTS} (memory (export "memory") 1)
  (func (export "_start") ${body}))`;

function instanceOf(text: string, imports: object) {
  return new Store().instantiate(Module.from(assemble(text)), imports as Record<string, object>);
}

function exitCodeOf(body: string): number {
  const world = wasi();
  return world.run(instanceOf(program(body), world.imports));
}

interface HostAssembly {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => ForeignInstance;
}

const host = (globalThis as unknown as { WebAssembly: HostAssembly }).WebAssembly;

describe("a command", () => {
  const engines: Record<string, (imports: object) => ForeignInstance> = {
    "the embedder API": (imports) => instanceOf(ECHO, imports),
    "the namespace": (imports) => {
      const module = new WebAssembly.Module(assemble(ECHO));
      return new WebAssembly.Instance(module, imports as Record<string, never>);
    },
    "the host": (imports) => new host.Instance(new host.Module(assemble(ECHO)), imports),
  };

  it.each(Object.entries(engines))("of %s runs", (_, instantiate) => {
    const stdout = captureOutput();
    const world = wasi({ args: ["hello"], stdout });
    expect(world.exitCode).toBe(null);
    expect(world.run(instantiate(world.imports))).toBe(5);
    expect(stdout.text).toBe("hello\n");
    expect(world.exitCode).toBe(5);
  });

  it.each(Object.entries(engines))("of %s runs with runAsync", async (_, instantiate) => {
    const stdout = captureOutput();
    const world = wasi({ args: ["hello"], stdout });
    expect(await world.runAsync(instantiate(world.imports))).toBe(5);
    expect(stdout.text).toBe("hello\n");
  });

  it.each([null, undefined, 5, {}])("wants an instance, not %s", (value) => {
    const run = () => wasi().run(value as unknown as ForeignInstance);
    expect(thrown(TypeError, run).message).toMatch(/an instance is wanted/);
  });

  it("ends with the code that it gives", () => {
    expect(exitCodeOf("")).toBe(0);
    expect(exitCodeOf("(call $exit (i32.const 0)) unreachable")).toBe(0);
    expect(exitCodeOf("(call $exit (i32.const 33)) unreachable")).toBe(33);
    expect(exitCodeOf("(call $exit (i32.const -1)) unreachable")).toBe(0xffff_ffff);
  });

  it("ends by signals as a process does", () => {
    // hup, int, kill, term as in a shell; chld, cont, urg and winch are ignored.
    expect([1, 2, 9, 15].map((n) => exitCodeOf(`(drop (call $raise (i32.const ${n})))`))).toEqual([
      129, 130, 137, 143,
    ]);
    const ignored = [0, 16, 17, 22, 27].map((n) => `(call $raise (i32.const ${n}))`);
    expect(exitCodeOf(`(call $exit (i32.add ${ignored[0]} ${ignored[1]}))`)).toBe(0);
    for (const call of ignored) expect(exitCodeOf(`(call $exit ${call})`)).toBe(0);
    // Error 58: not supported.
    expect(exitCodeOf("(call $exit (call $raise (i32.const 18)))")).toBe(58);
  });

  it("cannot catch its end, and nothing works after it", () => {
    const caught = program(`(block (try_table (catch_all 0) (call $exit (i32.const 3))))
      (call $exit (i32.const 4))`);
    const world = wasi();
    expect(world.run(instanceOf(caught, world.imports))).toBe(3);
    // The host lets guests catch it, with the older instructions where it knows no others.
    const old = program(`(try (do (call $exit (i32.const 3))) (catch_all))
      (call $exit (i32.const 4))`);
    const other = wasi();
    const native = new host.Instance(new host.Module(assemble(old)), other.imports);
    expect(other.run(native)).toBe(3);
    expect(
      thrown(WasiExit, () => other.imports.wasi_snapshot_preview1.sched_yield()).exitCode,
    ).toBe(3);
  });

  it("that traps throws, and its descriptors are closed", () => {
    const world = wasi();
    expect(() => world.run(instanceOf(program("unreachable"), world.imports))).toThrow(Trap);
    expect(world.imports.wasi_snapshot_preview1.fd_close(1)).toBe(8);
  });

  it("runs once", () => {
    const world = wasi();
    const instance = instanceOf(program(""), world.imports);
    world.run(instance);
    expect(() => world.run(instance)).toThrow(/has run a program already/);
  });

  it("is refused if it is none", () => {
    const world = wasi();
    expect(() => world.run(instanceOf("(module)", {}))).toThrow(/no function _start/);
    const reactor = instanceOf(`(module (func (export "_initialize")))`, {});
    expect(() => world.run(reactor)).toThrow(/use initialize/);
    expect(() => world.initialize(instanceOf(program(""), world.imports))).toThrow(/use run/);
    expect(() => world.run({ exports: { _start: () => undefined } })).toThrow(/no memory/);
  });

  it("is run by hand, too, and ends with WasiExit", () => {
    const world = wasi();
    const instance = instanceOf(program("(call $exit (i32.const 7))"), world.imports);
    const outcome = instance.func("_start").start().run();
    if (outcome.kind !== "threw") throw new Error(outcome.kind);
    expect((outcome.error as WasiExit).exitCode).toBe(7);
    expect(world.exitCode).toBe(7);
  });
});

describe("a reactor", () => {
  const REACTOR = `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\08\\00\\00\\00\\02\\00\\00\\00hi")
    (global $ready (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $ready (i32.const 1)))
    (func (export "ready") (result i32) (global.get $ready))
    (func (export "greet") (result i32)
      (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))`;

  it("is initialized and called", async () => {
    for (const start of ["initialize", "initializeAsync"] as const) {
      const stdout = captureOutput();
      const world = wasi({ stdout });
      const instance = instanceOf(REACTOR, world.imports);
      expect(instance.exports.ready()).toBe(0);
      await world[start](instance);
      expect(instance.exports.ready()).toBe(1);
      expect(instance.exports.greet()).toBe(0);
      expect(stdout.text).toBe("hi");
      world.close();
      expect(instance.exports.greet()).toBe(8);
    }
  });

  it("of the namespace may grow a memory whose buffer can be resized", () => {
    const bytes = assemble(`(module
      (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
      (memory (export "memory") 1 4)
      (func (export "sizes") (result i32) (call $sizes (i32.const 65536) (i32.const 65540)))
      (func (export "count") (result i32) (i32.load (i32.const 65536))))`);
    const world = wasi({ args: ["one", "two"] });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), world.imports);
    const { count, memory, sizes } = instance.exports as unknown as {
      count(): number;
      memory: { toResizableBuffer(): ArrayBuffer; grow(pages: number): number };
      sizes(): number;
    };
    memory.toResizableBuffer();
    world.initialize(instance);
    // Error 21: outside of memory.
    expect(sizes()).toBe(21);
    memory.grow(1);
    expect([sizes(), count()]).toEqual([0, 2]);
  });

  it("may lack _initialize", () => {
    const world = wasi();
    world.initialize(instanceOf("(module)", {}));
  });
});

describe("imports", () => {
  it("are the memory of the instance that calls", () => {
    const stdout = captureOutput();
    const world = wasi({ stdout });
    const module = (byte: string) => `(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory 1) (data (i32.const 0) "\\08\\00\\00\\00\\01\\00\\00\\00${byte}")
      (func (export "write") (result i32)
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))`;
    const [a, b] = ["a", "b"].map((byte) => instanceOf(module(byte), world.imports));
    for (const instance of [a, b, a]) expect(instance.exports.write()).toBe(0);
    expect(stdout.text).toBe("aba");
  });

  it("may be copied, and functions replaced", () => {
    const world = wasi();
    const { imports } = world;
    const copy: Record<string, unknown> = { ...imports.wasi_snapshot_preview1 };
    copy.proc_exit = () => undefined;
    expect(Object.keys(copy)).toHaveLength(46);
    expect(Object.getOwnPropertySymbols(copy)).toEqual([]);
    expect(copy.fd_write).toBe(imports.wasi_snapshot_preview1.fd_write);
    const body = "(call $exit (i32.const 3))";
    expect(world.run(instanceOf(program(body), { wasi_snapshot_preview1: copy }))).toBe(0);
  });

  it("of another type are refused when they are linked", () => {
    const text = `(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32))))`;
    const error = thrown(LinkError, () => instanceOf(text, wasi().imports));
    expect(error.importName).toBe("fd_close");
    expect(error.phrase).toBe("incompatible import type");
  });

  it("that WASI does not have are missing", () => {
    const text = `(module (import "wasi_snapshot_preview1" "fd_dup" (func)))`;
    expect(thrown(LinkError, () => instanceOf(text, wasi().imports)).phrase).toBe("unknown import");
    const old = `(module (import "wasi_unstable" "sock_accept" (func)))`;
    expect(thrown(LinkError, () => instanceOf(old, wasi().imports)).phrase).toBe("unknown import");
  });

  it("called without memory give an error code", () => {
    const text = `(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (export "host" (func $random))
      (func (export "guest") (result i32) (call $random (i32.const 0) (i32.const 1))))`;
    const instance = instanceOf(text, wasi().imports);
    expect(instance.exports.guest()).toBe(21);
    expect(instance.exports.host(0, 1)).toBe(21);
  });
});
