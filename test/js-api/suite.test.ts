// The official tests of the JavaScript API on our namespace, each file in a process of its own in
// which the polyfill has replaced the global. `npx tsx tools/js-api.ts` shows more about a failure.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
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

describe.skipIf(!SUITE_IS_THERE)("the JavaScript API's official tests", () => {
  const expectations = readExpectations();
  const files = SUITE_IS_THERE ? testFiles() : [];
  const results = new Map<string, FileResult>();
  let bundle: SourceBundle;

  beforeAll(async () => {
    bundle = await bundleSource("js-api/polyfill.ts");
    const engine = wasmeterEngine(bundle.path);
    await runFiles(engine, files, (result) => results.set(result.file, result));
  }, 900_000);

  afterAll(() => bundle?.remove());

  it("are all there", () => {
    expect(files).toEqual(Object.keys(expectations.subtests).sort());
    const listed = Object.keys(expectations.wasmeter);
    expect(listed.filter((file) => !files.includes(file))).toEqual([]);
  });

  it.each(files)("%s", (file) => {
    const result = results.get(file);
    if (result === undefined) throw new Error(`${file} has not run`);
    const known = expectations.wasmeter[file];
    expect(judge(result, expectations.subtests[file], known).problems).toEqual([]);
  });
});
