// The namespace in processes that have no WebAssembly of their own (`node --jitless`), and in those
// that refuse to make code from strings: official tests and real packages, by the polyfill alone.

import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
import { PACKAGES, runPackage } from "../packages/packages.ts";
import { judge, readExpectations } from "./expectations.ts";
import {
  type FileResult,
  runFiles,
  SUITE_IS_THERE,
  testFiles,
  warnOfAbsentSuite,
  wasmeterEngine,
} from "./harness.ts";

if (!SUITE_IS_THERE) warnOfAbsentSuite();

/** What the flag takes away, as an expression that is true with it and false without it. */
const HOSTS = [
  ["--jitless", "typeof WebAssembly === 'undefined'", "jitless"],
  [
    "--disallow-code-generation-from-strings",
    "(() => { try { return Function('return false')(); } catch { return true; } })()",
    "wasmeter",
  ],
] as const;

/** All but the one that takes a minute where there is a compiler. */
const FILES = SUITE_IS_THERE ? testFiles().filter((file) => file !== "limits.any.js") : [];

/** wasm-bindgen and Emscripten glue; jobs that end in time without a compiler behind us. */
const JOBS = ["blake3", "sql"];

describe.each(HOSTS)("under node %s", (flag, evidence, list) => {
  let bundle: SourceBundle;
  const expectations = readExpectations();
  const results = new Map<string, FileResult>();

  beforeAll(async () => {
    bundle = await bundleSource("js-api/polyfill.ts");
    const [node, ...options] = wasmeterEngine(bundle.path);
    await runFiles([node, flag, ...options], FILES, (result) => results.set(result.file, result));
  }, 120_000);
  afterAll(() => bundle?.remove());

  it("something is missing that is there otherwise", () => {
    const ask = (...options: string[]) =>
      execFileSync(process.execPath, [...options, "--print", evidence], {
        encoding: "utf8",
      }).trim();
    expect(ask(flag)).toBe("true");
    expect(ask()).toBe("false");
  });

  it.skipIf(!SUITE_IS_THERE)("the official tests pass", () => {
    const problems = [...results.values()].flatMap((result) => {
      const { file } = result;
      const known = { ...expectations.wasmeter[file], ...expectations[list][file] };
      return judge(result, expectations.subtests[file], known).problems.map((p) => `${file} ${p}`);
    });
    expect(problems).toEqual([]);
    expect([...results.keys()].sort()).toEqual(FILES);
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
