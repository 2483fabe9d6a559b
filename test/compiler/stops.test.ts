// Going down: where the budget ends, all frames come out, innermost first, in Wasm's terms.

import { describe, expect, it } from "vitest";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { F64, I32, I64 } from "../../src/isa/types.ts";
import { assemble, load } from "../validation/assemble.ts";
import { HostInstance, writeHostModule } from "./host.ts";

const TEXT = `(module
  (func (export "f") (param i32) (result i32) (local i64 f64)
    (local.set 1 (i64.const 5))
    (i32.const 40)
    (call $g (local.get 0))
    i32.add)
  (func $g (param i32) (result i32)
    (loop $l
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i32.const 2)))`;

function instance() {
  const record = load(assemble(TEXT));
  return new HostInstance(writeHostModule(record, DEFAULT_FEATURES));
}

function call(made: ReturnType<typeof instance>, argument: number): unknown {
  return made.functions.entry(0)(argument);
}

describe("a stop", () => {
  it("gives frames with locals and operands, and ends at the dearest path's begin", () => {
    const made = instance();
    const budgets = [50, -1];
    made.refill = () => budgets.shift() as number;
    call(made, 1000);
    expect(budgets).toEqual([]);
    const [inner, outer, ...others] = made.saved;
    expect(others).toEqual([]);
    // 5 units to the call, 5 a round; 6 are the most up to the next check.
    expect(inner.site).toMatchObject({ kind: "loop", functionIndex: 1, results: 0 });
    expect(inner.locals).toEqual([992]);
    expect(inner.operands).toEqual([]);
    expect(outer.site).toMatchObject({ kind: "call", functionIndex: 0, results: 1 });
    expect(outer.site.locals).toEqual([I32, I64, F64]);
    // None of them is read any more.
    expect(outer.site.passedLocals).toEqual([]);
    expect(outer.locals).toEqual([0, 0n, 0n]);
    expect(outer.operands.slice(0, 1)).toEqual([40]);
    expect(outer.site.operands).toEqual([I32, I32]);
  });

  it("at the entry gives the parameters, and what locals start with", () => {
    const made = instance();
    made.refill = () => -1;
    call(made, 7);
    expect(made.saved).toHaveLength(1);
    expect(made.saved[0].site.kind).toBe("entry");
    expect(made.saved[0].locals).toEqual([7, 0n, 0n]);
  });

  it("that is none goes on with the budget it is given", () => {
    const made = instance();
    made.refill = (left) => left + 10;
    expect(call(made, 1000)).toBe(42);
    expect(made.saved).toEqual([]);
    // 5, and a round of 5 a thousand times, 1 for the last constant, 1 for the sum.
    expect(made.used).toBe(5007);
  });

  it("gives the locals that are live: read before written, the ways round loops included", () => {
    // After $g: 0 is read by the loop's next round, 1 behind it; 2 is written first, 3 never read.
    const record = load(
      assemble(`(module
        (func (param i32) (local i32 i32 i32)
          (local.set 1 (i32.const 1))
          (local.set 3 (i32.const 3))
          (loop $outer
            (loop $inner
              (local.set 2 (local.get 0))
              (drop (local.get 2))
              (call $g)
              (br_if $inner (i32.const 0)))
            (if (local.get 1) (then (local.set 0 (i32.const 5)) (br $outer)))))
        (func $g))`),
    );
    const { sites } = writeHostModule(record, DEFAULT_FEATURES);
    const found = [0, 1, 2, 3].map((number) => {
      const { kind, passedLocals } = sites.at(number);
      return [kind, ...passedLocals];
    });
    expect(found).toEqual([
      ["entry", 0],
      ["loop", 0, 1],
      ["loop", 0, 1],
      ["call", 0, 1],
    ]);
  });
});
