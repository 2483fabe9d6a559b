// `wasmeter` as a real process: standard input, exit codes, output streams, starting through a
// symbolic link as npm's `bin` entries do. What is printed is tested in validate.test.ts.

import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EMPTY, Folder, INVALID } from "./support.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = join(ROOT, "src", "cli", "main.ts");

let folder: Folder;
beforeAll(() => {
  folder = new Folder();
});
afterAll(() => folder.remove());

function start(args: readonly string[], input: readonly number[] = [], main = MAIN) {
  const run = spawnSync(process.execPath, ["--import", "tsx", main, ...args], {
    cwd: ROOT,
    input: Uint8Array.from(input),
    encoding: "utf8",
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

describe("the process", () => {
  it("validates several files", () => {
    const valid = folder.write("valid.wasm", EMPTY);
    const invalid = folder.write("invalid.wasm", INVALID);
    const { code, out, err } = start(["validate", valid, invalid]);
    expect(code).toBe(6);
    expect(out).toBe(`${valid}: valid\n`);
    expect(err).toContain(`${invalid}: InvalidError: type mismatch`);
  });

  it("reads standard input", () => {
    expect(start(["validate", "-"], EMPTY)).toEqual({ code: 0, out: "-: valid\n", err: "" });
    expect(start(["validate", "-"], INVALID).code).toBe(6);
  });

  it("exits 1 for a file that is missing, 64 for a mistake", () => {
    expect(start(["validate", join(folder.path, "missing.wasm")]).code).toBe(1);
    expect(start(["nosuch"]).code).toBe(64);
  });

  it("can be started through a symbolic link", () => {
    const link = join(folder.path, "wasmeter.ts");
    symlinkSync(MAIN, link);
    expect(start(["--version"], [], link).out).toMatch(/^wasmeter \d+\.\d+\.\d+\n$/);
  });

  it("runs a script whose report goes to stdout", () => {
    folder.write("s/s.0.wasm", EMPTY);
    const commands = [{ type: "module", line: 1, filename: "s.0.wasm" }];
    const path = folder.write("s/s.json", { source_filename: "s.wast", commands });
    const { code, out, err } = start(["spec", path]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/\n1 passed, 0 failed, 0 skipped\n$/);
  });
});
