// A program of WASI: word count (fixtures/wasi/wc.c) over 4 MiB of text, beside `node:wasi` on the
// host's own WebAssembly. Whole processes take turns, by the clock, as a shell starts them; inside
// one process it is the CPU time of the first run and of later ones. All outputs are compared.

import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Bench,
  type Column,
  cpuSeconds,
  distUrl,
  loadPackage,
  median,
  ROOT,
  type Sample,
  type Task,
} from "./harness.ts";

const TEXT_BYTES = 4 * 2 ** 20;
const PROGRAM = fileURLToPath(new URL("fixtures/wasi/wc.wasm", ROOT));
const HOST_SCRIPT = fileURLToPath(new URL("bench/wasi-host.mjs", ROOT));

const SIDES = ["host", "ours"] as const;
type Side = (typeof SIDES)[number];

/** Words of random letters, of one to nine, in lines of about 75 characters. */
function randomText(): string {
  let state = 123_456_789;
  const below = (bound: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
  const words: string[] = [];
  let [length, column] = [0, 0];
  while (length < TEXT_BYTES) {
    const letters = Array.from({ length: 1 + below(5) + below(5) }, () => 97 + below(26));
    column += letters.length + 1;
    words.push(String.fromCharCode(...letters), column > 75 ? "\n" : " ");
    if (column > 75) column = 0;
    length += letters.length + 1;
  }
  return words.join("").slice(0, TEXT_BYTES);
}

/** Calls `action` with a folder in which the text is. */
async function withText<T>(action: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "wasmeter-bench-"));
  try {
    writeFileSync(join(folder, "text"), randomText());
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function withFile<T>(path: string, flags: string, action: (fd: number) => T): T {
  const fd = openSync(path, flags);
  try {
    return action(fd);
  } finally {
    closeSync(fd);
  }
}

function sameOutput(outputs: readonly string[]): void {
  const [first] = outputs;
  const wrong = outputs.find((output) => output !== first);
  if (wrong !== undefined) throw new Error(`outputs differ: ${first} and ${wrong}`);
}

/** Seconds by the clock of whole processes, and their outputs. */
function measureProcesses(folder: string, rounds: number): Sample {
  const cli = fileURLToPath(new URL("bundle/cli.js", distUrl()));
  const commands: Record<Side, readonly string[]> = {
    host: ["--no-warnings", HOST_SCRIPT, PROGRAM],
    ours: [cli, "run", PROGRAM],
  };
  const sample: Record<Side, number[]> = { host: [], ours: [] };
  const outputs: string[] = [];
  for (let round = 0; round <= rounds; round++) {
    for (const side of SIDES) {
      const began = performance.now();
      const output = withFile(join(folder, "text"), "r", (fd) => {
        return execFileSync(process.execPath, commands[side], { stdio: [fd, "pipe", "inherit"] });
      });
      // The first process of each kind reads files that the system has not at hand.
      if (round > 0) sample[side].push((performance.now() - began) / 1e3);
      outputs.push(output.toString());
    }
  }
  sameOutput(outputs);
  return sample;
}

/** The host's own WebAssembly, of which the language version we compile for knows nothing. */
interface HostWasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => object;
}

/** Gives a run of the program by the host; its output goes through a file. */
async function hostRunner(folder: string): Promise<() => string> {
  // Here, because it warns that it is experimental as soon as it is loaded.
  const { WASI } = await import("node:wasi");
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: HostWasm };
  const module = new WebAssembly.Module(readFileSync(PROGRAM));
  const out = join(folder, "out");
  return () => {
    withFile(join(folder, "text"), "r", (stdin) => {
      withFile(out, "w", (stdout) => {
        const wasi = new WASI({ version: "preview1", args: ["wc"], stdin, stdout });
        wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
      });
    });
    return readFileSync(out, "utf8");
  };
}

/** Gives a run of the program by wasmeter. */
async function ourRunner(folder: string): Promise<() => string> {
  const { Module, Store } = await loadPackage();
  const load = async (name: string) => await import(new URL(`bundle/${name}.js`, distUrl()).href);
  const { captureOutput, wasi } = (await load("wasi")) as typeof import("../src/wasi/index.ts");
  const { descriptorInput } = (await load("wasi-node")) as typeof import("../src/wasi/node.ts");
  const module = Module.from(readFileSync(PROGRAM));
  return () => {
    const stdout = captureOutput();
    withFile(join(folder, "text"), "r", (fd) => {
      const program = wasi({ args: ["wc"], stdin: descriptorInput(fd), stdout });
      program.run(new Store({ fuel: 2 ** 50 }).instantiate(module, program.imports));
    });
    return stdout.text;
  };
}

/** Seconds of CPU time of runs in this process, one side after the other. */
async function measureRuns(folder: string, runs: number): Promise<Sample> {
  const runners: Record<Side, () => string> = {
    host: await hostRunner(folder),
    ours: await ourRunner(folder),
  };
  const outputs: string[] = [];
  const times = SIDES.map((side) => {
    const sample = Array.from({ length: runs }, () => {
      const began = cpuSeconds();
      outputs.push(runners[side]());
      return cpuSeconds() - began;
    });
    return [side, sample] as const;
  });
  sameOutput(outputs);
  return Object.fromEntries(times);
}

const COLUMNS: readonly Column[] = [
  { key: "what", title: "word count over 4 MiB" },
  { key: "host", title: "host, ms", digits: 1 },
  { key: "ours", title: "wasmeter, ms", digits: 0 },
  { key: "ratio", title: "ratio", digits: 1 },
];

/** Runs of which the last half counts as warm. */
const RUNS = 12;

export const WASI_BENCH: Bench = {
  name: "wasi",
  nodeOptions: ["--no-warnings"],
  tasks(quick, selection) {
    const rounds = selection.runs ?? (quick ? 3 : 15);
    const processes = selection.processes ?? (quick ? 1 : 5);
    const inside = Array.from({ length: processes }, (): Task => ({ kind: "inside" }));
    return [{ kind: "processes", rounds }, ...inside];
  },
  measure(task) {
    return withText<Sample>((folder) => {
      if (task.kind === "processes") return measureProcesses(folder, Number(task.rounds));
      return measureRuns(folder, RUNS);
    });
  },
  report(results) {
    const row = (what: string, kind: string, pick: (times: readonly number[]) => number[]) => {
      const of = (side: Side) => {
        const samples = results.filter(([task]) => task.kind === kind);
        return median(samples.flatMap(([, sample]) => pick(sample[side])));
      };
      const [host, ours] = [of("host"), of("ours")];
      return { what, host: 1e3 * host, ours: 1e3 * ours, ratio: ours / host };
    };
    const rows = [
      row("whole process, by the clock", "processes", (times) => [...times]),
      row("first run in a process, CPU", "inside", ([first]) => [first]),
      row("warm, CPU", "inside", (times) => times.slice(-RUNS / 2)),
    ];
    const about =
      "The same WASI program on `wasmeter run` (dist/bundle/cli.js) and on node:wasi with the " +
      "host's own WebAssembly: whole processes that take turns, and runs inside a process with " +
      "compiled modules. Medians.";
    return { bench: "wasi", about, columns: COLUMNS, rows };
  },
};
