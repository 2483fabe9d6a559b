// What the command line prints of guests cannot act on a terminal, and nothing of ours is shown
// that belongs to nobody: minified source, stacks.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { visible } from "../../src/cli/text.ts";
import { Folder, wasmeter } from "./support.ts";

/** Escape, newline, C1, right-to-left override, in the text format. */
const NASTY = "a\\1b[31m\\0awasmeter: fake\\c2\\9b\\e2\\80\\ae";
const SHOWN = "a\\u001b[31m\\u000awasmeter: fake\\u009b\\u202e";
const WRITE = `(import "wasi_snapshot_preview1" "fd_write"
  (func $write (param i32 i32 i32 i32) (result i32)))`;

let folder: Folder;
const files: Record<string, string> = {};
beforeAll(() => {
  folder = new Folder();
  const texts = {
    exports: `(module (func (export "${NASTY}") (param i32)))`,
    imports: `(module (import "${NASTY}" "${NASTY}" (func)) (func (export "main")))`,
    memory: `(module (memory (export "${NASTY}") 1))`,
    both: `(module ${WRITE} (memory 1) (func (export "_start")) (func (export "_initialize")))`,
    start: `(module ${WRITE} (memory 1) (func (export "_start") (param i32)))`,
    library: `(module ${WRITE} (memory 1) (func (export "_initialize") (param i32))
      (func (export "main")))`,
    program: `(module ${WRITE} (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00")
      (data (i32.const 4) "\\09\\00\\00\\00\\1b[31mred\\0a")
      (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))))`,
  };
  for (const [name, text] of Object.entries(texts)) {
    files[name] = folder.write(`${name}.wat`, text);
  }
});
afterAll(() => folder.remove());

/** What a terminal would act on. */
const HIDDEN = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

it("escapes everything that cannot be seen", () => {
  expect(visible("plain ü 漢 😀")).toBe("plain ü 漢 😀");
  expect(visible("\0\t\n\r\x1b\x7f\x9b")).toBe("\\u0000\\u0009\\u000a\\u000d\\u001b\\u007f\\u009b");
  expect(visible("\u061c\u200b\u200e\u2028\u202e\u2066\ufeff\ud800")).toBe(
    "\\u061c\\u200b\\u200e\\u2028\\u202e\\u2066\\ufeff\\ud800",
  );
  expect(visible("\u{e0041}")).toBe("\\udb40\\udc41");
});

describe("names of guests", () => {
  it.each([
    ["run", "exports"],
    ["run", "memory"],
    ["run", "imports"],
    ["validate", "imports"],
    ["print", "imports"],
    ["dump", "imports", "-x"],
    ["dump", "exports", "-d"],
    ["dump", "imports", "-x", "--json"],
  ])("are escaped by %s of %s", async (command, file, ...options) => {
    const { err, out } = await wasmeter([command, ...options, files[file]]);
    expect(err + out).not.toMatch(HIDDEN);
    expect(err + out).not.toMatch(/^wasmeter: fake/m);
    expect(err + out).not.toBe("");
  });

  it("can still be read", async () => {
    const { code, err } = await wasmeter(["run", files.exports]);
    expect(code).toBe(7);
    expect(err).toContain(`func ${SHOWN} (i32) -> ()`);
    const json = await wasmeter(["dump", "-x", "--json", files.imports]);
    const { sections } = JSON.parse(json.out) as { sections: { items: { from?: string }[] }[] };
    expect(sections.flatMap(({ items }) => items).some(({ from }) => from?.includes("\x1b"))).toBe(
      true,
    );
  });

  it("of files, options and commands are escaped, too", async () => {
    for (const args of [
      ["run", "\x1b[31m.wasm"],
      ["run", "--\x1b"],
      ["\x9b"],
      ["validate", "\x9b"],
    ]) {
      const { err } = await wasmeter(args);
      expect(err).not.toMatch(HIDDEN);
      expect(err).toMatch(/\\u00/);
    }
  });
});

it("what a guest writes itself passes unchanged", async () => {
  expect(await wasmeter(["run", files.program])).toEqual({
    code: 0,
    out: "\x1b[31mred\n",
    err: "",
  });
});

describe("entries of WASI that there cannot be", () => {
  it.each([
    ["both", "it exports _start and _initialize, so it is neither"],
    ["start", "_start (i32) -> () is no entry of WASI"],
    ["library", "_initialize (i32) -> () is no entry of WASI"],
  ])("are wrong arguments: %s", async (file, message) => {
    const { code, err, out } = await wasmeter(["run", files[file]]);
    expect([code, out]).toEqual([7, ""]);
    expect(err).toContain(`wasmeter: ${message}`);
  });

  it("do not keep other functions from being called", async () => {
    expect((await wasmeter(["run", "--invoke", "_start", files.both])).code).toBe(0);
    expect((await wasmeter(["run", "--invoke", "_start", files.start, "1"])).code).toBe(0);
    expect((await wasmeter(["run", "--invoke", "main", files.library])).code).toBe(7);
  });
});

it("an error that nobody has foreseen is one line, and exit code 1", async () => {
  const environment = new Proxy(
    {},
    {
      getOwnPropertyDescriptor() {
        throw new RangeError(`\x1b${"x".repeat(50_000)}`);
      },
    },
  );
  const args = ["run", "--env", "HOME", files.program];
  const { code, err } = await wasmeter(args, [], { environment });
  expect(code).toBe(1);
  expect(err).toMatch(/^wasmeter: internal error: RangeError: \\u001bx+; please report it.*\n$/);
  expect(err.length).toBeLessThan(700);
});
