// Every fused form of vectors (tools/interpreter/fused-vectors.ts): a body in which the instructions
// must be fused, which the emitted code is asked for, then run beside the host's own WebAssembly on
// random lanes, near the end of memory and over it, in all slices. Shuffles of words as well.

import { describe, expect, it } from "vitest";
import { V128 } from "../../src/isa/types.ts";
import { FUSED_VECTORS } from "../../tools/interpreter/fused-vectors.ts";
import { operation } from "../../tools/interpreter/operations.ts";
import { Random } from "../fuzz/random.ts";
import { HOST, Pair, registerNames } from "./differential.ts";
import { randomVector } from "./vector-host.ts";

const PAGE = 65536;
const ROUNDS = 40;
const OFFSET = 3;
/** Vectors in memory that operands come from, and where the result goes. */
const CELLS = [0, 16, 32, 48, 64];
const RESULT = 128;
/** What follows is loaded from and stored to. */
const FREE = 256;

/** Writes the expression that has to be fused. */
class Text {
  private vectors = 0;

  private vector(): string {
    return `local.get $v${this.vectors++}`;
  }

  /** The steps of a name, the first one on operands of its own. */
  expression(name: string): string {
    const [first, form] = name.split(" & ");
    const before = form === undefined ? null : this.steps(first, null);
    return this.steps(form ?? first, before);
  }

  /** Steps in a row; `first` is the first operand of what is done with the one they compute. */
  private steps(name: string, first: string | null): string {
    let before = first;
    const text = name.split(" > ").reduce((given: string | null, step) => {
      const isUse = before !== null && given !== null && isOfVectors(step);
      const next = isUse ? `${before} ${given} ${step}` : this.step(step, given);
      if (isUse) before = null;
      return next;
    }, null);
    return text ?? "";
  }

  private step(step: string, given: string | null): string {
    if (step === "shuffle words") {
      return `${this.vector()} ${this.vector()} i8x16.shuffle ${SHUFFLED}`;
    }
    const isSecond = step.endsWith(" b");
    const { immediate, row } = operation(step.replace(/ b$/, ""));
    switch (row.name) {
      case "i32.add":
        return `local.get $p ${immediate ? "i32.const 5" : "local.get $q"} i32.add`;
      case "v128.store":
        return `local.get $p ${given} v128.store offset=${OFFSET}`;
      default:
    }
    if (row.access !== null) return `${given ?? "local.get $p"} ${row.name} offset=${OFFSET}`;
    const operands = (row.params ?? []).map((_, i) => {
      if (given !== null && i === (isSecond ? 1 : 0)) return given;
      return immediate && i === 1 ? "i32.const 7" : this.vector();
    });
    return `${operands.join(" ")} ${row.name}`;
  }
}

/** Whether an instruction takes two vectors. */
const isOfVectors = (step: string) => {
  return operation(step).row.params?.filter((type) => type === V128).length === 2;
};

/** The words 1, 6, 0 and 6 of two operands. */
const SHUFFLED = [1, 6, 0, 6].flatMap((w) => [0, 1, 2, 3].map((n) => 4 * w + n)).join(" ");
const CONSTANT = "v128.const i32x4 0x807f0f01 0xff007f80 0x12345678 0xfffefdfc";

const LOAD = `local.get $p i32.const 5 i32.add v128.load offset=${OFFSET}`;
const SHL = "local.get $v1 i32.const 7 i32x4.shl";
const SHR = "i32.const 25 i32x4.shr_u";

/** The expression of a form: `operation` knows no constant. */
function expressionOf(name: string): string {
  const text = new Text();
  if (!name.startsWith("const 128 > ")) return text.expression(name);
  const rest = name.slice("const 128 > ".length).split(" > ");
  const [first, ...others] = rest;
  const operands = first.endsWith(" b") ? ["local.get $v3", CONSTANT] : [CONSTANT, "local.get $v3"];
  const start = `${operands.join(" ")} ${first.replace(/ b$/, "")}`;
  return others.reduce((given, step) => `${given} local.get $v4 ${step}`, start);
}

function functionOf(expression: string, isStore: boolean, wide: boolean): string {
  // In the wide form, everything lies beyond the slots of a narrow instruction.
  const fillers = wide ? `(local ${"i32 ".repeat(200)})` : "";
  const locals = CELLS.map((_, i) => `(local $v${i} v128)`).join(" ");
  const loads = CELLS.map((at, i) => `i32.const ${at} v128.load local.set $v${i}`).join(" ");
  const body = isStore ? expression : `i32.const ${RESULT} ${expression} v128.store`;
  // The store of the result must not be fused with it: an operand of its own lies in between.
  const kept = isStore
    ? body
    : `${expression} local.set $v0 i32.const ${RESULT} local.get $v0 v128.store`;
  return `(func (export "f") (param $a i32) (param $b i32) ${fillers} (local $p i32) (local $q i32)
    ${locals} local.get $a local.set $p local.get $b local.set $q ${loads} nop ${kept})`;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Lanes of the result with NaNs alike, where arithmetic makes them. */
function withoutNans(name: string, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lane = (at: number, value: number, size: number) =>
    Number.isNaN(value) ? "nan" : hex(bytes.subarray(at, at + size));
  if (name.includes("f32x4")) {
    return [0, 4, 8, 12].map((at) => lane(at, view.getFloat32(at, true), 4)).join(" ");
  }
  if (!name.includes("f64x2")) return hex(bytes);
  return [0, 8].map((at) => lane(at, view.getFloat64(at, true), 8)).join(" ");
}

function memoriesOf(pair: Pair): [ours: Uint8Array, theirs: Uint8Array] {
  const { buffer } = pair.theirs.m as { buffer: ArrayBuffer };
  return [pair.ours.memories[0].bytes, new Uint8Array(buffer)];
}

function check(name: string, expression: string, wide: boolean, pages = 1): string[] {
  const last = name.split(" > ").at(-1) ?? "";
  const isStore = last.startsWith("v128.store");
  const func = functionOf(expression, isStore, wide);
  const pair = Pair.of(`(module (memory (export "m") ${pages}) ${func})`);
  const memories = memoriesOf(pair);
  const random = new Random(name.length);
  const lines: string[] = [];
  for (let round = 0; round < ROUNDS && lines.length < 3; round++) {
    const at = random.pick([
      FREE + random.below(99),
      PAGE * pages - 3 - random.below(30),
      -random.below(9),
    ]);
    const inside = Math.max(0, Math.min(at, PAGE * pages - 64));
    const vectors = [...CELLS, inside, inside + 16, inside + 32].map((cell) => {
      return [cell, randomVector(last, random)] as const;
    });
    for (const memory of memories) {
      for (const [cell, bytes] of vectors) memory.set(bytes, cell);
      memory.fill(0, RESULT, RESULT + 16);
    }
    const line = pair.difference("f", [at | 0, random.below(12)]);
    if (line !== null) lines.push(line);
    const [mine, host] = memories.map((memory) => {
      if (isStore) return withoutNans(name, memory.subarray(inside + OFFSET, inside + OFFSET + 16));
      return withoutNans(name, memory.subarray(RESULT, RESULT + 16));
    });
    if (mine !== host) lines.push(`${name} at ${at}: ${mine}, host ${host}`);
  }
  expect(registerNames(pair.func("f")), func).toContain(name);
  return lines;
}

describe.skipIf(HOST === undefined)("fused vectors as on the host", () => {
  it.each(FUSED_VECTORS.map(({ name }) => name))("%s", (name) => {
    // Beyond narrow slots words are not counted in bytes.
    const forms = name.includes("shuffle") ? [false] : [false, true];
    for (const wide of forms) expect(check(name, expressionOf(name), wide)).toEqual([]);
  });

  it("in a memory of more than 2 GiB", () => {
    for (const name of [
      "i32.add imm > v128.load & i32.add imm > v128.load > f32x4.mul > f32x4.add",
      "i32.add imm > v128.load8x8_u & i32.add imm > v128.load8x8_u > i16x8.add",
      "v128.load > v128.store b",
      "v128.xor > v128.store b",
    ]) {
      expect(check(name, expressionOf(name), false, 32769)).toEqual([]);
    }
  });

  it("shuffles that rotate words", () => {
    for (const bytes of [1, 2, 3]) {
      const lanes = Array.from({ length: 16 }, (_, i) => (i & ~3) + ((i + bytes) & 3));
      // Of one vector, taken from either operand, and of the first of two.
      const mixed = lanes.map((lane, i) => (i % 3 === 0 ? lane + 16 : lane)).join(" ");
      const once = `local.get $v3 local.get $v3 i8x16.shuffle ${mixed}`;
      const first = `local.get $v3 local.get $v4 i8x16.shuffle ${lanes.join(" ")}`;
      for (const expression of [once, first]) {
        expect(check("rotate words", expression, true)).toEqual([]);
      }
    }
  });

  it.each([
    // What was kept in a local is not the other operand any more.
    [
      "i32.add imm > v128.load > i32x4.dot_i16x8_s > i32x4.add",
      `${LOAD} local.tee $v0 ${LOAD} i32x4.dot_i16x8_s local.get $v0 i32x4.add`,
    ],
    ["i32x4.shr_u imm > v128.or", `${SHL} local.tee $v2 local.get $v2 ${SHR} v128.or`],
    ["v128.or", `${SHL} local.get $v1 ${SHR} local.set $v1 local.get $v1 v128.or`],
    // An address that is computed in between, and kept.
    [
      "v128.load > i32x4.dot_i16x8_s",
      `${LOAD} local.get $p i32.const 7 i32.add local.tee $p v128.load i32x4.dot_i16x8_s`,
    ],
    // The first one is not the other operand, but what the second one is made of.
    ["i32x4.shr_u imm > v128.or", `${SHL} ${SHR} local.get $v2 v128.or`],
    // Constants that are kept, chosen, or left alone for a while.
    ["i8x16.swizzle", `${CONSTANT} local.tee $v1 local.get $v2 i8x16.swizzle`],
    ["const 128", `${CONSTANT} local.get $v1 local.get $q select`],
    [
      "const 128 > v128.xor",
      `${CONSTANT} (block $b local.get $q br_if $b local.get $v1 local.set $v2) local.get $v2 v128.xor`,
    ],
    [
      "const 128 > v128.xor",
      `(block $b (result v128) ${CONSTANT} local.get $q br_if $b drop ${CONSTANT}) ${CONSTANT} v128.xor`,
    ],
  ])("%s in %s", (name, expression) => {
    for (const wide of [false, true]) expect(check(name, expression, wide)).toEqual([]);
  });

  it("branches on whether any bit is set", () => {
    for (const [name, not] of [
      ["br_if v128.any_true", ""],
      ["br_if not v128.any_true", "i32.eqz"],
    ]) {
      for (const tested of ["local.get $v3", "local.get $v3 local.get $v3 v128.xor"]) {
        const branch = `${tested} v128.any_true ${not} br_if $b drop local.get $v2`;
        const block = `(block $b (result v128) local.get $v1 ${branch})`;
        expect(check(name, block, true)).toEqual([]);
      }
    }
  });

  it("shuffles of whole words, from both operands and over them", () => {
    const random = new Random(7);
    for (let i = 0; i < 30; i++) {
      const words = Array.from({ length: 4 }, () => 4 * random.below(8));
      const lanes = words.flatMap((first) => [0, 1, 2, 3].map((n) => first + n)).join(" ");
      const operands = random.pick(["local.get $v1 local.get $v2", "local.get $v0 local.get $v0"]);
      const expression = `${operands} i8x16.shuffle ${lanes}`;
      expect(check("shuffle words", expression, false)).toEqual([]);
    }
  });
});
