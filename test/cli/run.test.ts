// `wasmeter run`: arguments and results as text, options, and the exit code of every ending.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatValue, LiteralError, parseValue } from "../../src/cli/literals.ts";
import { Folder, INVALID, MALFORMED, wasmeter } from "./support.ts";

const VALUES = `(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "v128") (param v128) (result v128) (local.get 0))
  (func (export "several") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "nothing"))
  (memory (export "memory") 1))`;

const ENDINGS = `(module $m
  (memory 1)
  (tag $t (param i32))
  (func $loop (export "loop") (loop (br 0)))
  (func $recurse (export "recurse") (call $recurse))
  (func (export "grow") (result i32) (memory.grow (i32.const 16)))
  (func (export "throw") (throw $t (i32.const 5)))
  (func (export "trap") (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (func (export "main") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))`;

let folder: Folder;
const files: Record<string, string> = {};
beforeAll(() => {
  folder = new Folder();
  const texts = {
    values: VALUES,
    endings: ENDINGS,
    start: `(module (func (export "_start")) (func (export "main") (unreachable)))`,
    silent: `(module (func $f (unreachable)) (start $f))`,
    needy: `(module (import "env" "log" (func (param i32))) (func (export "_start")))`,
    large: `(module (memory 100) (func (export "_start")))`,
    function: `(module (func (export "main") (param funcref)))`,
  };
  for (const [name, text] of Object.entries(texts)) {
    files[name] = folder.write(`${name}.wat`, text);
  }
  files.invalid = folder.write("invalid.wasm", INVALID);
  files.malformed = folder.write("malformed.wasm", MALFORMED);
});
afterAll(() => folder.remove());

describe("arguments and results", () => {
  it.each([
    ["i32", "-5", "-5"],
    ["i32", "+7", "7"],
    ["i32", "4294967295", "-1"],
    ["i32", "0xffff_ffff", "-1"],
    ["i32", "-0x8000_0000", "-2147483648"],
    ["i64", "18446744073709551615", "-1"],
    ["i64", "-9223372036854775808", "-9223372036854775808"],
    ["i64", "0x7fffffffffffffff", "9223372036854775807"],
    ["f32", "0.1", "0.1"],
    ["f32", "16777217", "16777216"],
    ["f32", "3.4028235e38", "3.4028235e+38"],
    ["f64", "0.1", "0.1"],
    ["f64", "-0", "-0"],
    ["f64", "0x1.8p3", "12"],
    ["f64", "-0x1p-1074", "-5e-324"],
    ["f64", "inf", "inf"],
    ["f64", "-inf", "-inf"],
    ["f64", "nan", "nan"],
    ["f64", "1e400", "inf"],
    ["f64", "123456789012345680000", "123456789012345680000"],
    ["v128", "i32x4 1 -1 0x10 0", "i32x4 0x00000001 0xffffffff 0x00000010 0x00000000"],
    ["v128", `i8x16 ${"1 -1 ".repeat(8)}`, "i32x4 0xff01ff01 0xff01ff01 0xff01ff01 0xff01ff01"],
    ["v128", "i16x8 1 2 3 4 5 6 7 -8", "i32x4 0x00020001 0x00040003 0x00060005 0xfff80007"],
    ["v128", "i64x2 -2 3", "i32x4 0xfffffffe 0xffffffff 0x00000003 0x00000000"],
    ["v128", "f32x4 1 -0 inf 0.5", "i32x4 0x3f800000 0x80000000 0x7f800000 0x3f000000"],
    ["v128", "f64x2 1 -inf", "i32x4 0x00000000 0x3ff00000 0x00000000 0xfff00000"],
  ])("%s %s is printed as %s", async (name, given, printed) => {
    const { code, out, err } = await wasmeter(["run", "--invoke", name, files.values, given]);
    expect({ code, out, err }).toEqual({ code: 0, out: `${printed}\n`, err: "" });
  });

  it("several results have a line each, none have none", async () => {
    const several = await wasmeter(["run", "--invoke", "several", files.values, "-1", "-2"]);
    expect(several).toEqual({ code: 0, out: "-2\n-1\n", err: "" });
    const nothing = await wasmeter(["run", "--invoke", "nothing", files.values]);
    expect(nothing).toEqual({ code: 0, out: "", err: "" });
  });

  it.each([
    ["i32", "4294967296"],
    ["i32", "-2147483649"],
    ["i64", "18446744073709551616"],
    ["i32", "1.5"],
    ["i32", ""],
    ["i64", "5n"],
    ["f64", "one"],
    ["f64", "."],
    ["f64", "0x"],
    ["f64", "1e"],
    ["v128", "0"],
    ["v128", "i32x4 1 2 3"],
    ["v128", "i32x5 1 2 3 4 5"],
    ["v128", `i8x16 ${"256 ".repeat(16)}`],
    ["v128", "f64x2 1 one"],
  ])("%s cannot be %j: exit code 7", async (name, given) => {
    const { code, out, err } = await wasmeter(["run", "--invoke", name, files.values, given]);
    expect([code, out]).toEqual([7, ""]);
    expect(err).toMatch(new RegExp(`^wasmeter: argument 1 of ${name} `));
  });

  it("what cannot be given at all", async () => {
    expect((await wasmeter(["run", files.function, "0"])).code).toBe(7);
  });
});

describe("floats on the command line", () => {
  const DECIMALS = [
    "0.3",
    "1e23",
    "9007199254740993",
    "2.2250738585072011e-308",
    "5e-324",
    "2e-324",
  ];

  it.each(DECIMALS)("%s is the float that JavaScript reads", (text) => {
    expect(parseValue(text, "f64")).toBe(Number(text));
    expect(parseValue(`-${text}`, "f64")).toBe(-Number(text));
  });

  // 1 + 2^-24 lies between two f32; what is beyond f64's precision decides.
  it.each([
    ["0x1.000001p0", 1],
    ["0x1.00000100000000000000000001p0", 1 + 2 ** -23],
    ["0x1.000003p0", 1 + 2 ** -22],
    ["1.000000059604644775390625", 1],
    ["1.0000000596046447753906250000000001", 1 + 2 ** -23],
    ["0x1p-149", 2 ** -149],
    ["0x1p-150", 0],
    ["0x1.8p-150", 2 ** -149],
    ["0x1.fffffep127", (2 - 2 ** -23) * 2 ** 127],
    ["0x1.ffffffp127", Number.POSITIVE_INFINITY],
  ])("%s is rounded to f32 once", (text, value) => {
    expect(parseValue(text, "f32")).toBe(value);
  });

  it("are printed with the fewest digits that tell them apart", () => {
    for (const value of [0.1, 1 / 3, 16777216, 1e-45, 3.4028234663852886e38, 5e-39]) {
      const single = Math.fround(value);
      const text = formatValue(single, "f32");
      expect(Math.fround(Number(text))).toBe(single);
      expect(text.length).toBeLessThanOrEqual(String(single).length);
    }
    expect(formatValue(Math.fround(0.1), "f32")).toBe("0.1");
    expect(() => parseValue("x", "f32")).toThrow(LiteralError);
  });
});

describe("what is called", () => {
  it("_start before main, main with arguments", async () => {
    expect((await wasmeter(["run", files.start])).code).toBe(0);
    expect((await wasmeter(["run", files.endings, "-21"])).out).toBe("-42\n");
  });

  it("`run` may be left out, also with options", async () => {
    expect((await wasmeter([files.endings, "4"])).out).toBe("8\n");
    expect((await wasmeter(["--fuel", "100", files.endings, "4"])).out).toBe("8\n");
  });

  it("without an entry the exports are listed", async () => {
    const { code, out, err } = await wasmeter(["run", files.values]);
    expect([code, out]).toEqual([7, ""]);
    expect(err).toContain("  func several (i32 i64) -> (i64 i32)\n");
    expect(err).toContain("  memory memory\n");
  });

  it("options behind the file belong to the guest, and a mistake is explained", async () => {
    const { code, err } = await wasmeter(["run", files.endings, "--fuel", "100"]);
    expect(code).toBe(7);
    expect(err).toContain("options such as --fuel stand before FILE");
  });

  it("--help is answered before the file, not after it", async () => {
    expect((await wasmeter(["run", "--help"])).out).toMatch(/^usage: wasmeter run/);
    expect((await wasmeter(["run", files.endings, "--help"])).code).toBe(7);
  });
});

describe("exit codes", () => {
  const invoke = (name: string, ...options: string[]) => {
    return wasmeter(["run", ...options, "--invoke", name, files.endings]);
  };

  it("1: the file cannot be read", async () => {
    expect((await wasmeter(["run", "/nowhere/x.wasm"])).code).toBe(1);
  });

  it("2: out of fuel", async () => {
    const { code, err } = await invoke("loop", "--fuel", "1000");
    expect(code).toBe(2);
    expect(err).toMatch(/^wasmeter: Exhaustion: out of fuel/);
  });

  it("3: deadline", async () => {
    const { code, err } = await invoke("loop", "--timeout", "50ms");
    expect(code).toBe(3);
    expect(err).toMatch(/^wasmeter: Exhaustion: deadline exceeded/);
  });

  it("3: also while the file is still to come, or is being checked", async () => {
    const silence = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
    };
    const { code, err } = await wasmeter(["run", "--timeout", "20ms", "-"], [], { stdin: silence });
    expect(code).toBe(3);
    expect(err).toMatch(/^wasmeter: Exhaustion: deadline exceeded/);
    expect((await wasmeter(["run", "--timeout", "0ms", files.values])).code).toBe(3);
  });

  it("4: memory or stack limit", async () => {
    expect((await invoke("recurse")).code).toBe(4);
    const { code, err } = await invoke("recurse", "--max-stack", "50");
    expect(code).toBe(4);
    expect(err).toMatch(/call stack exhausted/);
    expect((await wasmeter(["run", "--max-memory", "1MiB", files.large])).code).toBe(4);
    expect((await wasmeter(["run", "--max-memory", "6400KiB", files.large])).code).toBe(0);
  });

  it("a growth beyond the limit is the guest's to handle", async () => {
    expect((await invoke("grow", "--max-memory", "1MiB")).out).toBe("-1\n");
    expect((await invoke("grow", "--max-memory", "1088KiB")).out).toBe("1\n");
  });

  it("5: missing import, by name", async () => {
    const { code, err } = await wasmeter(["run", files.needy]);
    expect(code).toBe(5);
    expect(err).toContain(`unknown import: "env"."log" must be (func (param i32))`);
  });

  it("6: malformed or invalid", async () => {
    expect((await wasmeter(["run", files.invalid])).code).toBe(6);
    expect((await wasmeter(["run", files.malformed])).code).toBe(6);
  });

  it("7: no such export or wrong arguments", async () => {
    const { code, err } = await invoke("lop");
    expect(code).toBe(7);
    expect(err).toMatch(/^wasmeter: no function is exported as "lop"\nIts exports:\n/);
    expect((await wasmeter(["run", files.endings])).code).toBe(7);
    expect((await wasmeter(["run", files.endings, "1", "2"])).code).toBe(7);
  });

  it("8: trap, also of a start function", async () => {
    const { code, err } = await invoke("trap");
    expect(code).toBe(8);
    expect(err).toMatch(/^wasmeter: Trap: integer divide by zero \(function 4 "trap"/);
    expect((await wasmeter(["run", files.silent])).code).toBe(8);
  });

  it("9: uncaught exception", async () => {
    const { code, err } = await invoke("throw");
    expect(code).toBe(9);
    expect(err).toMatch(/uncaught exception/);
  });

  it.each([
    [["run"]],
    [["run", "--frob", "x.wasm"]],
    [["run", "--fuel", "-1", "x.wasm"]],
    [["run", "--fuel", "many", "x.wasm"]],
    [["run", "--timeout", "soon", "x.wasm"]],
    [["run", "--max-memory", "64Mi", "x.wasm"]],
    [["run", "--max-stack", "1.5", "x.wasm"]],
    [["run", "--tier", "fast", "x.wasm"]],
  ])("64: %j", async (args) => {
    expect((await wasmeter(args)).code).toBe(64);
  });
});

describe("--stats", () => {
  const STATS = ["run", "--stats", "--tier", "interpreter"];

  it("is on standard error, as one object with --json", async () => {
    const { code, out, err } = await wasmeter([...STATS, "--json", files.endings, "5"]);
    expect([code, out]).toEqual([0, "10\n"]);
    // local.get, const, mul; one page.
    const used = { fuel: 3, peakMemoryBytes: 65536, hostCalls: 0 };
    expect(err).toBe(`${JSON.stringify({ ...used, compiledFuel: 0, interpreted: [] })}\n`);
  });

  it("is for people without, and there after a failure, too", async () => {
    const args = [...STATS, "--fuel", "500", "--invoke", "loop", files.endings];
    const { code, err } = await wasmeter(args);
    expect(code).toBe(2);
    expect(err).toMatch(/\nfuel 500, peak memory 65536 bytes, host calls 0\n$/);
  });

  it("says what was executed where if --tier wants more than the interpreter", async () => {
    const args = ["run", "--stats", "--tier", "compiled", "--invoke"];
    const { err } = await wasmeter([...args, "trap", files.endings]);
    expect(err).toMatch(/\nfuel in compiled code \d+\n/);
  });
});
