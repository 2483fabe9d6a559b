// Constant expressions, exact to the bit. Expectations are BigInt arithmetic and bit patterns that
// the modules' own bytes hold.

import { describe, expect, it } from "vitest";
import { EXTERNREF, F64, I64 } from "../../src/isa/types.ts";
import {
  type ExternInstance,
  FunctionInstance,
  type GlobalInstance,
} from "../../src/runtime/instances.ts";
import { moduleOf, name, section, vec } from "../binary/bytes.ts";
import { exported, func, global, instance, Store } from "./support.ts";

/** Bits of the first global that the module defines. */
function bitsOf(source: string, given?: ExternInstance): bigint {
  const store = given?.kind === "global" ? given.value.store : new Store();
  const imports = given === undefined ? [] : [given];
  const { at, cells } = exported(instance(store, source, imports), "g").value as {
    at: number;
    cells: Int32Array;
  };
  return BigInt.asUintN(64, (BigInt(cells[at + 1]) << 32n) | BigInt(cells[at] >>> 0));
}

const globalOf = (type: string, init: string) => `(module (global (export "g") ${type} ${init}))`;

describe("numbers", () => {
  it.each([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 0x12345678])("i32.const %d", (value) => {
    const bits = bitsOf(globalOf("i32", `(i32.const ${value})`));
    expect(bits).toBe(BigInt.asUintN(32, BigInt(value)));
  });

  it.each([0n, -1n, 1n << 32n, -(1n << 63n), (1n << 63n) - 1n, -2n, 0x123456789abcdef0n])(
    "i64.const %d",
    (value) => {
      const bits = bitsOf(globalOf("i64", `(i64.const ${value})`));
      expect(bits).toBe(BigInt.asUintN(64, value));
    },
  );

  it.each([
    ["f32", "-0", 0x8000_0000n],
    ["f32", "nan:0x200001", 0x7fa0_0001n],
    ["f32", "-nan:0x400000", 0xffc0_0000n],
    ["f32", "1.5", 0x3fc0_0000n],
    ["f64", "-0", 0x8000_0000_0000_0000n],
    ["f64", "nan:0x4000000000001", 0x7ff4_0000_0000_0001n],
    ["f64", "-inf", 0xfff0_0000_0000_0000n],
    ["f64", "1.5", 0x3ff8_0000_0000_0000n],
  ])("%s.const %s", (type, value, bits) => {
    expect(bitsOf(globalOf(type, `(${type}.const ${value})`))).toBe(bits);
  });
});

describe("extended constants", () => {
  const operands = [0n, 1n, -1n, 7n, 0xffff_ffffn, 1n << 32n, 1n << 62n, -(1n << 63n)];
  const operations = {
    add: (a: bigint, b: bigint) => a + b,
    sub: (a: bigint, b: bigint) => a - b,
    mul: (a: bigint, b: bigint) => a * b,
  };
  const extra = [0x9e3779b97f4a7c15n, -0x61c8864680b583ebn, 0x7fff_ffffn, -(1n << 31n)];

  for (const [operation, compute] of Object.entries(operations)) {
    it.each([32, 64])(`i%d.${operation}`, (width) => {
      const values = [...operands, ...extra].map((value) => BigInt.asIntN(width, value));
      for (const a of values) {
        for (const b of values) {
          const push = (value: bigint) => `(i${width}.const ${value})`;
          const source = globalOf(`i${width}`, `(i${width}.${operation} ${push(a)} ${push(b)})`);
          expect(bitsOf(source), source).toBe(BigInt.asUintN(width, compute(a, b)));
        }
      }
    });
  }

  it("nest, and read globals", () => {
    const source = `(module (import "m" "n" (global $n i64))
      (global $own i64 (i64.mul (global.get $n) (i64.const 10)))
      (global (export "g") i64
        (i64.sub (i64.add (global.get $own) (i64.const 5)) (i64.mul (i64.const 2) (i64.const 3)))))`;
    const store = new Store();
    const given = global(store, I64, false, 4, 0);
    expect(bitsOf(source, given)).toBe(39n);
  });

  it("copy bits of imported globals", () => {
    const source = `(module (import "m" "n" (global $n f64))
      (global (export "g") f64 (global.get $n)))`;
    // A signalling NaN, which a JavaScript number would not keep.
    expect(bitsOf(source, global(new Store(), F64, false, 1, 0x7ff00000))).toBe(
      0x7ff0_0000_0000_0001n,
    );
  });
});

describe("references", () => {
  it("are null, or functions with one identity", () => {
    const made = instance(
      new Store(),
      `(module (import "m" "h" (func $h)) (func $f (export "f"))
        (global (export "null") externref (ref.null extern))
        (global (export "f1") funcref (ref.func $f))
        (global (export "f2") funcref (ref.func $f))
        (global (export "h") funcref (ref.func $h)))`,
      [func()],
    );
    const reference = (name: string) =>
      (exported(made, name).value as { reference: unknown }).reference;
    expect(reference("null")).toBe(null);
    expect(reference("f1")).toBeInstanceOf(FunctionInstance);
    expect(reference("f1")).toBe(exported(made, "f").value);
    expect(reference("f2")).toBe(reference("f1"));
    expect(reference("h")).toBe(made.functionAt(0));
  });

  it("pass through globals", () => {
    const store = new Store();
    const given = global(store, EXTERNREF);
    const marker = { some: "host value" };
    (given.value as { reference: unknown }).reference = marker;
    // wabt does not know tables with an initialiser.
    const copy = [0x23, 0, 0x0b];
    const bytes = moduleOf(
      section(2, vec([...name("m"), ...name("n"), 3, 0x6f, 0])),
      section(4, vec([0x40, 0, 0x6f, 0, 2, ...copy])),
      section(6, vec([0x6f, 0, ...copy])),
      section(7, vec([...name("g"), 3, 1], [...name("t"), 1, 0])),
    );
    const made = instance(store, bytes, [given]);
    expect(exported(made, "g").value).toMatchObject({ reference: marker });
    expect((exported(made, "t").value as { head: unknown[] }).head).toEqual([marker, marker]);
  });
});

describe("v128", () => {
  it("takes the cells of two globals, and keeps other globals where they are", () => {
    const bytes16 = Array.from({ length: 16 }, (_, i) => 16 - i);
    const v128 = [0x7b, 0, 0xfd, 12, ...bytes16, 0x0b];
    const i32 = (n: number) => [0x7f, 0, 0x41, n, 0x0b];
    const made = instance(
      new Store(),
      moduleOf(
        section(6, vec(i32(1), v128, i32(2), [0x7b, 0, 0x23, 1, 0x0b], i32(3))),
        section(7, vec(...[0, 1, 2, 3, 4].map((i) => [...name(`g${i}`), 3, i]))),
      ),
    );
    const raw = (i: number) => (exported(made, `g${i}`).value as GlobalInstance).raw;
    const vector = {
      low: 0x0d0e0f10,
      high: 0x090a0b0c,
      reference: null,
      upper: { low: 0x05060708, high: 0x01020304 },
    };
    expect([raw(1), raw(3)]).toEqual([vector, vector]);
    expect([0, 2, 4].map((i) => raw(i).low)).toEqual([1, 2, 3]);
  });
});
