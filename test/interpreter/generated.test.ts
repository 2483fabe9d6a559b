// The interpreter loop and the register opcodes that are committed are those that the instruction
// table and the forms give now.

import { expect, it } from "vitest";
import { staleFiles } from "../../tools/generate-interpreter.ts";

it("generated files are current: else run `npm run generate` and commit them", () => {
  expect(staleFiles()).toEqual([]);
});
