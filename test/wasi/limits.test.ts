// What a store grants holds while its guest is inside of WASI: fuel, time, memory, depth of calls.
// Each guest here does one thing for ever.

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Exhaustion, Module, Store, type StoreOptions } from "../../src/api/index.ts";
import {
  captureOutput,
  memoryFileSystem,
  systemClock,
  type WasiOptions,
  wasi,
} from "../../src/wasi/index.ts";
import { hostDirectory } from "../../src/wasi/node.ts";
import { rejected, thrown } from "../api/support.ts";
import { assemble } from "../validation/assemble.ts";

const TYPES: Readonly<Record<string, string>> = {
  fd_write: "i32 i32 i32 i32",
  fd_read: "i32 i32 i32 i32",
  fd_readdir: "i32 i32 i32 i64 i32",
  fd_pwrite: "i32 i32 i32 i64 i32",
  fd_filestat_get: "i32 i32",
  path_open: "i32 i32 i32 i32 i32 i64 i64 i32 i32",
  path_filestat_get: "i32 i32 i32 i32 i32",
  path_create_directory: "i32 i32 i32",
  poll_oneoff: "i32 i32 i32 i32",
  random_get: "i32 i32",
  clock_time_get: "i32 i64 i32",
  sched_yield: "",
};

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PAGES = 600;

/** A program that has `body` in an endless loop. 32 MiB lie at address 64, `path` at 32. */
function forEver(body: string, path = "file", before = ""): Module {
  const imports = Object.entries(TYPES).map(([name, types]) => {
    const params = types === "" ? "" : `(param ${types})`;
    return `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${params} (result i32)))`;
  });
  return Module.from(
    assemble(`(module ${imports.join("\n")}
      (memory (export "memory") ${PAGES})
      (data (i32.const 0) "\\40\\00\\00\\00\\00\\00\\00\\02")
      (data (i32.const 32) "${path}")
      (global $count (mut i32) (i32.const 0))
      (func (export "count") (result i32) (global.get $count))
      (func $again (drop ${body}) (call $again))
      (export "recurse" (func $again))
      (func (export "_start") ${before}
        (loop (drop ${body}) (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (br 0))))`),
  );
}

function start(module: Module, options: WasiOptions = {}, store: StoreOptions = {}) {
  const world = wasi(options);
  const instance = new Store(store).instantiate(module, world.imports);
  return { world, instance };
}

const i32 = (...values: readonly number[]) =>
  values.map((value) => `(i32.const ${value})`).join(" ");

/** Opens `path` with all rights as descriptor 4. */
const OPEN = `(drop (call $path_open ${i32(3, 1, 32, 4, 1)} (i64.const 0x6200164) (i64.const 0)
  ${i32(0, 16)}))`.replace("0x6200164", String((1n << 1n) | (1n << 2n) | (1n << 6n)));

const ENDLESS: Readonly<Record<string, readonly [body: string, options?: () => WasiOptions]>> = {
  "writing to standard output": [`(call $fd_write ${i32(1, 0, 1, 16)})`],
  "reading from an input without end": [
    `(call $fd_read ${i32(0, 0, 1, 16)})`,
    () => ({ stdin: { read: (max) => new Uint8Array(max) } }),
  ],
  "overwriting a file": [
    `(call $fd_pwrite ${i32(4, 0, 1)} (i64.const 0) ${i32(16)})`,
    () => ({ preopens: { "/": memoryFileSystem() } }),
  ],
  "random numbers": [`(call $random_get ${i32(64, 2 ** 25)})`],
  "looking at the clock": [`(call $clock_time_get ${i32(0)} (i64.const 0) ${i32(16)})`],
  yielding: ["(call $sched_yield)"],
  "asking for files of the host that are missing": [
    `(call $path_filestat_get ${i32(3, 1, 32, 4, 64)})`,
    () => ({ preopens: { "/": hostDirectory(HERE, { readOnly: true }) } }),
  ],
  "opening without closing": [
    `(call $path_open ${i32(3, 1, 32, 4, 1)} (i64.const 0) (i64.const 0) ${i32(0, 16)})`,
    () => ({ preopens: { "/": memoryFileSystem() } }),
  ],
  "polling what is ready": [
    `(call $poll_oneoff ${i32(1000, 2000, 1, 16)})`,
    () => ({ clock: systemClock() }),
  ],
};

describe.each(Object.entries(ENDLESS))("%s for ever", (_, [body, options = () => ({})]) => {
  const module = forEver(body, "file", OPEN);

  it("ends at the deadline, called either way", async () => {
    for (const way of ["run", "runAsync"] as const) {
      const { instance, world } = start(module, options());
      const began = performance.now();
      const run = async () => world[way](instance, { timeout: 50 });
      expect((await rejected(Exhaustion, run())).kind).toBe("deadline");
      // One call moves at most 32 MiB; the machine may be busy.
      expect(performance.now() - began).toBeLessThan(2500);
    }
  });

  it("ends when the fuel is used up, and the same fuel brings it as far", () => {
    const counts = [1, 2].map(() => {
      const { instance, world } = start(module, options(), { fuel: 600 });
      expect(thrown(Exhaustion, () => world.run(instance)).kind).toBe("fuel");
      instance.store.fuel = 100;
      return instance.exports.count();
    });
    expect(counts[0]).toBe(counts[1]);
    expect(Number(counts[0])).toBeGreaterThan(10);
  });
});

describe("limits", () => {
  it("of call depth hold beneath functions of WASI", () => {
    const module = forEver("(call $sched_yield)");
    const { instance } = start(module, {}, { limits: { callDepth: 100 } });
    expect(thrown(Exhaustion, () => instance.exports.recurse()).kind).toBe("callDepth");
  });

  it("of memory are the guest's, whatever WASI moves", () => {
    const module = forEver(`(call $fd_write ${i32(1, 0, 1, 16)})`);
    const limits = { memoryBytes: PAGES * 65_536 };
    const { instance, world } = start(module, {}, { limits, fuel: 500 });
    thrown(Exhaustion, () => world.run(instance));
    expect(instance.store.usage.peakMemoryBytes).toBe(PAGES * 65_536);
  });
});

describe("writing for ever", () => {
  it("to standard output ends with the limit of output", () => {
    // Error 51 is `nospc`.
    const body = `(if (result i32) (i32.eq (call $fd_write ${i32(1, 0, 1, 16)}) (i32.const 51))
      (then unreachable) (else (i32.const 0)))`;
    const stdout = captureOutput();
    const { instance, world } = start(forEver(body), { stdout, outputLimit: 5_000_000 });
    expect(() => world.run(instance)).toThrow(/unreachable/);
    expect(stdout.bytes).toHaveLength(5_000_000);
  });

  it("to files ends with their quota", () => {
    const body = `(if (result i32) (i32.eq (call $fd_write ${i32(4, 0, 1, 16)}) (i32.const 51))
      (then unreachable) (else (i32.const 0)))`;
    const files = memoryFileSystem({ bytes: 40_000_000 });
    const { instance, world } = start(forEver(body, "file", OPEN), { preopens: { "/": files } });
    expect(() => world.run(instance)).toThrow(/unreachable/);
    expect(files.usage.bytes).toBeLessThanOrEqual(40_000_000);
    // A write goes in pieces of 512 KiB, the last of which has no room.
    expect(files.usage.bytes).toBe(76 * 2 ** 19);
  });
});

it.runIf(process.platform === "linux")("reading /dev/urandom for ever ends at the deadline", () => {
  const module = forEver(
    `(call $fd_read ${i32(4, 0, 1, 16)})`,
    "urandom",
    `(drop (call $path_open ${i32(3, 1, 32, 7, 0)} (i64.const 2) (i64.const 0) ${i32(0, 16)}))`,
  );
  const preopens = { "/dev": hostDirectory("/dev", { readOnly: true }) };
  const { instance, world } = start(module, { preopens });
  const began = performance.now();
  expect(thrown(Exhaustion, () => world.run(instance, { timeout: 400 })).kind).toBe("deadline");
  expect(performance.now() - began).toBeLessThan(2500);
  const memory = instance.memory().bytes;
  expect(new Set(memory.subarray(64, 4096)).size).toBeGreaterThan(200);
});
