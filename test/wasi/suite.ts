// Runs the official WASI preview 1 test programs (https://github.com/WebAssembly/wasi-testsuite),
// in processes that a deadline stops, and each with a fresh copy of the folder it writes to. Judges
// them as the suite's README says. The suite is not part of the repository.

import { type ChildProcess, fork, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The suite's folder: `$WASMETER_WASI_SUITE`, by default `../shared/wasi-testsuite`. */
export const SUITE =
  process.env.WASMETER_WASI_SUITE ??
  fileURLToPath(new URL("../../../shared/wasi-testsuite", import.meta.url));

const TESTS = join(SUITE, "tests");

export const SUITE_IS_THERE = existsSync(TESTS);

/** Says, once and in one line, that nothing is tested. */
export function warnOfAbsentSuite(): void {
  console.warn(`*** WASI SUITE NOT FOUND at ${SUITE}: NOTHING IS JUDGED (WASMETER_WASI_SUITE) ***`);
}

/** A program of the suite, and what is expected of it. */
export interface Program {
  /** Language and file name without extension: `rust/fd_readdir`. */
  readonly name: string;
  readonly wasm: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The folder of which a copy is preopened as `/`; null: nothing is preopened. */
  readonly root: string | null;
  readonly exitCode: number;
  /** The exact output; null if any will do. */
  readonly stdout: string | null;
  readonly stderr: string | null;
}

/** The `.json` file beside a program; everything may be missing, also the file. */
interface Specification {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly root?: string | null;
  readonly exit_code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** All programs of the suite, sorted by name. */
export function suitePrograms(): Program[] {
  return readdirSync(TESTS, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".wasm"))
    .sort()
    .map((path) => programAt(join(TESTS, path), path.split(/[\\/]/)[0]));
}

function programAt(wasm: string, language: string): Program {
  const file = wasm.replace(/\.wasm$/, ".json");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "{}";
  const { args, env, root, exit_code, stdout, stderr } = JSON.parse(text) as Specification;
  return {
    name: `${language}/${basename(wasm, ".wasm")}`,
    wasm,
    args: args ?? [],
    env: env ?? {},
    root: root == null ? null : join(dirname(wasm), root),
    exitCode: exit_code ?? 0,
    stdout: stdout ?? null,
    stderr: stderr ?? null,
  };
}

/** What a process is told to run. */
export interface Job {
  readonly wasm: string;
  /** With `argv[0]`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The host's folder that is the guest's `/`. */
  readonly root: string | null;
}

/** How a program ended, and what it wrote. */
export interface Ending {
  /** null if it had to be stopped, or if something else than the program has ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Who runs programs; `timeout` is in milliseconds. */
export type Engine = (job: Job, timeout: number) => Promise<Ending>;

/** A process for each job, by its command line. */
export function processes(commandLineOf: (job: Job) => readonly string[]): Engine {
  return (job, timeout) => runProcess(commandLineOf(job), timeout);
}

/** Node's own WASI on the host's own WebAssembly: the proof that the runner judges rightly. */
export const nodeWasi: Engine = processes((job) => {
  const child = fileURLToPath(new URL("node-wasi.mjs", import.meta.url));
  return [process.execPath, "--no-warnings", child, JSON.stringify(job)];
});

/** The command line, with a directory of the host; `bundle` is that of main.ts. */
export function commandLine(bundle: string): Engine {
  return processes(({ args: [, ...words], env, root, wasm }) => {
    const variables = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    const directory = root === null ? [] : ["--dir", `${root}::/`];
    return [process.execPath, bundle, "run", ...directory, ...variables, wasm, ...words];
  });
}

/**
 * The library, with the file system in memory; `bundle` is that of child.ts. A process does one job
 * after the other, so that a program which leaves something behind harms the next one.
 */
export class LibraryInMemory {
  private readonly bundle: string;
  private readonly idle: ChildProcess[] = [];

  constructor(bundle: string) {
    this.bundle = bundle;
  }

  readonly run: Engine = (job, timeout) => {
    const child = this.idle.pop() ?? fork(this.bundle, { execArgv: [] });
    return new Promise((resolve) => {
      const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
      const finish = (ending: Ending) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(ending);
      };
      child.once("exit", () => finish({ code: null, stdout: "", stderr: "" }));
      child.once("message", (ending: Ending) => {
        this.idle.push(child);
        finish(ending);
      });
      child.send(job);
    });
  };

  /** Ends the processes. */
  close(): void {
    for (const child of this.idle) child.kill("SIGKILL");
  }
}

/** How a program went; `problem` is null if it did what is expected. */
export interface Result {
  readonly name: string;
  readonly problem: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** Longer than any program takes on a busy machine. */
const DEFAULT_TIMEOUT = 30_000;

/** Runs one program. A process that takes longer than `timeout` milliseconds is killed. */
export async function runProgram(
  engine: Engine,
  program: Program,
  timeout = DEFAULT_TIMEOUT,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "wasmeter-wasi-"));
  const { args, env, name, wasm } = program;
  try {
    const root = program.root === null ? null : writableCopy(program.root, join(folder, "root"));
    const job: Job = { wasm, args: [basename(wasm), ...args], env, root };
    const began = performance.now();
    const ending = await engine(job, timeout);
    const milliseconds = performance.now() - began;
    const { stderr, stdout } = ending;
    return { name, problem: judge(program, ending), stdout, stderr, milliseconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs programs, two at a time, and tells about each as it ends. */
export async function runPrograms(
  engine: Engine,
  programs: readonly Program[],
  done: (result: Result) => void,
): Promise<void> {
  const waiting = [...programs];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      done(await runProgram(engine, next));
    }
  };
  await Promise.all([worker(), worker()]);
}

/** A copy of a folder in which everything can be written, also if the suite is read-only. */
function writableCopy(from: string, to: string): string {
  cpSync(from, to, { recursive: true });
  const mode = { folder: 0o755, file: 0o644 };
  chmodSync(to, mode.folder);
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    chmodSync(path, entry.isDirectory() ? mode.folder : mode.file);
  }
  return to;
}

function runProcess([file, ...args]: readonly string[], timeout: number): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "pipe", timeout, killSignal: "SIGKILL" });
    // Ended, not absent: uvwasi cannot poll /dev/null. A program may end before we do this.
    child.stdin.on("error", () => undefined).end();
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
}

/** What is not as expected; null if nothing. */
function judge(program: Program, { code, stderr, stdout }: Ending): string | null {
  if (code === null) return "did not come to an end";
  if (code !== program.exitCode) return `exit code ${code}, expected ${program.exitCode}`;
  if (program.stdout !== null && stdout !== program.stdout) return differs("stdout", stdout);
  if (program.stderr !== null && stderr !== program.stderr) return differs("stderr", stderr);
  return null;
}

function differs(stream: string, found: string): string {
  return `unexpected ${stream}: ${JSON.stringify(found)}`;
}
