// `wasmeter spec` over scripts written by hand: as wast2json (wabt 1.0.32) and wasm-tools write
// them, with and without a manifest. The conformance suite itself runs in spec-tests/.

import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EMPTY, Folder, INVALID, MALFORMED, WIDE_ARITHMETIC, wasmeter } from "./support.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

type Command = Readonly<Record<string, unknown>>;

/** Writes a script and the modules that its commands may name, into `into`. */
function script(into: string, name: string, commands: readonly Command[]): string {
  for (const [file, bytes] of [
    ["valid.wasm", EMPTY],
    ["invalid.wasm", INVALID],
    ["malformed.wasm", MALFORMED],
    ["wide.wasm", WIDE_ARITHMETIC],
  ] as const) {
    folder.write(join(into, file), bytes);
  }
  return folder.write(join(into, `${name}.json`), { source_filename: `${name}.wast`, commands });
}

const VALID = { filename: "valid.wasm", module_type: "binary" };
const BAD = { filename: "invalid.wasm", module_type: "binary", text: "type mismatch" };
const BROKEN = { filename: "malformed.wasm", module_type: "binary", text: "unexpected end" };
const TEXT = { filename: "some.wat", module_type: "text", text: "unexpected token" };
const ACTION = { type: "invoke", field: "f", args: [] };

/** One command of each kind, all of them fulfilled as far as they are judged. */
const GOOD: readonly Command[] = [
  { type: "module", line: 1, name: "$M", ...VALID },
  { type: "module_definition", line: 2, ...VALID },
  { type: "assert_invalid", line: 3, ...BAD },
  { type: "assert_malformed", line: 4, ...BROKEN },
  { type: "assert_malformed", line: 5, ...TEXT },
  { type: "module_instance", line: 6, module: "$M" },
  { type: "register", line: 7, as: "m" },
  { type: "action", line: 8, action: ACTION },
  { type: "assert_return", line: 9, action: ACTION, expected: [] },
  { type: "assert_trap", line: 10, action: ACTION, text: "unreachable" },
  { type: "assert_trap", line: 11, ...VALID, text: "unreachable" },
  { type: "assert_exhaustion", line: 12, action: ACTION, text: "call stack exhausted" },
  { type: "assert_exception", line: 13, action: ACTION },
  { type: "assert_unlinkable", line: 14, ...VALID, text: "unknown import" },
  { type: "assert_uninstantiable", line: 15, ...VALID, text: "unreachable" },
  { type: "assert_malformed_custom", line: 16, ...TEXT },
  { type: "assert_invalid_custom", line: 17, ...VALID, text: "no such" },
];

/** One command of each kind that is judged, none of them fulfilled. */
const WRONG: readonly Command[] = [
  { type: "module", line: 1, ...BAD },
  { type: "module_definition", line: 2, ...BROKEN },
  { type: "assert_invalid", line: 3, ...VALID, text: "type mismatch" },
  { type: "assert_invalid", line: 4, ...BROKEN, text: "type mismatch" },
  { type: "assert_malformed", line: 5, ...VALID, text: "unexpected end" },
  { type: "assert_malformed", line: 6, ...BAD, text: "unexpected end" },
  { type: "assert_unlinkable", line: 7, ...BAD, text: "unknown import" },
  { type: "assert_uninstantiable", line: 8, ...BAD, text: "unreachable" },
  { type: "assert_trap", line: 9, ...BROKEN, text: "unreachable" },
  { type: "module", line: 10, filename: "nosuch.wasm", module_type: "binary" },
  { type: "assert_invalid", line: 11, text: "type mismatch" },
];

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
  it("passes only what was judged, and skips what needs execution or is text", async () => {
    const { code, out, err } = await wasmeter(["spec", script("g", "good", GOOD)]);
    expect([code, err]).toEqual([0, ""]);
    expect(out.split("\n").slice(0, 2)).toEqual([
      "group  scripts  passed  failed  skipped",
      "g            1       4       0       13",
    ]);
    expect(lastLine(out)).toBe("4 passed, 0 failed, 13 skipped");
  });

  it("says of each failure where it is, what was expected and what happened", async () => {
    const { code, out } = await wasmeter(["spec", script("g", "wrong", WRONG)]);
    expect(code).toBe(1);
    expect(lastLine(out)).toBe("0 passed, 11 failed, 0 skipped");
    const lines = out.split("\n").filter((line) => line.startsWith("  g/wrong:"));
    expect(lines.map((line) => Number(line.split(":")[1].split(" ")[0]))).toEqual(
      WRONG.map(({ line }) => line),
    );
    expect(lines[0]).toMatch(/:1 module "type mismatch": the module was refused: InvalidError: t/);
    expect(lines[2]).toBe('  g/wrong:3 assert_invalid "type mismatch": the module was accepted');
    expect(lines[3]).toMatch(/InvalidError expected: MalformedError: unexpected end/);
    expect(lines[5]).toMatch(/MalformedError expected: InvalidError: type mismatch/);
    expect(lines[9]).toMatch(/cannot read .*nosuch\.wasm: no such file/);
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
    expect(rest).toMatchObject({ scripts: 2, passed: 4, failed: 11, skipped: 13 });
    expect(rest.groups).toEqual([{ group: "g", scripts: 2, passed: 4, failed: 11, skipped: 13 }]);
    expect(failures.map(({ line }) => line)).toEqual(WRONG.map(({ line }) => line));
  });

  it("--chunk changes nothing", async () => {
    const path = script("g", "wrong", [...GOOD, ...WRONG]);
    const whole = await wasmeter(["spec", "--verbose", path]);
    expect(await wasmeter(["spec", "--verbose", "--chunk", "1", path])).toEqual(whole);
    expect(await wasmeter(["spec", "--verbose", "--chunk=7", path])).toEqual(whole);
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
      { type: "assert_return_canonical_nan", line: 5, action: ACTION },
    ]);
    const { code, out } = await wasmeter(["spec", path]);
    expect([code, lastLine(out)]).toEqual([0, "2 passed, 0 failed, 3 skipped"]);
    expect(out).not.toContain("unknown command");
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
      expect(rest).toMatchObject({ scripts: 2, passed: 5, failed: 0 });
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
    expect(out).toMatch(/^out +2 +8 +0 +26$/m);
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
    expect(await json("--features", "default", root)).toMatchObject({ failed: 1 });
    const path = script("plain", "wide", [{ type: "module", line: 1, filename: "wide.wasm" }]);
    expect(await json(path)).toMatchObject({ failed: 1 });
    expect(await json("--features", "wide-arithmetic", path)).toMatchObject({ failed: 0 });
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

  it.each([["0"], ["-1"], ["1.5"], ["many"], [""]])("--chunk=%s is a mistake", async (chunk) => {
    const { code, err } = await wasmeter(["spec", `--chunk=${chunk}`, script("g", "a", GOOD)]);
    expect(code).toBe(64);
    expect(err).toContain("--chunk takes a number of bytes above 0");
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
    expect(out).toMatch(/passed means: the module was accepted/);
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
