// Steps of the host tier that protect what random programs hardly ever come to.

import { describe, expect, it } from "vitest";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compareTiers, nothingSeen } from "./tiers.ts";

describe.skipIf(localHost() === null)("a loop's parameter", () => {
  it("stays what it is where br_table has a value for the loop and for a block in it", () => {
    const text = `(module
      (func (export "f") (param i32) (result i32)
        (i32.const 7)
        (loop $l (param i32) (result i32)
          (block $b (result i32)
            (i32.const 9)
            (br_table $b $l (local.get 0)))
          i32.add)))`;
    const seen = nothingSeen();
    const fuel = Number.POSITIVE_INFINITY;
    compareTiers(load(assemble(text)), DEFAULT_FEATURES, 1, { fuel, slice: fuel }, seen, 0);
    expect(seen).toMatchObject({ compiled: 1, calls: 1, differences: [] });
  });
});
