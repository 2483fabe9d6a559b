// Which locals are passed at a site: those that may be read before they are written, no others.

import { describe, expect, it } from "vitest";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { assemble, load } from "../validation/assemble.ts";
import { writeHostModule } from "./host.ts";

/** Locals that are passed at each site of a function with three locals, by the sites' kinds. */
function passed(code: string): readonly (readonly [kind: string, locals: readonly number[]])[] {
  const text = `(module
    (func $f (result i32) (i32.const 0))
    (func (local i32 i32 i32) ${code}))`;
  const { sites } = writeHostModule(load(assemble(text)), DEFAULT_FEATURES);
  const found = Array.from({ length: sites.end }, (_, i) => sites.at(i));
  return found.slice(2).map(({ kind, passedLocals }) => [kind, passedLocals]);
}

/** So many loops within each other, each of which the innermost may go on with. */
function nest(depth: number, inner: string): string {
  if (depth === 0) return inner;
  return `(loop $l${depth} ${nest(depth - 1, inner)} (br_if $l${depth} (local.get 2)))`;
}

describe("a local is passed", () => {
  it("at a loop that reads it, and behind a call only if it is not written first", () => {
    const code = `(loop $l
      (drop (local.get 0))
      (local.set 0 (call $f))
      (drop (call $f))
      (br_if $l (i32.const 1)))`;
    expect(passed(code)).toEqual([
      ["loop", [0]],
      ["call", []],
      ["call", [0]],
    ]);
  });

  it("in an inner loop that goes on with one which reads it", () => {
    const code = `(loop $outer
      (drop (local.get 0))
      (loop $inner
        (drop (call $f))
        (br_if $inner (local.get 1))
        (local.set 1 (call $f))
        (br_if $outer (local.get 1))))`;
    expect(passed(code)).toEqual([
      ["loop", [0, 1]],
      ["loop", [0, 1]],
      ["call", [0, 1]],
      ["call", [0]],
    ]);
  });

  it("where it is read after many loops that go on with each other", () => {
    const inner = "(drop (call $f)) (br_if $l1 (local.get 1)) (br $l30)";
    for (const [kind, locals] of passed(`(drop (local.get 0)) ${nest(30, inner)}`)) {
      expect([kind, locals]).toEqual([kind, [1]]);
    }
    const loops = passed(
      nest(30, "(drop (call $f)) (br_if $l3 (local.get 1)) (br_if $l29 (local.get 0))"),
    );
    for (const [, locals] of loops) expect(locals).toEqual(expect.arrayContaining([1, 2]));
  });
});
