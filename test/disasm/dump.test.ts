// `wasmeter dump` and `wasmeter print` on modules written byte by byte: offsets and bytes are
// counted by hand.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Folder, wasmeter } from "../cli/support.ts";
import {
  body,
  functionSections,
  functions,
  module,
  nameMap,
  names,
  section,
  text,
  vector,
} from "./bytes.ts";

const folder = new Folder();
afterAll(() => folder.remove());

function file(name: string, bytes: Uint8Array): string {
  return folder.write(name, [...bytes]);
}

/** nop;  i32.const 1, if, nop, end; named. The first body begins at 0x17. */
const small = module(
  ...functionSections(body(0x01, 0x0b), body(0x41, 0x01, 0x04, 0x40, 0x01, 0x0b, 0x0b)),
  names({ 1: nameMap({ 1: "second one" }) }),
);
/** 0xff is no instruction; it is at offset 0x19. */
const broken = functions(body(0x01, 0xff, 0x0b), body(0x00, 0x0b));

async function lines(...args: string[]): Promise<string[]> {
  const { code, out, err } = await wasmeter(args);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out.split("\n").map((line) => line.trimEnd());
}

test("-h: sections with offsets, sizes and counts", async () => {
  const [title, , ...table] = await lines("dump", "-h", file("small.wasm", small));
  expect(title).toMatch(/small\.wasm: 57 bytes, 4 sections$/);
  expect(table.map((line) => line.split(/ {2,}/).map((cell) => cell.trim()))).toEqual([
    ["id", "section", "start", "end", "size", "count"],
    ["1", "type", "00000a", "00000e", "4", "1"],
    ["3", "function", "000010", "000013", "3", "2"],
    ["10", "code", "000015", "000023", "14", "2"],
    ["0", "custom", "000025", "000039", "20", '"name"'],
    [""],
  ]);
});

test("-d: offset, bytes, indented instruction", async () => {
  const [, ...rest] = await lines("dump", "-d", file("small.wasm", small));
  expect(rest).toEqual([
    "",
    "000017 func[0] (type 0):",
    ` 000017: ${"00".padEnd(26)} | (local)`,
    ` 000018: ${"01".padEnd(26)} | nop`,
    ` 000019: ${"0b".padEnd(26)} | end`,
    "",
    '00001b func[1] "second one" (type 0):',
    ` 00001b: ${"00".padEnd(26)} | (local)`,
    ` 00001c: ${"41 01".padEnd(26)} | i32.const 1`,
    ` 00001e: ${"04 40".padEnd(26)} | if (;@1;)`,
    ` 000020: ${"01".padEnd(26)} |   nop`,
    ` 000021: ${"0b".padEnd(26)} | end`,
    ` 000022: ${"0b".padEnd(26)} | end`,
    "",
  ]);
});

test("-d: a broken body shows the error in its place, and the others", async () => {
  const { code, out, err } = await wasmeter(["dump", "-d", file("broken.wasm", broken)]);
  expect(code).toBe(6);
  const message = "illegal opcode ff (function 0, offset 0x19)";
  expect(err).toBe(`wasmeter: MalformedError: ${message}\n`);
  expect(out.split("\n").slice(2, -1)).toEqual([
    "000017 func[0] (type 0):",
    ` 000017: ${"00".padEnd(26)} | (local)`,
    ` 000018: ${"01".padEnd(26)} | nop`,
    ` 000019: ${"ff 0b".padEnd(26)} | error: ${message}`,
    "",
    "00001c func[1] (type 0):",
    ` 00001c: ${"00".padEnd(26)} | (local)`,
    ` 00001d: ${"00".padEnd(26)} | unreachable`,
    ` 00001e: ${"0b".padEnd(26)} | end`,
  ]);
});

test("long instructions take several lines", async () => {
  const bytes = functions(body(0x0e, 0x0b, ...new Array<number>(12).fill(0), 0x0b));
  const rows = await lines("dump", "-d", file("table.wasm", bytes));
  expect(rows.slice(4, 6)).toEqual([
    " 000017: 0e 0b 00 00 00 00 00 00 00 | br_table 0 0 0 0 0 0 0 0 0 0 0 0",
    " 000020: 00 00 00 00 00             |",
  ]);
});

test("-x: the entries of every section", async () => {
  const bytes = module(
    section(1, vector([0x60, 0x01, 0x7f, 0x00])),
    section(2, vector([...text("env"), ...text('a "b"'), 0x00, 0x00])),
    section(3, vector([0])),
    section(5, vector([0x01, 0x01, 0x02])),
    section(6, vector([0x7f, 0x01, 0x41, 0x2a, 0x0b])),
    section(7, vector([...text("run"), 0x00, 0x01])),
    section(10, vector(body(0x0b))),
    section(11, vector([0x00, 0x41, 0x08, 0x0b, ...text("hi")])),
    section(0, [...text("extra"), 0xde, 0xad]),
    names({ 1: nameMap({ 1: "run" }) }),
  );
  const rows = await lines("dump", "-x", file("full.wasm", bytes));
  expect(rows.filter((line) => line.startsWith("  ")).map((line) => line.trim())).toEqual([
    "type[0]  type=(func (param i32))",
    'func[0]  from="env"  field="a \\22b\\22"  type=(type 0) (param i32)  @ 000012',
    'func[1]  name="run"  type=0',
    "memory[0]  type=1 2  @ 000025",
    "global[0]  type=(mut i32)  init=i32.const 42  @ 00002b",
    'func[1]  name="run"  as="run"  @ 000033',
    'func[1]  name="run"  size=2  @ 00003d',
    "data[0]  mode=active  memory=0  at=i32.const 8  size=2  bytes=68 69  @ 000042",
    "bytes  bytes=de ad",
    'func[1]  name="run"',
  ]);
});

test("--json has the same facts", async () => {
  const { code, out } = await wasmeter(["dump", "-hx", "--json", file("small.wasm", small)]);
  expect(code).toBe(0);
  const { bytes, sections } = JSON.parse(out);
  expect(bytes).toBe(57);
  expect(sections[1]).toEqual({
    ...{ id: 3, section: "function", start: 0x10, end: 0x13, size: 3, count: 2, name: null },
    items: [
      { item: "func[0]", type: 0 },
      { item: "func[1]", name: "second one", type: 0 },
    ],
  });
  expect(sections[3].items).toEqual([{ item: "func[1]", name: "second one" }]);
});

test("a module that breaks off is shown up to there", async () => {
  const cut = file("cut.wasm", small.subarray(0, 0x20));
  const { code, out, err } = await wasmeter(["dump", "-hd", cut]);
  expect(code).toBe(6);
  expect(err).toMatch(/^wasmeter: MalformedError: unexpected end: 3 bytes are missing/);
  expect(out).toContain("000018: 01");
  expect(out).toMatch(/^10 {2}code +000015 {2}000023/m);
});

test("mistakes on the command line", async () => {
  const path = file("small.wasm", small);
  expect((await wasmeter(["dump", path])).code).toBe(64);
  expect((await wasmeter(["dump", "-d", "--json", path])).code).toBe(64);
  expect((await wasmeter(["dump", "-h", path, path])).code).toBe(64);
  expect((await wasmeter(["print"])).code).toBe(64);
  expect((await wasmeter(["print", join(folder.path, "none.wasm")])).code).toBe(1);
});

test("print: to standard output, to a file, broken, malformed, from text", async () => {
  const path = file("small.wasm", small);
  const { code, out } = await wasmeter(["print", path]);
  expect(code).toBe(0);
  expect(out).toContain("(func $second_one (;1;) (type 0)");
  const target = join(folder.path, "small.wat");
  expect(await wasmeter(["print", "-o", target, path])).toEqual({ code: 0, out: "", err: "" });
  expect(readFileSync(target, "utf8")).toBe(out);
  expect((await wasmeter(["print", target])).out).toBe(out);
  const bad = await wasmeter(["print", file("broken.wasm", broken)]);
  expect([bad.code, bad.err]).toEqual([
    6,
    "wasmeter: MalformedError: illegal opcode ff (function 0, offset 0x19)\n",
  ]);
  expect(bad.out).toContain("unreachable");
  const none = await wasmeter(["print", file("bad.wasm", Uint8Array.of(1, 2, 3, 4))]);
  expect([none.code, none.out]).toEqual([6, ""]);
});

test("print: text that is not ASCII keeps its characters", async () => {
  const path = folder.write("name.wat", '(module (func (export "größe表")))');
  expect((await wasmeter(["print", path])).out).toContain('(export "größe表" (func 0))');
});
