// The command line itself and `wasmeter validate`: what is printed where, and the exit codes
// (design, section 2), in this process. The real process is tested in process.test.ts.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  EMPTY,
  Folder,
  INVALID,
  MALFORMED,
  SIGN_EXTENSION,
  WIDE_ARITHMETIC,
  wasmeter,
} from "./support.ts";

let folder: Folder;
let valid: string;
let invalid: string;
let malformed: string;
let missing: string;

beforeAll(() => {
  folder = new Folder();
  valid = folder.write("valid.wasm", EMPTY);
  invalid = folder.write("invalid.wasm", INVALID);
  malformed = folder.write("malformed.wasm", MALFORMED);
  missing = join(folder.path, "missing.wasm");
});

afterAll(() => folder.remove());

/** The JSON objects that a run printed, one per line. */
function objects(out: string): Record<string, unknown>[] {
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("wasmeter", () => {
  it("without arguments shows the commands on stderr and exits 64", async () => {
    const { code, out, err } = await wasmeter([]);
    expect([code, out]).toEqual([64, ""]);
    expect(err).toMatch(/^usage: wasmeter COMMAND/);
    expect(err).toMatch(/^ {2}validate /m);
    expect(err).toMatch(/^ {2}spec /m);
  });

  it.each([["--help"], ["-h"], ["help"]])("%s shows the commands on stdout", async (word) => {
    const { code, out, err } = await wasmeter([word]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^usage: wasmeter COMMAND/);
  });

  it("--version gives the version of package.json", async () => {
    const url = new URL("../../package.json", import.meta.url);
    const { version } = JSON.parse(readFileSync(url, "utf8")) as { version: string };
    expect(await wasmeter(["--version"])).toEqual({
      code: 0,
      out: `wasmeter ${version}\n`,
      err: "",
    });
  });

  it("an unknown command is named, with the list of commands", async () => {
    const { code, out, err } = await wasmeter(["valdate", valid]);
    expect([code, out]).toEqual([64, ""]);
    expect(err).toContain('wasmeter: there is no command "valdate"\n');
    expect(err).toContain("usage: wasmeter COMMAND");
  });

  it.each([["--help"], ["-h"]])("validate %s shows its help", async (word) => {
    const { code, out, err } = await wasmeter(["validate", valid, word]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^usage: wasmeter validate/);
    expect(out).toContain("Exit code:");
  });

  it("--help behind -- is a file name", async () => {
    const { code, err } = await wasmeter(["validate", "--", "--help"]);
    expect(code).toBe(1);
    expect(err).toBe("wasmeter: cannot read --help: no such file\n");
  });

  it("an unknown option is named in front of a short usage", async () => {
    const { code, out, err } = await wasmeter(["validate", "--jsno", valid]);
    expect([code, out]).toEqual([64, ""]);
    expect(err).toMatch(
      /^wasmeter: unknown option --jsno; did you mean --json\?\n\nusage: wasmeter validate/,
    );
    expect(err).not.toContain("Exit code:");
  });
});

describe("wasmeter validate", () => {
  it("needs a file", async () => {
    const { code, err } = await wasmeter(["validate"]);
    expect(code).toBe(64);
    expect(err).toContain("no file to validate");
  });

  it("accepts a valid module", async () => {
    const run = await wasmeter(["validate", valid]);
    expect(run).toEqual({ code: 0, out: `${valid}: valid\n`, err: "" });
  });

  it("goes through all files, whatever happens", async () => {
    const { code, out, err } = await wasmeter(["validate", missing, invalid, malformed, valid]);
    expect(code).toBe(6);
    expect(out).toBe(`${valid}: valid\n`);
    const lines = err.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe(`wasmeter: cannot read ${missing}: no such file`);
    expect(lines[1]).toContain(`${invalid}: InvalidError: type mismatch`);
    expect(lines[1]).toContain("i32.add, function 0, offset 0x17");
    expect(lines[2]).toContain(`${malformed}: MalformedError: unexpected end`);
  });

  it("exits 1 if a file cannot be read and the others are valid", async () => {
    expect((await wasmeter(["validate", valid, missing, valid])).code).toBe(1);
  });

  it("--quiet prints nothing but errors", async () => {
    expect(await wasmeter(["validate", "-q", valid])).toEqual({ code: 0, out: "", err: "" });
    const { code, out, err } = await wasmeter(["validate", "--quiet", valid, invalid]);
    expect([code, out]).toEqual([6, ""]);
    expect(err).toContain("InvalidError");
  });

  it("--json prints an object per file, also for one that cannot be read", async () => {
    const { code, out } = await wasmeter(["validate", "--json", valid, invalid, missing]);
    expect(code).toBe(6);
    const [first, second, third, ...more] = objects(out);
    expect(more).toEqual([]);
    expect(first).toEqual({ file: valid, valid: true, bytes: 8, functions: 0 });
    expect(second).toMatchObject({
      file: invalid,
      valid: false,
      error: "InvalidError",
      offset: 0x17,
      section: "code",
      funcIndex: 0,
      instruction: "i32.add",
      expected: "i32",
    });
    expect(third).toMatchObject({ file: missing, valid: null, error: "HostError" });
  });

  it("reads standard input, in any chunks", async () => {
    const one = EMPTY.map((byte) => Uint8Array.of(byte));
    expect(await wasmeter(["validate", "-"], one)).toEqual({ code: 0, out: "-: valid\n", err: "" });
    const { code, err } = await wasmeter(["validate", "-"], [Uint8Array.from(INVALID)]);
    expect(code).toBe(6);
    expect(err).toMatch(/^-: InvalidError: type mismatch/);
  });

  it("empty standard input is an empty file, not a valid module", async () => {
    const { code, err } = await wasmeter(["validate", "-"]);
    expect(code).toBe(6);
    expect(err).toMatch(/^-: MalformedError: unexpected end/);
  });

  it("refuses to read standard input twice", async () => {
    const { code, err } = await wasmeter(["validate", "-", "-"], [Uint8Array.from(EMPTY)]);
    expect(code).toBe(64);
    expect(err).toContain("only once");
  });
});

describe("wasmeter validate --features", () => {
  it("switches proposals on and off", async () => {
    const sign = folder.write("sign.wasm", SIGN_EXTENSION);
    const wide = folder.write("wide.wasm", WIDE_ARITHMETIC);
    const code = async (...args: string[]) => (await wasmeter(["validate", ...args])).code;
    expect(await code(sign)).toBe(0);
    expect(await code("--features", "wasm1", sign)).toBe(6);
    expect(await code("--features", "wasm1,sign-extension", sign)).toBe(0);
    expect(await code("--features=-sign-extension", sign)).toBe(6);
    expect(await code("--features", "wasm3", wide)).toBe(6);
    expect(await code("--features", "wasm3,wide-arithmetic", wide)).toBe(0);
    expect(await code(wide)).toBe(0);
    expect(await code("--features", "all", sign, wide)).toBe(0);
  });

  it("names the instruction and the feature that is off", async () => {
    const wide = folder.write("wide.wasm", WIDE_ARITHMETIC);
    const { err } = await wasmeter(["validate", "--features=-wide-arithmetic", wide]);
    expect(err).toContain("i64.add128");
    expect(err).toContain("wide-arithmetic");
  });

  it("an unknown feature is named, with those that are known", async () => {
    const { code, err } = await wasmeter(["validate", "--features", "smid", valid]);
    expect(code).toBe(64);
    expect(err).toContain('unknown feature "smid"');
    expect(err).toMatch(/known: .*\bsimd\b/);
  });

  it.each([[["--features"]], [["--features", "-simd"]]])("%j lacks its list", async (args) => {
    const { code, err } = await wasmeter(["validate", valid, ...args]);
    expect(code).toBe(64);
    expect(err).toContain("--features");
  });
});

describe("files given by mistake", () => {
  it("a text file", async () => {
    const { code, err } = await wasmeter(["validate", folder.write("notes.wasm", "hello\n")]);
    expect(code).toBe(6);
    expect(err).toMatch(/MalformedError: magic header not detected: .*text/);
  });

  it("a .wat file under the name .wasm", async () => {
    const { code, err } = await wasmeter(["validate", folder.write("m.wasm", "(module)\n")]);
    expect(code).toBe(6);
    expect(err).toMatch(/magic header not detected: .*\.wat/);
  });

  it("an empty file", async () => {
    const { code, err } = await wasmeter(["validate", folder.write("empty.wasm", "")]);
    expect(code).toBe(6);
    expect(err).toMatch(/MalformedError: unexpected end: 0 bytes/);
  });

  it.each([["folder.wasm"], ["folder.wat"]])("a directory, %s", async (name) => {
    const path = join(folder.path, name);
    mkdirSync(path, { recursive: true });
    const { code, err } = await wasmeter(["validate", path]);
    expect(code).toBe(1);
    expect(err).toBe(`wasmeter: cannot read ${path}: it is a directory\n`);
  });
});

describe(".wat files, through wabt", () => {
  it("a valid module", async () => {
    const path = folder.write("valid.wat", '(module (func (export "f") (result i32) i32.const 1))');
    const { code, out } = await wasmeter(["validate", "--json", path]);
    expect(code).toBe(0);
    expect(objects(out)[0]).toMatchObject({ file: path, valid: true, functions: 1 });
  });

  it("an invalid module is assembled and refused by us", async () => {
    const path = folder.write(
      "invalid.wat",
      '(module (func (export "f") (result i32) i64.const 1))',
    );
    const { code, err } = await wasmeter(["validate", path]);
    expect(code).toBe(6);
    expect(err).toContain("InvalidError: type mismatch: expected i32, found i64");
    expect(err).toContain('function 0 "f"');
  });

  it("a syntax error is wabt's, with line and column", async () => {
    const path = folder.write("syntax.wat", "(module\n  (func nosuch))");
    const { code, err } = await wasmeter(["validate", path]);
    expect(code).toBe(1);
    expect(err).toContain(`wasmeter: cannot assemble ${path}: `);
    expect(err).toMatch(/syntax\.wat:2:\d+/);
  });

  it("a missing file", async () => {
    const path = join(folder.path, "missing.wat");
    const run = await wasmeter(["validate", path]);
    expect(run).toEqual({ code: 1, out: "", err: `wasmeter: cannot read ${path}: no such file\n` });
  });
});
