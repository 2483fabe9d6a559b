// Every fused form of tools/interpreter/fused.ts: a body in which the pair must be fused, which the
// emitted code is asked for, and then run beside the host's own WebAssembly over operands where
// addresses wrap and leave the memory by a byte, and where numbers overflow or are NaN.

import { describe, expect, it } from "vitest";
import { F32, F64, formatValType, I32, type ValType } from "../../src/isa/types.ts";
import { FUSED, type FusedForm } from "../../tools/interpreter/fused.ts";
import { operation } from "../../tools/interpreter/operations.ts";
import { HOST, Pair, registerNames, type Scalar } from "./differential.ts";

const PAGE = 65536;
/** One page more than signed addresses reach. */
const FAR_PAGES = 32769;
/** For immediates and for comparisons that should hold now and then. */
const IMMEDIATE = 5;

const OPERANDS: Readonly<Record<string, readonly Scalar[]>> = {
  i32: [0, 1, 4, 5, 13, -1, -5, PAGE - 13, PAGE - 8, PAGE - 4, PAGE - 1, 2 ** 31 - 1, -(2 ** 31)],
  i64: [0n, 1n, -1n, 5n, 0xffffffffn, 2n ** 63n - 1n, -(2n ** 63n), 0x0123456789abcdefn],
  f32: [0, -0, 1.5, -0.1, 3e38, 1e-45, Number.NaN, Number.POSITIVE_INFINITY],
  f64: [0, -0, 1.5, -0.1, 1e308, 5e-324, Number.NaN, Number.NEGATIVE_INFINITY],
};

/** Writes one function: its parameters, and instructions over copies of them. */
class Text {
  readonly params: ValType[] = [];
  private readonly wide: boolean;
  private readonly name: string;

  constructor(wide: boolean, name = "f") {
    this.wide = wide;
    this.name = name;
  }

  operand(type: ValType): string {
    return `local.get $c${this.params.push(type) - 1}`;
  }

  /** An instruction and its operands; `given` stands for the operand that is there already. */
  apply(name: string, given: string | null = null, position: "a" | "b" = "a"): string {
    const { row, immediate } = operation(name);
    const types = (row.params ?? []).map((type) => (type < 0 ? I32 : type));
    const operands = types.map((type, i) => {
      if (given !== null && "ab"[i] === position) return given;
      const constant = immediate && i === 1;
      return constant ? `${formatValType(type)}.const ${IMMEDIATE}` : this.operand(type);
    });
    return `${operands.join(" ")} ${row.name}${row.access === null ? "" : " offset=3"}`;
  }

  func(results: string, body: string): string {
    const names = this.params.map((type, i) => `(param $p${i} ${formatValType(type)})`);
    // In the wide form, everything lies beyond the slots of a narrow instruction.
    const fillers = this.wide ? `(local ${"i32 ".repeat(200)})` : "";
    const locals = this.params.map((type, i) => `(local $c${i} ${formatValType(type)})`);
    const copies = this.params.map((_, i) => `local.get $p${i} local.set $c${i}`);
    return `(func (export "${this.name}") ${names.join(" ")} ${results} ${fillers} ${locals.join(" ")}
      (local $x i32) ${copies.join(" ")} nop ${body})`;
  }
}

function valueFunction({ consumer, position, producer }: FusedForm, text: Text): string {
  const { row } = operation(consumer);
  const results = row.results.map((type) => `(result ${formatValType(type)})`).join("");
  // Operands are pushed in order, so that the text of the producer stands where its result goes.
  return text.func(results, text.apply(consumer, text.apply(producer), position));
}

const TAKEN = "if (result i32) i32.const 1 else i32.const 2 end";

function branchFunction({ consumer, kind, producer }: FusedForm, text: Text): string {
  const computed = text.apply(producer);
  const value = kind === "branch" ? computed : `${computed} local.set $x local.get $x`;
  const end = "local.get $x";
  const results = "(result i32 i32)";
  if (consumer === "br_unless") return text.func(results, `${value} ${TAKEN} ${end}`);
  const test = consumer === "br_if" ? value : text.apply(consumer, value);
  const taken = `end i32.const 1 ${end}`;
  return text.func(results, `block ${test} br_if 0 i32.const 2 ${end} return ${taken}`);
}

function* tuples(types: readonly ValType[]): Iterable<Scalar[]> {
  if (types.length === 0) return yield [];
  const values = OPERANDS[formatValType(types[0])];
  for (const rest of tuples(types.slice(1))) for (const value of values) yield [value, ...rest];
}

/** Memory in which every load finds something: numbers, the immediate, NaNs. */
function fill(bytes: Uint8Array): void {
  const cells = new DataView(bytes.buffer, bytes.byteOffset, PAGE);
  for (let at = 0; at < PAGE; at += 8) cells.setFloat64(at, at * 1.37e5 - 1e8, true);
  for (const at of [3, 8, 16]) cells.setInt32(at, IMMEDIATE, true);
  cells.setFloat64(4, Number.NaN, true);
  cells.setFloat32(PAGE - 5, Number.NaN, true);
  cells.setInt32(PAGE - 10, 0, true);
}

function memoriesOf(pair: Pair): [ours: Uint8Array, theirs: Uint8Array] {
  const item = pair.ours.exports.get("m");
  const { buffer } = pair.theirs.m as { buffer: ArrayBuffer };
  return [item?.kind === "memory" ? item.value.bytes : new Uint8Array(), new Uint8Array(buffer)];
}

function functionOf(form: FusedForm, text: Text): string {
  return form.kind === "value" ? valueFunction(form, text) : branchFunction(form, text);
}

function check(form: FusedForm, wide: boolean): { lines: string[]; tried: number } {
  const text = new Text(wide);
  const func = functionOf(form, text);
  const pair = Pair.of(`(module (memory (export "m") 1) ${func})`);
  const memories = memoriesOf(pair);
  for (const memory of memories) fill(memory);
  const isStore = form.consumer.includes("store");
  const lines: string[] = [];
  let tried = 0;
  for (const args of tuples(text.params)) {
    const line = pair.difference("f", args);
    if (line !== null) lines.push(line);
    if (isStore && Buffer.compare(...memories) !== 0) lines.push(`memory after f(${args})`);
    tried++;
    if (lines.length > 3) break;
  }
  expect(registerNames(pair.func("f")), func).toContain(form.name);
  return { lines, tried };
}

describe.skipIf(HOST === undefined)("fused forms as on the host", () => {
  it.each(FUSED.map((form) => [form.name, form] as const))("%s", (_, form) => {
    for (const wide of [false, true]) {
      const { lines, tried } = check(form, wide);
      expect(lines).toEqual([]);
      expect(tried).toBeGreaterThan(5);
    }
  });

  it("in a memory of more than 2 GiB, where addresses are unsigned", () => {
    const texts = FUSED.map((_, i) => new Text(false, `f${i}`));
    const funcs = FUSED.map((form, i) => functionOf(form, texts[i]));
    const pair = Pair.of(`(module (memory (export "m") ${FAR_PAGES}) ${funcs.join("\n")})`);
    const memories = memoriesOf(pair);
    const pages = memories.flatMap((memory) => [memory.subarray(0, PAGE), memory.subarray(-PAGE)]);
    for (const page of pages) fill(page);
    const lines: string[] = [];
    for (const [i, text] of texts.entries()) {
      for (const args of tuples(text.params)) {
        const line = pair.difference(`f${i}`, args);
        if (line !== null) lines.push(`${FUSED[i].name}: ${line}`);
      }
      const same =
        Buffer.compare(pages[0], pages[2]) === 0 && Buffer.compare(pages[1], pages[3]) === 0;
      if (!same) lines.push(`${FUSED[i].name}: memory`);
    }
    expect(lines.slice(0, 5)).toEqual([]);
    // The last page is one that only unsigned addresses reach, and stores have changed it.
    const untouched = new Uint8Array(PAGE);
    fill(untouched);
    expect(Buffer.compare(pages[1], untouched)).not.toBe(0);
  });

  it("covers floats and integers of both widths", () => {
    const types = new Set(FUSED.flatMap(({ producer }) => operation(producer).row.results));
    expect(types).toContain(F32);
    expect(types).toContain(F64);
    expect(FUSED.length).toBeGreaterThan(80);
  });
});
