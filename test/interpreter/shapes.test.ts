// Every scalar numeric instruction, load and store, through the interpreter in all the shapes the
// emitter gives it, beside the host's own WebAssembly: operands in parameters, constants, results of
// loads, beyond the narrow slots; the result returned, in a local, tested, selected by. Operands and
// results cross through memory, so every bit counts.

import { describe, expect, it } from "vitest";
import type { Instruction } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { F32, F64, formatValType, I32, I64, type ValType } from "../../src/isa/types.ts";
import { interesting } from "../isa/operands.ts";
import { callHost, callOurs, HOST, Pair } from "./differential.ts";

/** Operands per type in these tests; that the meanings are right is test/isa/meaning.test.ts. */
const FEW = 14;
const CONSTANTS = 5;
/** Cells of the operands and of the result, and a place that is loaded from and stored to. */
const CELLS = [0, 8] as const;
const RESULT = 16;

const SCALAR = new Set<ValType>([I32, I64, F32, F64]);

/** Operand types, an address as i32; null if it is not a scalar instruction. */
function operandTypes({ params, results, meaning, access, feature }: Instruction) {
  const plain = meaning !== null || ((access !== null && feature === null) as boolean);
  if (!plain || params === null) return null;
  const types = params.map((type) => (type < 0 ? I32 : type));
  return [...types, ...results].every((type) => SCALAR.has(type)) ? types : null;
}

const ROWS = INSTRUCTIONS.filter((row) => {
  return operandTypes(row) !== null && (row.access === null || /load|store/.test(row.name));
});

/** Some of the interesting bit patterns, spread over all of them, special ones included. */
function some(type: ValType, count: number): bigint[] {
  const all = interesting(type);
  const step = Math.max(1, Math.floor(all.length / count));
  return all.filter((_, i) => i % step === 0).slice(0, count);
}

function addresses(): bigint[] {
  return [0n, 1n, 24n, 65527n, 65528n, 65532n, 65534n, 65535n, 65536n, 0x7fffffffn, 0xffffffffn];
}

function valuesOf(row: Instruction, index: number, type: ValType, count: number): bigint[] {
  return row.access !== null && index === 0 ? addresses().slice(0, count) : some(type, count);
}

/** A constant of these bits, without going through a number. */
function constant(type: ValType, bits: bigint): string {
  const width = type === I32 || type === F32 ? 32 : 64;
  if (type === I32 || type === I64) return `i${width}.const ${BigInt.asIntN(width, bits)}`;
  const exponent = width === 32 ? 8n : 11n;
  const mantissa = BigInt(width) - 1n - exponent;
  const sign = bits >> BigInt(width - 1) === 1n ? "-" : "";
  const fraction = bits & ((1n << mantissa) - 1n);
  const power = (bits >> mantissa) & ((1n << exponent) - 1n);
  if (power === (1n << exponent) - 1n) {
    const special = fraction === 0n ? "inf" : `nan:0x${fraction.toString(16)}`;
    return `f${width}.const ${sign}${special}`;
  }
  const bias = (1n << (exponent - 1n)) - 1n;
  const scaled = power === 0n ? 1n - bias - mantissa : power - bias - mantissa;
  const digits = power === 0n ? fraction : fraction | (1n << mantissa);
  return `f${width}.const ${sign}0x${digits.toString(16)}p${scaled}`;
}

interface Shape {
  readonly name: string;
  readonly body: string;
  readonly wide?: boolean;
  /** The result is not the instruction's, but an i32 that depends on it. */
  readonly tested?: boolean;
}

/** The shapes of an instruction, over locals $a and $b that hold its operands. */
function shapesOf(row: Instruction, types: readonly ValType[]): Shape[] {
  const text = `${row.name}${row.access === null ? "" : " offset=1"}`;
  const locals = types.map((_, i) => `local.get $${"ab"[i]}`);
  const plain = `${locals.join(" ")} ${text}`;
  const loads = types.map((type, i) => `i32.const ${CELLS[i]} ${formatValType(type)}.load`);
  const shapes: Shape[] = [
    { name: "locals", body: plain },
    { name: "wide", body: plain, wide: true },
    { name: "loaded", body: `${loads.join(" ")} ${text}` },
    { name: "loaded wide", body: `${loads.join(" ")} ${text}`, wide: true },
  ];
  types.forEach((type, i) => {
    for (const bits of valuesOf(row, i, type, CONSTANTS)) {
      const operands = locals.map((local, j) => (i === j ? constant(type, bits) : local));
      shapes.push({
        name: `${"ab"[i]} = 0x${bits.toString(16)}`,
        body: `${operands.join(" ")} ${text}`,
      });
    }
  });
  if (row.results.length === 0) return shapes;
  shapes.push(
    { name: "to a local", body: `${plain} local.set $r local.get $r` },
    { name: "to a wide local", body: `${plain} local.set $r local.get $r`, wide: true },
    { name: "over an operand", body: `${plain} local.tee $r drop local.get $r` },
  );
  const negations: Partial<Record<ValType, string>> = { [I32]: "", [I64]: "i64.eqz" };
  const test = negations[row.results[0]];
  if (test === undefined) return shapes;
  shapes.push(...testsOf(`${plain} ${test}`));
  if (types.length < 2) return shapes;
  for (const bits of valuesOf(row, 1, types[1], CONSTANTS)) {
    const value = `${locals[0]} ${constant(types[1], bits)} ${text} ${test}`;
    const tests = testsOf(value).filter(({ name }) => /^(if|br_if)( eqz)?( wide)?$/.test(name));
    shapes.push(...tests.map((shape) => ({ ...shape, name: `${shape.name}, b = ${bits}` })));
  }
  return shapes;
}

function testsOf(value: string): Shape[] {
  const bodies: Record<string, string> = {
    if: `${value} if (result i32) i32.const 1 else i32.const 2 end`,
    "if eqz": `${value} i32.eqz if (result i32) i32.const 1 else i32.const 2 end`,
    br_if: `block ${value} br_if 0 i32.const 1 return end i32.const 2`,
    "br_if eqz": `block ${value} i32.eqz br_if 0 i32.const 1 return end i32.const 2`,
    "br_if with operand": `block (result i32) i32.const 7 i32.const 8 ${value} br_if 0 i32.add end`,
    "return if": `i32.const 3 ${value} br_if 0 drop i32.const 4`,
    select: `i32.const 5 i32.const 6 ${value} select`,
    "eqz eqz": `${value} i32.eqz i32.eqz`,
    loop: `loop $l ${value} local.get $n i32.const 1 i32.add local.tee $n i32.const 3
      i32.lt_u i32.and br_if $l end local.get $n`,
  };
  return Object.entries(bodies).flatMap(([name, body]) => [
    { name, body, tested: true },
    { name: `${name} wide`, body, tested: true, wide: true },
  ]);
}

/** A function of a shape, and the exported one that gives it operands and keeps its result. */
function functions(row: Instruction, types: readonly ValType[], shape: Shape, i: number): string {
  const result = shape.tested ? I32 : row.results[0];
  const params = types.map((type, j) => `(param $p${j} ${formatValType(type)})`).join(" ");
  const locals = types.map((type, j) => `(local $${"ab"[j]} ${formatValType(type)})`).join(" ");
  const kept = row.results[0] ?? I32;
  const fillers = shape.wide ? `(local ${"i64 ".repeat(150)})` : "";
  const copies = types.map((_, j) => `local.get $p${j} local.set $${"ab"[j]}`).join(" ");
  const loads = types.map((type, j) => `i32.const ${CELLS[j]} ${formatValType(type)}.load`);
  const call = `${loads.join(" ")} call $s${i}`;
  const valtype = result === undefined ? "" : formatValType(result);
  const keep = result === undefined ? call : `i32.const ${RESULT} ${call} ${valtype}.store`;
  return `(func $s${i} ${params} ${result === undefined ? "" : `(result ${valtype})`} ${fillers}
    ${locals} (local $r ${formatValType(kept)}) (local $n i32) ${copies} nop ${shape.body})
    (func (export "f${i}") ${keep})`;
}

function isArithmeticNan(bits: bigint, type: ValType): boolean {
  const quiet = type === F32 ? 0x7fc00000n : 0x7ff8000000000000n;
  return (type === F32 || type === F64) && (bits & quiet) === quiet;
}

/** Memory of one side: operands, result, and something to load at the addresses in use. */
class Side {
  readonly bytes: Uint8Array;
  private readonly cells: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.cells = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 24; at < bytes.length; at++) this.cells.setUint8(at, (at * 151) ^ (at >> 5));
  }

  prepare(operands: readonly bigint[]): void {
    operands.forEach((bits, i) => {
      this.cells.setBigUint64(CELLS[i], bits, true);
    });
    this.cells.setBigUint64(RESULT, 0n, true);
  }

  get result(): bigint {
    return this.cells.getBigUint64(RESULT, true);
  }
}

function* tuples(row: Instruction, types: readonly ValType[]): Iterable<bigint[]> {
  const [first, second] = types.map((type, i) => valuesOf(row, i, type, FEW));
  for (const a of first) {
    if (second === undefined) yield [a];
    else for (const b of second) yield [a, b];
  }
}

function check(row: Instruction): { lines: string[]; tried: number } {
  const types = operandTypes(row) ?? [];
  const shapes = shapesOf(row, types);
  const text = shapes.map((shape, i) => functions(row, types, shape, i)).join("\n");
  const pair = Pair.of(`(module (memory (export "m") 1) ${text})`);
  const item = pair.ours.exports.get("m");
  const ours = new Side(item?.kind === "memory" ? item.value.bytes : new Uint8Array(65536));
  const theirs = new Side(new Uint8Array((pair.theirs.m as { buffer: ArrayBuffer }).buffer));
  const open = !/\.(abs|neg|copysign|reinterpret|load|store)/.test(row.name);
  const lines: string[] = [];
  let tried = 0;
  for (const [i, shape] of shapes.entries()) {
    const func = pair.func(`f${i}`);
    for (const operands of tuples(row, types)) {
      for (const side of [ours, theirs]) side.prepare(operands);
      const mine = callOurs(pair.store, func, []).ending;
      const host = callHost(pair.theirs[`f${i}`], [], []);
      tried++;
      const nan =
        open &&
        !shape.tested &&
        [ours, theirs].every(({ result }) => {
          return isArithmeticNan(result, row.results[0]);
        });
      const same = nan || ours.result === theirs.result;
      const stored = row.results.length > 0 || Buffer.compare(ours.bytes, theirs.bytes) === 0;
      if (mine === host && same && stored) continue;
      const given = operands.map((bits) => bits.toString(16)).join(" ");
      const values = `${mine} ${ours.result.toString(16)}, host ${host} ${theirs.result.toString(16)}`;
      lines.push(`${shape.name}: ${given}: ${values}\n${shape.body}`);
      if (lines.length > 3) return { lines, tried };
    }
  }
  return { lines, tried };
}

describe.skipIf(HOST === undefined)("in all shapes as on the host", () => {
  it.each(ROWS.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const { lines, tried } = check(row);
    expect(lines).toEqual([]);
    expect(tried).toBeGreaterThan(50);
  });

  it("has all scalar instructions of 1.0, sign extension and saturating truncation", () => {
    // 123 of 1.0, 5 and 8; 14 loads and 9 stores.
    expect(ROWS).toHaveLength(123 + 5 + 8 + 14 + 9);
  });
});
