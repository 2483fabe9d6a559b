// Runs one program of the suite with wasmeter: the job is the first argument, as JSON, the second
// says where its files are. Bundled before it is used, so that it starts fast.

import { readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Module, Store } from "../../src/api/index.ts";
import { makeRoom } from "../../src/cli/process.ts";
import {
  type FileSystem,
  memoryFileSystem,
  systemClock,
  systemRandom,
  type Tree,
  wasi,
} from "../../src/wasi/index.ts";
import type { Job } from "./suite.ts";

/** What a folder of the host holds, for a file system in memory. */
function treeOf(folder: string): Tree {
  const entries = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    return [entry.name, entry.isDirectory() ? treeOf(path) : readFileSync(path)] as const;
  });
  return Object.fromEntries(entries);
}

function inMemory(folder: string): FileSystem {
  return memoryFileSystem({ files: treeOf(folder), clock: systemClock() });
}

const { args, env, root, wasm } = JSON.parse(process.argv[2]) as Job;
const program = wasi({
  args,
  env,
  preopens: root === null ? {} : { "/": inMemory(root) },
  stdout: (bytes) => writeSync(1, bytes),
  stderr: (bytes) => writeSync(2, bytes),
  clock: systemClock(),
  random: systemRandom(),
});
const instance = new Store().instantiate(Module.from(readFileSync(wasm)), program.imports);
process.exitCode = program.run(instance);
makeRoom();
