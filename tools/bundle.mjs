// Bundles what the package ships: one file for each entry point, one for the command line, and what
// they share. A hundred small modules take 20 ms to load, one file 8 ms (docs/rationale.md).

import { rolldown } from "rolldown";

const path = (name) => new URL(`../dist/${name}`, import.meta.url).pathname;

const bundle = await rolldown({
  input: {
    index: path("api/index.js"),
    wasi: path("wasi/index.js"),
    "wasi-node": path("wasi/node.js"),
    cli: path("cli/main.js"),
  },
  external: [/^node:/, "wabt"],
  platform: "neutral",
  // Which modules run first must stay as it is written.
  treeshake: { moduleSideEffects: true },
});
await bundle.write({
  dir: path("bundle"),
  format: "esm",
  chunkFileNames: "shared.js",
  // Names and declarations stay: the interpreter's arrays must be constants, not `var`, which costs
  // its loop a fifth of its speed. White space and comments are a third of the time to load.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
});
await bundle.close();
