// Every vector instruction as the loop for vectors does it, beside the host's own WebAssembly, bit
// for bit: register code is written by hand, so that nothing but the case has a part in it. The
// result goes to a place of its own and over each operand, in narrow and in wide form, in both loops.

import { describe, expect, it } from "vitest";
import { OP, REGISTERS, SWAPPED } from "../../src/code/opcodes.generated.ts";
import { OPCODE_BITS, SLOT_BITS } from "../../src/code/registers.ts";
import { runFarVectors } from "../../src/interpreter/far-vector-loop.generated.ts";
import {
  CODE,
  CONTROL,
  FINISHED,
  machine,
  OUT_OF_BOUNDS,
  SLOTS,
} from "../../src/interpreter/loop.generated.ts";
import { EXIT_PC, room } from "../../src/interpreter/registers.ts";
import { runVectors } from "../../src/interpreter/vector-loop.generated.ts";
import type { Instruction } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { F64, I32, I64, V128 } from "../../src/isa/types.ts";
import { Random } from "../fuzz/random.ts";
import { Pair } from "./differential.ts";
import {
  ACCESSED,
  CELL,
  type HostVector,
  hostVector,
  operandTypes,
  randomVector,
  shapesOf,
} from "./vector-host.ts";

const ROUNDS = 50;
const AT = room.words.length - 1000;
const FRAME = 200_000;
const KSP = 1000;
/** Slots of the operands, and one of the result that is none of theirs; some beyond narrow ones. */
const PLACES = [
  { operands: [2, 6, 10], free: 14 },
  { operands: [300, 2, 1000], free: 140 },
];
const SHIFTS = [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, -1];

const pair = Pair.of('(module (memory (export "m") 3))');
const [memory] = pair.ours.memories;

const ROWS = INSTRUCTIONS.filter(({ feature, name }) => {
  return (feature === "simd" || feature === "relaxed-simd") && name !== "v128.const";
});

interface Try {
  /** Bytes of each operand. */
  readonly operands: readonly Uint8Array[];
  /** Bytes behind the opcode, and words of register code behind the head. */
  readonly bytes: readonly number[];
  readonly words: readonly number[];
}

const OFFSET = 5;

/** Immediates of an instruction to try. */
function immediatesOf({ access, immediates, name }: Instruction, random: Random) {
  const bounds = access === null ? [] : [OFFSET, OFFSET + access.bytes];
  if (immediates === "lanes") {
    const lanes = Array.from({ length: 16 }, () => random.below(32));
    const view = new DataView(Uint8Array.from(lanes).buffer);
    return { bytes: lanes, words: [0, 4, 8, 12].map((at) => view.getInt32(at, true)) };
  }
  if (immediates === "lane" || immediates === "memarg lane") {
    const [, bits] = /(\d+)/.exec(access === null ? name : name.slice(4)) ?? [];
    const lane = random.below(128 / Number(bits));
    const memarg = access === null ? [] : [0, OFFSET];
    return { bytes: [...memarg, lane], words: [lane, ...bounds] };
  }
  return { bytes: access === null ? [] : [0, OFFSET], words: bounds };
}

function operandsFor(row: Instruction, random: Random): Uint8Array[] {
  return operandTypes(row).map((type, i) => {
    if (type === V128) return randomVector(row.name, random);
    const bytes = randomVector(row.name, random);
    const view = new DataView(bytes.buffer);
    if (row.access !== null && i === 0) {
      const near = ACCESSED + random.below(64);
      const edge = memory.bytes.length - OFFSET - random.below(20);
      view.setUint32(0, random.pick([near, near, edge, -1 - random.below(9)]), true);
    } else if (type === I32 && /\.sh[lr]/.test(row.name)) {
      view.setInt32(0, random.pick(SHIFTS), true);
    }
    return bytes;
  });
}

/** Writes the instruction at AT: where its result goes is `x`. */
function write(row: Instruction, x: number, slots: readonly number[], words: readonly number[]) {
  const [first = 0, second = 0, ...further] = slots;
  const [y, z] = SWAPPED.has(row.opcode) ? [second, first] : [first, second];
  const op = REGISTERS[row.opcode];
  let at = AT;
  if (Math.max(x, y, z) < 1 << SLOT_BITS) {
    CODE[at++] =
      op |
      (x << OPCODE_BITS) |
      (y << (OPCODE_BITS + SLOT_BITS)) |
      (z << (OPCODE_BITS + 2 * SLOT_BITS));
  } else {
    CODE[at++] = OP.WIDE;
    CODE[at++] = x | (y << 16);
    CODE[at++] = op | (z << OPCODE_BITS);
  }
  for (const slot of further) CODE[at++] = 2 * slot;
  for (const word of words) CODE[at++] = word;
  CODE[at] = OP.FINISH;
}

const slotBytes = new Uint8Array(SLOTS.buffer);

function resultBytes({ results }: Instruction): number {
  const [type] = results;
  if (type === undefined) return 0;
  return type === V128 ? 16 : type === I64 || type === F64 ? 8 : 4;
}

/** What the loop makes of it: the result's bytes as text, or a trap. */
function ours(
  run: () => number,
  row: Instruction,
  { operands, words }: Try,
  slots: readonly number[],
  x: number,
): string {
  write(row, x, slots, words);
  SLOTS.fill(0x55555555, FRAME, FRAME + 2100);
  operands.forEach((bytes, i) => {
    slotBytes.set(bytes, 4 * (FRAME + 2 * slots[i]));
  });
  CONTROL[KSP - 2] = EXIT_PC - 2;
  CONTROL[KSP - 1] = 0;
  machine.instance = pair.ours;
  Object.assign(machine, { pc: AT, fp: FRAME, ksp: KSP, budget: 1 << 30, trap: 0 });
  const status = run();
  if (status === OUT_OF_BOUNDS) return "memory access out of bounds";
  expect(status, row.name).toBe(FINISHED);
  const at = 4 * (FRAME + 2 * x);
  return hex(slotBytes.subarray(at, at + resultBytes(row)));
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function theirs(host: HostVector, row: Instruction, { operands }: Try): string {
  const bytes = new Uint8Array(host.memory.buffer);
  operands.forEach((operand, i) => {
    bytes.set(operand, i * CELL);
  });
  const trap = host.run();
  if (trap !== null) return trap;
  const at = operands.length * CELL;
  return hex(bytes.subarray(at, at + resultBytes(row)));
}

/** Whether NaNs of the result may be any: not where bits are moved. */
const mayVary = ({ name, vectorMeaning }: Instruction) =>
  /^f(32x4|64x2)\./.test(name) && /^f/.test(vectorMeaning?.to ?? "");

/** Replaces arithmetic NaNs among the lanes by one text. */
function withoutNans(row: Instruction, text: string): string {
  if (!mayVary(row) || text.length !== 32) return text;
  const bytes = Buffer.from(text, "hex");
  const [shape] = shapesOf(row.name);
  if (shape === "f32x4") {
    return [0, 4, 8, 12]
      .map((at) => bytes.readUInt32LE(at))
      .map((bits) => ((bits & 0x7fc00000) === 0x7fc00000 ? "nan" : bits.toString(16)))
      .join(" ");
  }
  return [0, 8]
    .map((at) => bytes.readBigUInt64LE(at))
    .map((bits) => ((bits & (0x7ff8n << 48n)) === 0x7ff8n << 48n ? "nan" : bits.toString(16)))
    .join(" ");
}

/** Bytes that accesses may touch where they begin, and at the memory's end. */
const SEEN = 128;

function prepare(bytes: Uint8Array, contents: Uint8Array): void {
  bytes.set(contents, ACCESSED);
  bytes.set(contents, bytes.length - SEEN);
}

const accessed = (bytes: Uint8Array) =>
  hex(bytes.subarray(ACCESSED, ACCESSED + SEEN)) + hex(bytes.subarray(bytes.length - SEEN));

function differences(row: Instruction): string[] {
  const random = new Random(row.opcode);
  const hosts = new Map<string, HostVector>();
  const lines: string[] = [];
  for (let round = 0; round < ROUNDS && lines.length < 4; round++) {
    const immediates = immediatesOf(row, random);
    const item: Try = { operands: operandsFor(row, random), ...immediates };
    const key = immediates.bytes.join(" ");
    const host = hosts.get(key) ?? hostVector(row, immediates.bytes);
    hosts.set(key, host);
    const before = Uint8Array.from({ length: SEEN }, () => random.below(256));
    for (const { operands, free } of PLACES) {
      const slots = operands.slice(0, item.operands.length);
      const vectors = slots.filter((_, i) => operandTypes(row)[i] === V128);
      const targets = row.results[0] === V128 ? [free, ...vectors] : [free];
      for (const x of targets) {
        for (const run of [runVectors, runFarVectors]) {
          prepare(memory.bytes, before);
          prepare(new Uint8Array(host.memory.buffer), before);
          const mine = withoutNans(row, ours(run, row, item, slots, x));
          const host_ = withoutNans(row, theirs(host, row, item));
          const stored = accessed(memory.bytes);
          const storedThere = accessed(new Uint8Array(host.memory.buffer));
          if (mine === host_ && stored === storedThere) continue;
          const given = item.operands.map(hex).join(" ");
          lines.push(`${row.name} ${key} (x = ${x}) ${given}: ${mine}, host ${host_}`);
        }
      }
    }
  }
  return lines;
}

describe("vector instructions as on the host", () => {
  it.each(ROWS.map((row) => [row.name, row] as const))("%s", (_, row) => {
    expect(REGISTERS[row.opcode]).not.toBe(0);
    expect(differences(row).slice(0, 4)).toEqual([]);
  });

  it("are all: 236 and 20 relaxed ones, without the constant", () => {
    expect(ROWS).toHaveLength(235 + 20);
  });
});
