// The training of the loops: it must execute every register instruction, and a program in whose
// middle it happens must not notice.

import { describe, expect, it } from "vitest";
import loadWabt from "wabt";
import { Module, Store } from "../../src/api/index.ts";
import { REGISTER_NAMES, SHAPES } from "../../src/code/opcodes.generated.ts";
import { machine, REFERENCES, SLOTS, TRAPPED } from "../../src/interpreter/loop.generated.ts";
import { LOOPS } from "../../src/interpreter/loops.ts";
import { TRAINING_STEPS, trainStep } from "../../src/interpreter/training.ts";
import {
  ARRAY_OUT_OF_BOUNDS,
  CAST_FAILURE,
  NULL_ARRAY_REFERENCE,
  NULL_I31_REFERENCE,
  NULL_STRUCTURE_REFERENCE,
} from "../../src/runtime/traps.ts";
import { OBJECTS } from "../../tools/interpreter/objects.ts";

const wabt = await loadWabt();

/** Instructions without a shape: calls and br_table are in training.wat, the rest leave the loop. */
const WITHOUT_SHAPE = [
  "illegal",
  "wide",
  "br_table",
  "call",
  "call lazy",
  "call import",
  "call_indirect",
  "return_call",
  "return_call lazy",
  "return_call import",
  "return_call_indirect",
  "return_call_ref",
  "unreachable",
  "finish",
  "slow",
];

function trainAll(): void {
  for (const loop of LOOPS) {
    for (let step = 0; step < TRAINING_STEPS; step++) trainStep(step, loop);
  }
}

describe("training", () => {
  it("knows the shape of every instruction that is no chain and stays in the loop", () => {
    // Instructions on objects have a program instead.
    const objects = new Set(OBJECTS.map(({ name }) => name));
    const without = REGISTER_NAMES.filter((name, op) => {
      return SHAPES[op] === 0 && !name.includes("=>") && !objects.has(name);
    });
    expect(without).toEqual(WITHOUT_SHAPE);
    expect(SHAPES.length).toBe(REGISTER_NAMES.length);
  });

  it("comes to the end of the program for objects: a trap for each argument but the last two", () => {
    const [, , loop] = LOOPS;
    let trap = 0;
    const run = () => {
      const status = loop.run();
      trap = status === TRAPPED ? machine.trap : 0;
      return status;
    };
    const traps = Array.from({ length: 12 }, (_, i) => {
      trainStep(TRAINING_STEPS - 12 + i, { ...loop, run });
      return trap;
    });
    expect(traps).toEqual([
      ...[NULL_STRUCTURE_REFERENCE, NULL_STRUCTURE_REFERENCE],
      ...[NULL_ARRAY_REFERENCE, NULL_ARRAY_REFERENCE, NULL_ARRAY_REFERENCE],
      ...[ARRAY_OUT_OF_BOUNDS, ARRAY_OUT_OF_BOUNDS],
      ...[NULL_I31_REFERENCE, CAST_FAILURE, CAST_FAILURE, 0, 0],
    ]);
  });

  it("leaves registers, frames and references alone", () => {
    const text = `(module
      (import "host" "train" (func $train (param externref) (result i32)))
      (memory (export "memory") 1)
      (global $g (mut i64) (i64.const 77))
      (func $deep (param i32 i64 f64 externref) (result i64)
        (if (result i64) (i32.eqz (local.get 0))
          (then (i64.extend_i32_s (call $train (local.get 3))))
          (else (i64.add (local.get 1)
            (call $deep (i32.sub (local.get 0) (i32.const 1))
              (i64.add (local.get 1) (i64.const 3)) (local.get 2) (local.get 3))))))
      (func (export "f") (param externref) (result i64 i64)
        (i32.store (i32.const 16) (i32.const 123456))
        (call $deep (i32.const 9) (i64.const 1) (f64.const 0.5) (local.get 0))
        (i64.add (global.get $g) (i64.extend_i32_s (i32.load (i32.const 16))))))`;
    const run = (train: () => void) => {
      const store = new Store({ fuel: 10_000 });
      const { buffer } = wabt.parseWat("t.wat", text, { reference_types: true }).toBinary({});
      const host = {
        train(value: object) {
          train();
          return Object.keys(value).length;
        },
      };
      const { exports } = store.instantiate(Module.from(buffer), { host });
      return [exports.f({ a: 1, b: 2 }), store.fuel];
    };
    const seen: unknown[] = [];
    const observed = run(() => {
      const before = { ...machine };
      const frames = SLOTS.slice(0, machine.fp + 16);
      const references = [...REFERENCES];
      trainAll();
      seen.push([{ ...machine }, before], [SLOTS.slice(0, frames.length), frames]);
      seen.push([[...REFERENCES], references]);
    });
    expect(observed).toEqual(run(() => {}));
    expect(observed[0]).toEqual([1n + 4n + 7n + 10n + 13n + 16n + 19n + 22n + 25n + 2n, 123533n]);
    for (const pair of seen) expect((pair as unknown[])[0]).toEqual((pair as unknown[])[1]);
    expect(seen).toHaveLength(3);
  });
});
