// Continuations that leave frames for those of the loops around them, over and over.

import { describe, expect, it, vi } from "vitest";
import { Continuations } from "../../src/compiler/continuations.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { Random } from "../fuzz/random.ts";
import { assemble, load } from "../validation/assemble.ts";
import { alternately } from "./alternately.ts";
import { compareTiers, nothingSeen } from "./tiers.ts";

const ENDLESS = { fuel: Number.POSITIVE_INFINITY, slice: Number.POSITIVE_INFINITY };

/** So many loops within each other, each of two rounds, and what the outermost does in each. */
function nest(depth: number, last: string): string {
  if (depth === 0) return "(call $g)";
  const counter = `(local.get ${depth})`;
  return `(local.set ${depth} (i32.const 0))
    (loop ${nest(depth - 1, "")} ${last}
      (local.set ${depth} (i32.add ${counter} (i32.const 1)))
      (br_if 0 (i32.lt_u ${counter} (i32.const 2))))`;
}

describe.skipIf(localHost() === null)("a frame that is left for a loop around", () => {
  it("traps there, wherever its continuation is", () => {
    // In the second round: what has been made by then is in several host modules.
    const last = "(drop (i32.div_u (local.get 0) (i32.sub (i32.const 1) (local.get 7))))";
    const text = `(module
      (func (export "f") (param i32) (local i32 i32 i32 i32 i32 i32 i32) ${nest(7, last)})
      (func $g))`;
    const record = load(assemble(text));
    const seen = nothingSeen();
    const left = vi.spyOn(Continuations.prototype, "after");
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      alternately(
        () => random.oneIn(20),
        () => compareTiers(record, DEFAULT_FEATURES, seed, ENDLESS, seen, 5),
      );
    }
    expect(seen.differences).toEqual([]);
    expect(left.mock.results.some(({ value }) => value !== null)).toBe(true);
    left.mockRestore();
  });
});
