// Register code has a fixed amount of room; what is no longer run must make room for the rest.

import { afterEach, expect, test } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import { funcInvoke } from "../../src/embedding/invoke.ts";
import { space } from "../../src/interpreter/registers.ts";

/** (func (export "f") (param i32) (result i32) local.get 0 i32.const 1 i32.add) */
const MODULE = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0,
  0, 10, 9, 1, 7, 0, 0x20, 0, 0x41, 1, 0x6a, 0x0b,
]);
const ROOM = space.words.length;
const before = space.top;

afterEach(() => {
  space.top = before;
});

test("a function runs again after its code was given up", () => {
  const f = new Store().instantiate(Module.from(MODULE)).func("f");
  expect(f.call(1)).toBe(2);
  space.top = ROOM - 1;
  expect(f.call(2)).toBe(3);
  expect(space.top).toBeLessThan(ROOM / 2);
});

test("code that a suspended execution stands in is kept", () => {
  const store = new Store({ fuel: 0 });
  const run = store.instantiate(Module.from(MODULE)).func("f").start(41);
  expect(run.run()).toMatchObject({ kind: "suspended", reason: "fuel" });
  space.top = ROOM - 1_000;
  const other = new Store().instantiate(Module.from(MODULE)).func("f");
  expect(other.call(1)).toBe(2);
  expect(space.top).toBeGreaterThan(ROOM - 1_000);
  store.fuel = 100;
  expect(run.run()).toMatchObject({ kind: "returned" });
});

test("a call that was stopped for good keeps no code", async () => {
  const store = new Store({ fuel: 0 });
  const f = store.instantiate(Module.from(MODULE)).func("f");
  expect(() => f.call(1)).toThrow("out of fuel");
  await expect(f.callAsync(1)).rejects.toThrow("out of fuel");
  expect(() => funcInvoke(store.runtime, f.target, [1])).toThrow("out of fuel");
  space.top = ROOM - 1;
  store.fuel = 100;
  expect(f.call(2)).toBe(3);
  expect(space.top).toBeLessThan(ROOM / 2);
});
