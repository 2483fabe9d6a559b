// Runs one instruction of the table on the host's own WebAssembly, for comparison. Operands and
// results cross through linear memory as integers, so NaN payloads survive. The modules are built
// from bytes right here, so that nothing of src/ but the row's opcode has a part in the
// expectation.

import { prefixOf } from "../../src/isa/instruction.ts";
import { F32, F64, I32, I64, type ValType } from "../../src/isa/types.ts";

interface HostWebAssembly {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: Record<string, unknown> };
  RuntimeError: new () => Error;
  validate(bytes: Uint8Array): boolean;
}

/** The host's own engine. The compiler's libraries for Node do not declare it. */
export const host = (globalThis as unknown as { WebAssembly: HostWebAssembly }).WebAssembly;

/** Bytes that each operand and result takes in memory. */
const CELL = 8;

const LOAD = new Map<ValType, number>([
  [I32, 0x28],
  [I64, 0x29],
  [F32, 0x2a],
  [F64, 0x2b],
]);
const STORE = new Map<ValType, number>([
  [I32, 0x36],
  [I64, 0x37],
  [F32, 0x38],
  [F64, 0x39],
]);
/** Natural alignment as a power of two. */
const ALIGN = new Map<ValType, number>([
  [I32, 2],
  [I64, 3],
  [F32, 2],
  [F64, 3],
]);

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

/** A section of the binary format. */
export function section(id: number, payload: readonly number[]): number[] {
  return [id, ...leb(payload.length), ...payload];
}

/** A module of these sections. */
export function moduleOf(...sections: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

/** The bytes of an opcode: prefix, then the sub-opcode as LEB128. */
export function opcodeBytes(opcode: number, base: Readonly<Record<number, number>>): number[] {
  const prefix = prefixOf(opcode);
  return prefix === 0 ? [opcode] : [prefix, ...leb(opcode - base[prefix])];
}

/**
 * Module with memory "m" and function "f": reads the operands from cells, runs the instruction and
 * stores its results to the cells after them.
 */
export function instructionModule(
  code: readonly number[],
  params: readonly ValType[],
  results: readonly ValType[],
): Uint8Array<ArrayBuffer> {
  const cells = params.length;
  const loads = params.flatMap((type, i) => {
    return [0x41, 0, LOAD.get(type)!, ALIGN.get(type)!, i * CELL];
  });
  const local = { [I32]: 0x7f, [I64]: 0x7e, [F32]: 0x7d, [F64]: 0x7c } as Record<ValType, number>;
  const keep = [...results.keys()].reverse().flatMap((i) => [0x21, i]);
  const stores = results.flatMap((type, i) => {
    const at = (cells + i) * CELL;
    return [0x41, 0, 0x20, i, STORE.get(type)!, ALIGN.get(type)!, at];
  });
  const locals = [results.length, ...results.flatMap((type) => [1, local[type]])];
  const body = [...locals, ...loads, ...code, ...keep, ...stores, 0x0b];
  return moduleOf(
    section(1, [1, 0x60, 0, 0]),
    section(3, [1, 0]),
    section(5, [1, 0, 1]),
    section(7, [2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0]),
    section(10, [1, ...leb(body.length), ...body]),
  );
}

/** The host's instance of an `instructionModule`. */
export interface HostInstruction {
  /** Cell i begins at byte i * 8: operands first, then results. */
  readonly cells: DataView;
  run(): void;
}

/** Compiles with the host; throws what `WebAssembly.Module` throws. */
export function hostInstruction(
  code: readonly number[],
  params: readonly ValType[],
  results: readonly ValType[],
): HostInstruction {
  const bytes = instructionModule(code, params, results);
  const { exports } = new host.Instance(new host.Module(bytes));
  const memory = exports.m as { buffer: ArrayBuffer };
  return { cells: new DataView(memory.buffer), run: exports.f as () => void };
}

/** V8 says the same for NaN and for a number that does not fit; the operand tells them apart. */
export const UNREPRESENTABLE = "float unrepresentable";

/** Trap texts of V8, by the suite's. */
const V8_TRAPS: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/divide by zero|remainder by zero/, "integer divide by zero"],
  [/divide result unrepresentable/, "integer overflow"],
  [/float unrepresentable in integer range/, UNREPRESENTABLE],
];

/** The suite's text of a trap that the host raised. */
export function trapText(error: unknown): string {
  if (!(error instanceof host.RuntimeError)) throw error;
  for (const [pattern, text] of V8_TRAPS) if (pattern.test(error.message)) return text;
  throw error;
}
