// `wasmeter spec` over scripts written by hand: as wast2json (wabt 1.0.32) and wasm-tools write
// them, with and without a manifest. The conformance suite itself runs in spec-tests/.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ACTION,
  BAD,
  BROKEN_ACTIONS,
  BROKEN_PROMISES,
  binary,
  type Command,
  FAILING,
  f32,
  GOOD,
  i32,
  invoke,
  MODULES,
  NOT_JUDGED,
  PAYLOAD,
  PROGRAM_COMMAND,
  returned,
  TEXT,
  WRONG,
} from "./spec-scripts.ts";
import { EMPTY, Folder, wasmeter } from "./support.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

/** Writes a script and the modules that its commands may name, into `into`. */
function script(into: string, name: string, commands: readonly Command[]): string {
  for (const [file, bytes] of MODULES) folder.write(join(into, file), [...bytes]);
  return folder.write(join(into, `${name}.json`), { source_filename: `${name}.wast`, commands });
}

function lastLine(out: string): string | undefined {
  return out.trimEnd().split("\n").at(-1);
}

async function json(...args: string[]) {
  const { out } = await wasmeter(["spec", "--json", ...args]);
  return JSON.parse(out) as {
    scripts: number;
    passed: number;
    failed: number;
    skipped: number;
    modules: number;
    groups: { group: string; scripts: number; passed: number; failed: number; skipped: number }[];
    failures: { group: string; name: string; line: number; type: string; reason: string }[];
    phrases: { of: number; agree: number };
  };
}

describe("verdicts", () => {
  it("every kind of command can pass, and what is not judged is skipped", async () => {
    const path = script("g", "good", [...GOOD, ...NOT_JUDGED]);
    const { code, out, err } = await wasmeter(["spec", path]);
    expect([code, err]).toEqual([0, ""]);
    expect(out.split("\n").slice(0, 2)).toEqual([
      "group  scripts  passed  failed  skipped",
      `g            1      ${GOOD.length}       0        ${NOT_JUDGED.length}`,
    ]);
    expect(lastLine(out)).toBe(`${GOOD.length} passed, 0 failed, ${NOT_JUDGED.length} skipped`);
  });

  it("every kind of command can fail, and says what was expected and what happened", async () => {
    const { code, out } = await wasmeter(["spec", script("g", "wrong", WRONG)]);
    expect(code).toBe(1);
    expect(lastLine(out)).toBe(`1 passed, ${FAILING} failed, 0 skipped`);
    const lines = out.split("\n").filter((line) => line.startsWith("  g/wrong:"));
    const reports = [...BROKEN_PROMISES, ...BROKEN_ACTIONS];
    expect(lines.length).toBe(reports.length);
    reports.forEach(([report], i) => expect(lines[i]).toMatch(report));
    expect(lines[1]).toMatch(/^ {2}g\/wrong:2 module "type mismatch": the module was refused/);
  });

  it("what follows a failed or skipped module fails or is skipped like it", async () => {
    const after = [returned(ACTION), { type: "register", as: "p" }];
    const { out } = await wasmeter([
      "spec",
      script("g", "a", [{ ...PROGRAM_COMMAND, ...BAD }, ...after]),
      script("g", "b", [{ ...PROGRAM_COMMAND, ...TEXT }, ...after]),
    ]);
    expect(lastLine(out)).toBe("0 passed, 3 failed, 3 skipped");
  });

  it("spectest has a shared memory in scripts about threads only", async () => {
    const commands = [{ type: "module", line: 1, ...binary("shared") }];
    expect(await json(script("proposals-threads", "a", commands))).toMatchObject({ failed: 0 });
    expect(await json(script("mvp", "a", commands))).toMatchObject({ failed: 1 });
  });

  it("a message in other words than the suite's is counted, not failed", async () => {
    const path = script("g", "words", [
      { type: "assert_invalid", line: 1, ...BAD },
      { type: "assert_invalid", line: 2, ...BAD, text: "unknown local" },
    ]);
    const { code, out } = await wasmeter(["spec", path]);
    expect([code, lastLine(out)]).toEqual([0, "2 passed, 0 failed, 0 skipped"]);
    expect(out).not.toContain("unknown local");
    const verbose = await wasmeter(["spec", "--verbose", path]);
    expect(verbose.out).toContain("phrases: 1 of 2 agree\n");
    expect(verbose.out).toContain('g/words:2 assert_invalid "unknown local": type mismatch');
    expect(lastLine(verbose.out)).toBe("2 passed, 0 failed, 0 skipped");
    expect((await json(path)).phrases).toEqual({ of: 2, agree: 1 });
  });

  it("a command nobody knows is skipped and reported", async () => {
    const path = script("g", "new", [{ type: "assert_levitation", line: 1 }]);
    const { code, out } = await wasmeter(["spec", path]);
    expect(code).toBe(0);
    expect(out).toContain("unknown command assert_levitation: 1 times");
    expect(lastLine(out)).toBe("0 passed, 0 failed, 1 skipped");
  });

  it("--json is one object with the same figures", async () => {
    script("g", "good", GOOD);
    const { failures, ...rest } = await json(script("g", "wrong", WRONG), join(folder.path, "g"));
    const counts = { passed: GOOD.length + 1, failed: FAILING, skipped: 0 };
    expect(rest).toMatchObject({ scripts: 2, ...counts });
    expect(rest.groups).toEqual([{ group: "g", scripts: 2, ...counts }]);
    expect(failures.map(({ line }) => line)).toEqual(
      WRONG.map(({ line }) => line).filter((line) => line !== 50),
    );
  });

  it("--chunk and --slice change nothing", async () => {
    const path = script("g", "wrong", [...GOOD, ...WRONG]);
    const whole = await wasmeter(["spec", "--verbose", path]);
    expect(await wasmeter(["spec", "--verbose", "--chunk", "1", path])).toEqual(whole);
    expect(await wasmeter(["spec", "--verbose", "--chunk=7", path])).toEqual(whole);
    expect(await wasmeter(["spec", "--verbose", "--slice=1", path])).toEqual(whole);
  });
});

describe("scripts as tools write them", () => {
  it("wast2json: no module_type for modules, text told by the name", async () => {
    const path = script("out", "plain", [
      { type: "module", line: 1, filename: "valid.wasm" },
      {
        type: "assert_invalid",
        line: 2,
        filename: "invalid.wasm",
        text: "x",
        module_type: "binary",
      },
      {
        type: "assert_malformed",
        line: 3,
        filename: "plain.2.wat",
        text: "x",
        module_type: "text",
      },
      { type: "assert_malformed", line: 4, filename: "plain.3.wat", text: "x" },
    ]);
    const { code, out } = await wasmeter(["spec", path]);
    expect([code, lastLine(out)]).toEqual([0, "2 passed, 0 failed, 2 skipped"]);
    expect(out).not.toContain("unknown command");
  });

  it("old versions of wast2json: NaNs and functions have commands of their own", async () => {
    const nan = { action: invoke("nan"), expected: [{ type: "f32" }] };
    const same = { action: invoke("same", f32(PAYLOAD)), expected: [{ type: "f32" }] };
    const path = script("out", "old", [
      PROGRAM_COMMAND,
      { type: "assert_return_canonical_nan", line: 2, ...nan },
      { type: "assert_return_arithmetic_nan", line: 3, ...nan },
      { type: "assert_return_func", line: 4, action: invoke("self"), expected: [] },
      { type: "assert_return_canonical_nan", line: 5, ...same },
      { type: "assert_return_arithmetic_nan", line: 6, ...same },
      { type: "assert_return_func", line: 7, action: invoke("__proto__"), expected: [] },
    ]);
    const { failures, passed } = await json(path);
    expect(passed).toBe(4);
    expect(failures.map(({ line }) => line)).toEqual([5, 6, 7]);
  });

  it("wasm-tools: the binary of a text module has its own field", async () => {
    const path = script("out", "tools", [
      { type: "module", line: 1, ...TEXT, binary_filename: "valid.wasm" },
      { type: "module", line: 2, ...TEXT, binary_filename: "invalid.wasm" },
      { type: "assert_malformed", line: 3, ...TEXT },
    ]);
    const { failures, ...rest } = await json(path);
    expect(rest).toMatchObject({ passed: 1, failed: 1, skipped: 1, modules: 2 });
    expect(failures[0]).toMatchObject({ group: "out", name: "tools", line: 2, type: "module" });
  });

  it("fields that are missing or unknown do no harm", async () => {
    const path = script("out", "odd", [{ type: "module", filename: "valid.wasm", colour: "blue" }]);
    expect(await json(path)).toMatchObject({ passed: 1, failed: 0, skipped: 0 });
  });
});

/** A suite with two groups; one of them needs a feature that is off by default. */
function suite(): string {
  const wide = { type: "module", line: 1, filename: "wide.wasm", module_type: "binary" };
  script("suite/json/mvp/one", "one", GOOD);
  script("suite/json/proposals-wide/two", "two", [wide]);
  folder.write(
    "suite/json/manifest.json",
    [
      ["proposals-wide", "two"],
      ["mvp", "one"],
    ].map(([group, name]) => ({ group, name, json: `json/${group}/${name}/${name}.json` })),
  );
  return join(folder.path, "suite");
}

describe("paths", () => {
  it("a suite: the folder above, the folder of the manifest, or the manifest", async () => {
    const root = suite();
    for (const path of [root, join(root, "json"), join(root, "json", "manifest.json")]) {
      const { groups, ...rest } = await json(path);
      expect(groups.map(({ group }) => group)).toEqual(["proposals-wide", "mvp"]);
      expect(rest).toMatchObject({ scripts: 2, passed: GOOD.length + 1, failed: 0 });
    }
  });

  it("a group, a script's folder, a script: the group is known by the folders", async () => {
    const root = join(suite(), "json", "proposals-wide");
    for (const path of [root, join(root, "two"), join(root, "two", "two.json")]) {
      const { groups } = await json(path);
      expect(groups).toEqual([
        { group: "proposals-wide", scripts: 1, passed: 1, failed: 0, skipped: 0 },
      ]);
    }
  });

  it("a folder of scripts; other JSON files in it are mentioned and ignored", async () => {
    script("out", "a", GOOD);
    script("out", "b", GOOD);
    folder.write("out/package.json", { name: "x" });
    const { code, out, err } = await wasmeter(["spec", join(folder.path, "out")]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^out +2 +${2 * GOOD.length} +0 +0$`, "m"));
    expect(err).toMatch(/^wasmeter: ignored, being no scripts: .*package\.json\n$/);
  });

  it("a script that is named twice runs once", async () => {
    const path = script("out", "a", GOOD);
    expect((await json(path, join(folder.path, "out"), path)).scripts).toBe(1);
  });
});

describe("options", () => {
  it("--features overrides what a group runs with", async () => {
    const root = suite();
    expect(await json("--features=-wide-arithmetic", root)).toMatchObject({ failed: 1 });
    const path = script("plain", "wide", [{ type: "module", line: 1, filename: "wide.wasm" }]);
    expect(await json(path)).toMatchObject({ failed: 0 });
    expect(await json("--features=-wide-arithmetic", path)).toMatchObject({ failed: 1 });
  });

  it("--group restricts, and may be repeated", async () => {
    const root = suite();
    expect((await json("--group", "mvp", root)).groups.map(({ group }) => group)).toEqual(["mvp"]);
    expect((await json("--group", "mvp", "--group", "proposals-wide", root)).scripts).toBe(2);
  });

  it("a group that is not there is a mistake", async () => {
    const { code, err } = await wasmeter(["spec", "--group", "simd", suite()]);
    expect(code).toBe(64);
    expect(err).toContain('there is no group "simd" here, only: proposals-wide, mvp');
  });

  it.each([["0"], ["-1"], ["1.5"], ["many"], [""]])("%s is no chunk, no slice", async (size) => {
    for (const option of ["chunk", "slice"]) {
      const { code, err } = await wasmeter(["spec", `--${option}=${size}`, script("g", "a", GOOD)]);
      expect(code).toBe(64);
      expect(err).toMatch(`--${option} takes a number of `);
    }
  });

  it("an unknown option, an unknown feature, no path", async () => {
    const path = script("g", "a", GOOD);
    expect((await wasmeter(["spec", "--fast", path])).code).toBe(64);
    expect((await wasmeter(["spec", "--features", "smid", path])).code).toBe(64);
    expect((await wasmeter(["spec"])).code).toBe(64);
  });

  it("--help says what passed means", async () => {
    const { code, out } = await wasmeter(["spec", "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/Every command is judged/);
  });
});

describe("known failures", () => {
  const failures = (lines: string) => ({
    reasons: { other: "it is wrong, too", wrong: "it really is wrong" },
    failures: { "g/a": { wrong: lines, other: "2" } },
  });
  const commands = [
    PROGRAM_COMMAND,
    { ...returned(ACTION, i32("1")), line: 2 },
    { ...returned(ACTION, i32("1")), line: 3 },
    { ...returned(ACTION), line: 4 },
  ];
  const run = async (lines: string, ...options: string[]) => {
    const file = folder.write("expect.json", failures(lines));
    const path = script("g", "a", commands);
    return { file, ...(await wasmeter(["spec", "--expect", file, ...options, path])) };
  };

  it("exactly these: exit 0, and nothing is called a failure", async () => {
    const { code, out } = await run("3");
    expect([code, lastLine(out)]).toEqual([0, "2 passed, 2 failed, 0 skipped"]);
    expect(out).toContain("2 failures are expected, 0 are not\n");
    expect(out).not.toContain("failures:");
  });

  it("one more, or one that does not fail: exit 1, and which it is", async () => {
    const { code, out } = await run("4");
    expect(code).toBe(1);
    expect(out).toContain("1 failures are expected, 1 are not\n");
    expect(out).toContain("listed as failures, but they do not fail:\n  g/a:4\n");
    expect(out).toContain("failures:\n  g/a:3 assert_return: found (), expected (i32 1)\n");
    const { comparison } = JSON.parse((await run("4", "--json")).out);
    expect(comparison).toEqual({ expected: 1, unlisted: ["g/a:3"], passing: ["g/a:4"] });
  });

  it("--shrink takes out what does not fail any more, and adds nothing", async () => {
    const { code, file } = await run("3 4", "--shrink");
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(failures("3"));
    const other = await run("4", "--shrink");
    expect(other.code).toBe(1);
    expect(JSON.parse(readFileSync(other.file, "utf8")).failures).toEqual({
      "g/a": { other: "2" },
    });
  });

  it("a list that is none, or is missing, or --shrink without one", async () => {
    const path = script("g", "a", commands);
    const file = folder.write("broken.json", { failures: {} });
    const broken = await wasmeter(["spec", "--expect", file, path]);
    expect([broken.code, broken.err]).toEqual([1, expect.stringMatching(/reasons must be an obj/)]);
    expect((await wasmeter(["spec", "--expect", join(folder.path, "no"), path])).code).toBe(1);
    expect((await wasmeter(["spec", "--shrink", path])).code).toBe(64);
  });
});

describe("what cannot be read", () => {
  const cases: [string, () => string, RegExp][] = [
    ["a missing path", () => join(folder.path, "nosuch"), /cannot read .*nosuch: no such file/],
    ["an empty folder", () => folder.path, /no script \(\.json\) in /],
    ["a module", () => folder.write("m.wasm", EMPTY), /m\.wasm is no \.json file/],
    ["broken JSON", () => folder.write("a.json", '{"commands": ['), /a\.json is not JSON/],
    ["other JSON", () => folder.write("a.json", { x: 1 }), /a\.json is no script/],
    ["a bad command", () => folder.write("a.json", { commands: [7] }), /command 0 has no type/],
    [
      "a bad action",
      () => folder.write("a.json", { commands: [{ type: "action", action: {} }] }),
      /command 0: its action lacks type or field/,
    ],
    [
      "a bad value",
      () => folder.write("a.json", { commands: [{ type: "assert_return", expected: [1] }] }),
      /command 0: a value has no type/,
    ],
    ["only other JSON", () => dirname(folder.write("o/a.json", {})), /there is no script/],
    [
      "a manifest that names a missing file",
      () => folder.write("manifest.json", [{ group: "g", name: "n", json: "n.json" }]),
      /names n\.json, which does not exist/,
    ],
  ];

  it.each(cases)("%s exits 1", async (_title, path, message) => {
    const { code, out, err } = await wasmeter(["spec", path()]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(message);
  });
});
