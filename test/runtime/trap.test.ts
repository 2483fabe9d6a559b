// Errors of execution: the suite's words first, then the particulars, then where; causes are kept.

import { describe, expect, it } from "vitest";
import { I32, I64 } from "../../src/isa/types.ts";
import { ExceptionInstance, type TagInstance } from "../../src/runtime/instances.ts";
import { Exhaustion, LinkError, Trap, WasmException } from "../../src/runtime/trap.ts";
import { DIVIDE_BY_ZERO, MEMORY_OUT_OF_BOUNDS } from "../../src/runtime/traps.ts";
import { tag } from "./support.ts";

const BACKTRACE = [
  { funcIndex: 3, funcName: "div", offset: 0x2f },
  { funcIndex: 0, offset: 0x100, moduleName: "app" },
];

describe("messages", () => {
  it.each<[string, Error, string]>([
    ["a trap", new Trap(DIVIDE_BY_ZERO), "integer divide by zero"],
    [
      "a trap somewhere",
      new Trap(DIVIDE_BY_ZERO, BACKTRACE),
      'integer divide by zero (function 3 "div", offset 0x2f)',
    ],
    [
      "a trap with particulars",
      new Trap(MEMORY_OUT_OF_BOUNDS, BACKTRACE.slice(1), "4 bytes at 65534"),
      'out of bounds memory access: 4 bytes at 65534 (function 0, offset 0x100, module "app")',
    ],
    [
      "fuel",
      new Exhaustion("fuel", "", BACKTRACE.slice(0, 1)),
      'out of fuel (function 3 "div", offset 0x2f)',
    ],
    ["calls", new Exhaustion("callDepth", "200 calls"), "call stack exhausted: 200 calls"],
    [
      "a missing import",
      new LinkError({ importModule: "a", importName: 'b"', expected: "(func)" }),
      'unknown import: "a"."b\\"" must be (func)',
    ],
    [
      "an import of another type",
      new LinkError({ importModule: "a", importName: "b", expected: "(func)", found: "(tag)" }),
      'incompatible import type: "a"."b" must be (func), found (tag)',
    ],
    [
      "an exception",
      new WasmException(
        ExceptionInstance.of(tag([I32, I64]).value as TagInstance, []),
        [7, -1n],
        BACKTRACE.slice(1),
      ),
      'uncaught exception: (tag (param i32 i64)) with 7, -1 (function 0, offset 0x100, module "app")',
    ],
  ])("%s", (_, error, message) => {
    expect(error.message).toBe(message);
    expect(String(error)).toBe(`${error.constructor.name}: ${message}`);
  });
});

describe("errors", () => {
  const cause = new RangeError("Array buffer allocation failed");
  const { value } = tag();

  it.each<[string, Error]>([
    ["Trap", new Trap(DIVIDE_BY_ZERO, [], "", { cause })],
    ["Exhaustion", new Exhaustion("hostMemory", "", [], { cause })],
    ["LinkError", new LinkError({ importModule: "", importName: "", expected: "" }, { cause })],
    [
      "WasmException",
      new WasmException(ExceptionInstance.of(value as TagInstance, []), [], [], { cause }),
    ],
  ])("%s keeps its cause", (name, error) => {
    expect(error.cause).toBe(cause);
    expect(error.name).toBe(name);
    expect(error).toBeInstanceOf(Error);
  });

  it("have what programs ask for", () => {
    const trap = new Trap(DIVIDE_BY_ZERO, BACKTRACE);
    expect(trap).toMatchObject({ code: "divideByZero", phrase: "integer divide by zero" });
    expect(trap.backtrace).toEqual(BACKTRACE);
    const exception = ExceptionInstance.of(value as TagInstance, []);
    const thrown = new WasmException(exception, ["payload"]);
    expect(thrown.exception).toBe(exception);
    expect(thrown.tag).toBe(value);
    expect(thrown.payload).toEqual(["payload"]);
  });
});
