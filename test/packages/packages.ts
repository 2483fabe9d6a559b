// The packages of the end-to-end test and of the benchmark, and how a process does the job of one:
// on the host's own WebAssembly, or with the polyfill imported before anything else. The jobs are in
// jobs/, plain JavaScript that knows nothing of us.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A package with a job. */
export interface Package {
  /** Name of the file in jobs/. */
  readonly job: string;
  /** Names of the npm packages and what made their Wasm. */
  readonly title: string;
  /** Options of Node that the job needs on the host's own WebAssembly only. */
  readonly nativeOptions?: readonly string[];
  /** Milliseconds that a process may take. */
  readonly timeout?: number;
}

/** For most: they take a few seconds. */
export const TIMEOUT = 120_000;

export const PACKAGES: readonly Package[] = [
  { job: "sql", title: "sql.js (Emscripten)" },
  // The guest recurses 2,000 calls deep: too deep for V8's stack of 1 MB.
  {
    job: "quickjs",
    title: "quickjs-emscripten (Emscripten)",
    nativeOptions: ["--stack-size=6000"],
  },
  { job: "tiktoken", title: "tiktoken (wasm-bindgen)" },
  { job: "source-map", title: "source-map 0.7 (Rust)" },
  { job: "tree-sitter", title: "web-tree-sitter, JavaScript (Emscripten)" },
  { job: "hashes", title: "hash-wasm, 25 functions (C)" },
  { job: "blake3", title: "blake3-wasm (wasm-bindgen)" },
  { job: "brotli", title: "brotli-wasm (wasm-bindgen)" },
  { job: "zstd", title: "@bokuweb/zstd-wasm (Emscripten)" },
  { job: "esbuild", title: "esbuild-wasm (Go)" },
  { job: "swc", title: "@swc/wasm, 18 MB (wasm-bindgen)" },
  { job: "rollup", title: "@rollup/wasm-node (wasm-bindgen)" },
  { job: "wabt", title: "wabt (Emscripten)" },
  { job: "es-module-lexer", title: "es-module-lexer (C, vectors)" },
  { job: "as-sha256", title: "@chainsafe/as-sha256 (AssemblyScript, vectors)" },
  { job: "graphviz", title: "@hpcc-js/wasm-graphviz (Emscripten, vectors)" },
  { job: "magick", title: "@imagemagick/magick-wasm, 15 MB (Emscripten, vectors)" },
  { job: "mupdf", title: "mupdf (Emscripten, legacy exceptions)" },
  // To start takes Python more than 10^10 instructions.
  {
    job: "pyodide",
    title: "pyodide (Emscripten, legacy exceptions, some GC)",
    timeout: 600_000,
  },
];

/**
 * Does the same on the host by other means where that has no JavaScript Promise Integration: the
 * results can be compared, the times cannot.
 */
export const SUSPENDING_PACKAGE: Package = {
  job: "wa-sqlite",
  title: "wa-sqlite, with promises (Emscripten)",
};

/** Milliseconds of a step. */
export interface StepTime {
  readonly wall: number;
  readonly cpu: number;
}

/** What a process reports. */
export interface JobReport {
  /** Whether `WebAssembly` was the host's own. */
  readonly native: boolean;
  readonly load: StepTime;
  /** The job's runs, one after the other. */
  readonly jobs: readonly StepTime[];
  /** Most bytes that the process had resident up to the end of the first; 0: not known. */
  readonly peak: number;
  /** The job's result, the same for every right engine and in every run. */
  readonly result: unknown;
}

const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));
const MEBIBYTE = 2 ** 20;
/** Node shows the line of source that threw, which may be all of a bundle. */
const LONG_LINE = /^.{300,}$/gm;

/**
 * Does a package's job in a process of its own, with `polyfill` imported first, the path of a bundle
 * or a URL; null: on the host's WebAssembly. `options` go to Node; `runs` is how often the job is done. Rejects if
 * the process fails, with what it wrote to standard error, or takes longer than it may.
 */
export function runPackage(
  { job, nativeOptions = [], timeout = TIMEOUT }: Package,
  polyfill: string | null,
  { options = [] as readonly string[], runs = 1 } = {},
): Promise<JobReport> {
  const engine = polyfill === null ? nativeOptions : ["--import", polyfill];
  const args = [...options, ...engine, CHILD, job, String(runs)];
  const settings = { timeout, maxBuffer: 64 * MEBIBYTE, killSignal: "SIGKILL" } as const;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, settings, (error, stdout, stderr) => {
      if (error === null) {
        resolve(JSON.parse(stdout) as JobReport);
        return;
      }
      const why = stderr.replace(LONG_LINE, "[…]") || error.message;
      reject(new Error(`${job}: ${error.killed ? "timed out" : why}`));
    });
  });
}
