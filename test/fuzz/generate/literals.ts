// Random constants, biased towards the values where instructions change their behaviour.

import { F32, F64, I32, I64, V128, type ValType } from "../../../src/isa/types.ts";
import type { Random } from "../random.ts";
import type { ByteWriter } from "../writer.ts";

const EDGES_64 = [
  0n,
  1n,
  -1n,
  2n,
  31n,
  32n,
  63n,
  64n,
  127n,
  128n,
  255n,
  -128n,
  0x7fffn,
  0x7fff_ffffn,
  -0x8000_0000n,
  0x8000_0000n,
  0xffff_ffffn,
  0x7fff_ffff_ffff_ffffn,
  -0x8000_0000_0000_0000n,
];

const EDGES_F64 = [
  0,
  -0,
  1,
  -1,
  0.5,
  2.5,
  -1.5,
  1e10,
  -2147483649,
  2147483648,
  4294967296,
  2 ** 63,
  1.5e-45,
  1e-310,
  3.4e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

const scratch = new DataView(new ArrayBuffer(8));

/** A 64-bit signed integer, often an edge case. */
export function integer64(random: Random): bigint {
  if (random.oneIn(4)) return BigInt.asIntN(64, random.u64());
  return random.oneIn(2) ? BigInt(random.below(200)) : random.pick(EDGES_64);
}

function floatBytes(random: Random, bytes: 4 | 8): number[] {
  if (random.oneIn(4)) return random.times(bytes, () => random.below(256));
  const value = random.oneIn(3) ? random.below(100) : random.pick(EDGES_F64);
  if (bytes === 4) scratch.setFloat32(0, value, true);
  else scratch.setFloat64(0, value, true);
  return random.times(bytes, (index) => scratch.getUint8(index));
}

/** The immediate of the const instruction of a number or vector type. */
export function writeLiteral(w: ByteWriter, type: ValType, random: Random): void {
  switch (type) {
    case I32:
      w.signed(BigInt.asIntN(32, integer64(random)));
      return;
    case I64:
      w.signed(integer64(random));
      return;
    case F32:
      w.bytes(floatBytes(random, 4));
      return;
    case F64:
      w.bytes(floatBytes(random, 8));
      return;
    default:
      for (let i = 0; i < 4; i++) w.bytes(floatBytes(random, 4));
  }
}

const CONST_OPCODES = new Map<ValType, number>([
  [I32, 0x41],
  [I64, 0x42],
  [F32, 0x43],
  [F64, 0x44],
  [V128, 0x30c],
]);

/** A const instruction of a number or vector type. */
export function writeConstant(w: ByteWriter, type: ValType, random: Random): void {
  w.opcode(CONST_OPCODES.get(type) as number);
  writeLiteral(w, type, random);
}
