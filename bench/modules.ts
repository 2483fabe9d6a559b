// The real modules that benchmarks run over: WebAssembly files inside npm development dependencies,
// written in Go, C, C++ and Rust. Nothing is downloaded and nothing is copied.

import { readFileSync } from "node:fs";
import { ROOT } from "./harness.ts";

const FILES: Readonly<Record<string, string>> = {
  esbuild: "esbuild-wasm/esbuild.wasm",
  resvg: "@resvg/resvg-wasm/index_bg.wasm",
  tiktoken: "tiktoken/lite/tiktoken_bg.wasm",
  "sql.js": "sql.js/dist/sql-wasm.wasm",
  quickjs: "@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm",
};

/** Names of the real modules, the largest first. */
export const MODULE_NAMES: readonly string[] = Object.keys(FILES);

/** Where the real module `name` lies. */
export function moduleUrl(name: string): URL {
  const file = FILES[name];
  if (file === undefined) throw new RangeError(`unknown module "${name}"`);
  return new URL(`node_modules/${file}`, ROOT);
}

/** The bytes of the real module `name`. */
export function moduleBytes(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(moduleUrl(name)));
}
