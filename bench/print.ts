// The command line over real modules as a user runs it: wall-clock time of the whole process, with
// the output read by a pipe and thrown away. Commands that this build does not have are left blank.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  type Bench,
  type Column,
  distUrl,
  gather,
  median,
  type Row,
  type Sample,
  type Task,
} from "./harness.ts";
import { moduleUrl } from "./modules.ts";

const MODULES = ["esbuild", "sql.js"];
const COMMANDS = ["validate", "print", "dump -h", "dump -x", "dump -d"];
const USAGE_EXIT = 64;

/** Wall-clock seconds, bytes of output and exit code of one run. */
function runCommand(args: readonly string[]) {
  return new Promise<{ seconds: number; bytes: number; code: number | null }>((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
    let bytes = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ seconds: (performance.now() - started) / 1e3, bytes, code });
    });
  });
}

async function measure(task: Task): Promise<Sample> {
  const main = fileURLToPath(new URL("cli/main.js", distUrl()));
  const file = fileURLToPath(moduleUrl(String(task.module)));
  const sample = { seconds: [] as number[], bytes: [] as number[] };
  for (let i = 0; i < Number(task.runs); i++) {
    const words = String(task.command).split(" ");
    const { seconds, bytes, code } = await runCommand([main, ...words, file]);
    if (code === USAGE_EXIT) return {};
    if (code !== 0) throw new Error(`${task.command} ${task.module}: exit code ${code}`);
    sample.seconds.push(seconds);
    sample.bytes.push(bytes);
  }
  return sample;
}

const COLUMNS: readonly Column[] = [
  { key: "module", title: "module" },
  { key: "command", title: "command" },
  { key: "seconds", title: "time, s", digits: 2 },
  { key: "output", title: "output, MB", digits: 2 },
];

export const PRINT: Bench = {
  name: "print",
  tasks(quick) {
    const runs = quick ? 1 : 5;
    return MODULES.flatMap((module) => COMMANDS.map((command) => ({ module, command, runs })));
  },
  measure,
  report(results) {
    const rows: Row[] = MODULES.flatMap((module) =>
      COMMANDS.map((command) => {
        const values = (key: string) =>
          gather(results, key, (task) => task.module === module && task.command === command);
        if (values("seconds").length === 0) return { module, command };
        const output = median(values("bytes")) / 1e6;
        return { module, command, seconds: median(values("seconds")), output };
      }),
    );
    const about =
      "The command line on real modules: wall-clock time of the whole process, start of Node " +
      "included, and size of what it writes. Medians.";
    return { bench: "print", about, columns: COLUMNS, rows };
  },
};
