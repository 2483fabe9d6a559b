// Runs one program with `node:wasi` on the host's own WebAssembly: the job is the only argument, as
// JSON. A process of its own for each, because uvwasi opens files and `proc_exit` ends it.

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const { args, env, root, wasm } = JSON.parse(process.argv[2]);
const preopens = root === null ? {} : { "/": root };
const wasi = new WASI({ version: "preview1", args, env, preopens, returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(wasm));
const instance = new WebAssembly.Instance(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
