// The harness itself: every assertion of child.mjs can fail, scripts share one scope, and a file that
// loses subtests does not go unnoticed. Runs small suites written for the purpose.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judge } from "./expectations.ts";
import { nativeEngine, runFile, testFiles } from "./harness.ts";

const HOLDS: readonly string[] = [
  "assert_true(true)",
  "assert_false(false)",
  "assert_equals(NaN, NaN)",
  "assert_equals(1n, 1n)",
  "assert_not_equals(0, -0)",
  "assert_array_equals([1, NaN], [1, NaN])",
  "assert_throws_js(TypeError, () => null.x)",
  "promise_rejects_js(t, RangeError, Promise.reject(new RangeError()))",
  "assert_throws_exactly(value, () => { throw value; })",
  "assert_throws(new RangeError(), () => { throw new RangeError(); })",
  "promise_rejects(t, new RangeError(), Promise.reject(new RangeError()))",
  "assert_class_string([], 'Array')",
  "assert_own_property({ a: 1 }, 'a')",
  "assert_not_own_property({}, 'toString')",
  "format_value(Symbol('s')); format_value(Object.create(null)); format_value([-0, 1n])",
];

const FAILS: readonly string[] = [
  "assert_true(1)",
  "assert_false(0)",
  "assert_equals(0, -0)",
  "assert_equals(1n, 1)",
  "assert_not_equals(NaN, NaN)",
  "assert_array_equals([1, 2], [1])",
  "assert_array_equals([1, 2], [1, 3])",
  "assert_array_equals(undefined, [])",
  "assert_throws_js(TypeError, () => {})",
  "assert_throws_js(TypeError, () => { throw new RangeError(); })",
  "assert_throws_js(Error, () => { throw new RangeError(); })",
  "assert_throws_js(TypeError, () => { throw undefined; })",
  "assert_throws_js(TypeError, () => { throw Object.assign(new TypeError(), { name: 'X' }); })",
  "promise_rejects_js(t, RangeError, Promise.reject(new TypeError()))",
  "promise_rejects_js(t, RangeError, Promise.resolve(1))",
  "assert_throws_exactly(value, () => { throw { ...value }; })",
  "assert_throws_exactly(value, () => {})",
  "assert_throws(new RangeError(), () => { throw new TypeError(); })",
  "assert_throws(new RangeError(), () => {})",
  "promise_rejects(t, new RangeError(), Promise.resolve(1))",
  "promise_rejects(t, new RangeError(), Promise.reject(new TypeError()))",
  "assert_class_string({}, 'Array')",
  "assert_own_property({}, 'toString')",
  "assert_not_own_property({ a: 1 }, 'a')",
  "assert_unreached()",
  "t.unreached_func()()",
  "t.add_cleanup(() => { throw new Error('late'); })",
  "nobodyDefinesThis()",
];

/** A promise test with this body: assertions that return nothing work there, too. */
const asTest = (code: string) =>
  `promise_test(async (t) => { const value = {}; await (async () => { ${
    code.includes(";") && !code.includes("=>") ? code : `return ${code}`
  } })(); }, ${JSON.stringify(code)});\n`;

const FILES: Readonly<Record<string, string>> = {
  "holds.any.js": HOLDS.map(asTest).join(""),
  "fails.any.js": FAILS.map(asTest).join(""),
  "shared.js": "const shared = 1; class Both {}",
  "deep/own.js": "let own = shared + 1;",
  "deep/scope.any.js": [
    "// META: global=jsshell",
    "// META: script=/wasm/jsapi/shared.js",
    "// META: script=own.js",
    "var declared = 3;",
    "test(() => { assert_equals(shared + own, 3); new Both(); }, 'scripts share one scope');",
    "test(() => assert_equals(globalThis.declared, 3), 'a var is a property of the global');",
    "test(() => assert_equals(this, globalThis), 'this is the global');",
  ].join("\n"),
  "order.any.js": [
    "const order = [];",
    "promise_test(async () => { order.push('a'); await null; order.push('b'); }, 'one');",
    "promise_test(async () => { assert_array_equals(order, ['test', 'a', 'b']); }, 'two');",
    "promise_test(() => 1, 'no promise');",
    "test(() => { order.push('test'); });",
  ].join("\n"),
  "throws.any.js":
    "test(() => {}, 'before'); setup(() => { throw new Error('no'); }); test(() => {});",
  "rejects.any.js": "test(() => {}, 'a'); Promise.reject(new Error('nobody looks'));",
  "ends.any.js": "test(() => {}, 'a'); process.exit(0);",
  "hangs.any.js": "test(() => {}, 'a'); while (true);",
};

describe("the harness of the JavaScript API's tests", () => {
  const suite = mkdtempSync(join(tmpdir(), "wasmeter-suite-"));
  const run = (file: string, timeout = 60_000) =>
    runFile(nativeEngine(null), file, { suite, timeout });

  beforeAll(() => {
    for (const [file, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(suite, file)), { recursive: true });
      writeFileSync(join(suite, file), text);
    }
  });
  afterAll(() => rmSync(suite, { recursive: true, force: true }));

  it("finds the test files and not their helpers", () => {
    const tests = Object.keys(FILES).filter((file) => file.endsWith(".any.js"));
    expect(testFiles(suite)).toEqual(tests.sort());
  });

  it("passes what holds", async () => {
    const { subtests, harnessError } = await run("holds.any.js");
    expect(harnessError).toBeNull();
    expect(subtests.filter(({ error }) => error !== null)).toEqual([]);
    expect(subtests.map(({ name }) => name)).toEqual(HOLDS);
  });

  it("fails what does not hold", async () => {
    const { subtests, harnessError } = await run("fails.any.js");
    expect(harnessError).toBeNull();
    expect(subtests.filter(({ error }) => typeof error !== "string")).toEqual([]);
    expect(subtests.map(({ name }) => name)).toEqual(FAILS);
  });

  it("runs scripts in one global scope", async () => {
    const { subtests, harnessError } = await run("deep/scope.any.js");
    expect(harnessError).toBeNull();
    expect(subtests.map(({ error }) => error)).toEqual([null, null, null]);
  });

  it("runs promise tests after the script, one after the other", async () => {
    const { subtests } = await run("order.any.js");
    const outcome = subtests.map(({ name, error }) => `${name}: ${error === null}`);
    expect(outcome).toEqual(["one: true", "two: true", "no promise: false", ": true"]);
  });

  it.each([
    ["throws.any.js", "Error: no"],
    ["rejects.any.js", "Error: nobody looks"],
    ["ends.any.js", "without a report (exit code 0)"],
    ["hangs.any.js", "without a report (SIGKILL)"],
  ])("reports the harness error of %s", async (file, message) => {
    const result = await run(file, file === "hangs.any.js" ? 1_500 : 60_000);
    expect(result.harnessError).toContain(message);
    expect(judge(result, result.subtests.length).problems).toHaveLength(1);
  });
});

describe("the judgement", () => {
  const result = (...errors: readonly (string | null)[]) => ({
    file: "a.any.js",
    subtests: errors.map((error) => ({ name: "same", error })),
    harnessError: null,
    milliseconds: 1,
  });

  it("accepts what is listed, and counts it", () => {
    const verdict = judge(result(null, "Error"), 2, { "1 same": "known" });
    expect(verdict).toEqual({ passed: 1, expected: 1, problems: [] });
  });

  it.each([
    ["an unlisted failure", result(null, "Error: x\n  at y"), {}, "fails: 1 same: Error: x"],
    ["a listed success", result(null, null), { "1 same": "known" }, "take it off the list: 1 same"],
    ["fewer subtests", result(null), {}, "has 1 subtests, expected 2"],
    ["more subtests", result(null, null, null), {}, "has 3 subtests, expected 2"],
    ["a listed stranger", result(null, null), { "2 same": "known" }, "has not happened: 2 same"],
  ])("objects to %s", (_, outcome, known, problem) => {
    const { problems } = judge(outcome, 2, known);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it("accepts a script that is known to throw, and counts what it did not register", () => {
    const verdict = judge({ ...result(null), harnessError: "x" }, 3, { "harness error": "known" });
    expect(verdict).toEqual({ passed: 1, expected: 2, problems: [] });
    const { problems } = judge(result(null), 1, { "harness error": "known" });
    expect(problems).toEqual(["is listed, but has not happened: harness error"]);
  });

  it("objects to a file that it does not know", () => {
    expect(judge(result(null), undefined).problems).toHaveLength(1);
  });
});
