// Runs programs of the suite with the library, one after the other: jobs come as messages, and how
// each ended is told by one. Bundled before it is used, so that it starts fast.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Module, Store } from "../../src/api/index.ts";
import {
  captureOutput,
  type FileSystem,
  memoryFileSystem,
  systemClock,
  systemRandom,
  type Tree,
  wasi,
} from "../../src/wasi/index.ts";
import type { Ending, Job } from "./suite.ts";

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

function run({ args, env, root, wasm }: Job): Ending {
  const [stdout, stderr] = [captureOutput(), captureOutput()];
  const program = wasi({
    args,
    env,
    preopens: root === null ? {} : { "/": inMemory(root) },
    stdout,
    stderr,
    clock: systemClock(),
    random: systemRandom(),
  });
  const ended = (code: number | null, more = "") => {
    return { code, stdout: stdout.text, stderr: `${stderr.text}${more}` };
  };
  try {
    const module = Module.from(readFileSync(wasm));
    return ended(program.run(new Store().instantiate(module, program.imports)));
  } catch (error) {
    return ended(null, error instanceof Error ? error.stack : String(error));
  }
}

process.on("message", (job: Job) => process.send?.(run(job)));
