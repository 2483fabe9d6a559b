// Every `meaning` of the instruction table against the host's own WebAssembly, bit for bit, over
// interesting and random operands. A NaN result may differ only where the specification leaves it
// open (spec: 4.3.3 NaN propagation): then both must be arithmetic NaNs.

import { describe, expect, it } from "vitest";
import * as numerics from "../../src/interpreter/numerics.ts";
import { type Instruction, PREFIX_BASE } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { F32, F64, I32, I64, type ValType } from "../../src/isa/types.ts";
import {
  type HostInstruction,
  hostInstruction,
  opcodeBytes,
  trapText,
  UNREPRESENTABLE,
} from "./host.ts";
import { operandsOf } from "./operands.ts";

/** The outcome of an instruction: bits of the result, or the text of its trap. */
type Outcome = bigint | string;

/** Reads operand cells and gives the outcome by the row's meaning. */
type Computation = (cells: DataView) => Outcome;

/** Declarations of the variables of one operand, read from its cell. */
function declareOperand(name: string, type: ValType, at: number, bits: boolean): string {
  const half = (suffix: string, from: number) => {
    return `const ${name}${suffix} = cells.getInt32(${from}, true);`;
  };
  if (type === I32 || (type === F32 && bits)) return half("", at);
  if (type === I64 || (type === F64 && bits)) {
    return half("l", at) + half("h", at + 4);
  }
  return `const ${name} = cells.getFloat${type === F32 ? 32 : 64}(${at}, true);`;
}

/** Statements that store the result to `out` as the interpreter would to its slots. */
function storeResult({ meaning, results }: Instruction): string {
  const { result, condition, bits } = meaning!;
  if (typeof result !== "string") {
    const [low, high] = result;
    return `const lo = ${low}; out.setInt32(0, lo, true); out.setInt32(4, ${high}, true);`;
  }
  if (condition) return `out.setInt32(0, (${result}) ? 1 : 0, true);`;
  const [type] = results;
  if (type === I32 || bits) {
    // A value that is not an i32 must not be mended by setInt32.
    return `const r = ${result}; if (r !== (r | 0)) return "no i32: " + r;
    out.setInt32(0, r, true);`;
  }
  if (type === F64) return `out.setFloat64(0, ${result}, true);`;
  return `const r = ${result}; if (r === r && r !== Math.fround(r)) return "no f32: " + r;
    out.setFloat32(0, r, true);`;
}

/** `math` is what the meaning sees as `Math`. */
function compile(row: Instruction, math: typeof Math = Math): Computation {
  const { meaning, params, results } = row;
  const operands = params!.map((type, i) => {
    return declareOperand("ab"[i], type, i * 8, meaning!.bits === true);
  });
  const traps = (meaning!.traps ?? []).map(([when, text]) => {
    return `if (${when}) return ${JSON.stringify(text)};`;
  });
  const helpers = Object.keys(numerics).filter((name) => name !== "i64High");
  const wide = results[0] === I64 || results[0] === F64;
  const source = `"use strict";
    const { ${helpers.join(", ")} } = numerics;
    return (cells) => {
      ${operands.join("\n")}
      ${traps.join("\n")}
      ${storeResult(row).replaceAll("i64High", "numerics.i64High")}
      return out.${wide ? "getBigUint64" : "getUint32"}(0, true);
    };`;
  const make = new Function("numerics", "out", "Math", source);
  const compute = make(numerics, new DataView(new ArrayBuffer(8)), math);
  return (cells) => {
    const outcome = compute(cells);
    return typeof outcome === "number" ? BigInt(outcome) : outcome;
  };
}

function hostOutcome(host: HostInstruction, row: Instruction, operand: bigint): Outcome {
  try {
    host.run();
  } catch (error) {
    const text = trapText(error);
    if (text !== UNREPRESENTABLE) return text;
    return isNan(operand, row.params![0]) ? "invalid conversion to integer" : "integer overflow";
  }
  const at = row.params!.length * 8;
  const wide = row.results[0] === I64 || row.results[0] === F64;
  return wide ? host.cells.getBigUint64(at, true) : BigInt(host.cells.getUint32(at, true));
}

function isNan(bits: bigint, type: ValType): boolean {
  if (type === F32) return (bits & 0x7fffffffn) > 0x7f800000n;
  return type === F64 && (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}

function isArithmeticNan(bits: bigint, type: ValType): boolean {
  const quiet = type === F32 ? 0x7fc00000n : 0x7ff8000000000000n;
  return (bits & quiet) === quiet;
}

/** Instructions whose NaN results the specification fixes bit by bit although they are floats. */
function fixesNans({ name }: Instruction): boolean {
  return /\.(abs|neg|copysign|reinterpret_)/.test(name);
}

function agree(row: Instruction, ours: Outcome, theirs: Outcome): boolean {
  if (ours === theirs) return true;
  const [type] = row.results;
  if (typeof ours !== "bigint" || typeof theirs !== "bigint" || fixesNans(row)) return false;
  return isArithmeticNan(ours, type) && isArithmeticNan(theirs, type) && type >= F32;
}

/** Runs both over all operands; a line per disagreement. */
function disagreements(row: Instruction): { tried: number; lines: string[] } {
  const compute = compile(row);
  const host = hostInstruction(opcodeBytes(row.opcode, PREFIX_BASE), row.params!, row.results);
  const lines: string[] = [];
  let tried = 0;
  for (const operands of operandsOf(row.params!)) {
    operands.forEach((bits, i) => {
      host.cells.setBigUint64(i * 8, bits, true);
    });
    const ours = compute(host.cells);
    const theirs = hostOutcome(host, row, operands[0]);
    tried++;
    if (agree(row, ours, theirs) || lines.length > 5) continue;
    const hex = (x: Outcome) => (typeof x === "string" ? x : `0x${x.toString(16)}`);
    lines.push(`${row.name} ${operands.map(hex).join(" ")}: ${hex(ours)}, host ${hex(theirs)}`);
  }
  return { tried, lines };
}

const WITH_MEANING = INSTRUCTIONS.filter((row) => row.meaning !== null);

describe("meaning of numeric instructions", () => {
  it.each(WITH_MEANING.map((row) => [row.name, row] as const))("%s as on the host", (_, row) => {
    const { tried, lines } = disagreements(row);
    expect(lines).toEqual([]);
    expect(tried).toBeGreaterThan(500);
  });

  it("notices a wrong meaning", () => {
    const row = WITH_MEANING.find(({ name }) => name === "i64.shl")!;
    const wrong = { ...row, meaning: { result: ["al << bl", "ah << bl"] as const } };
    expect(disagreements(wrong).lines.length).toBeGreaterThan(0);
    const noTrap = WITH_MEANING.find(({ name }) => name === "i32.div_s")!;
    const silent = { ...noTrap, meaning: { result: "(a / b) | 0" } };
    expect(disagreements(silent).lines[0]).toContain("integer divide by zero");
  });

  it.each(["min", "max"] as const)("asks Math.%s for no NaN: hosts differ there", (method) => {
    const refuse = (a: number, b: number): number => {
      if (Number.isNaN(a) || Number.isNaN(b)) throw new Error(`Math.${method} of NaN`);
      return Math[method](a, b);
    };
    const strict = Object.create(Math, { [method]: { value: refuse } }) as typeof Math;
    const cells = new DataView(new ArrayBuffer(16));
    for (const row of WITH_MEANING) {
      const compute = compile(row, strict);
      for (const operands of operandsOf(row.params!)) {
        operands.forEach((bits, i) => {
          cells.setBigUint64(i * 8, bits, true);
        });
        compute(cells);
      }
    }
  });

  it("is there for every plain scalar numeric instruction", () => {
    const scalar = new Set([I32, I64, F32, F64]);
    const families = new Set([null, "sign-extension", "sat-float-to-int"]);
    const plain = INSTRUCTIONS.filter((row) => {
      const { params, results, immediates, access, feature } = row;
      if (params === null || immediates !== "none" || access !== null) return false;
      const types = [...params, ...results];
      return types.length > 1 && types.every((type) => scalar.has(type)) && families.has(feature);
    });
    // 1.0 has 123 of them (opcodes 0x45 … 0xbf), then 5 sign extensions, 8 saturating conversions.
    expect(plain).toHaveLength(0xbf - 0x45 + 1 + 5 + 8);
    expect(plain.filter((row) => row.meaning === null).map((row) => row.name)).toEqual([]);
  });
});
