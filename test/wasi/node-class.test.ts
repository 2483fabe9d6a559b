// The class `WASI` in place of that of `node:wasi`: members and errors beside Node's own, and
// programs in processes in which the built polyfill has replaced both globals.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WASI as Native } from "node:wasi";
import { afterAll, describe, expect, it } from "vitest";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { WASI } from "../../src/wasi/node-wasi.ts";
import { Host } from "../js-api/support.ts";
import { assemble } from "../validation/assemble.ts";

/** Writes its second argument, then ends with 7. */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $args (i32.const 16) (i32.const 64)))
    (i32.store (i32.const 0) (i32.load (i32.const 20)))
    (i32.store (i32.const 4) (i32.const 3))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $exit (i32.const 7))))`;
const REACTOR = `(module (memory (export "memory") 1) (global $g (mut i32) (i32.const 1))
  (func (export "_initialize") (global.set $g (i32.const 5)))
  (func (export "g") (result i32) (global.get $g)))`;

interface Constructor {
  new (
    options: object,
  ): {
    start(instance: object): number;
    initialize(instance: object): void;
    getImportObject(): object;
    readonly wasiImport: object;
  };
}

/** What an action gives on Node's class and on ours. */
function both(action: (Class: Constructor, namespace: typeof Ours) => unknown): [unknown, unknown] {
  const attempt = (Class: unknown, namespace: typeof Ours) => {
    try {
      return { value: action(Class as Constructor, namespace) };
    } catch (error) {
      const { code, name } = error as Error & { code?: string };
      return { name, code };
    }
  };
  return [attempt(WASI, Ours), attempt(Native, Host)];
}

function instanceOf(text: string, namespace: typeof Ours, imports: object = {}): object {
  return new namespace.Instance(new namespace.Module(assemble(text)), imports);
}

describe("options and instances", () => {
  it.each<[string, unknown]>([
    ["none", undefined],
    ["null", null],
    ["no version", {}],
    ["an unknown version", { version: "preview9" }],
    ["a name every object has as version", { version: "toString" }],
    ["args that are no array", { version: "preview1", args: "x" }],
    ["env that is no object", { version: "preview1", env: 5 }],
    ["preopens that are no object", { version: "preview1", preopens: "x" }],
    ["a negative descriptor", { version: "preview1", stdin: -1 }],
    ["a descriptor that is no number", { version: "preview1", stdout: "1" }],
    ["returnOnExit that is no boolean", { version: "preview1", returnOnExit: 1 }],
    ["what is right", { version: "unstable", args: [1], env: { A: undefined, B: 2 } }],
  ])("are judged as Node judges them: %s", (_, options) => {
    const [ours, native] = both((Class) =>
      Object.keys(new Class(options as object).getImportObject()),
    );
    expect(ours).toEqual(native);
  });

  it.each<[string, string, "start" | "initialize"]>([
    ["a command", REACTOR, "start"],
    [
      "a reactor",
      PROGRAM.replaceAll(/\(import[^)]*\)[^)]*\)+/g, "").replace(/\(drop[\s\S]*/, "))"),
      "initialize",
    ],
    ["with a memory", '(module (func (export "_start")))', "start"],
  ])("that are not %s are refused as Node refuses them", (_, text, method) => {
    const [ours, native] = both((Class, namespace) => {
      return new Class({ version: "preview1" })[method](instanceOf(text, namespace));
    });
    expect(ours).toEqual(native);
    expect(native).toHaveProperty("code");
  });

  it("are used once", () => {
    const [ours, native] = both((Class, namespace) => {
      const wasi = new Class({ version: "preview1" });
      wasi.initialize(instanceOf(REACTOR, namespace));
      wasi.initialize(instanceOf(REACTOR, namespace));
    });
    expect(ours).toEqual(native);
    expect(native).toEqual({ name: "Error", code: "ERR_WASI_ALREADY_STARTED" });
  });

  it("of reactors are initialized", () => {
    const instance = instanceOf(REACTOR, Ours);
    new WASI({ version: "preview1" }).initialize(instance);
    expect((instance as { exports: { g(): number } }).exports.g()).toBe(5);
  });

  it("may have their memory handed in, and functions replaced", () => {
    const wasi = new WASI({ version: "preview1", args: ["a", "xyz"] });
    let written = 0;
    wasi.wasiImport.fd_write = () => ++written;
    const instance = instanceOf(PROGRAM, Ours, wasi.getImportObject());
    const { memory } = (instance as { exports: { memory: object } }).exports;
    wasi.finalizeBindings({ exports: {} }, { memory });
    const { _start } = (instance as { exports: { _start(): void } }).exports;
    expect(_start).toThrow("exit code 7");
    expect(written).toBe(1);
  });
});

describe("a process with the polyfill", () => {
  const folder = mkdtempSync(join(tmpdir(), "wasmeter-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const polyfill = fileURLToPath(new URL("../../dist/bundle/polyfill-node.js", import.meta.url));
  const job = fileURLToPath(new URL("node-wasi.mjs", import.meta.url));

  const run = (...args: string[]) => {
    const options = { encoding: "utf8" } as const;
    const { status, stderr, stdout } = spawnSync(process.execPath, args, options);
    return { status, stderr, stdout };
  };

  it("runs a program of node:wasi, without a warning", () => {
    expect(existsSync(polyfill), "npm run build").toBe(true);
    const wasm = join(folder, "program.wasm");
    writeFileSync(wasm, assemble(PROGRAM));
    const argument = JSON.stringify({ args: ["a", "xyz"], env: {}, root: folder, wasm });
    const found = run("--import", polyfill, job, argument);
    expect(found).toEqual({ status: 7, stdout: "xyz", stderr: "" });
    const native = run("--no-warnings", job, argument);
    expect(native).toEqual(found);
  });

  it("has the class also for require, instanceof and extends; it is loaded when it is used", () => {
    const script = `
      const { WASI } = require("node:wasi");
      const { createRequire } = require("node:module");
      const cache = () => Object.keys(require.cache).filter((file) => file.includes("node-wasi")).length;
      const before = cache();
      class Mine extends WASI { mine = 1; }
      const mine = new Mine({ version: "preview1" });
      import("node:wasi").then((module) => console.log(JSON.stringify([
        before, cache(), mine instanceof WASI, mine.mine, module.WASI === WASI,
        mine.getImportObject().wasi_snapshot_preview1 === mine.wasiImport,
        new WASI({ version: "unstable" }).constructor.name,
        /native code/.test(WebAssembly.Memory.toString()),
      ])));
    `;
    const { stdout, stderr } = run("--import", polyfill, "-e", script);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([0, 1, true, 1, true, true, "WASI", false]);
  });
});
