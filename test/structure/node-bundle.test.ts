// What Node gets (dist/bundle, made by tools/node-bundle.mjs) beside what every engine gets
// (dist/portable): the same library, whether or not there is a code cache that V8 takes.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const entries = ["index", "wasi", "wasi-node", "js-api", "polyfill", "polyfill-node"];
const copies: string[] = [];

afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

/** Runs a script in a Node of its own, and reads the JSON that it prints. */
function answer(script: string, ...options: string[]): unknown {
  const args = [...options, "--input-type=module", "-e", script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

const url = (folder: string, entry: string) => pathToFileURL(`${folder}/${entry}.js`).href;

/** Code caches in a folder that a Node of this version has made. */
function caches(folder: string): string[] {
  const end = `-${process.version}-${process.platform}-${process.arch}.cache`;
  return readdirSync(folder).filter((name) => name.endsWith(end));
}

/** A copy of dist/bundle somewhere else, with another code cache; without one if it is null. */
function copyWith(change: (cache: Buffer) => Buffer | null): string {
  const copy = mkdtempSync(join(tmpdir(), "wasmeter-"));
  copies.push(copy);
  writeFileSync(join(copy, "package.json"), '{ "type": "module" }');
  cpSync(`${dist}bundle`, copy, { recursive: true });
  const [name] = caches(copy);
  const changed = change(readFileSync(join(copy, name)));
  if (changed === null) rmSync(join(copy, name));
  else writeFileSync(join(copy, name), changed);
  return copy;
}

/** Whether V8 refuses the code cache in dist/bundle. */
function isRefused(...options: string[]): unknown {
  const [cache] = caches(`${dist}bundle`);
  const script = `
    import { readFileSync } from "node:fs";
    import { Script } from "node:vm";
    const [filename, cache] = ${JSON.stringify([`${dist}bundle/library.cjs`, `${dist}bundle/${cache}`])};
    const cachedData = readFileSync(cache).subarray(0, -4);
    const script = new Script(readFileSync(filename, "latin1"), { cachedData });
    console.log(script.cachedDataRejected);
  `;
  return answer(script, ...options);
}

/** What the longest Collatz chain below 1000 is, and what it cost, with a build of the library. */
function collatz(folder: string, ...options: string[]): unknown {
  const script = `
    import { readFileSync } from "node:fs";
    import { Module, Store } from ${JSON.stringify(url(folder, "index"))};
    const bytes = readFileSync(${JSON.stringify(join(dist, "../fixtures/collatz.wasm"))});
    const store = new Store({ fuel: 5_000_000 });
    const { exports } = store.instantiate(Module.from(bytes), { env: { progress() {} } });
    console.log(JSON.stringify([exports.longest(1000), store.fuel]));
  `;
  return answer(script, ...options);
}

// The bill is the README's.
const EXPECTED = [[871, 178], 5_000_000 - 1_130_102];

describe("what Node gets", () => {
  it("has one code cache for this Node, and V8 takes it", () => {
    expect(caches(`${dist}bundle`)).toHaveLength(1);
    expect(isRefused()).toBe(false);
    expect(collatz(`${dist}bundle`)).toEqual(EXPECTED);
  });

  it("works where V8 refuses the code cache, for other options", () => {
    expect(isRefused("--jitless")).toBe(true);
    expect(collatz(`${dist}bundle`, "--jitless")).toEqual(EXPECTED);
  });

  it("works without a code cache, and where no code may be made of strings", () => {
    const option = "--disallow-code-generation-from-strings";
    const without = copyWith(() => null);
    expect(collatz(without)).toEqual(EXPECTED);
    expect(collatz(without, option)).toEqual(EXPECTED);
    expect(collatz(`${dist}bundle`, option)).toEqual(EXPECTED);
  });

  it.each<[string, (cache: Buffer) => Buffer]>([
    ["empty", () => Buffer.alloc(0)],
    ["cut off", (cache) => cache.subarray(0, 100_000)],
    ["followed by more", (cache) => Buffer.concat([cache, cache])],
    ["zeros at the end", (cache) => Buffer.from(cache).fill(0, 300_000)],
    ["zeros in a block", (cache) => Buffer.from(cache).fill(0, 8192, 8192 + 512)],
    ["something else", (cache) => Buffer.alloc(cache.length, "else")],
  ])("does not use a code cache that is damaged: %s", (_, damage) => {
    expect(collatz(copyWith(damage))).toEqual(EXPECTED);
  });

  it("names itself in stack traces, wherever it was built and lies", () => {
    const copy = copyWith((cache) => cache);
    const stack = answer(`
      import { Module } from ${JSON.stringify(url(copy, "index"))};
      try {
        Module.from(new Uint8Array(9));
      } catch (error) {
        console.log(JSON.stringify(error.stack));
      }
    `);
    expect(stack).toMatch(/\bwasmeter\/library\.cjs:/);
    expect(stack).not.toContain(dist);
  });

  it.each([
    ["index", "(m) => m.Module.from(new Uint8Array(9))"],
    ["js-api", "(m) => new m.WebAssembly.Module(new Uint8Array(9))"],
    ["wasi", "(m) => m.wasi({ agrs: [] })"],
  ])("shows of %s no more than a line beside an error that nobody catches", (entry, mistake) => {
    const script = `(${mistake})(await import(${JSON.stringify(url(`${dist}bundle`, entry))}));`;
    const args = ["--input-type=module", "-e", script];
    const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toMatch(/magic header|did you mean "args"/);
    expect(stderr.length).toBeLessThan(4_000);
  });

  it("belongs to the realm that requires it, as in the contexts of test runners", () => {
    const script = `
      import { readFileSync } from "node:fs";
      import { createRequire } from "node:module";
      import { createContext, runInContext } from "node:vm";
      const context = createContext({ Buffer, process });
      const dirname = ${JSON.stringify(`${dist}bundle`)};
      const required = createRequire(dirname + "/index.js");
      function load(id) {
        if (id.startsWith("node:")) return required(id);
        const text = readFileSync(dirname + "/" + id, "utf8");
        const wrapper = "(function (module, exports, require, __dirname) {" + text + "\\n})";
        const module = { exports: {} };
        runInContext(wrapper, context)(module, module.exports, load, dirname);
        return module.exports;
      }
      const { Module, Store } = load("./index.cjs");
      const { exports } = new Store().instantiate(
        Module.from(readFileSync(${JSON.stringify(join(dist, "../fixtures/collatz.wasm"))})),
        { env: { progress() {} } },
      );
      context.found = exports.longest(10);
      console.log(runInContext("found instanceof Array && found[0] === 9", context));
    `;
    expect(answer(script)).toBe(true);
  });

  it.each(entries)("exports from %s what other engines get", (entry) => {
    const [here, there] = [`${dist}bundle`, `${dist}portable`].map((folder) =>
      answer(`
        const names = Object.keys(await import(${JSON.stringify(url(folder, entry))}));
        console.log(JSON.stringify(names));
      `),
    );
    expect(here).toEqual(there);
    if (!entry.startsWith("polyfill")) expect(here).not.toHaveLength(0);
  });

  it("is the same library for require and import", () => {
    const script = `
      import { createRequire } from "node:module";
      import * as imported from ${JSON.stringify(url(`${dist}bundle`, "index"))};
      const required = createRequire(${JSON.stringify(url(`${dist}bundle`, "index"))})("wasmeter");
      const names = Object.keys(imported);
      const differ = names.filter((name) => imported[name] !== required[name]);
      console.log(JSON.stringify([names.length, Object.keys(required).length, differ]));
    `;
    const [imported, required, differ] = answer(script) as [number, number, string[]];
    expect(differ).toEqual([]);
    expect(required).toBe(imported);
    expect(imported).toBeGreaterThan(20);
  });

  it("has one library for all entry points", () => {
    const script = `
      import { Exhaustion } from ${JSON.stringify(url(`${dist}bundle`, "index"))};
      import { createNamespace } from ${JSON.stringify(url(`${dist}bundle`, "js-api"))};
      import { readFileSync } from "node:fs";
      const bytes = readFileSync(${JSON.stringify(join(dist, "../fixtures/greedy.wasm"))});
      const { Instance, Module } = createNamespace({ fuel: 1000 });
      let cause;
      try {
        new Instance(new Module(bytes)).exports.loop();
      } catch (error) {
        cause = error.cause;
      }
      console.log(cause instanceof Exhaustion);
    `;
    expect(answer(script)).toBe(true);
  });
});
