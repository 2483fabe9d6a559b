// LEB128 integers (spec: 5.2.2) against a reference that follows the specification's grammar with
// BigInt: a number of N bits takes at most ceil(N / 7) bytes, and the bits of the last byte that do
// not belong to the number are zero, or copies of the sign.

import { describe, expect, it } from "vitest";
import { Cursor } from "../../src/binary/cursor.ts";
import { MalformedError } from "../../src/module/errors.ts";
import { randomU32 } from "../isa/operands.ts";

/** What reading gives: value and length, or the suite's phrase. */
type Reading = { value: bigint; length: number } | string;

interface Format {
  readonly name: string;
  readonly bits: number;
  readonly signed: boolean;
  read(cursor: Cursor): bigint;
}

const FORMATS: readonly Format[] = [
  { name: "u32", bits: 32, signed: false, read: (cursor) => BigInt(cursor.u32()) },
  { name: "s32", bits: 32, signed: true, read: (cursor) => BigInt(cursor.s32()) },
  { name: "s33", bits: 33, signed: true, read: (cursor) => BigInt(cursor.s33()) },
  { name: "u64", bits: 64, signed: false, read: (cursor) => cursor.u64AsBigInt() },
  {
    name: "s64",
    bits: 64,
    signed: true,
    read(cursor) {
      const low = cursor.s64();
      return (BigInt(cursor.high) << 32n) | BigInt(low >>> 0);
    },
  },
];

/** Reads by the grammar of the specification. */
function reference(bytes: readonly number[], { bits, signed }: Format): Reading {
  const most = Math.ceil(bits / 7);
  let value = 0n;
  for (let i = 0; i < most; i++) {
    if (i >= bytes.length) return "unexpected end";
    value |= BigInt(bytes[i] & 0x7f) << BigInt(7 * i);
    if (bytes[i] >= 0x80) continue;
    const width = BigInt(7 * (i + 1));
    if (signed && (bytes[i] & 0x40) !== 0) value -= 1n << width;
    const fits = signed
      ? BigInt.asIntN(bits, value) === value
      : BigInt.asUintN(bits, value) === value;
    return fits ? { value, length: i + 1 } : "integer too large";
  }
  return "integer representation too long";
}

/** Reads with the cursor; other bytes around must play no part. */
function reading(bytes: readonly number[], format: Format): Reading {
  const before = [0xff, 0x80];
  const after = [0x00, 0x7f];
  const cursor = new Cursor(Uint8Array.from([...before, ...bytes, ...after]));
  cursor.reset(cursor.bytes, before.length, before.length + bytes.length);
  try {
    const value = format.read(cursor);
    return { value, length: cursor.pos - before.length };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return error.phrase.startsWith("unexpected end") ? "unexpected end" : error.phrase;
  }
}

/** All encodings of a number from its shortest to one byte more than is allowed. */
function encodings(value: bigint, { bits, signed }: Format): number[][] {
  const forms: number[][] = [];
  for (let length = 1; length <= Math.ceil(bits / 7) + 1; length++) {
    const width = 7 * length;
    const stored = signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
    if (stored !== value) continue;
    const groups = Array.from({ length }, (_, i) => Number((value >> BigInt(7 * i)) & 0x7fn));
    forms.push(groups.map((group, i) => (i < length - 1 ? group | 0x80 : group)));
  }
  return forms;
}

function borders({ bits, signed }: Format): bigint[] {
  const values = new Set<bigint>();
  for (let power = 0; power < bits; power++) {
    for (const delta of [-1n, 0n, 1n]) {
      const value = (1n << BigInt(power)) + delta;
      values.add(BigInt.asUintN(bits, value));
      if (signed) {
        values.add(BigInt.asIntN(bits, value));
        values.add(BigInt.asIntN(bits, -value));
      }
    }
  }
  return [...values].filter((value) => !signed || BigInt.asIntN(bits, value) === value);
}

describe.each(FORMATS.map((format) => [format.name, format] as const))("%s", (_, format) => {
  const most = Math.ceil(format.bits / 7);

  it("reads every border value in every padding, and refuses one byte too many", () => {
    let padded = 0;
    for (const value of borders(format)) {
      for (const bytes of encodings(value, format)) {
        const expected = bytes.length > most ? "integer representation too long" : null;
        const found = reading(bytes, format);
        expect(found, `${value} as ${bytes}`).toEqual(expected ?? { value, length: bytes.length });
        if (bytes.length === most) padded++;
      }
    }
    expect(padded).toBeGreaterThan(format.bits);
  });

  it("judges each of the 256 possible last bytes as the grammar does", () => {
    const outcomes = new Set<string>();
    for (const filler of [0x80, 0xff, 0xaa]) {
      for (let last = 0; last < 256; last++) {
        const bytes = [...new Array(most - 1).fill(filler), last];
        const expected = reference(bytes, format);
        expect(reading(bytes, format), String(bytes)).toEqual(expected);
        outcomes.add(typeof expected === "string" ? expected : "value");
      }
    }
    expect(outcomes).toEqual(
      new Set(["value", "integer too large", "integer representation too long"]),
    );
  });

  it("refuses every truncation", () => {
    for (let length = 0; length < most; length++) {
      expect(reading(new Array(length).fill(0x80), format)).toBe("unexpected end");
    }
  });

  it("agrees with the reference on random bytes", () => {
    const next = randomU32(format.bits + (format.signed ? 1 : 0));
    for (let i = 0; i < 20_000; i++) {
      const length = 1 + (next() % (most + 1));
      // Mostly continuation bytes, or else nearly all numbers would be short.
      const bytes = Array.from({ length }, (_, k) => {
        return (next() & 0xff) | (k < length - 1 && next() % 8 > 0 ? 0x80 : 0);
      });
      expect(reading(bytes, format)).toEqual(reference(bytes, format));
    }
  });
});

describe("fixed-size values", () => {
  it("reads the bits of an f32 as a signed integer", () => {
    const cursor = new Cursor(Uint8Array.of(0, 0, 0xc0, 0xff, 1));
    expect(cursor.bits32()).toBe(0xffc00000 | 0);
    expect(() => cursor.bits32()).toThrow(/^unexpected end/);
    expect(cursor.pos).toBe(4);
  });
});
