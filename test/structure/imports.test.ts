// The house itself: imports point one way, files stay short, nothing is needed at run time.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { circles, forbiddenImports, MAY_IMPORT } from "./imports.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The loop and its tables may be long. */
const GENERATED = /\.generated\.ts$/;
/** The validator's dispatch is one switch with a method per instruction beside it. */
const LONG_FILES: readonly string[] = [];
const MAX_LINES = 500;
const MAX_COLUMNS = 100;

/** All TypeScript files of src/, as `src/…`. */
function sources(): string[] {
  return readdirSync(`${ROOT}/src`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .sort();
}

const read = (path: string) => readFileSync(`${ROOT}/${path}`, "utf8");

describe("imports", () => {
  it("point one way, and only cli and the Node files of wasi import Node's modules", () => {
    const files = sources();
    expect(files.length).toBeGreaterThan(30);
    expect(files.flatMap((path) => forbiddenImports(path, read(path)))).toEqual([]);
  });

  it("are all found: every file but the first of isa imports something", () => {
    // If the pattern missed imports, the test above would see nothing wrong.
    const someImport = (path: string) => {
      return forbiddenImports(path.replace(/^src\/[^/]+/, "src/nowhere"), read(path)).length > 0;
    };
    const without = sources().filter((path) => !someImport(path));
    for (const path of without) expect(read(path), path).not.toMatch(/^(import|export .* from) /m);
  });

  it.each([
    ["src/isa/x.ts", 'import { a } from "../module/errors.ts";', "isa must not import module"],
    ["src/binary/x.ts", 'export * from "../validation/body.ts";', "must not import validation"],
    ["src/binary/x.ts", 'import type { A } from "../api/index.ts";', "must not import api"],
    ["src/disasm/x.ts", 'import "../validation/body.ts";', "disasm must not import validation"],
    ["src/api/x.ts", 'const a = await import("../cli/main.ts");', "api must not import cli"],
    ["src/api/x.ts", 'import { a } from "../interpreter/x.ts";', "api must not import interpreter"],
    ["src/js-api/x.ts", 'import type { A } from "../code/x.ts";', "js-api must not import code"],
    ["src/wasi/x.ts", 'import { a } from "../interpreter/x.ts";', "wasi must not import interp"],
    ["src/cli/x/y.ts", 'import { a } from "../../code/x.ts";', "cli must not import code"],
    [
      "src/api/x.ts",
      'import { readFileSync } from "node:fs";',
      "only cli and wasi/node* may import node:fs",
    ],
    ["src/wasi/x.ts", 'import { readFileSync } from "node:fs";', "wasi/node* may import node:fs"],
    ["src/wasi/x.ts", 'import { a } from "./node-streams.ts";', "must not import node-streams.ts"],
    ["src/wasi/x.ts", 'import { a } from "../cli/main.ts";', "wasi must not import cli"],
    ["src/api/x.ts", 'import fs from "fs";', "no runtime dependencies, but it imports fs"],
    ["src/cli/x.ts", 'import yargs from "yargs";', "but it imports yargs"],
    ["src/api/x.ts", 'import wabt from "wabt";', "but it imports wabt"],
    ["src/api/x.ts", 'import { a } from "../../test/isa/host.ts";', "api must not import"],
    ["src/api/x.ts", 'import { a } from "./types.js";', "lacks its extension .ts"],
    ["src/isa/rows/x.ts", 'import { a } from "../../module/names.ts";', "must not import module"],
    ["src/misc/x.ts", 'import { a } from "../isa/index.ts";', "misc has no place"],
    ["src/isa/x.ts", 'import {\n  a,\n  b,\n} from "../binary/cursor.ts";', "must not import"],
  ])("%s with %j is reported", (path, text, message) => {
    const found = forbiddenImports(path, `// A comment.\n\n${text}\n`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
    expect(found[0]).toMatch(new RegExp(`^${path}:${2 + text.split("\n").length}: `));
  });

  it.each([
    ["src/binary/x.ts", 'import { a } from "../isa/rows/numeric.ts";'],
    ["src/binary/x.ts", 'import { a } from "./cursor.ts";'],
    ["src/isa/rows/x.ts", 'import { a } from "../types.ts";'],
    ["src/cli/commands/x.ts", 'import { a } from "../../disasm/print.ts";'],
    ["src/wasi/node-x.ts", 'import { readFileSync } from "node:fs";'],
    ["src/wasi/node-x.ts", 'import { a } from "./node-y.ts";'],
    ["src/wasi/x.ts", 'import { a } from "../api/func.ts";'],
    ["src/cli/x.ts", 'import { parseArgs } from "node:util";'],
    ["src/cli/x.ts", 'const wabt = await import("wabt");'],
    ["src/api/x.ts", 'fill("from", ", "); read("import", "x");'],
    ["src/api/x.ts", 'const text = "read from " + name + " | ";'],
    ["src/api/x.ts", '/* import "node:fs" */ // import "node:fs"'],
  ])("%s with %j is fine", (path, text) => {
    expect(forbiddenImports(path, text)).toEqual([]);
  });

  it("go round in no circle", () => {
    expect(circles(new Map(sources().map((path) => [path, read(path)])))).toEqual([]);
  });

  it("that go round in a circle are found, also where names change hands", () => {
    const texts = new Map([
      ["src/a/1.ts", 'import { two } from "../b/2.ts";\nimport type { D } from "../d/4.ts";'],
      ["src/b/2.ts", 'export * from "../c/3.ts";'],
      ["src/c/3.ts", 'import {\n  type A,\n  one,\n} from "../a/1.ts";'],
      ["src/d/4.ts", 'import { three } from "../c/3.ts";'],
      ["src/e/5.ts", 'import type { F } from "./6.ts";'],
      ["src/e/6.ts", 'import "./5.ts";'],
    ]);
    expect(circles(texts)).toEqual([
      ["src/a/1.ts", "src/b/2.ts"],
      ["src/b/2.ts", "src/c/3.ts"],
      ["src/c/3.ts", "src/a/1.ts"],
    ]);
  });

  it("have a rule for every folder", () => {
    const folders = new Set(sources().map((path) => path.split("/")[1]));
    expect([...folders].filter((folder) => !MAY_IMPORT.has(folder))).toEqual([]);
  });
});

describe("files", () => {
  it("are at most 500 lines and open with a comment", () => {
    const wrong: string[] = [];
    const long: string[] = [];
    for (const path of sources().filter((file) => !GENERATED.test(file))) {
      const lines = read(path).split("\n");
      if (lines.length - 1 > MAX_LINES) long.push(path);
      if (!/^(#!.*\n)?\/\/ /.test(lines.slice(0, 2).join("\n"))) wrong.push(`${path}: no comment`);
    }
    expect(wrong).toEqual([]);
    // A file that is no longer too long leaves the list.
    expect(long).toEqual(LONG_FILES);
  });

  // Known to fail: comments, which the formatter leaves alone.
  it("have lines of at most 100 columns", () => {
    const files = sources().filter((path) => !GENERATED.test(path));
    const wide = files.flatMap((path) => {
      const lines = read(path).split("\n");
      return lines.flatMap((line, i) => (line.length > MAX_COLUMNS ? [`${path}:${i + 1}`] : []));
    });
    expect(wide).toEqual([]);
  });

  it("suppress no check and leave nothing to do", () => {
    const banned =
      /@ts-(ignore|expect-error|nocheck)|biome-ignore|eslint-disable|\bTODO\b|\bFIXME\b/;
    expect(sources().filter((path) => banned.test(read(path)))).toEqual([]);
  });
});

describe("the package", () => {
  const manifest = JSON.parse(read("package.json"));

  it("needs no other package at run time", () => {
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(manifest.optionalDependencies ?? {}).toEqual({});
    for (const name of Object.keys(manifest.peerDependencies ?? {})) {
      expect(manifest.peerDependenciesMeta?.[name], name).toEqual({ optional: true });
    }
  });

  const bundler = readFileSync(new URL("../../tools/bundle.mjs", import.meta.url), "utf8");

  it("has types first in every export, and exports what is built from src", () => {
    for (const [path, target] of Object.entries(manifest.exports)) {
      if (typeof target === "string") continue;
      expect(Object.keys(target as object)[0], path).toBe("types");
      // Code is bundled: the bundle is made from the module that the types are of.
      const { default: code, types } = target as Record<string, string>;
      const module = types.replace("./dist/", "").replace(".d.ts", "");
      const [, bundle] = /^\.\/dist\/portable\/(.+)\.js$/.exec(code) ?? [];
      expect(sources(), path).toContain(`src/${module}.ts`);
      expect(bundler.replaceAll('"', ""), path).toContain(` ${bundle}: path(${module}.js)`);
      // Node has a build of its own (tools/node-bundle.mjs).
      const { node } = target as { node: string | Record<string, string> };
      const file = `./dist/bundle/${bundle}${path === "./polyfill" ? "-node" : ""}`;
      if (typeof node === "string") expect(node, path).toBe(`${file}.js`);
      else expect(node, path).toEqual({ require: `${file}.cjs`, default: `${file}.js` });
    }
  });
});
