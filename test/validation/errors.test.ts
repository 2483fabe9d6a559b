// The particulars of errors: every refusal says what, where and, for types, expected and found.
// Also that nesting costs no recursion, and that over the suite every error has a place.

import { describe, expect, it } from "vitest";
import { ModuleError } from "../../src/module/errors.ts";
import { body, moduleOf, section, vec } from "../binary/bytes.ts";
import { HAS_SUITE, suiteModules } from "../binary/suite.ts";
import { assemble, load, refused } from "./assemble.ts";

describe("an InvalidError in a function body", () => {
  const text = `(module
    (import "env" "log" (func (param i32)))
    (func (export "add") (param i64) (result i32)
      local.get 0
      i32.const 1
      i32.add))`;

  it("says instruction, function, export name, section, offset, expected and found", () => {
    const bytes = assemble(text);
    const error = refused(bytes);
    expect(error).toMatchObject({
      name: "InvalidError",
      phrase: "type mismatch",
      expected: "i32",
      found: "i64",
      instruction: "i32.add",
      funcIndex: 1,
      funcName: "add",
      section: "code",
      offset: bytes.lastIndexOf(0x6a),
    });
    expect(error.message).toBe(
      'type mismatch: expected i32, found i64 (i32.add, function 1 "add", ' +
        `offset 0x${bytes.lastIndexOf(0x6a).toString(16)})`,
    );
  });

  it.each([
    ["drop", "an operand", "nothing"],
    ["i32.const 0 i64.eqz drop", "i64", "i32"],
    ["ref.null func call $f", "i32", "funcref"],
    ["ref.null extern ref.null extern i32.const 0 select drop", "a number or vector", "externref"],
    ["i32.const 0 f32.const 0 i32.const 0 select drop", "i32", "f32"],
    ["i32.const 0 ref.is_null drop", "a reference", "i32"],
    ["i64.const 0 if end", "i32", "i64"],
    ["i32.const 0", "[]", "[i32]"],
    ["block (result f32) end drop", "f32", "nothing"],
    ["i32.const 0 throw $t", "i64", "i32"],
    ["i32.const 0 return_call $g", "[]", "[i32]"],
    ["i32.const 0 if (result i32) i32.const 1 end drop", "[i32]", "[]"],
  ])("%s", (code, expected, found) => {
    const bytes = assemble(`(module (memory 1) (tag $t (param i64))
      (func $f (param i32)) (func $g (result i32) i32.const 0) (func ${code}))`);
    const error = refused(bytes);
    expect(error.phrase).toBe("type mismatch");
    expect(error.expected).toContain(expected);
    expect(error.found).toContain(found);
    expect(error.message).toContain(error.found);
    expect(error.funcIndex).toBe(2);
  });

  it.each([
    ["local.get 7", "unknown local 7"],
    ["global.get 7", "unknown global 7"],
    ["call 7", "unknown function 7"],
    ["br 7", "unknown label 7"],
    ["i32.const 0 table.get 7", "unknown table 7"],
    ["memory.size 7", "unknown memory 7"],
    ["throw 7", "unknown tag 7"],
    ["elem.drop 7", "unknown elem segment 7"],
    ["data.drop 7", "unknown data segment 7"],
  ])("%s names the index", (code, phrase) => {
    const text = `(module (memory 1) (data "") (func ${code}))`;
    expect(refused(assemble(text))).toMatchObject({ phrase, section: "code", funcIndex: 0 });
  });
});

describe("an error in a constant expression", () => {
  it("says section, instruction and offset", () => {
    const bytes = assemble("(module (func (result i32) unreachable) (global i32 (call 0)))");
    expect(refused(bytes)).toMatchObject({
      phrase: "constant expression required",
      section: "global",
      instruction: "call",
      offset: bytes.lastIndexOf(0x10),
    });
  });

  it("sees only the globals before it", () => {
    const own = moduleOf(section(6, vec([0x7f, 0, 0x23, 0, 0x0b])));
    expect(refused(own)).toMatchObject({ phrase: "unknown global 0", section: "global" });
    load(moduleOf(section(6, vec([0x7f, 0, 0x41, 0, 0x0b], [0x7f, 0, 0x23, 0, 0x0b]))));
  });
});

describe("an error outside of code", () => {
  it.each([
    ["duplicate export name", '(module (func) (export "a" (func 0)) (export "a" (func 0)))'],
    ["unknown function 3", '(module (func) (export "a" (func 3)))'],
    ["start function", "(module (func (param i32)) (start 0))"],
    ["size minimum must not be greater than maximum", "(module (memory 2 1))"],
    ["memory size must be at most 65536 pages (4GiB)", "(module (memory 65537))"],
    ["unknown memory 0", '(module (data (i32.const 0) "a"))'],
    ["unknown table 0", "(module (func) (elem (i32.const 0) 0))"],
    ["non-empty tag result type", "(module (type (func (result i32))) (tag (type 0)))"],
  ])("%s", (phrase, text) => {
    const { offset, section: where, ...error } = refused(assemble(text));
    expect(error.phrase).toBe(phrase);
    expect(offset).toBeGreaterThan(8);
    expect(where).toBeTypeOf("string");
  });
});

describe("what the grammar does not allow", () => {
  const codeOf = (...code: number[]) => {
    const types = section(1, vec([0x60, 0, 0]));
    return moduleOf(types, section(3, vec([0])), section(10, vec(body(code))));
  };

  it.each([
    ["else", [0x05]],
    ["else", [0x02, 0x40, 0x05, 0x0b]],
    ["else", [0x41, 0, 0x04, 0x40, 0x05, 0x05, 0x0b]],
    ["catch", [0x07, 0]],
    ["catch", [0x06, 0x40, 0x19, 0x07, 0, 0x0b]],
    ["catch_all", [0x19]],
    ["catch_all", [0x06, 0x40, 0x19, 0x19, 0x0b]],
    ["delegate", [0x02, 0x40, 0x18, 0]],
    ["delegate", [0x06, 0x40, 0x19, 0x18, 0]],
  ] as [string, number[]][])("%s: %j", (what, code) => {
    const tag = section(13, vec([0, 0]));
    const types = section(1, vec([0x60, 0, 0]));
    const bytes = moduleOf(types, section(3, vec([0])), tag, section(10, vec(body(code))));
    const error = refused(bytes);
    expect(error).toMatchObject({ name: "MalformedError", phrase: `unexpected ${what}` });
    expect(error.instruction).toBe(what);
    expect(error.funcIndex).toBe(0);
  });

  it("is malformed in constant expressions, too", () => {
    const error = refused(moduleOf(section(6, vec([0x7f, 0, 0x41, 0, 0x05, 0x0b]))));
    expect(error).toMatchObject({ name: "MalformedError", phrase: "unexpected else" });
  });

  it("is an opcode that there is not, spelled in one way", () => {
    expect(refused(codeOf(0xff)).phrase).toBe("illegal opcode ff");
    expect(refused(codeOf(0x16)).phrase).toBe("illegal opcode 16");
    expect(refused(codeOf(0xfb, 31)).phrase).toBe("illegal opcode fb 31");
    expect(refused(codeOf(0xfd, 0x9a, 1)).phrase).toBe("illegal opcode fd 154");
    expect(refused(codeOf(0xfd, 0xff, 0xff, 3)).phrase).toBe("illegal opcode fd 65535");
  });

  it("is a section out of order", () => {
    const bytes = moduleOf(section(3, [0]), section(1, [0]));
    expect(refused(bytes)).toMatchObject({
      name: "MalformedError",
      phrase: "unexpected content after last section",
      offset: 11,
    });
  });

  it("is a heap type that there is not, which is shown", () => {
    const error = refused(moduleOf(section(1, vec([0x60, 1, 0x63, 0x41, 0]))));
    expect(error).toMatchObject({ phrase: "malformed heap type", detail: "-63" });
  });
});

describe("a wrong type", () => {
  const struct = [0x5f, 0];
  it.each([
    ["unknown type", [0x5f, 1, 0x63, 7, 0]],
    ["sub type", [0x50, 2, 0, 0, ...struct]],
    ["sub type", [0x50, 1, 1, ...struct]],
    ["sub type", [0x50, 1, 0, 0x60, 0, 0]],
    ["malformed composite type", [0x40]],
  ])("%s is found where it stands", (phrase, type) => {
    const types = [
      [0x50, 0, ...struct],
      [0x4f, 0, ...struct],
    ];
    const alone = moduleOf(section(1, vec(...types, type)));
    expect(refused(alone).phrase).toBe(phrase);
    expect(refused(alone).offset).toBe(alone.length - type.length);
    // In a recursion group, behind another type and before one.
    const group = [0x4e, 3, ...struct, ...type, ...struct];
    const grouped = moduleOf(section(1, vec(...types, group)));
    expect(refused(grouped).offset).toBe(grouped.length - type.length - struct.length);
  });
});

describe("nesting", () => {
  const DEEP = 90_000;
  const nested = (open: readonly number[]) => {
    const code = new Array(DEEP).fill(open).flat();
    const bytes = body([...code, ...new Array(DEEP).fill(0x0b)]);
    return moduleOf(section(1, vec([0x60, 0, 0])), section(3, vec([0])), section(10, vec(bytes)));
  };

  it.each([
    ["blocks", [0x02, 0x40]],
    ["loops", [0x03, 0x40]],
    ["ifs", [0x41, 0, 0x04, 0x40]],
    ["try blocks", [0x06, 0x40]],
    ["try_tables", [0x1f, 0x40, 0]],
    ["blocks in unreachable code", [0x00, 0x02, 0x40]],
  ])("of 90,000 %s takes no stack", (_, open) => {
    expect(load(nested(open)).bodyStarts).toHaveLength(1);
  });

  it("in a constant expression takes no stack either", () => {
    const code = [...new Array(DEEP).fill([0x02, 0x40]).flat(), ...new Array(DEEP).fill(0x0b)];
    const bytes = moduleOf(section(6, vec([0x7f, 0, ...code, 0x41, 0, 0x0b])));
    expect(refused(bytes).phrase).toBe("constant expression required");
  });
});

describe.skipIf(!HAS_SUITE)("over the suite", () => {
  /** Modules whose refusal was right before several tables and memories were allowed. */
  const OBSOLETE = 8;

  it("every refused module is refused with a place, in the suite's class of error", () => {
    const wrong: string[] = [];
    let refusals = 0;
    let obsolete = 0;
    for (const { label, bytes, expectation, text } of suiteModules()) {
      if (expectation === "valid") continue;
      let error: unknown = null;
      try {
        load(bytes);
      } catch (caught) {
        error = caught;
      }
      if (error === null && /^multiple (tables|memories)$/.test(text)) obsolete++;
      else if (!(error instanceof ModuleError)) wrong.push(`${label}: ${error}`);
      else {
        refusals++;
        const name = expectation === "invalid" ? "InvalidError" : "MalformedError";
        if (error.name !== name) wrong.push(`${label}: ${error.name}, ${text}`);
        if (error.offset === undefined) wrong.push(`${label}: no offset, ${error.message}`);
        else if (error.offset > bytes.length) wrong.push(`${label}: offset ${error.offset}`);
        if (error.funcIndex !== undefined && error.section !== "code") wrong.push(label);
      }
    }
    expect(wrong).toEqual([]);
    expect(obsolete).toBe(OBSOLETE);
    expect(refusals).toBeGreaterThan(3000);
  });
});
