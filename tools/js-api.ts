// Runs files of the official JavaScript API tests and shows what fails:
// `tsx tools/js-api.ts [FILE…] [-v] [--native [--node VERSION]] [--counts]`. A FILE is a path below
// the suite's folder or a part of one; all by default. -v shows listed failures and whole errors;
// --native judges V8's own namespace, of `npx -y node@26` unless VERSION says otherwise.

import { parseArgs } from "node:util";
import { judge, readExpectations, type Verdict } from "../test/js-api/expectations.ts";
import {
  type FileResult,
  nativeEngine,
  runFiles,
  SUITE_IS_THERE,
  testFiles,
  warnOfAbsentSuite,
  wasmeterEngine,
} from "../test/js-api/harness.ts";
import { bundleSource } from "./bundle-source.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verbose: { type: "boolean", short: "v", default: false },
    native: { type: "boolean", default: false },
    node: { type: "string", default: "26" },
    counts: { type: "boolean", default: false },
  },
});

function showErrors({ subtests }: FileResult): void {
  subtests.forEach(({ name, error }, position) => {
    if (error !== null) console.log(`    ${position} ${name}\n      ${error ?? "did not end"}`);
  });
}

function show(result: FileResult, { passed, expected, problems }: Verdict): void {
  const seconds = (result.milliseconds / 1000).toFixed(1);
  const mark = problems.length === 0 ? "ok  " : "FAIL";
  const listed = expected > 0 ? `, ${expected} listed failures` : "";
  console.log(
    `${mark} ${result.file}: ${passed}/${result.subtests.length}${listed} (${seconds} s)`,
  );
  if (values.verbose) showErrors(result);
  for (const problem of problems) console.log(`    ${problem}`);
}

async function main(): Promise<void> {
  const expectations = readExpectations();
  const all = testFiles();
  const wanted = (file: string) => positionals.some((part) => file.includes(part));
  const files = positionals.length === 0 ? all : all.filter(wanted);
  if (files.length === 0) throw new RangeError(`no test file has ${positionals.join(" or ")}`);
  const bundle = values.native ? null : await bundleSource("js-api/polyfill.ts");
  const engine = bundle === null ? nativeEngine(values.node) : wasmeterEngine(bundle.path);
  const known = values.native ? expectations.v8 : expectations.wasmeter;
  const counts: [string, number][] = [];
  let passed = 0;
  let problems = 0;
  await runFiles(engine, files, (result) => {
    const verdict = judge(result, expectations.subtests[result.file], known[result.file]);
    show(result, verdict);
    counts.push([result.file, result.subtests.length]);
    passed += verdict.passed;
    problems += verdict.problems.length;
  });
  bundle?.remove();
  if (values.counts) console.log(JSON.stringify(Object.fromEntries(counts.sort()), null, 2));
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  console.log(`${passed} of ${total} subtests pass in ${files.length} files, ${problems} problems`);
  process.exitCode = problems === 0 ? 0 : 1;
}

if (SUITE_IS_THERE) await main();
else warnOfAbsentSuite();
