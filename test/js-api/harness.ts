// Runs the official tests of the JavaScript API (https://github.com/WebAssembly/spec, test/js-api),
// each file in a process of its own, and judges the outcome against what is known to fail. The
// child's side, with the part of testharness.js that the tests use, is child.mjs. The suite is not
// part of the repository: README.md tells how to get it.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The suite's folder: `$WASMETER_JS_API_SUITE`, by default `../shared/js-api` beside the checkout. */
export const SUITE =
  process.env.WASMETER_JS_API_SUITE ??
  fileURLToPath(new URL("../../../shared/js-api", import.meta.url));

/** In the same form, with the suite's helpers: tests of finished proposals that it lacks. */
export const NEXT_SUITE =
  process.env.WASMETER_JS_API_NEXT_SUITE ??
  fileURLToPath(new URL("../../../shared/next/js-api", import.meta.url));

/** Both of them: what is judged is the whole. */
export const SUITE_IS_THERE =
  existsSync(join(SUITE, "wasm-module-builder.js")) && existsSync(NEXT_SUITE);

/** Says, once and in one line, that nothing is tested. */
export function warnOfAbsentSuite(): void {
  console.warn(
    `*** JS-API SUITE NOT FOUND at ${SUITE} and ${NEXT_SUITE}: NOTHING IS JUDGED ` +
      "(WASMETER_JS_API_SUITE, WASMETER_JS_API_NEXT_SUITE) ***",
  );
}

/** A test file in spite of its name. */
const IRREGULAR = "error-interfaces-no-symbol-tostringtag.js";

/** All test files of suites, as paths below their folders. */
export function testFiles(...suites: readonly string[]): string[] {
  const folders = suites.length > 0 ? suites : [SUITE, NEXT_SUITE];
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }))
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".any.js") || path === IRREGULAR)
    .sort();
}

/** Who provides `WebAssembly`: a command that runs Node, with its options. */
export type Engine = readonly string[];

/** Some tests hold modules of 1 GiB in arrays of numbers. */
const NODE_OPTIONS = ["--max-old-space-size=12288"];

/** This Node with the bundled polyfill at `path`. */
export function wasmeterEngine(path: string): Engine {
  return [process.execPath, ...NODE_OPTIONS, "--import", path];
}

/** The `WebAssembly` that is built into a Node: the one at hand, or that of `npx -y node@…`. */
export function nativeEngine(version: string | null): Engine {
  const command = version === null ? [process.execPath] : ["npx", "-y", `node@${version}`];
  return [...command, ...NODE_OPTIONS];
}

/** The outcome of one subtest; undefined as error: it did not come to an end. */
export interface Subtest {
  readonly name: string;
  readonly error?: string | null;
}

/** The outcome of a file. */
export interface FileResult {
  readonly file: string;
  readonly subtests: readonly Subtest[];
  /** What kept the file from registering all its subtests, or the process from ending well. */
  readonly harnessError: string | null;
  readonly milliseconds: number;
}

const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));
/** limits.any.js builds modules of 1 GiB and decodes them many times over. */
const DEFAULT_TIMEOUT = 600_000;

/** How a process ended, and what it wrote to standard error. */
interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

function runProcess(command: readonly string[], timeout: number): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command;
    // A group of its own, because npx puts a process between us and Node.
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, timeout);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stderr });
    });
  });
}

function parseReport(path: string): Pick<FileResult, "subtests" | "harnessError"> | null {
  if (!existsSync(path)) return null;
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const { harnessError } = JSON.parse(lines.pop() ?? "{}") as { harnessError: string | null };
  return { subtests: lines.map((line) => JSON.parse(line) as Subtest), harnessError };
}

/** Runs one file of the suite, or of the next one. */
export async function runFile(
  engine: Engine,
  file: string,
  { suite = SUITE, timeout = DEFAULT_TIMEOUT } = {},
): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), "wasmeter-js-api-"));
  const started = performance.now();
  try {
    const report = join(folder, "report.jsonl");
    const home = existsSync(join(suite, file)) ? suite : NEXT_SUITE;
    const path = join(home, file);
    const ending = await runProcess([...engine, CHILD, suite, path, report], timeout);
    const milliseconds = performance.now() - started;
    const parsed = parseReport(report);
    if (parsed !== null) return { file, ...parsed, milliseconds };
    const how = ending.signal ?? `exit code ${ending.code}`;
    const harnessError = `the process ended without a report (${how}): ${ending.stderr}`;
    return { file, subtests: [], harnessError, milliseconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs files, two at a time, and tells about each as it ends. */
export async function runFiles(
  engine: Engine,
  files: readonly string[],
  done: (result: FileResult) => void,
): Promise<void> {
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      done(await runFile(engine, file));
    }
  };
  await Promise.all([worker(), worker()]);
}
