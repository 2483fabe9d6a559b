// `wasmeter/polyfill` on Node: besides the global also the class `WASI` of `node:wasi`, which takes
// instances of the host's own WebAssembly only. Ours is loaded when a program makes the first
// object of it: most never do, and loading it takes as long as half the polyfill.

import { createRequire, syncBuiltinESMExports } from "node:module";
import { installGlobal } from "../js-api/install.ts";
import type { WASI } from "./node-wasi.ts";

type WasiClass = typeof WASI;

const require = createRequire(import.meta.url);

/** Made by tools/node-bundle.mjs. */
const load = (): WasiClass => require("./node-wasi.cjs").WASI;

/** Node warns that its module is experimental when it is loaded; what is used is not Node's. */
function nodeModule(): { WASI: object } {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return require("node:wasi");
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** No class: a proxy could not give another `prototype` than its own. */
function Late() {}

installGlobal();

nodeModule().WASI = new Proxy(Late, {
  construct: (_, args, newTarget) => {
    const Class = load();
    const extended = newTarget === nodeModule().WASI ? Class : newTarget;
    return Reflect.construct(Class, args, extended);
  },
  get: (_, key) => Reflect.get(load(), key),
});
// For `import { WASI } from "node:wasi"`.
syncBuiltinESMExports();
