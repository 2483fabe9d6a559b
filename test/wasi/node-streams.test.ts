// The host's streams: bytes go through pipes and files as they are, and a pipe that nobody reads
// any more is an error of the guest's.

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import { type WasiOptions, wasi } from "../../src/wasi/index.ts";
import {
  descriptorInput,
  descriptorOutput,
  streamInput,
  streamOutput,
} from "../../src/wasi/node.ts";
import { assemble } from "../validation/assemble.ts";
import { Guest } from "./guest.ts";

/** Copies input to output; the exit code is the error code of what went wrong. */
const CAT = Module.from(
  assemble(`(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2)
    (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
    (func (export "_start")
      (loop $next
        (i32.store (i32.const 0) (i32.const 64))
        (i32.store (i32.const 4) (i32.const 100000))
        (call $check (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
        (if (i32.eqz (i32.load (i32.const 4))) (then (return)))
        (call $check (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
        (br $next))))`),
);

function cat(options: WasiOptions) {
  const world = wasi(options);
  return { world, instance: new Store().instantiate(CAT, world.imports) };
}

/** Every byte there is, and sequences that are no UTF-8. */
const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "wasmeter-streams-"));
  fs.writeFileSync(join(folder, "in"), BYTES);
});

afterEach(() => fs.rmSync(folder, { recursive: true }));

describe("descriptors of the host", () => {
  it("carry bytes as they are", () => {
    const [input, output] = [
      fs.openSync(join(folder, "in"), "r"),
      fs.openSync(join(folder, "out"), "w"),
    ];
    const { instance, world } = cat({
      stdin: descriptorInput(input),
      stdout: descriptorOutput(output),
    });
    expect(world.run(instance)).toBe(0);
    fs.closeSync(input);
    fs.closeSync(output);
    expect(Buffer.compare(fs.readFileSync(join(folder, "out")), BYTES)).toBe(0);
  });

  it("that are broken are errors of the guest", () => {
    const closed = fs.openSync(join(folder, "in"), "r");
    fs.closeSync(closed);
    expect(new Guest({ stdin: descriptorInput(closed) }).read(0)).toBe("[badf]");
    expect(new Guest({ stdout: descriptorOutput(closed) }).write(1, "x")).toBe("badf");
  });

  /** Runs `cat` in a process of its own whose streams are pipes; what came out, and its code. */
  async function piped(read: boolean): Promise<[output: Buffer, code: number | null]> {
    const script = fileURLToPath(new URL("./cat.ts", import.meta.url));
    fs.writeFileSync(join(folder, "cat.wasm"), CAT.record.bytes);
    const child = spawn(process.execPath, ["--import", "tsx", script, join(folder, "cat.wasm")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    const parts: Buffer[] = [];
    child.stdin.on("error", () => undefined);
    if (read) child.stdout.on("data", (part) => parts.push(part));
    else child.stdout.destroy();
    for (let at = 0; at < BYTES.length; at += 70_000) {
      child.stdin.write(BYTES.slice(at, at + 70_000));
      await sleep(5);
    }
    child.stdin.end();
    const code = await ended;
    return [Buffer.concat(parts), code];
  }

  it("that are pipes block until there is something", async () => {
    const [output, code] = await piped(true);
    expect(code).toBe(0);
    expect(Buffer.compare(output, BYTES)).toBe(0);
  });

  it("that are pipes without a reader are `pipe`", async () => {
    // Error 64 is `pipe`.
    expect((await piped(false))[1]).toBe(64);
  });
});

describe("streams of Node", () => {
  it("carry bytes as they are, and wait for each other", async () => {
    let largest = 0;
    const parts: Buffer[] = [];
    const slow = new Writable({
      highWaterMark: 1000,
      write(part, _, done) {
        parts.push(part);
        largest = Math.max(largest, slow.writableLength);
        setTimeout(done, 1);
      },
    });
    const stdin = streamInput(fs.createReadStream(join(folder, "in")));
    const { instance, world } = cat({ stdin, stdout: streamOutput(slow) });
    expect(await world.runAsync(instance)).toBe(0);
    expect(Buffer.compare(Buffer.concat(parts), BYTES)).toBe(0);
    // No more than one piece was ever waiting.
    expect(largest).toBeLessThanOrEqual(65_536);
  });

  it("may be empty, or give texts", async () => {
    const parts: Uint8Array[] = [];
    const stdout = (bytes: Uint8Array) => parts.push(bytes);
    const empty = cat({ stdin: streamInput(Readable.from([])), stdout });
    expect(await empty.world.runAsync(empty.instance)).toBe(0);
    const texts = cat({ stdin: streamInput(Readable.from(["ä", "", "b"])), stdout });
    expect(await texts.world.runAsync(texts.instance)).toBe(0);
    expect(Buffer.concat(parts).toString()).toBe("äb");
  });

  it("that break are `pipe`, or throw at the embedder", async () => {
    for (const [error, wanted] of [
      [Object.assign(new Error("broken"), { code: "EPIPE" }), 64],
      [new RangeError("a bug"), RangeError],
    ] as const) {
      const broken = new Writable({ write: (_part, _encoding, done) => done(error) });
      const { instance, world } = cat({ stdin: [BYTES, BYTES], stdout: streamOutput(broken) });
      const run = world.runAsync(instance);
      if (typeof wanted === "number") expect(await run).toBe(wanted);
      else await expect(run).rejects.toThrow(wanted);
    }
  });

  it("that were closed before the guest writes are `pipe`", async () => {
    const [destroyed, ended] = [new PassThrough(), new PassThrough().resume()];
    destroyed.destroy();
    ended.end();
    await sleep(5);
    for (const stream of [destroyed, ended]) {
      const { instance, world } = cat({ stdin: "x", stdout: streamOutput(stream) });
      expect(await world.runAsync(instance, { timeout: 5000 })).toBe(64);
    }
  });

  it("are not touched before the guest reads", async () => {
    const stream = new PassThrough();
    streamInput(stream);
    await sleep(1);
    expect(stream.readableFlowing).toBe(null);
    expect(stream.listenerCount("readable")).toBe(0);
  });
});

describe("output that nobody takes, of a guest that cannot wait", () => {
  const KILOBYTES = 64;
  const text = "x".repeat(KILOBYTES * 1024);
  const writeUntilRefused = (guest: Guest) => {
    for (let i = 0; i < 1000; i++) if (guest.write(1, text) !== text.length) return i;
    return null;
  };

  it("is refused before memory is full", () => {
    const stream = new Writable({ write: () => undefined });
    const count = writeUntilRefused(new Guest({ stdout: streamOutput(stream) }));
    expect(count).toBe((16 * 1024) / KILOBYTES + 1);
    expect(stream.writableLength).toBeLessThan(17 * 2 ** 20);
  });

  it("is refused where a function gives promises, and goes on when they are kept", async () => {
    let take: () => void = () => undefined;
    const taken = new Promise<void>((resolve) => {
      take = resolve;
    });
    const guest = new Guest({ stdout: () => taken });
    expect(writeUntilRefused(guest)).toBe((16 * 1024) / KILOBYTES + 1);
    take();
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(guest.write(1, text)).toBe(text.length);
  });
});

it("a stream is listened to once, however many guests write to it", async () => {
  let take: () => void = () => undefined;
  const stream = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => {
      take = done;
    },
  });
  const worlds = Array.from({ length: 50 }, () => {
    return cat({ stdin: "x", stdout: streamOutput(stream) });
  });
  const runs = worlds.map(({ instance, world }) => world.runAsync(instance));
  await sleep(5);
  expect(stream.listenerCount("error")).toBe(2);
  expect(stream.listenerCount("drain")).toBe(1);
  for (let i = 0; i < 200; i++) {
    take();
    await sleep(0);
  }
  expect(await Promise.all(runs)).toEqual(worlds.map(() => 0));
});
