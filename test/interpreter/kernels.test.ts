// The benchmark's kernels on vectors and on GC objects give what the host's own WebAssembly gives,
// and in slices the same, for the same fuel.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hostExport } from "../../bench/host.ts";
import { Module, Store } from "../../src/api/index.ts";
import { inSlices } from "../api/support.ts";

const FUEL = 1e9;
/** Small, and no divisor of anything in the kernels. */
const SLICE = 97;
const SIZE = 2;

const bytesOf = (path: string) =>
  readFileSync(new URL(`../../bench/kernels/${path}.wasm`, import.meta.url));

/** Checksum and fuel of a run of `SIZE`, whole or in slices. */
function measured(bytes: Uint8Array, sliced: boolean): { checksum: unknown; fuel: number } {
  const store = new Store({ fuel: FUEL });
  const run = store.instantiate(Module.from(bytes)).func("run");
  if (!sliced) return { checksum: run.call(SIZE), fuel: FUEL - store.fuel };
  const outcome = inSlices(run.start(SIZE), SLICE);
  if (outcome.kind !== "returned") throw new Error(`the run has ${outcome.kind}`);
  return { checksum: outcome.value, fuel: FUEL - store.fuel };
}

function check(path: string, expected: unknown): void {
  const bytes = bytesOf(path);
  const whole = measured(bytes, false);
  expect(whole.checksum).toBe(expected);
  expect(measured(bytes, true)).toEqual(whole);
}

describe("kernels on vectors", () => {
  const names = "dot_f32 dot_i16 dot_i8 blur base64 search matrix_4x4 chacha20".split(" ");
  it.each(names)("%s", (name) => {
    const path = `vector/${name}`;
    check(path, hostExport(bytesOf(path), "run")(SIZE));
  });
});

describe("kernels on GC objects", () => {
  // Node 20 knows no GC: these are from Node 26.
  it.each([
    ["binary_trees", -1789229235],
    ["list_sort", 1544918638],
    ["casts", 1302519331],
    ["arrays", -1773475456],
  ])("%s", (name, expected) => check(`gc/${name}`, expected));
});
