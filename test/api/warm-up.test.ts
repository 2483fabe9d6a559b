// `warmUp`: that it ends, may be called again and at any time, and disturbs nobody. How fast the
// interpreter is afterwards is for the benchmarks: here the machine may be busy.

import { describe, expect, it } from "vitest";
import { warmUp } from "../../src/api/index.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import { millisecondsNow, spentForProcess } from "../../src/runtime/clock.ts";
import { assemble } from "../validation/assemble.ts";
import { instanceOf } from "./support.ts";

const DEEP = `(module (func $deep (export "deep") (param i32) (result i32)
  (if (result i32) (i32.eqz (local.get 0))
    (then (i32.const 0))
    (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))))))`;

describe("warmUp", () => {
  // First of all: nothing else must have run before.
  it("may be the first thing that a process does", async () => {
    expect(typeof (await warmUp())).toBe("boolean");
  });

  it("ends, and leaves suspended guests as they are", async () => {
    const deep = instanceOf(DEEP).func("deep");
    const execution = deep.start(1_000);
    execution.run({ slice: 3_000 });
    const running = deep.callAsync(1_000);
    expect(typeof (await warmUp())).toBe("boolean");
    expect(await running).toBe(1_000);
    expect(execution.run()).toMatchObject({ kind: "returned", value: 1_000 });
    expect(typeof (await warmUp())).toBe("boolean");
  });
});

const BUSY = `(module (import "host" "pause" (func $pause)) (func (export "f") (call $pause)
  (loop $on (br_if $on (i32.lt_u (global.get $n)
    (i32.const 100000)) (global.set $n (i32.add (global.get $n) (i32.const 1))))))
  (global $n (mut i32) (i32.const 0)))`;

describe("deadlines of guests in whose calls the loop is brought to speed", () => {
  const TIMEOUT = 1_000;
  /** A pause longer than the deadline, all of which the process has taken for itself. */
  const pause = () => {
    const began = millisecondsNow();
    while (millisecondsNow() - began < TIMEOUT + 10);
    spentForProcess(millisecondsNow() - began);
  };

  it("do not count it", async () => {
    const f = instanceOf(BUSY, { host: { pause } }).func("f").with({ timeout: TIMEOUT });
    expect(f.call()).toBeUndefined();
    expect(await f.callAsync()).toBeUndefined();
  });

  it("do not count it in namespaces", () => {
    const { Instance, Module } = createNamespace({ timeout: TIMEOUT });
    const { exports } = new Instance(new Module(assemble(BUSY)), { host: { pause } });
    expect((exports as { f(): void }).f()).toBeUndefined();
  });
});
