// Waiting: guests that can be suspended are, guests that cannot block or are told so.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Epoch, Exhaustion, Module, Store } from "../../src/api/index.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import {
  captureOutput,
  type InputStream,
  systemClock,
  type WasiOptions,
  wasi,
} from "../../src/wasi/index.ts";
import { Input } from "../../src/wasi/streams.ts";
import { pause } from "../../src/wasi/waiting.ts";
import { rejected, thrown } from "../api/support.ts";
import { assemble } from "../validation/assemble.ts";
import { Guest } from "./guest.ts";

/** Sleeps, and waits for input; the error codes are the exit code. */
const WAITER = `(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $clock (param $at i32) (param $ns i64)
    (i64.store (local.get $at) (i64.const 7))
    (i32.store8 offset=8 (local.get $at) (i32.const 0))
    (i32.store offset=16 (local.get $at) (i32.const 1))
    (i64.store offset=24 (local.get $at) (local.get $ns)))
  (func (export "sleep") (param i64) (result i32)
    (call $clock (i32.const 1000) (local.get 0))
    (call $poll (i32.const 1000) (i32.const 2000) (i32.const 1) (i32.const 0)))
  ;; Input or so many nanoseconds: the number of events and the type of the first.
  (func (export "input") (param i64) (result i32 i32 i32)
    (call $clock (i32.const 1000) (local.get 0))
    (i64.store (i32.const 1048) (i64.const 8))
    (i32.store8 (i32.const 1056) (i32.const 1))
    (i32.store (i32.const 1064) (i32.const 0))
    (call $poll (i32.const 1000) (i32.const 2000) (i32.const 2) (i32.const 0))
    (i32.load (i32.const 0))
    (i32.load8_u (i32.const 2010)))
  (func $vector
    (i32.store (i32.const 16) (i32.const 100))
    (i32.store (i32.const 20) (i32.const 4)))
  (func (export "grow") (result i32) (memory.grow (i32.const 20)))
  (func (export "read") (result i32 i32)
    (call $vector)
    (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0))
    (i32.load (i32.const 0)))
  ;; Copies input to output in pieces of 4 bytes; the number of pieces.
  (func (export "copy") (result i32) (local $n i32)
    (loop $next
      (call $vector)
      (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0)))
      (if (i32.load (i32.const 0)) (then
        (i32.store (i32.const 20) (i32.load (i32.const 0)))
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next))))
    (local.get $n)))`;

const MILLISECOND = 1_000_000n;
const HOUR = 3_600_000n * MILLISECOND;
const module = Module.from(assemble(WAITER));
const encoder = new TextEncoder();

function guest(options: WasiOptions = {}, store = new Store()) {
  const world = wasi({ clock: systemClock(), ...options });
  return store.instantiate(module, world.imports);
}

async function* slowly(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await sleep(2);
    yield encoder.encode(text);
  }
}

/** Input that never comes. */
const SILENCE: InputStream = { read: () => new Promise(() => undefined) };

describe("sleeping", () => {
  it("suspends the guest under callAsync: three sleep at the same time", async () => {
    const began = performance.now();
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const all = [1, 2, 3].map(() =>
      guest()
        .func("sleep")
        .callAsync(150n * MILLISECOND),
    );
    expect(await Promise.all(all)).toEqual([0, 0, 0]);
    clearInterval(timer);
    const took = performance.now() - began;
    expect(took).toBeGreaterThanOrEqual(149);
    expect(took).toBeLessThan(430);
    expect(turns).toBeGreaterThan(2);
  });

  it("suspends an Execution, which says so", async () => {
    const execution = guest()
      .func("sleep")
      .start(20n * MILLISECOND);
    const outcome = execution.run();
    if (outcome.kind !== "suspended" || outcome.reason !== "host") throw new Error(outcome.kind);
    expect(execution.run()).toMatchObject({ kind: "suspended", reason: "host" });
    await outcome.promise;
    expect(execution.run()).toMatchObject({ kind: "returned", value: 0 });
  });

  it("blocks honestly under call", () => {
    const began = performance.now();
    expect(guest().exports.sleep(60n * MILLISECOND)).toBe(0);
    expect(performance.now() - began).toBeGreaterThanOrEqual(59);
  });

  it("ends with the deadline of the call, whichever way it waits", async () => {
    const began = performance.now();
    const func = guest().func("sleep").with({ timeout: 50 });
    expect(thrown(Exhaustion, () => func.call(HOUR)).kind).toBe("deadline");
    expect((await rejected(Exhaustion, func.callAsync(HOUR))).kind).toBe("deadline");
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("ends with the timeout of the namespace", () => {
    const wasm = createNamespace({ timeout: 250 });
    const world = wasi({ clock: systemClock() });
    const module = new wasm.Module(assemble(WAITER));
    const instance = new wasm.Instance(module, world.imports as object as Record<string, never>);
    world.initialize(instance);
    const began = performance.now();
    const { sleep: wait } = instance.exports as { sleep(ns: bigint): unknown };
    expect(wait(5n * MILLISECOND)).toBe(0);
    // The sleep ends with an error code; the guest has no time to do anything with it.
    let outcome: unknown;
    try {
      outcome = wait(HOUR);
    } catch (error) {
      outcome = error;
    }
    expect(String(outcome)).toMatch(/^27$|deadline/);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("ends with the epoch, whichever way it waits", async () => {
    const epoch = new Epoch();
    const store = new Store({ epoch, epochDeadline: 1 });
    const func = guest({}, store).func("sleep");
    const waiting = func.callAsync(HOUR);
    await sleep(5);
    epoch.advance();
    expect((await rejected(Exhaustion, waiting)).kind).toBe("epoch");
    expect(thrown(Exhaustion, () => func.call(HOUR)).kind).toBe("epoch");
  });

  it("ends with the signal", async () => {
    const controller = new AbortController();
    const func = guest().func("sleep").with({ signal: controller.signal });
    const waiting = func.callAsync(HOUR);
    setTimeout(() => controller.abort(new Error("enough")), 5);
    await expect(waiting).rejects.toThrow("enough");
  });

  it("ends when the program is closed, also if nobody goes on with the Execution", async () => {
    const world = wasi({ clock: systemClock() });
    const instance = new Store().instantiate(module, world.imports);
    const outcome = instance.func("sleep").start(HOUR).run();
    if (outcome.kind !== "suspended" || outcome.reason !== "host") throw new Error(outcome.kind);
    world.close();
    await outcome.promise;
  });

  it("takes no time on a clock that makes up its time", async () => {
    const world = wasi();
    const instance = new Store().instantiate(module, world.imports);
    const began = performance.now();
    expect(instance.exports.sleep(HOUR)).toBe(0);
    expect(await instance.func("sleep").callAsync(HOUR)).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe("input that is not there yet", () => {
  it("suspends the guest under callAsync", async () => {
    const stdout = captureOutput();
    const instance = guest({ stdin: slowly("one ", "", "two", " three"), stdout });
    expect(await instance.func("copy").callAsync()).toBe(4);
    expect(stdout.text).toBe("one two three");
  });

  it("arrives in a memory that has grown meanwhile", async () => {
    const instance = guest({ stdin: slowly("data") });
    const reading = instance.func("read").callAsync();
    const before = instance.memory().bytes;
    expect(instance.exports.grow()).toBe(1);
    expect(instance.memory().bytes.buffer).not.toBe(before.buffer);
    expect(await reading).toEqual([0, 4]);
    expect(new TextDecoder().decode(instance.memory().read(100, 4))).toBe("data");
  });

  it("is `notsup` under call, and is not lost", async () => {
    const instance = guest({ stdin: slowly("data") });
    expect(instance.exports.read()).toEqual([58, 0]);
    expect(await instance.func("read").callAsync()).toEqual([0, 4]);
  });

  it("blocks under call where the stream can", () => {
    const stdin: InputStream = { read: SILENCE.read, readSync: () => encoder.encode("sync") };
    expect(guest({ stdin }).exports.read()).toEqual([0, 4]);
  });

  it("is `again` for a descriptor that does not block", async () => {
    const world = wasi({ stdin: SILENCE });
    const instance = new Store().instantiate(module, world.imports);
    expect(world.imports.wasi_snapshot_preview1.fd_fdstat_set_flags(0, 4)).toBe(0);
    expect(await instance.func("read").callAsync()).toEqual([6, 0]);
    expect(instance.exports.read()).toEqual([6, 0]);
  });

  it("ends with the deadline", async () => {
    const func = guest({ stdin: SILENCE }).func("read").with({ timeout: 20 });
    expect((await rejected(Exhaustion, func.callAsync())).kind).toBe("deadline");
  });

  it("is waited for together with a clock", async () => {
    const early = guest({ stdin: slowly("x") }).func("input");
    expect(await early.callAsync(HOUR)).toEqual([0, 1, 1]);
    const late = guest({ stdin: SILENCE }).func("input");
    expect(await late.callAsync(10n * MILLISECOND)).toEqual([0, 1, 0]);
    expect(late.call(10n * MILLISECOND)).toEqual([0, 1, 0]);
    // Both were ready: a text is there at once.
    expect(guest({ stdin: "x" }).func("input").call(0n)).toEqual([0, 2, 0]);
  });

  it("goes to one of two calls that wait for it, and is no end for the other", async () => {
    const instance = guest({ stdin: slowly("data", "more") });
    const calls = [instance.func("read").callAsync(), instance.func("read").callAsync()];
    expect(await Promise.all(calls)).toEqual([
      [0, 4],
      [0, 4],
    ]);
  });

  it("leaves nothing behind when a clock was faster", async () => {
    const input = Input.from({ ...SILENCE });
    input.fetch(true);
    await pause(1, [input], null);
    expect(input.arrivals.size).toBe(0);
    const arriving = Input.from(slowly("x"));
    arriving.fetch(true);
    await pause(Number.POSITIVE_INFINITY, [arriving], null);
    expect([arriving.available, arriving.arrivals.size]).toEqual([1, 0]);
  });

  it("is no longer waited for once the program is closed, or its time is up", async () => {
    const stdin = { ...SILENCE };
    const input = Input.from(stdin);
    const world = wasi({ stdin, clock: systemClock() });
    const instance = new Store().instantiate(module, world.imports);
    const outcomes = [
      instance.func("read").start().run(),
      instance.func("input").start(HOUR).run(),
    ];
    expect(input.arrivals.size).toBe(2);
    world.close();
    for (const outcome of outcomes) {
      if (outcome.kind === "suspended" && outcome.reason === "host") await outcome.promise;
    }
    expect(input.arrivals.size).toBe(0);
    const late = guest({ stdin }).func("read").with({ timeout: 10 });
    expect((await rejected(Exhaustion, late.callAsync())).kind).toBe("deadline");
    await sleep(20);
    expect(input.arrivals.size).toBe(0);
  });

  it("that is no bytes is a TypeError, and no rejection that nobody handles", async () => {
    for (const wrong of [null, "text", 5, new Uint16Array(1)]) {
      const stdin: InputStream = { read: async () => wrong as unknown as Uint8Array };
      const { read, input } = { read: guest({ stdin }), input: guest({ stdin }) };
      await expect(read.func("read").callAsync()).rejects.toThrow(TypeError);
      // The poll tells that there is something; reading throws.
      expect(await input.func("input").callAsync(HOUR)).toEqual([0, 1, 1]);
      await expect(input.func("read").callAsync()).rejects.toThrow(TypeError);
    }
  });

  it("that fails reaches the embedder unchanged", async () => {
    const broken = new RangeError("broken");
    const stdin: InputStream = { read: () => Promise.reject(broken) };
    await expect(guest({ stdin }).func("read").callAsync()).rejects.toBe(broken);
  });
});

describe("output that is not taken yet", () => {
  it("may run another guest of the same program, without a mix of memories", () => {
    const inner: { run?: () => unknown } = {};
    const world = wasi({
      stdin: "1234",
      stdout: () => {
        const { run } = inner;
        delete inner.run;
        run?.();
      },
    });
    const outer = new Store().instantiate(module, world.imports);
    const other = new Store().instantiate(module, world.imports);
    inner.run = () => other.exports.sleep(0n);
    new DataView(other.memory().bytes.buffer).setUint32(0, 99, true);
    // The number of bytes written goes to address 0 of the one that has written.
    expect(outer.exports.copy()).toBe(1);
    expect(other.memory().bytes[0]).not.toBe(4);
  });

  it("suspends the guest under callAsync", async () => {
    const events: string[] = [];
    const stdout = async (bytes: Uint8Array) => {
      events.push(`begin ${bytes.length}`);
      await sleep(2);
      events.push("end");
    };
    const instance = guest({ stdin: "12345", stdout });
    expect(await instance.func("copy").callAsync()).toBe(2);
    expect(events).toEqual(["begin 4", "end", "begin 1", "end"]);
  });

  it("that fails later is told to the next write under call", async () => {
    const stdout = async () => {
      throw new RangeError("broken");
    };
    const caller = new Guest({ stdout });
    expect(caller.write(1, "on its way")).toBe(10);
    await sleep(1);
    expect(() => caller.write(1, "x")).toThrow(RangeError);
  });
});
