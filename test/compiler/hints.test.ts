// What the host's compiler is told of the code: where it says a branch is unlikely, there is one.

import { expect, it } from "vitest";
import { Cursor } from "../../src/binary/cursor.ts";
import { OP } from "../../src/compiler/opcodes.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { SECTION_NAMES } from "../../src/module/module.ts";
import { assemble, load } from "../validation/assemble.ts";
import { writeHostModule } from "./host.ts";

it("gives the places of all checks, in the functions as they are numbered in the end", () => {
  const text = `(module
    (import "m" "f" (func $f))
    (func (param i32) (loop $l (call $f) (br_if $l (local.get 0))))
    (func (call $f)))`;
  const { bytes, functionCount, imports } = writeHostModule(load(assemble(text)), DEFAULT_FEATURES);
  const record = load(bytes);
  const section = record.sections.find(({ id }) => SECTION_NAMES[id] === "custom");
  const cursor = new Cursor(bytes);
  cursor.reset(bytes, section?.start ?? 0, section?.end ?? 0);
  expect(cursor.name(100)).toBe("metadata.code.branch_hint");
  const counts = Array.from({ length: cursor.u32() }, () => {
    const body = cursor.u32() - record.importedFunctions;
    const count = cursor.u32();
    for (let i = 0; i < count; i++) {
      expect(bytes[record.bodyStarts[body] + cursor.u32()]).toBe(OP.if);
      expect([cursor.u32(), cursor.u32()]).toEqual([1, 0]);
    }
    return [body, count];
  });
  expect(counts).toEqual([
    [0, 3],
    [1, 2],
  ]);
  expect(imports.length).toBeGreaterThan(0);
  // Behind what the runtime calls there are as many functions again that do nothing.
  expect(record.bodyStarts).toHaveLength(functionCount + 2);
});
