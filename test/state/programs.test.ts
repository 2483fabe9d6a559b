// Whole programs, compiled ones and the fixtures, whose calls go from thread to thread all the time.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ImportMap, Module, Store } from "../../src/api/index.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import type { Value } from "../../src/runtime/instances.ts";
import { endOf, nothingSeen } from "./resumed.ts";

const bytesOf = (path: string) => readFileSync(new URL(`../../${path}.wasm`, import.meta.url));

/** Stops in a run. */
const STOPS = 400;

function check(path: string, name: string, args: readonly Value[], imports: ImportMap = {}): void {
  const module = Module.from(bytesOf(path));
  const begun = () => {
    const store = new Store();
    const { target } = store.instantiate(module, imports).func(name);
    return new Thread(store.runtime, target, args, false);
  };
  const seen = nothingSeen();
  const whole = begun();
  const expected = endOf(whole, Number.POSITIVE_INFINITY, seen);
  expect(expected).toMatch(/^returned/);
  const slice = Math.ceil(whole.fuelUsed / STOPS);
  expect(endOf(begun(), slice, seen)).toBe(expected);
  expect(seen.taken).toBeGreaterThan(STOPS / 10);
}

describe("kernels", () => {
  const scalar = "compress dispatch hash64 machine mandelbrot matrix_i32 nbody recursion sha256";
  it.each(scalar.split(" "))("%s", (name) => check(`bench/kernels/${name}`, "run", [2]));

  const vectors = "blur chacha20 dot_i8 matrix_4x4 search";
  it.each(vectors.split(" "))("vector/%s", (name) => {
    check(`bench/kernels/vector/${name}`, "run", [2]);
  });
});

describe("objects", () => {
  const names = "arrays binary_trees casts list_sort".split(" ");
  it.each(names)("gc/%s", (name) => check(`bench/kernels/gc/${name}`, "run", [2]));
});

describe("fixtures", () => {
  it("collatz", () => {
    check("fixtures/collatz", "longest", [1_000], { env: { progress: () => {} } });
  });
});
