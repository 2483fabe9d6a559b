// Once it has been trained, V8 keeps the optimised loop whatever a guest is like: without it, the
// guest gets a thirtieth of the speed until V8 has compiled the loop again.

import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { assemble } from "../validation/assemble.ts";

const COUNT = `(func (export "f") (param i32)
  (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`;
const NAN = "(f64.reinterpret_i64 (i64.const -1))";

/** Guests unlike the one that trains the loop. */
const GUESTS: Readonly<Record<string, string>> = {
  plain: `(memory 1) (global (mut i32) (i32.const 0)) ${COUNT}`,
  "without memory": `(global (mut i32) (i32.const 0)) ${COUNT}`,
  "without anything": COUNT,
  "with a shared memory": `(memory 1 2 shared) ${COUNT}`,
  "with a memory that grows": `(memory 0) (func (drop (memory.grow (i32.const 1)))) (start 0)
    (func (export "f") (param i32) (i32.store (i32.const 0) (local.get 0)))`,
  "with two memories": `(memory 1) (memory 1) ${COUNT}`,
  "whose indices are large": `(func (export "f") (param i32)
    (block (br_table 0 0 (i32.sub (i32.const 0) (local.get 0)))))`,
  "with many locals": `(func (export "f") (param i32) (local ${"i32 ".repeat(300)})
    (local.set 299 (local.get 0)))`,
  "that calls the host by an index": `(import "host" "f" (func $host (param i32)))
    (table funcref (elem $host))
    (func (export "f") (param i32) (call_indirect (param i32) (local.get 0) (i32.const 0)))`,
  "that stores NaN": `(memory 1) (func (export "f") (param i32)
    (f64.store (i32.const 8) ${NAN}) (f64.store (local.get 0) (f64.load (i32.const 8))))`,
};

const dist = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);

const SCRIPT = `
  const { Module, Store } = await import(${dist("api/index.js")});
  const { run } = await import(${dist("interpreter/loop.generated.js")});
  const { isFast, warmStep } = await import(${dist("interpreter/warmth.js")});
  const OPTIMIZED = 1 << 4;
  const isOptimized = () => (%GetOptimizationStatus(run) & OPTIMIZED) !== 0;
  while (warmStep());
  const end = Date.now() + 20_000;
  while (!isOptimized() && Date.now() < end) {
    isFast();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const optimized = isOptimized();
  const lost = [];
  const imports = { host: { f() {} } };
  for (const [name, bytes] of JSON.parse(process.argv[1])) {
    const f = new Store().instantiate(Module.from(Uint8Array.from(bytes)), imports).func("f");
    for (let i = 0; i < 3; i++) f.call(1000);
    if (isOptimized()) continue;
    lost.push(name);
    %OptimizeFunctionOnNextCall(run);
    isFast();
  }
  console.log(JSON.stringify({ optimized, lost }));
`;

const SHAPES = `
  const { Memory, Store } = await import(${dist("api/index.js")});
  const store = new Store();
  const make = (options) => new Memory(store, options).target;
  const first = make({ min: 1 });
  const shared = new Memory(store, { min: 1, max: 2, shared: true });
  const others = {
    none: () => {},
    shared: () => Memory.from(store, shared.share()).grow(1),
    long: () => make({ min: 32_768 }),
  };
  const changed = [];
  for (const [name, other] of Object.entries(others)) {
    other();
    if (!%HaveSameMap(first, make({ min: 1 }))) changed.push(name);
  }
  console.log(JSON.stringify(changed));
`;

function output(script: string, ...rest: string[]): unknown {
  const args = ["--allow-natives-syntax", "--input-type=module", "-e", script, "--", ...rest];
  const child = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(child.status, child.stderr).toBe(0);
  return JSON.parse(child.stdout);
}

it("is kept by memories of every kind, which have one shape", () => {
  expect(output(SHAPES)).toEqual([]);
});

it("is kept by guests of every kind", () => {
  const guests = Object.entries(GUESTS).map(([name, text]) => {
    return [name, [...assemble(`(module ${text})`)]];
  });
  expect(output(SCRIPT, JSON.stringify(guests))).toEqual({ optimized: true, lost: [] });
});
