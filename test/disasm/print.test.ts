// What exactly is printed, written by hand from the text format's rules (spec: 6).

import { describe, expect, test } from "vitest";
import { moduleText, printModule } from "../../src/disasm/index.ts";
import { formatF32, formatF64, formatName } from "../../src/disasm/literals.ts";
import { moduleDecode } from "../../src/embedding/module.ts";
import { parseFeatures } from "../../src/isa/features.ts";
import { assembleWithWabt } from "./assemblers.ts";
import {
  body,
  functionSections,
  functions,
  leb,
  module,
  nameMap,
  names,
  section,
  text,
  vector,
} from "./bytes.ts";

function print(bytes: Uint8Array): string {
  return moduleText(moduleDecode(bytes, { features: parseFeatures("all") }));
}

/** The lines of the only function, without indentation and its own parentheses. */
function codeOf(...code: readonly number[]): string[] {
  const lines = print(functions(body(...code, 0x0b))).split("\n");
  return lines.slice(3, -3).map((line) => line.trim());
}

describe("float literals", () => {
  test.each([
    [0x7fc00000, "nan"],
    [0xffc00000, "-nan"],
    [0x7fa00000, "nan:0x200000"],
    [0xff800001, "-nan:0x1"],
    [0x7fffffff, "nan:0x7fffff"],
    [0x7f800000, "inf"],
    [0xff800000, "-inf"],
    [0x80000000, "-0"],
    [0x3f800000, "1"],
    [0x3dcccccd, "0.1"],
    [0x00000001, "1e-45"],
  ])("f32 with the bits %d", (bits, expected) => {
    expect(formatF32(bits | 0)).toBe(expected);
  });

  test.each([
    [0, 0x7ff80000, "nan"],
    [0, 0x7ff40000, "nan:0x4000000000000"],
    [1, 0xfff00000, "-nan:0x1"],
    [0, 0xfff00000, "-inf"],
    [0, 0x80000000, "-0"],
    [0x9999999a, 0x3fb99999, "0.1"],
    [0x9999999a, 0x3fd99999, "0.4"],
    [1, 0, "5e-324"],
  ])("f64 with the halves %d, %d", (low, high, expected) => {
    expect(formatF64(low | 0, high | 0)).toBe(expected);
  });

  test("every finite f32 that was tried reads back to the same bits through wabt", () => {
    const view = new DataView(new ArrayBuffer(4));
    const all = Array.from({ length: 4000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
    const finite = all.filter((bits) => (bits & 0x7f800000) !== 0x7f800000);
    const code = finite.map((bits) => `f32.const ${formatF32(bits)} drop`).join(" ");
    const bytes = assembleWithWabt(`(module (func ${code}))`);
    const start = moduleDecode(bytes).bodyStarts[0] + 1;
    const read = finite.map((_, i) => {
      const at = start + i * 6;
      expect(bytes[at]).toBe(0x43);
      for (let k = 0; k < 4; k++) view.setUint8(k, bytes[at + 1 + k]);
      return view.getInt32(0, true);
    });
    expect(read).toEqual(finite);
  });
});

test("names are string literals in which nothing invisible stays", () => {
  expect(formatName('a"\\\n\x7f')).toBe('"a\\22\\5c\\0a\\7f"');
  expect(formatName("größe 表")).toBe('"größe 表"');
  expect(formatName("\u202e\u00a0\ufeff")).toBe('"\\e2\\80\\ae\\c2\\a0\\ef\\bb\\bf"');
});

test("data strings are escaped and broken into lines", () => {
  const short = [0x00, 0x41, 0x22, 0x5c, 0xff, 0x7e];
  const long = new Array<number>(100).fill(0x78);
  const bytes = module(section(11, vector([1, ...text(short)], [1, ...text(long)], [1, 0])));
  expect(print(bytes)).toBe(
    [
      "(module",
      "  (data (;0;)",
      '    "\\00A\\22\\5c\\ff~")',
      "  (data (;1;)",
      `    "${"x".repeat(88)}"`,
      `    "${"x".repeat(12)}")`,
      "  (data (;2;)",
      '    "")',
      ")",
      "",
    ].join("\n"),
  );
});

describe("identifiers", () => {
  const twice = [body(0x10, 0x01, 0x10, 0x02, 0x0b), body(0x0b), body(0x0b), body(0x0b)];

  test("are made valid and unique; the empty name is none", () => {
    const named = names({ 1: nameMap({ 0: "main", 1: "a b(c)", 2: "a_b_c_", 3: "" }) });
    const lines = print(module(...functionSections(...twice), named)).split("\n");
    expect(lines.filter((line) => /func \$|func \(|call/.test(line)).map((l) => l.trim())).toEqual([
      "(func $main (;0;) (type 0)",
      "call $a_b_c_",
      "call $a_b_c__1",
      "(func $a_b_c_ (;1;) (type 0)",
      "(func $a_b_c__1 (;2;) (type 0)",
      "(func (;3;) (type 0)",
    ]);
  });

  test("a made-up name never takes that of another", () => {
    const named = names({ 1: nameMap({ 0: "f", 1: "f", 2: "f_1", 3: "f" }) });
    const lines = print(module(...functionSections(...twice), named)).split("\n");
    const ids = lines.flatMap((line) => /\(func (\$\S+)/.exec(line)?.[1] ?? []);
    expect(ids).toEqual(["$f", "$f_1", "$f_1_1", "$f_2"]);
  });

  test("names of what does not exist are left out", () => {
    const named = names({ 1: nameMap({ 7: "ghost" }) });
    expect(print(module(...functionSections(body(0x0b)), named))).not.toContain("ghost");
  });

  test("a label that would shadow another is renamed, one beside it is not", () => {
    // block $l  block $l  br 0  br 1  end  end  block $l  br 0  end
    const code = body(
      ...[0x02, 0x40, 0x02, 0x40, 0x0c, 0x00, 0x0c, 0x01, 0x0b, 0x0b],
      ...[0x02, 0x40, 0x0c, 0x00, 0x0b, 0x0b],
    );
    const labels = vector([0, ...nameMap({ 0: "l", 1: "l", 2: "l" })]);
    const lines = print(module(...functionSections(code), names({ 3: labels }))).split("\n");
    expect(lines.slice(3, -3).map((line) => line.trimEnd())).toEqual([
      "    block $l",
      "      block $l_1",
      "        br $l_1",
      "        br $l",
      "      end",
      "    end",
      "    block $l",
      "      br $l",
      "    end",
    ]);
  });

  test("parameters and locals", () => {
    const bytes = module(
      section(1, vector([0x60, 2, 0x7f, 0x7e, 0])),
      section(3, vector([0])),
      section(10, vector(text([1, 3, 0x7d, 0x20, 0x01, 0x1a, 0x20, 0x03, 0x1a, 0x0b]))),
      names({ 2: vector([0, ...nameMap({ 1: "x", 3: "y" })]) }),
    );
    const lines = print(bytes).split("\n");
    expect(lines[2]).toBe("  (func (;0;) (type 0) (param i32) (param $x i64)");
    expect(lines[3]).toBe("    (local f32) (local $y f32) (local f32)");
    expect(lines.slice(4, 8).map((line) => line.trim())).toEqual([
      "local.get $x",
      "drop",
      "local.get $y",
      "drop",
    ]);
  });
});

describe("immediates", () => {
  test("that the text format orders or writes otherwise", () => {
    expect(codeOf(0xfc, 0x0c, 0x01, 0x02)).toEqual(["table.init 2 1"]);
    expect(codeOf(0xfc, 0x0c, 0x01, 0x00)).toEqual(["table.init 1"]);
    expect(codeOf(0xfc, 0x08, 0x01, 0x02)).toEqual(["memory.init 2 1"]);
    expect(codeOf(0xfc, 0x0e, 0x01, 0x00)).toEqual(["table.copy 1 0"]);
    expect(codeOf(0xfc, 0x0a, 0x00, 0x00)).toEqual(["memory.copy"]);
    expect(codeOf(0xfc, 0x0a, 0x01, 0x00)).toEqual(["memory.copy 1 0"]);
    expect(codeOf(0x11, 0x00, 0x03)).toEqual(["call_indirect 3 (type 0)"]);
    expect(codeOf(0x1c, 0x01, 0x7f)).toEqual(["select (result i32)"]);
    expect(codeOf(0xd0, 0x70)).toEqual(["ref.null func"]);
    expect(codeOf(0xfb, 0x14, 0x6e)).toEqual(["ref.test (ref any)"]);
    expect(codeOf(0xfb, 0x17, 0x00)).toEqual(["ref.cast (ref null 0)"]);
    expect(codeOf(0xfb, 0x18, 0x01, 0x00, 0x6e, 0x6b)).toEqual([
      "br_on_cast 0 (ref null any) (ref struct)",
    ]);
    expect(codeOf(0x41, 0x7f, 0x42, 0x80, 0x80, 0x80, 0x80, 0x10)).toEqual([
      "i32.const -1",
      "i64.const 4294967296",
    ]);
  });

  test("offset and alignment of memory instructions, where they say something", () => {
    expect(codeOf(0x28, 0x02, 0x00)).toEqual(["i32.load"]);
    expect(codeOf(0x28, 0x00, 0x08)).toEqual(["i32.load offset=8 align=1"]);
    expect(codeOf(0x28, 0x42, 0x01, 0x00)).toEqual(["i32.load 1"]);
    expect(codeOf(0xfd, 0x54, 0x40, 0x01, 0x04, 0x0f)).toEqual(["v128.load8_lane 1 offset=4 15"]);
  });

  test("labels in catch clauses and after delegate count from outside", () => {
    // block  try_table (catch_all 0)  end  try  delegate 0  end
    const code = [0x02, 0x40, 0x1f, 0x40, 0x01, 0x02, 0x00, 0x0b, 0x06, 0x40, 0x18, 0x00, 0x0b];
    expect(codeOf(...code)).toEqual([
      "block (;@1;)",
      "try_table (;@2;) (catch_all 0 (;@1;))",
      "end",
      "try (;@2;)",
      "delegate 0 (;@1;)",
      "end",
    ]);
  });
});

describe("code that is broken or hostile", () => {
  test("is printed up to the damage, and the rest of the module too", () => {
    const bytes = functions(body(0x01, 0xff, 0x0b), body(0x00, 0x0b));
    const text = printModule(moduleDecode(bytes));
    let step = text.next();
    let all = "";
    for (; !step.done; step = text.next()) all += step.value;
    expect(step.value?.message).toBe("illegal opcode ff (function 0, offset 0x19)");
    const lines = all.split("\n").map((line) => line.trim());
    expect(lines.slice(3, 5)).toEqual([
      "nop",
      ";; malformed: illegal opcode ff (function 0, offset 0x19)",
    ]);
    expect(lines.slice(6, 8)).toEqual(["(func (;1;) (type 0)", "unreachable"]);
  });

  test("invalid indices are printed as numbers", () => {
    expect(codeOf(0x10, 0x63, 0x0c, 0x07, 0x02, 0x05, 0x0b)).toEqual([
      "call 99",
      "br 7",
      "block (;@1;) (type 5)",
      "end",
    ]);
  });

  test("100,000 nested blocks come in chunks, without growing indentation", () => {
    const depth = 100_000;
    const code: number[] = [];
    for (let i = 0; i < depth; i++) code.push(0x02, 0x40);
    for (let i = 0; i <= depth; i++) code.push(0x0b);
    const payload = [0x00, ...code];
    const [types, declared] = functionSections(body(0x0b));
    const codes = section(10, [1, ...leb(payload.length)].concat(payload));
    const chunks = [...printModule(moduleDecode(module(types, declared, codes)))];
    expect(chunks.length).toBeGreaterThan(100);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(70_000);
    expect(chunks.join("").match(/block/g)?.length).toBe(depth);
  });

  test("a long br_table is broken into lines", () => {
    const labels = new Array<number>(1000).fill(0);
    const lines = codeOf(0x0e, ...leb(999), ...labels);
    expect(lines.length).toBeGreaterThan(10);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(lines.join(" ")).toBe(`br_table${" 0".repeat(1000)}`);
  });
});
