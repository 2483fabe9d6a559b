// Operands for the differential tests of numeric instructions: the bit patterns where mistakes
// hide, and seeded random ones. An operand is its bits as an unsigned bigint.

import { F32, F64, I32, type ValType } from "../../src/isa/types.ts";

/** A seeded generator of unsigned 32-bit integers (xorshift32). */
export function randomU32(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function bitsOfF32(value: number): bigint {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}

function bitsOfF64(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** Powers of two and their neighbours, the ends of the range, alternating patterns. */
function integers(width: number): bigint[] {
  const mask = (1n << BigInt(width)) - 1n;
  const values = [0n, 0x5555555555555555n, 0xaaaaaaaaaaaaaaaan, 0x0123456789abcdefn];
  const powers = [1, 7, 8, 15, 16, 24, 28, 31, 32, 33, 47, 48, 52, 53, 54, 62, 63];
  for (const power of [0, ...powers]) {
    const one = 1n << BigInt(power);
    values.push(one, one - 1n, one + 1n, -one, -one - 1n, -one + 1n);
  }
  return [...new Set(values.map((value) => value & mask))];
}

/** Every finite power of two that a conversion or rounding may stumble over. */
const FLOAT_POWERS = [-1, 0, 1, 22, 23, 24, 31, 32, 51, 52, 53, 62, 63, 64, 100];

function floats(toBits: (value: number) => bigint, special: readonly bigint[], sign: bigint) {
  const values = [0, 0.1, 0.25, 0.49999999999999994, 0.5, 0.75, 1.5, 2.5, 3.5, 1.1, 4.7, 1e10];
  for (const power of FLOAT_POWERS) values.push(2 ** power);
  values.push(2147483647, 2147483646.5, 2147483648.5, 4294967295, 4294967295.5, 8388607.5);
  const bits = new Set(special);
  for (const value of values) {
    const at = toBits(value);
    bits.add(at);
    // Neighbours in the type itself.
    bits.add(at + 1n);
    if (at > 0n) bits.add(at - 1n);
  }
  return [...bits].flatMap((item) => [item, item | sign]);
}

const SPECIAL_F32 = [
  0x00000001n, // smallest denormal
  0x007fffffn, // largest denormal
  0x00800000n, // smallest normal
  0x7f7fffffn, // largest
  0x7f800000n, // infinity
  0x7fc00000n, // canonical NaN
  0x7fc01234n, // quiet, with payload
  0x7f800001n, // signalling
  0x7fa00000n,
];

const SPECIAL_F64 = [
  0x0000000000000001n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x7fefffffffffffffn,
  0x7ff0000000000000n,
  0x7ff8000000000000n,
  0x7ff8000000001234n,
  0x7ff0000000000001n,
  0x7ff4000000000000n,
  // What f32 cannot hold: overflow, underflow and ties when demoted.
  bitsOfF64(3.4028235677973366e38),
  bitsOfF64(3.4028235677973362e38),
  bitsOfF64(2 ** -149),
  bitsOfF64(2 ** -150),
  bitsOfF64(1 + 2 ** -24),
  bitsOfF64(1 + 3 * 2 ** -24),
];

const INTERESTING = new Map<ValType, readonly bigint[]>();

/** The interesting bit patterns of a type. */
export function interesting(type: ValType): readonly bigint[] {
  let values = INTERESTING.get(type);
  if (values === undefined) {
    if (type === F32) values = floats(bitsOfF32, SPECIAL_F32, 1n << 31n);
    else if (type === F64) values = floats(bitsOfF64, SPECIAL_F64, 1n << 63n);
    else values = integers(type === I32 ? 32 : 64);
    INTERESTING.set(type, values);
  }
  return values;
}

const RANDOM_TRIES = 1500;

/** Random bits of a type: uniform, or near a number, or with many zeros. */
function randomBits(type: ValType, next: () => number): bigint {
  const wide = type !== I32 && type !== F32;
  const uniform = wide ? (BigInt(next()) << 32n) | BigInt(next()) : BigInt(next());
  const width = wide ? 64n : 32n;
  switch (next() % 4) {
    case 0: // a small magnitude: random length
      return uniform >> (BigInt(next()) % width);
    case 1: {
      // Both floats and integers: an interesting value, disturbed in its low bits.
      const values = interesting(type);
      return values[next() % values.length] ^ (uniform & 0xffn);
    }
    case 2: {
      if (type === F32) return bitsOfF32(((next() | 0) / 2 ** (next() % 40)) * 2 ** (next() % 64));
      if (type === F64) return bitsOfF64(((next() | 0) / 2 ** (next() % 40)) * 2 ** (next() % 64));
      return uniform;
    }
    default:
      return uniform;
  }
}

/** Operand tuples for an instruction: the product of the interesting ones, then random ones. */
export function* operandsOf(params: readonly ValType[]): Iterable<bigint[]> {
  const [first, second] = params;
  for (const a of interesting(first)) {
    if (second === undefined) yield [a];
    else for (const b of interesting(second)) yield [a, b];
  }
  const next = randomU32(0x5eed);
  for (let i = 0; i < RANDOM_TRIES; i++) yield params.map((type) => randomBits(type, next));
}
