// The namespace in processes that have no WebAssembly of their own (`node --jitless`), and in those
// that refuse to make code from strings: official tests and real packages, by the polyfill alone.

import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
import { PACKAGES, runPackage } from "../packages/packages.ts";
import { judge, readExpectations } from "./expectations.ts";
import { runFile, SUITE_IS_THERE, warnOfAbsentSuite, wasmeterEngine } from "./harness.ts";

if (!SUITE_IS_THERE) warnOfAbsentSuite();

/** What the flag takes away, as an expression that is true with it and false without it. */
const HOSTS = [
  ["--jitless", "typeof WebAssembly === 'undefined'"],
  [
    "--disallow-code-generation-from-strings",
    "(() => { try { return Function('return false')(); } catch { return true; } })()",
  ],
] as const;

/** Small files of the suite that between them use every class of the namespace. */
const FILES = [
  "interface.any.js",
  "constructor/instantiate.any.js",
  "exception/jsTag.tentative.any.js",
  "js-string/basic.any.js",
  "memory/grow.any.js",
  "table/grow.any.js",
];

/** wasm-bindgen and Emscripten glue; jobs that end in time without a compiler behind us. */
const JOBS = ["blake3", "sql"];

describe.each(HOSTS)("under node %s", (flag, evidence) => {
  let bundle: SourceBundle;
  const expectations = readExpectations();

  beforeAll(async () => {
    bundle = await bundleSource("js-api/polyfill.ts");
  });
  afterAll(() => bundle?.remove());

  it("something is missing that is there otherwise", () => {
    const ask = (...options: string[]) =>
      execFileSync(process.execPath, [...options, "--print", evidence], {
        encoding: "utf8",
      }).trim();
    expect(ask(flag)).toBe("true");
    expect(ask()).toBe("false");
  });

  it.skipIf(!SUITE_IS_THERE).each(FILES)("%s of the official tests passes", async (file) => {
    const [node, ...options] = wasmeterEngine(bundle.path);
    const result = await runFile([node, flag, ...options], file);
    const { problems } = judge(result, expectations.subtests[file], expectations.wasmeter[file]);
    expect(problems).toEqual([]);
  });

  it.each(JOBS)("the job of %s gives the host's result", async (job) => {
    const item = PACKAGES.find((candidate) => candidate.job === job);
    if (item === undefined) throw new Error(`no package ${job}`);
    const [expected, found] = await Promise.all([
      runPackage(item, null),
      runPackage(item, bundle.path, { options: [flag] }),
    ]);
    expect(found.native).toBe(false);
    expect(found.result).toEqual(expected.result);
  });
});
