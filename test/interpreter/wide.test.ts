// Wide arithmetic against BigInt, which no host has as instructions yet: interesting and random
// operands, as parameters and as constants, results into locals in either order, in slices.

import { describe, expect, it } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import { I64 } from "../../src/isa/types.ts";
import { inSlices } from "../api/support.ts";
import { Random } from "../fuzz/random.ts";
import { ByteWriter, ModuleWriter, SECTION } from "../fuzz/writer.ts";

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const I64_CONST = 0x42;
const I64_XOR = 0x85;
const END = 0x0b;

const wrap = (value: bigint) => BigInt.asIntN(64, value);
const signed = (low: bigint, high: bigint) => (high << 64n) | BigInt.asUintN(64, low);
const unsigned = (value: bigint) => BigInt.asUintN(64, value);

/** The instructions: sub-opcode, and what they compute on four operands or two. */
const INSTRUCTIONS: readonly (readonly [
  name: string,
  sub: number,
  operands: number,
  compute: (a: bigint, b: bigint, c: bigint, d: bigint) => bigint,
])[] = [
  ["i64.add128", 19, 4, (a, b, c, d) => signed(a, b) + signed(c, d)],
  ["i64.sub128", 20, 4, (a, b, c, d) => signed(a, b) - signed(c, d)],
  ["i64.mul_wide_s", 21, 2, (a, b) => a * b],
  ["i64.mul_wide_u", 22, 2, (a, b) => unsigned(a) * unsigned(b)],
];

const INTERESTING: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  -(2n ** 32n),
  -(2n ** 31n),
  2n ** 63n - 1n,
  -(2n ** 63n),
  -(2n ** 63n) + 1n,
  0x0123456789abcdefn,
];

/** A function of so many i64 with two as result, and its body. */
function functionOf(params: number, code: (w: ByteWriter) => void, locals = 0) {
  const w = new ByteWriter().u32(locals === 0 ? 0 : 1);
  if (locals > 0) w.u32(locals).valType(I64);
  code(w);
  const types = (count: number) => new Array(count).fill(I64);
  const module = new ModuleWriter()
    .section(SECTION.type, (t) => {
      t.u32(1).byte(0x60);
      t.vector(types(params), (type) => t.valType(type));
      t.vector(types(2), (type) => t.valType(type));
    })
    .vectorSection(SECTION.function, [0], (t) => t.u32(0))
    .vectorSection(SECTION.export, ["f"], (t, name) => t.name(name).byte(0).u32(0))
    .code([w.byte(END).finish()])
    .finish();
  return new Store().instantiate(Module.from(module)).func("f");
}

const get = (w: ByteWriter, locals: number) => {
  for (let i = 0; i < locals; i++) w.byte(LOCAL_GET).u32(i);
};
const wide = (w: ByteWriter, sub: number) => w.byte(0xfc).u32(sub);
const halves = (value: bigint) => [wrap(value), wrap(value >> 64n)];

/** Tuples of interesting operands, and random ones. */
function* operandsOf(count: number): Generator<bigint[]> {
  const random = new Random(1);
  if (count === 2) for (const a of INTERESTING) for (const b of INTERESTING) yield [a, b];
  for (let i = 0; i < 3_000; i++) {
    yield random.times(count, () => {
      return random.oneIn(2) ? random.pick(INTERESTING) : wrap(random.u64());
    });
  }
}

describe.each(INSTRUCTIONS)("%s", (_, sub, operands, compute) => {
  const expected = ([a, b, c = 0n, d = 0n]: readonly bigint[]) => halves(compute(a, b, c, d));

  it("is what BigInt computes", () => {
    const f = functionOf(operands, (w) => {
      get(w, operands);
      wide(w, sub);
    });
    const wrong = [...operandsOf(operands)].flatMap((args) => {
      const found = f.call(...args) as bigint[];
      const wanted = expected(args);
      return String(found) === String(wanted) ? [] : [`${args}: ${found}, not ${wanted}`];
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it("takes constants and operands that are in their slots", () => {
    const args = [-5n, 7n, 2n ** 62n, -(2n ** 62n)].slice(0, operands);
    const f = functionOf(operands, (w) => {
      args.forEach((value, i) => {
        if (i % 2 === 0) w.byte(I64_CONST).signed(value);
        else w.byte(LOCAL_GET).u32(i).byte(I64_CONST).signed(1n).byte(I64_XOR);
      });
      wide(w, sub);
    });
    const computed = args.map((value, i) => (i % 2 === 0 ? value : value ^ 1n));
    expect(f.call(...args)).toEqual(expected(computed));
  });

  it("leaves both results, also where they go over its operands, in slices", () => {
    const args = [2n ** 63n - 25n, -3n, 99n, -(2n ** 63n)].slice(0, operands);
    // The results replace the first two parameters, three times.
    const f = functionOf(operands, (w) => {
      for (let i = 0; i < 3; i++) {
        get(w, operands);
        wide(w, sub);
        w.byte(LOCAL_SET).u32(1).byte(LOCAL_SET).u32(0);
      }
      get(w, 2);
    });
    let wanted = args;
    for (let i = 0; i < 3; i++) wanted = [...expected(wanted), ...args.slice(2)];
    expect(f.call(...args)).toEqual(wanted.slice(0, 2));
    const outcome = inSlices(f.start(...args), 1);
    expect(outcome).toMatchObject({ kind: "returned", values: wanted.slice(0, 2) });
  });

  it("finds slots that take a wide head", () => {
    const f = functionOf(
      operands,
      (w) => {
        get(w, operands);
        for (let i = operands; i-- > 0; ) w.byte(LOCAL_SET).u32(200 + i);
        for (let i = 0; i < operands; i++) w.byte(LOCAL_GET).u32(200 + i);
        wide(w, sub);
      },
      300,
    );
    for (const args of [
      [1n, 2n, 3n, 4n],
      [-1n, -1n, -1n, -1n],
    ]) {
      expect(f.call(...args.slice(0, operands))).toEqual(expected(args.slice(0, operands)));
    }
  });
});
