// Bundles what the package ships, for every engine, in dist/portable: one file for each entry point,
// one for the command line, and what they share. A hundred small modules take 20 ms to load, one
// file 8 ms (docs/rationale.md).

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rolldown } from "rolldown";
import { inLines } from "./lines.mjs";

const path = (name) => new URL(`../dist/${name}`, import.meta.url).pathname;

/** Puts the instruction table's packed form in place of its rows (src/isa/packed.ts says why). */
const packedInstructions = {
  name: "packed-instructions",
  async load(id) {
    if (id !== path("isa/instructions.js")) return null;
    const { INSTRUCTIONS } = await import(id);
    const { packRows } = await import(path("isa/packed.js"));
    const text = JSON.stringify(packRows(INSTRUCTIONS));
    return (
      'import { unpackRows } from "./packed.js";\n' +
      `export const INSTRUCTION_SET = unpackRows(${text});\n`
    );
  },
};

/** Modules that `wasmeter` itself needs; the graph is known only once the bundler has read it. */
let library = null;

function libraryModules(graph) {
  const found = new Set();
  const visit = (id) => {
    if (found.has(id)) return;
    found.add(id);
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) visit(imported);
  };
  visit(path("api/index.js"));
  return found;
}

const bundle = await rolldown({
  input: {
    index: path("api/index.js"),
    wasi: path("wasi/index.js"),
    "wasi-node": path("wasi/node.js"),
    "js-api": path("js-api/index.js"),
    polyfill: path("js-api/polyfill.js"),
    "polyfill-node": path("wasi/node-polyfill.js"),
    "node-wasi": path("wasi/node-wasi.js"),
    cli: path("cli/main.js"),
  },
  external: [/^node:/, "wabt"],
  platform: "neutral",
  // Which modules run first must stay as it is written.
  treeshake: { moduleSideEffects: true },
  plugins: [packedInstructions],
});
await bundle.write({
  dir: path("portable"),
  format: "esm",
  chunkFileNames: "chunk-[name].js",
  // The library is one chunk, and has nothing in it that only other entry points need; WASI and its
  // Node files are one each. Left alone, the bundler makes a chunk for each set of entry points,
  // half a millisecond each to load.
  codeSplitting: {
    groups: [
      {
        debugName: "library",
        priority: 3,
        name: (id, graph) => {
          library ??= libraryModules(graph);
          return library.has(id) ? "library" : null;
        },
      },
      { name: "wasi", priority: 2, test: /\/dist\/wasi\/(?!node)/ },
      { name: "node", priority: 1, test: /\/dist\/wasi\/node(?!-wasi|-polyfill)/ },
    ],
  },
  // What is left of the text after this is a quarter less to parse. Two things must survive: the
  // interpreter's arrays are `const` (as `var` they cost its loop a fifth of its speed), and the
  // names of functions and classes are what a person reads in stack traces and errors.
  minify: {
    compress: { target: "es2022", keepNames: { function: true, class: true } },
    mangle: { toplevel: true, keepNames: true },
    codegen: { removeWhitespace: true },
  },
});
await bundle.close();
for (const name of readdirSync(path("portable"))) {
  const file = `${path("portable")}/${name}`;
  writeFileSync(file, inLines(readFileSync(file, "utf8")));
}
