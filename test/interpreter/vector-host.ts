// A vector instruction on the host's own WebAssembly, and the operands to try it with. What the host
// lacks is put together from instructions that are prescribed for it (spec: deterministic profile).

import { type Instruction, opcodeOf, PREFIX_BASE } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { F32, F64, I32, I64, V128, type ValType } from "../../src/isa/types.ts";
import { LANE_BITS } from "../../tools/interpreter/vectors.ts";
import type { Random } from "../fuzz/random.ts";
import { host, leb, moduleOf, opcodeBytes, section } from "../isa/host.ts";
import { interesting } from "../isa/operands.ts";

/** Bytes of an operand or result in the host's memory; the third page is what is accessed. */
export const CELL = 16;
export const ACCESSED = 0x20000;
const PAGES = 3;

const TYPES: Readonly<Record<ValType, readonly [load: number[], store: number[], code: number]>> = {
  [I32]: [[0x28, 0], [0x36, 0], 0x7f],
  [I64]: [[0x29, 0], [0x37, 0], 0x7e],
  [F32]: [[0x2a, 0], [0x38, 0], 0x7d],
  [F64]: [[0x2b, 0], [0x39, 0], 0x7c],
  [V128]: [[0xfd, 0, 0], [0xfd, 11, 0], 0x7b],
};

export const ADDRESS = -1;

/** Types of the operands, an address as i32. */
export function operandTypes({ params }: Instruction): ValType[] {
  return (params ?? []).map((type) => (type === ADDRESS ? I32 : type));
}

const code = (name: string) => {
  const row = INSTRUCTIONS.find((item) => item.name === name);
  if (row === undefined) throw new Error(`there is no instruction ${name}`);
  return opcodeBytes(row.opcode, PREFIX_BASE);
};

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];

/** Products of the even and the odd bytes of locals 0 and 1, their sums saturated. */
const dot = (): number[] => {
  const even = (local: number) => [
    ...get(local),
    ...[0x41, 8, ...code("i16x8.shl")],
    ...[0x41, 8, ...code("i16x8.shr_s")],
  ];
  const odd = (local: number) => [...get(local), 0x41, 8, ...code("i16x8.shr_s")];
  const product = (lanes: (local: number) => number[]) => [
    ...lanes(0),
    ...lanes(1),
    ...code("i16x8.mul"),
  ];
  return [...product(even), ...product(odd), ...code("i16x8.add_sat_s")];
};

const locals = (count: number) => Array.from({ length: count }, (_, i) => get(i)).flat();

/** Relaxed instructions by what the deterministic profile makes of them, over locals 0, 1, 2. */
export const RELAXED: Readonly<Record<string, () => number[]>> = {
  "i8x16.relaxed_swizzle": () => [...locals(2), ...code("i8x16.swizzle")],
  "i32x4.relaxed_trunc_f32x4_s": () => [...locals(1), ...code("i32x4.trunc_sat_f32x4_s")],
  "i32x4.relaxed_trunc_f32x4_u": () => [...locals(1), ...code("i32x4.trunc_sat_f32x4_u")],
  "i32x4.relaxed_trunc_f64x2_s_zero": () => [...locals(1), ...code("i32x4.trunc_sat_f64x2_s_zero")],
  "i32x4.relaxed_trunc_f64x2_u_zero": () => [...locals(1), ...code("i32x4.trunc_sat_f64x2_u_zero")],
  "f32x4.relaxed_madd": () => multiplyAdd("f32x4", ""),
  "f32x4.relaxed_nmadd": () => multiplyAdd("f32x4", "f32x4.neg"),
  "f64x2.relaxed_madd": () => multiplyAdd("f64x2", ""),
  "f64x2.relaxed_nmadd": () => multiplyAdd("f64x2", "f64x2.neg"),
  "i8x16.relaxed_laneselect": () => [...locals(3), ...code("v128.bitselect")],
  "i16x8.relaxed_laneselect": () => [...locals(3), ...code("v128.bitselect")],
  "i32x4.relaxed_laneselect": () => [...locals(3), ...code("v128.bitselect")],
  "i64x2.relaxed_laneselect": () => [...locals(3), ...code("v128.bitselect")],
  "f32x4.relaxed_min": () => [...locals(2), ...code("f32x4.min")],
  "f32x4.relaxed_max": () => [...locals(2), ...code("f32x4.max")],
  "f64x2.relaxed_min": () => [...locals(2), ...code("f64x2.min")],
  "f64x2.relaxed_max": () => [...locals(2), ...code("f64x2.max")],
  "i16x8.relaxed_q15mulr_s": () => [...locals(2), ...code("i16x8.q15mulr_sat_s")],
  "i16x8.relaxed_dot_i8x16_i7x16_s": dot,
  "i32x4.relaxed_dot_i8x16_i7x16_add_s": () => [
    ...dot(),
    ...code("i32x4.extadd_pairwise_i16x8_s"),
    ...get(2),
    ...code("i32x4.add"),
  ],
};

function multiplyAdd(shape: string, negation: string): number[] {
  const first = [...get(0), ...(negation === "" ? [] : code(negation))];
  return [...first, ...get(1), ...code(`${shape}.mul`), ...get(2), ...code(`${shape}.add`)];
}

/** An instruction on the host: operands from the first cells, the result in the one behind them. */
export interface HostVector {
  readonly memory: DataView;
  /** The text of a trap, or null. */
  run(): string | null;
}

/** Compiles an instruction with these bytes of immediates. */
export function hostVector(row: Instruction, immediates: readonly number[]): HostVector {
  const types = operandTypes(row);
  const loads = types.flatMap((type, i) => {
    return [0x41, 0, ...TYPES[type][0], ...leb(i * CELL), ...set(i)];
  });
  const relaxed = RELAXED[row.name];
  const operation =
    relaxed === undefined ? [...locals(types.length), ...code(row.name), ...immediates] : relaxed();
  const [result] = row.results;
  const at = leb(types.length * CELL);
  const kept = types.length;
  const store =
    result === undefined ? [] : [...set(kept), 0x41, 0, ...get(kept), ...TYPES[result][1], ...at];
  const declared = [...types, ...row.results].flatMap((type) => [1, TYPES[type][2]]);
  const body = [
    types.length + row.results.length,
    ...declared,
    ...loads,
    ...operation,
    ...store,
    0x0b,
  ];
  const bytes = moduleOf(
    section(1, [1, 0x60, 0, 0]),
    section(3, [1, 0]),
    section(5, [1, 0, PAGES]),
    section(7, [2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0]),
    section(10, [1, ...leb(body.length), ...body]),
  );
  const { exports } = new host.Instance(new host.Module(bytes));
  const memory = new DataView((exports.m as { buffer: ArrayBuffer }).buffer);
  const run = exports.f as () => void;
  return {
    memory,
    run() {
      try {
        run();
        return null;
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

// Operands

function lane(bits: number, isFloat: boolean, random: Random): bigint {
  const uniform = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
  const width = BigInt(bits);
  const type = bits === 64 ? (isFloat ? F64 : I64) : isFloat ? F32 : I32;
  if (bits >= 32 && random.below(4) !== 0) {
    const values = interesting(type);
    return values[random.below(values.length)];
  }
  const ends = [0n, 1n, 2n, (1n << width) - 1n, 1n << (width - 1n), (1n << (width - 1n)) - 1n];
  const kinds = [
    uniform,
    ends[random.below(ends.length)],
    uniform >> BigInt(64 - random.below(64)),
  ];
  return BigInt.asUintN(bits, kinds[random.below(kinds.length)]);
}

/** The shapes that the name of an instruction speaks of. */
export function shapesOf(name: string): string[] {
  const shapes = [...name.matchAll(/[if]\d+x\d+/g)].map(([shape]) => shape);
  return shapes.filter((shape) => shape in LANE_BITS);
}

/** A vector of lanes that are worth a try, as bytes. */
export function randomVector(name: string, random: Random): Uint8Array {
  const shapes = [...shapesOf(name), "i8x16", "i32x4"];
  const shape = shapes[random.below(3) === 0 ? random.below(shapes.length) : 0];
  const bits = LANE_BITS[shape];
  const view = new DataView(new ArrayBuffer(16));
  const same = random.below(8) === 0 ? lane(bits, shape.startsWith("f"), random) : null;
  for (let at = 0; at < 16; at += bits / 8) {
    const value = same ?? lane(bits, shape.startsWith("f"), random);
    if (bits === 8) view.setUint8(at, Number(value));
    else if (bits === 16) view.setUint16(at, Number(value), true);
    else if (bits === 32) view.setUint32(at, Number(value), true);
    else view.setBigUint64(at, value, true);
  }
  return new Uint8Array(view.buffer);
}

/** A relaxed instruction's opcode is not the host's concern. */
export const isRelaxed = ({ opcode }: Instruction) => opcode >= opcodeOf(0xfd, 256);
