// What Node gets (dist/bundle, made by tools/node-bundle.mjs) beside what every engine gets
// (dist/portable): the same library, whether or not there is a code cache that V8 takes.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const entries = ["index", "wasi", "wasi-node", "js-api", "polyfill"];
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
  const end = `-${process.version}-${process.arch}.cache`;
  return readdirSync(folder).filter((name) => name.endsWith(end));
}

/** A copy of dist/bundle without code caches, as another Node's would be of no use. */
function withoutCaches(): string {
  const copy = mkdtempSync(join(tmpdir(), "wasmeter-"));
  copies.push(copy);
  writeFileSync(join(copy, "package.json"), '{ "type": "module" }');
  cpSync(`${dist}bundle`, copy, { recursive: true, filter: (path) => !path.endsWith(".cache") });
  return copy;
}

/** Whether V8 refuses the code cache in dist/bundle. */
function isRefused(...options: string[]): unknown {
  const [cache] = caches(`${dist}bundle`);
  const script = `
    import { readFileSync } from "node:fs";
    import { Script } from "node:vm";
    const [filename, cache] = ${JSON.stringify([`${dist}bundle/library.js`, `${dist}bundle/${cache}`])};
    const cachedData = readFileSync(cache);
    const script = new Script(readFileSync(filename, "latin1"), { filename, cachedData });
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
    expect(collatz(withoutCaches())).toEqual(EXPECTED);
    const option = "--disallow-code-generation-from-strings";
    expect(collatz(withoutCaches(), option)).toEqual(EXPECTED);
    expect(collatz(`${dist}bundle`, option)).toEqual(EXPECTED);
  });

  it.each(entries)("exports from %s what other engines get", (entry) => {
    const [here, there] = [`${dist}bundle`, `${dist}portable`].map((folder) =>
      answer(`
        const names = Object.keys(await import(${JSON.stringify(url(folder, entry))}));
        console.log(JSON.stringify(names));
      `),
    );
    expect(here).toEqual(there);
    if (entry !== "polyfill") expect(here).not.toHaveLength(0);
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
