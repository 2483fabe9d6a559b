// How the host tier takes instructions: what it says of them by name is what their rows say.

import { expect, it } from "vitest";
import { handlingOf, SAME, TRAPPING } from "../../src/compiler/handling.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";

it("knows which numeric instructions may trap", () => {
  const numeric = INSTRUCTIONS.filter(({ access, meaning, opcode }) => {
    return access === null && meaning !== null && handlingOf(opcode).kind <= TRAPPING;
  });
  const trapping = numeric.filter(({ meaning }) => meaning?.traps !== undefined);
  expect(trapping).toHaveLength(16);
  for (const row of numeric) {
    const expected = trapping.includes(row) ? TRAPPING : SAME;
    expect([row.name, handlingOf(row.opcode).kind]).toEqual([row.name, expected]);
  }
});
