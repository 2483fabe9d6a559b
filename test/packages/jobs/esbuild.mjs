// esbuild-wasm (Go, a module of 14 MB) in this thread, through its interface for browsers: transforms
// TypeScript and JSX, bundles files that a plugin makes up, reports errors.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { program, sha256 } from "./data.mjs";

export async function load() {
  const require = createRequire(import.meta.url);
  // Its interface for browsers wants the global under the name that it has there.
  globalThis.self = globalThis;
  const esbuild = require("esbuild-wasm/lib/browser.js");
  const bytes = readFileSync(require.resolve("esbuild-wasm/esbuild.wasm"));
  const wasmModule = await WebAssembly.compile(bytes);
  await esbuild.initialize({ wasmModule, worker: false });
  return esbuild;
}

const TYPESCRIPT = `
  interface Shape { readonly kind: "a" | "b"; size?: number }
  enum Level { low, high = 4 }
  abstract class Base<T extends Shape> { constructor(private readonly item: T) {}
    get kind(): T["kind"] { return this.item?.kind ?? "a"; } }
  export const view = (s: Shape) => <Panel {...s} level={Level.high}>text {s.size! ** 2}</Panel>;
  export default Base satisfies unknown;
`;

const FILES = {
  "main.js": 'import { f1, f2 } from "./lib.js"; import data from "./data.json"; f2(f1(data.n));',
  "lib.js": program(12),
  "data.json": '{ "n": [1, 2, 3], "unused": "é" }',
};

const virtual = {
  name: "virtual",
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ path }) => {
      return { path: path.replace("./", ""), namespace: "virtual" };
    });
    build.onLoad({ filter: /.*/, namespace: "virtual" }, ({ path }) => {
      return { contents: FILES[path], loader: path.endsWith("json") ? "json" : "js" };
    });
  },
};

export async function job(esbuild) {
  const options = { loader: "tsx", minify: true, sourcemap: true, target: "es2019" };
  const { code, map, warnings } = await esbuild.transform(TYPESCRIPT, options);
  const built = await esbuild.build({
    entryPoints: ["main.js"],
    bundle: true,
    write: false,
    format: "esm",
    metafile: true,
    treeShaking: true,
    plugins: [virtual],
  });
  const errors = await esbuild.transform("let a = ;\nlet a", {}).catch((error) => error.errors);
  const css = await esbuild.transform("a { &:hover { color: #ff0000 } }", {
    loader: "css",
    target: "chrome90",
  });
  return {
    version: esbuild.version,
    code,
    map,
    warnings,
    bundle: built.outputFiles[0].text,
    inputs: built.metafile.inputs,
    errors: errors.map(({ text, location }) => [text, location]),
    css: css.code,
    all: sha256((await esbuild.transform(program(100), { minify: true })).code),
  };
}
