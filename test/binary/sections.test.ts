// Framing of modules (spec: 5.5.2, 5.5.16): header, section order and sizes, counts that must
// agree, what is said about files that are no modules.

import { describe, expect, it } from "vitest";
import { featureSet } from "../../src/isa/features.ts";
import {
  ALL_SECTIONS,
  accepted,
  body,
  CODE,
  custom,
  FUNCTIONS,
  moduleOf,
  name,
  outcomeOf,
  refusal,
  section,
  TYPES,
  vec,
} from "./bytes.ts";

const ORDER_PHRASE = "unexpected content after last section";

describe("the header", () => {
  it("alone is a module", () => {
    expect(accepted(moduleOf()).sections).toEqual([]);
  });

  it("must be complete and of version 1", () => {
    const bytes = moduleOf();
    for (let length = 0; length < 8; length++) {
      const { className, phrase, offset } = refusal(bytes.slice(0, length));
      expect([className, phrase, offset]).toEqual(["MalformedError", "unexpected end", length]);
    }
    for (let at = 0; at < 8; at++) {
      const broken = bytes.slice();
      broken[at] ^= 0x40;
      const expected = at < 4 ? "magic header not detected" : "unknown binary version";
      expect(refusal(broken).phrase).toBe(expected);
    }
  });

  it.each([
    ["\x7fELF\x02\x01\x01\0\0", "ELF"],
    ["PK\x03\x04\x14\0\0\0", "zip"],
    ["\x1f\x8b\x08\0\0\0\0\0", "gzip"],
    ["(module)", ".wat"],
    [";; hello world", ".wat"],
    ["<!DOCTYPE html>", "HTML"],
    ["just some text", "text"],
    ["\0asm\x0d\0\x01\0", "component"],
  ])("says what %j looks like", (text, hint) => {
    expect(refusal(new Uint8Array(Buffer.from(text, "latin1"))).message).toContain(hint);
  });
});

describe("sections", () => {
  it("are accepted in order", () => {
    const module = accepted(moduleOf(...ALL_SECTIONS.map(([, bytes]) => bytes)));
    expect(module.sections.map(({ id }) => id)).toEqual(ALL_SECTIONS.map(([id]) => id));
  });

  it("are refused in any other order, and twice", () => {
    // Sections without content depend on nothing, so that only their order can be wrong. The start
    // section has no such form: its index comes first to be looked at.
    const empty = ALL_SECTIONS.filter(([id]) => id !== 8).map(([id]) => [id, section(id, [0])]);
    for (const [i, [firstId, first]] of empty.entries()) {
      for (const [k, [secondId, second]] of empty.entries()) {
        const bytes = moduleOf(first as number[], second as number[]);
        if (i < k) {
          expect(accepted(bytes).sections).toHaveLength(2);
          continue;
        }
        const { phrase, offset, message } = refusal(bytes);
        expect([phrase, offset], `${firstId} ${secondId}`).toEqual([ORDER_PHRASE, 8 + 3]);
        expect(message).toMatch(/a [a-z ]+ section after a [a-z ]+ section/);
      }
    }
  });

  it("have ids up to 13", () => {
    for (const id of [14, 100, 255]) {
      const { phrase, offset } = refusal(moduleOf([id, 0]));
      expect([phrase, offset]).toEqual(["malformed section id", 8]);
    }
  });

  it("must be as long as they say, whichever way that is wrong", () => {
    for (const [id, bytes] of ALL_SECTIONS) {
      const [, size, ...payload] = bytes;
      const before = ALL_SECTIONS.slice(
        0,
        ALL_SECTIONS.findIndex(([other]) => other === id),
      ).map(([, earlier]) => earlier);
      // One byte more than the content.
      const longer = moduleOf(...before, [id, size + 1, ...payload, 0]);
      expect(refusal(longer).phrase, `longer ${id}`).toBe("section size mismatch");
      // The content is cut off by the size.
      const shorter = moduleOf(...before, [id, size - 1, ...payload.slice(0, -1)]);
      expect(refusal(shorter).className, `shorter ${id}`).toBe("MalformedError");
      // The module ends before the section does.
      const cut = moduleOf(...before, [id, size, ...payload.slice(0, -1)]);
      const phrase = id === 10 ? "unexpected end" : "length out of bounds";
      expect(refusal(cut).phrase, `cut ${id}`).toBe(phrase);
      expect(refusal(cut).offset).toBe(cut.length);
    }
  });

  it("may have sizes and counts in padded LEB128", () => {
    const padded = moduleOf(
      [1, 0x88, 0x80, 0x80, 0x80, 0x00, 0x81, 0x80, 0x80, 0x80, 0x00, 0x60, 0, 0],
      FUNCTIONS,
      CODE,
    );
    expect(accepted(padded).types).toHaveLength(1);
  });
});

/** In short: what is imported, from where. */
function importsOf(bytes: Uint8Array): string[] {
  return accepted(bytes).imports.map(({ module, name: item, type }) => {
    return `${module}.${item} ${type.kind}`;
  });
}

describe("groups of imports", () => {
  const group = (mark: number, ...rest: readonly (readonly number[])[]) => {
    return [...name("m"), 0, mark, ...rest.flat()];
  };
  const func = [0, 0];
  const global = [3, 0x7f, 0];
  const items = group(0x7f, vec([...name("f"), ...func], [...name("g"), ...global]));
  const names = group(0x7e, global, vec(name("a"), name("b"), name("")));
  const imports = (...entries: readonly (readonly number[])[]) => {
    return moduleOf(TYPES, section(2, vec(...entries)));
  };

  it("are the imports that they stand for, among others", () => {
    const single = [...name("n"), 0, ...func];
    expect(importsOf(imports(items, single, names, items))).toEqual([
      "m.f func",
      "m.g global",
      "n. func",
      "m.a global",
      "m.b global",
      "m. global",
      "m.f func",
      "m.g global",
    ]);
  });

  it("may be empty; a type must be one even so, but need not exist", () => {
    expect(importsOf(imports(group(0x7f, [0]), group(0x7e, [0, 9], [0])))).toEqual([]);
    expect(refusal(imports(group(0x7e, [5, 0], [0]))).phrase).toBe("malformed import kind");
    const unknown = refusal(imports(group(0x7e, [0, 9], vec(name("a")))));
    expect([unknown.className, unknown.phrase]).toEqual(["InvalidError", "unknown type"]);
  });

  it("are at their items' offsets", () => {
    const bytes = imports(group(0x7f, vec([...name("f"), ...func], [...name("g"), 0, 9])));
    const { length } = bytes;
    expect(refusal(bytes)).toMatchObject({ phrase: "unknown type", offset: length - 4 });
  });

  it("do not nest, and are nothing without the proposal", () => {
    const phrase = "malformed import kind";
    expect(refusal(imports(group(0x7f, vec([...name(""), 0x7f, 0])))).phrase).toBe(phrase);
    for (const entry of [items, names]) {
      const off = featureSet({ "compact-imports": false });
      const error = outcomeOf([imports(entry)], {}, off).error;
      expect(error).toMatchObject({ phrase, message: expect.stringContaining("compact-imports") });
    }
  });

  it("end where their section does", () => {
    for (const entry of [items, names]) {
      for (let length = 0; length < entry.length; length++) {
        expect(refusal(imports(entry.slice(0, length))).className).toBe("MalformedError");
      }
    }
  });
});

describe("counts", () => {
  it("of functions and bodies must agree", () => {
    const phrase = "function and code section have inconsistent lengths";
    expect(refusal(moduleOf(TYPES, FUNCTIONS)).phrase).toBe(phrase);
    expect(refusal(moduleOf(TYPES, CODE)).phrase).toBe(phrase);
    expect(refusal(moduleOf(TYPES, FUNCTIONS, section(10, [0]))).phrase).toBe(phrase);
    const two = section(10, vec(body([]), body([])));
    expect(refusal(moduleOf(TYPES, FUNCTIONS, two)).phrase).toBe(phrase);
    expect(accepted(moduleOf(section(3, [0]), section(10, [0]))).functions).toEqual([]);
    expect(accepted(moduleOf(section(3, [0]))).functions).toEqual([]);
    expect(accepted(moduleOf(section(10, [0]))).functions).toEqual([]);
  });

  it("of data segments must be what the data count section says", () => {
    const phrase = "data count and data section have inconsistent lengths";
    const passive = [1, 1, 0x61];
    expect(refusal(moduleOf(section(12, [2]), section(11, vec(passive)))).phrase).toBe(phrase);
    expect(refusal(moduleOf(section(12, [1]), section(11, vec()))).phrase).toBe(phrase);
    expect(refusal(moduleOf(section(12, [1]))).phrase).toBe(phrase);
    expect(accepted(moduleOf(section(12, [0]))).dataCount).toBe(0);
    expect(accepted(moduleOf(section(12, [1]), section(11, vec(passive)))).dataCount).toBe(1);
    expect(accepted(moduleOf(section(11, vec(passive)))).dataCount).toBe(null);
  });

  it("must be there where bodies refer to data segments", () => {
    const drop = section(10, vec(body([0xfc, 9, 0])));
    const data = section(11, vec([1, 0]));
    const { className, phrase } = refusal(moduleOf(TYPES, FUNCTIONS, drop, data));
    expect([className, phrase]).toEqual(["MalformedError", "data count section required"]);
    accepted(moduleOf(TYPES, FUNCTIONS, section(12, [1]), drop, data));
    const invalid = refusal(moduleOf(TYPES, FUNCTIONS, section(12, [0]), drop, section(11, [0])));
    expect([invalid.className, invalid.phrase]).toEqual(["InvalidError", "unknown data segment 0"]);
  });
});

describe("function bodies", () => {
  const withBody = (bytes: readonly number[]) =>
    moduleOf(TYPES, FUNCTIONS, section(10, vec(bytes)));

  it("must be as long as they say", () => {
    expect(refusal(withBody([3, 0, 0x0b, 0x01])).phrase).toBe("section size mismatch");
    expect(refusal(withBody([1, 0])).phrase).toMatch(/^unexpected end/);
    expect(refusal(withBody([2, 0, 0x01])).phrase).toMatch(/^unexpected end/);
    expect(refusal(withBody([5, 0, 0x0b])).phrase).toMatch(/^unexpected end/);
    expect(refusal(withBody([0])).phrase).toMatch(/^unexpected end/);
    expect(accepted(withBody([0x84, 0x80, 0, 0x80, 0x80, 0, 0x0b])).bodyEnds).toHaveLength(1);
  });

  it("say where in the module they go wrong", () => {
    const bytes = moduleOf(TYPES, FUNCTIONS, section(10, vec(body([0x01, 0xff]))));
    expect(refusal(bytes)).toMatchObject({
      className: "MalformedError",
      phrase: "illegal opcode ff",
      offset: bytes.indexOf(0xff),
      where: "code",
      funcIndex: 0,
    });
  });

  it("name the function by an export", () => {
    const exports = section(7, vec([...name("täglich"), 0, 0]));
    const bytes = moduleOf(TYPES, FUNCTIONS, exports, section(10, vec(body([0x1a]))));
    expect(refusal(bytes).message).toContain('drop, function 0 "täglich"');
  });
});

describe("custom sections", () => {
  it("may be anywhere, any number of them, byte-exact, with their place", () => {
    const customs = ALL_SECTIONS.flatMap(([id, bytes]) => [custom(`c${id}`, [id, 0xff]), bytes]);
    const bytes = moduleOf(...customs, custom("last", [1, 2, 3]), custom("last"));
    const module = accepted(bytes);
    expect(module.customs.map((item) => [item.name, item.after])).toEqual([
      ...ALL_SECTIONS.map(([id], i) => [`c${id}`, i === 0 ? 0 : ALL_SECTIONS[i - 1][0]]),
      ["last", 11],
      ["last", 11],
    ]);
    const payloads = module.customs.map(({ start, end }) => [...bytes.slice(start, end)]);
    expect(payloads).toEqual([...ALL_SECTIONS.map(([id]) => [id, 0xff]), [1, 2, 3], []]);
  });

  it("need a name that is complete and UTF-8", () => {
    expect(refusal(moduleOf(section(0, []))).phrase).toMatch(/^unexpected end/);
    expect(refusal(moduleOf(section(0, [2, 0x61]))).phrase).toBe("length out of bounds");
    expect(refusal(moduleOf(section(0, [1, 0xc0]))).phrase).toBe("malformed UTF-8 encoding");
    expect(refusal(moduleOf([0, 5, 1, 0x61])).phrase).toBe("length out of bounds");
    const nameless = accepted(moduleOf(section(0, [0, 7]))).customs;
    expect(nameless).toEqual([{ name: "", start: 11, end: 12, after: 0 }]);
  });
});
