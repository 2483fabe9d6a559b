// What one function of WASI does is cut into pieces, between which the guest is looked at: counted
// is the work between two looks, whatever the guest asks for. And what was not done when the guest
// was stopped is never done.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Exhaustion, Module, Store } from "../../src/api/index.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import {
  FILETYPE,
  type FileSystem,
  fixedClock,
  type InputStream,
  memoryFileSystem,
  systemClock,
  type WasiOptions,
  wasi,
} from "../../src/wasi/index.ts";
import { hostDirectory, streamInput } from "../../src/wasi/node.ts";
import { PARAMETERS } from "../../src/wasi/signatures.ts";
import { rejected } from "../api/support.ts";
import { assemble } from "../validation/assemble.ts";

const PAGES = 64;
const SIZE = PAGES * 65_536;

/** A module whose `main` calls one function of WASI. */
function calling(name: string, ...args: readonly (number | bigint)[]): Uint8Array {
  const values = args.map((arg) =>
    typeof arg === "bigint" ? `i64.const ${arg}` : `i32.const ${arg}`,
  );
  return assemble(`(module
    (import "wasi_snapshot_preview1" "${name}" (func $f (param ${PARAMETERS[name]}) (result i32)))
    (memory (export "memory") ${PAGES})
    (func (export "main") (result i32) (call $f (${values.join(") (")}))))`);
}

function instantiate(bytes: Uint8Array, options: WasiOptions) {
  return new Store().instantiate(Module.from(bytes), wasi(options).imports);
}

/** Most work between two looks, their number, and the error code. */
function measured(
  bytes: Uint8Array,
  options: WasiOptions,
  work: () => number,
  fill: (memory: Uint8Array) => void = () => undefined,
) {
  const instance = instantiate(bytes, options);
  fill(instance.memory().bytes);
  const { store, target } = instance.func("main");
  const thread = new Thread(store.runtime, target, [], false);
  let [most, looks] = [0, 0];
  for (;;) {
    const before = work();
    const outcome = thread.run(1);
    most = Math.max(most, work() - before);
    if (outcome.kind === "returned") return { most, looks, code: outcome.values[0] };
    if (outcome.kind !== "suspended" || outcome.reason !== "slice") throw new Error(outcome.kind);
    looks++;
  }
}

/** A directory with so many files, and how many of them were looked at. */
function countedDirectory(count: number) {
  let seen = 0;
  const fileSystem = memoryFileSystem();
  const root = fileSystem.root();
  root.entries = function* () {
    for (let i = 0; i < count; i++) {
      seen++;
      yield { name: `f${i}`, filetype: FILETYPE.REGULAR_FILE, ino: BigInt(i) };
    }
  };
  return { grant: { root: () => root } satisfies FileSystem, seen: () => seen };
}

describe("between two looks", () => {
  it("random_get gives 16 KiB", () => {
    let bytes = 0;
    const random = (target: Uint8Array) => {
      bytes += target.length;
      target.fill(7);
    };
    const result = measured(calling("random_get", 0, SIZE), { random }, () => bytes);
    expect(result).toMatchObject({ most: 16_384, code: 0 });
    expect(result.looks).toBeGreaterThanOrEqual(4 * PAGES);
    expect(bytes).toBe(SIZE);
  });

  it("fd_readdir reads and gives 64 entries each", () => {
    const { grant, seen } = countedDirectory(10_000);
    const preopens = { "/": grant };
    const all = measured(calling("fd_readdir", 3, 64, SIZE - 64, 0n, 16), { preopens }, seen);
    expect(all).toMatchObject({ most: 64, code: 0 });
    expect(seen()).toBe(10_000);
  });

  it("fd_readdir reads 64 entries on the way to a cookie", () => {
    const { grant, seen } = countedDirectory(10_000);
    const preopens = { "/": grant };
    const far = measured(calling("fd_readdir", 3, 64, 100, 9_000n, 16), { preopens }, seen);
    expect(far).toMatchObject({ most: 64, code: 0 });
    expect(seen()).toBeGreaterThan(8_990);
    expect(seen()).toBeLessThan(9_100);
  });

  it("a walk goes along 32 names", () => {
    const fileSystem = memoryFileSystem({ files: { d: {}, e: {} } });
    let names = 0;
    const root = fileSystem.root();
    const { lookup } = root;
    root.lookup = (name) => {
      names++;
      return lookup.call(root, name);
    };
    const preopens = { "/": { root: () => root } };
    const path = "d/../".repeat(500);
    const fill = (memory: Uint8Array) => memory.set(Buffer.from(path), 1000);
    const stat = calling("path_filestat_get", 3, 0, 1000, path.length, 16);
    const result = measured(stat, { preopens }, () => names, fill);
    expect(result.code).toBe(0);
    expect(names).toBe(500);
    expect(result.most).toBeLessThanOrEqual(32);
    // Both paths of a function that takes two.
    const rename = calling("path_rename", 3, 1000, path.length - 4, 3, 1000, path.length - 4);
    const both = measured(rename, { preopens }, () => names, fill);
    expect(both.most).toBeLessThanOrEqual(32);
    expect(both.looks).toBeGreaterThan(50);
  });

  it("fd_read asks a file 128 times, for 512 KiB, and gives 16 MiB in all", () => {
    const fileSystem = memoryFileSystem({ files: { file: new Uint8Array(2 ** 25) } });
    const root = fileSystem.root();
    let [bytes, calls] = [0, 0];
    const { openFile } = root;
    root.openFile = (name, options) => {
      const file = openFile.call(root, name, options);
      const { read } = file;
      file.read = (target, position) => {
        bytes += target.length;
        calls++;
        return read.call(file, target, position);
      };
      return file;
    };
    const read = assemble(`(module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 600)
      (data (i32.const 32) "file")
      (func (export "main") (result i32)
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
        (drop (call $read (i32.const 4) (i32.const 64) (i32.const 1024) (i32.const 16)))
        (i32.load (i32.const 16))))`);
    const vectors = (size: number) => (memory: Uint8Array) => {
      const words = new Int32Array(memory.buffer, memory.byteOffset + 64, 2 * 1024);
      for (let i = 0; i < 1024; i++) words.set([65_536, size], 2 * i);
    };
    const options = () => ({ preopens: { "/": { root: () => root } } });
    const large = measured(read, options(), () => bytes, vectors(2 ** 24));
    expect(large).toMatchObject({ most: 2 ** 19, code: 2 ** 24 });
    const small = measured(read, options(), () => calls, vectors(3));
    expect(small).toMatchObject({ most: 128, code: 3 * 1024 });
  });

  it("poll_oneoff looks at 64 subscriptions", () => {
    let looks = 0;
    const clock = fixedClock();
    const counted = {
      ...clock,
      now: (name: "realtime") => {
        looks++;
        return clock.now(name);
      },
    };
    // Clocks of type 0, number 1.
    const fill = (memory: Uint8Array) => {
      for (let i = 0; i < 1024; i++) memory[64 + 48 * i + 16] = 1;
    };
    const poll = calling("poll_oneoff", 64, 100_000, 1024, 16);
    const result = measured(poll, { clock: counted }, () => looks, fill);
    expect(result).toMatchObject({ most: 65, code: 0 });
    expect(measured(calling("poll_oneoff", 64, 100_000, 1025, 16), {}, () => 0).code).toBe(28);
  });

  it("args_get writes 1,024 arguments or a mebibyte", () => {
    const args = Array.from({ length: 5_000 }, () => "x");
    expect(
      measured(calling("args_get", 0, 65_536), { args }, () => 0).looks,
    ).toBeGreaterThanOrEqual(5);
    const long = ["x".repeat(900_000), "y".repeat(900_000), "z".repeat(900_000)];
    expect(
      measured(calling("args_get", 0, 64), { args: long }, () => 0).looks,
    ).toBeGreaterThanOrEqual(3);
  });

  it("a namespace's deadline holds", () => {
    const wasm = createNamespace({ timeout: 30 });
    let bytes = 0;
    const random = (target: Uint8Array) => {
      bytes += target.length;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    };
    const world = wasi({ random });
    const module = new wasm.Module(calling("random_get", 0, SIZE));
    const instance = new wasm.Instance(module, world.imports as object as Record<string, never>);
    world.initialize(instance);
    const { main } = instance.exports as { main(): number };
    let outcome: unknown;
    try {
      outcome = main();
    } catch (error) {
      outcome = error;
    }
    expect(String(outcome)).toMatch(/^27$|deadline/);
    expect(bytes).toBeLessThan(SIZE / 2);
  });
});

describe("the event loop", () => {
  it("turns, and a signal is seen, while a guest asks for random numbers", async () => {
    const random = () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    };
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 5);
    const main = instantiate(calling("random_get", 0, SIZE), { random }).func("main");
    const call = main.with({ signal: controller.signal }).callAsync();
    await expect(call).rejects.toThrow("enough");
  });
});

/** Reads 4 bytes to address 100. */
const READ = calling("fd_read", 0, 16, 1, 0);

function reader(options: WasiOptions) {
  const instance = instantiate(READ, options);
  instance.memory().bytes.set([100, 0, 0, 0, 4], 16);
  const text = () => Buffer.from(instance.memory().bytes.slice(100, 104)).toString();
  return { main: instance.func("main"), text };
}

it("a guest is suspended while a file reaches the disk", async () => {
  const root = mkdtempSync(join(tmpdir(), "wasmeter-sync-"));
  const sync = assemble(`(module
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_sync" (func $sync (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 32) "file")
    (func (export "main") (result i32)
      (drop (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4) (i32.const 1)
        (i64.const 0x52) (i64.const 0) (i32.const 0) (i32.const 16)))
      (call $sync (i32.const 4))))`);
  const main = instantiate(sync, { preopens: { "/": hostDirectory(root) } }).func("main");
  const execution = main.start();
  const outcome = execution.run();
  if (outcome.kind !== "suspended" || outcome.reason !== "host") throw new Error(outcome.kind);
  await outcome.promise;
  expect(execution.run()).toMatchObject({ kind: "returned", value: 0 });
  expect(main.call()).toBe(0);
  rmSync(root, { recursive: true });
});

describe("for a guest that was stopped", () => {
  it("no input is taken, and nothing written: the next guest gets it", async () => {
    let arrive: (bytes: Uint8Array) => void = () => undefined;
    const stdin: InputStream = {
      read: () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    };
    const first = reader({ stdin });
    const call = first.main.with({ timeout: 10 }).callAsync();
    expect((await rejected(Exhaustion, call)).kind).toBe("deadline");
    arrive(Buffer.from("data"));
    await sleep(1);
    expect(first.text()).toBe("\0\0\0\0");
    const second = reader({ stdin });
    expect(second.main.call()).toBe(0);
    expect(second.text()).toBe("data");
  });

  it("a stream of Node's loses nothing, though it was given twice", async () => {
    const stream = new PassThrough();
    const first = reader({ stdin: streamInput(stream) });
    const call = first.main.with({ timeout: 10 }).callAsync();
    expect((await rejected(Exhaustion, call)).kind).toBe("deadline");
    stream.write("data");
    await sleep(1);
    const second = reader({ stdin: streamInput(stream) });
    expect(await second.main.callAsync()).toBe(0);
    expect([first.text(), second.text()]).toEqual(["\0\0\0\0", "data"]);
  });

  it("an Execution that nobody runs takes nothing", async () => {
    const text = (async function* () {
      await sleep(1);
      yield Buffer.from("data");
    })();
    const first = reader({ stdin: text });
    const outcome = first.main.start().run();
    if (outcome.kind !== "suspended" || outcome.reason !== "host") throw new Error(outcome.kind);
    await outcome.promise;
    expect(first.text()).toBe("\0\0\0\0");
    const second = reader({ stdin: text });
    expect(await second.main.callAsync()).toBe(0);
    expect(second.text()).toBe("data");
  });

  it("no event of a poll is written", async () => {
    const poll = instantiate(calling("poll_oneoff", 64, 1000, 1, 16), { clock: systemClock() });
    const { bytes } = poll.memory();
    // So many nanoseconds of the monotonic clock.
    bytes[64 + 16] = 1;
    new DataView(bytes.buffer).setBigUint64(64 + 24, 20_000_000n, true);
    new DataView(bytes.buffer).setUint32(16, 99, true);
    const call = poll.func("main").with({ timeout: 5 }).callAsync();
    expect((await rejected(Exhaustion, call)).kind).toBe("deadline");
    await sleep(40);
    expect(poll.memory().bytes[16]).toBe(99);
  });

  it("no random number is made", async () => {
    let pieces = 0;
    const random = () => {
      pieces++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3);
    };
    const main = instantiate(calling("random_get", 0, SIZE), { random }).func("main");
    const call = main.with({ timeout: 10 }).callAsync();
    expect((await rejected(Exhaustion, call)).kind).toBe("deadline");
    const made = pieces;
    await sleep(10);
    expect(pieces).toBe(made);
    expect(pieces).toBeLessThan(PAGES);
  });
});
