// rollup's build for Wasm (wasm-bindgen, Rust: the parser and hashes): bundles modules that a plugin
// makes up.

import { program } from "./data.mjs";

export async function load() {
  return import("@rollup/wasm-node");
}

const FILES = {
  main: 'export { f3 } from "lib"; import("late").then(({ late }) => late());',
  lib: program(40),
  late: 'import { f7 } from "lib"; export const late = () => f7(class { static #x = 1 }, `t`);',
  broken: "const a = 1; const a = 2;",
};

const virtual = { resolveId: (id) => (id in FILES ? id : null), load: (id) => FILES[id] };

export async function job({ rollup, VERSION }) {
  const warnings = [];
  const bundle = await rollup({
    input: "main",
    plugins: [virtual],
    onwarn: ({ message }) => warnings.push(message),
  });
  const { output } = await bundle.generate({
    format: "esm",
    sourcemap: true,
    entryFileNames: "[name]-[hash].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await bundle.close();
  const chunks = output.map((chunk) => [chunk.fileName, chunk.code ?? chunk.source, chunk.exports]);
  const error = await rollup({ input: "broken", plugins: [virtual] }).then(
    () => "accepted",
    ({ message, code, loc }) => ({ message, code, loc }),
  );
  return { VERSION, chunks, warnings, error };
}
