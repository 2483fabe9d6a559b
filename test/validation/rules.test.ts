// Every row of the instruction table through the validator: with immediates that exist, each is
// accepted in unreachable code, where every operand is whatever it has to be. So no row lacks a
// typing rule. And every row is refused by name when its proposal is off.

import { describe, expect, it } from "vitest";
import { InstructionReader } from "../../src/binary/instructions.ts";
import { moduleLoad } from "../../src/embedding/module.ts";
import { FEATURES, type Feature, featureSet } from "../../src/isa/features.ts";
import { type Instruction, opcodeOf, prefixOf } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { MalformedError } from "../../src/module/errors.ts";
import { DEFAULT_LIMITS } from "../../src/module/limits.ts";
import { leb, moduleOf, section } from "../isa/host.ts";

const ALL = featureSet(Object.fromEntries(FEATURES.map((name) => [name, true])));

const FUNC = 0;
const STRUCT = 1;
const ARRAY_I32 = 2;
const ARRAY_I8 = 3;
const ARRAY_FUNCREF = 4;
const ANY = 0x6e;

/** Sections of a module in which index 0 of everything exists, around one function body. */
function moduleAround(body: readonly number[]): Uint8Array {
  const types = [
    [0x60, 0, 0],
    [0x5f, 2, 0x7f, 1, 0x78, 1],
    [0x5e, 0x7f, 1],
    [0x5e, 0x78, 1],
    [0x5e, 0x70, 1],
  ];
  const code = [1, 1, 0x7f, ...body, 0x0b];
  return moduleOf(
    section(1, [types.length, ...types.flat()]),
    section(3, [1, 0]),
    section(4, [1, 0x70, 0, 1]),
    section(5, [1, 0, 1]),
    section(13, [1, 0, 0]),
    section(6, [1, 0x7f, 1, 0x41, 0, 0x0b]),
    section(7, [1, 1, 0x66, 0, 0]),
    section(9, [1, 1, 0, 1, 0]),
    section(12, [1]),
    section(10, [1, ...leb(code.length), ...code]),
    section(11, [1, 1, 0]),
  );
}

function opcode({ opcode: dense }: Instruction): number[] {
  const prefix = prefixOf(dense);
  return prefix === 0 ? [dense] : [prefix, ...leb(dense - opcodeOf(prefix, 0))];
}

/** Bodies of the instructions that cannot stand alone. */
const BODIES: Readonly<Record<string, readonly number[]>> = {
  block: [0x02, 0x40, 0x0b],
  loop: [0x03, 0x40, 0x0b],
  if: [0x00, 0x04, 0x40, 0x0b],
  else: [0x00, 0x04, 0x40, 0x05, 0x0b],
  end: [],
  try: [0x06, 0x40, 0x0b],
  catch: [0x06, 0x40, 0x07, 0, 0x0b],
  catch_all: [0x06, 0x40, 0x19, 0x0b],
  delegate: [0x06, 0x40, 0x18, 0],
  rethrow: [0x06, 0x40, 0x19, 0x09, 0, 0x0b],
  try_table: [0x1f, 0x40, 0, 0x0b],
  // Their label takes a reference: an anyref block around them.
  br_on_non_null: [0x02, ANY, 0x00, 0xd6, 0, 0x00, 0x0b, 0x1a],
  br_on_cast: [0x02, ANY, 0x00, 0xfb, 24, 3, 0, ANY, ANY, 0x0b, 0x1a],
  br_on_cast_fail: [0x02, ANY, 0x00, 0xfb, 25, 3, 0, ANY, ANY, 0x0b, 0x1a],
};

/** Type index of the instructions that take one. */
function typeIndexes({ name, immediates }: Instruction): number[] {
  if (immediates === "type type") return [ARRAY_I32, ARRAY_I32];
  if (name.startsWith("struct.get_")) return [STRUCT, 1];
  if (name.startsWith("struct.")) return immediates === "type" ? [STRUCT] : [STRUCT, 0];
  if (/^array\.get_/.test(name)) return [ARRAY_I8];
  if (immediates === "type elem") return [ARRAY_FUNCREF, 0];
  if (name.startsWith("array.")) return immediates === "type" ? [ARRAY_I32] : [ARRAY_I32, 0];
  return [FUNC];
}

/** Immediates that exist in `moduleAround`. */
function immediates(row: Instruction): number[] {
  const layout = row.immediates;
  if (/^type( |$)/.test(layout) && layout !== "type table") return typeIndexes(row);
  switch (layout) {
    case "none":
      return [];
    case "memarg":
      return [Math.log2(row.access!.bytes), 0];
    case "memarg lane":
      return [Math.log2(row.access!.bytes), 0, 0];
    case "f32":
      return [0, 0, 0, 0];
    case "f64":
      return new Array(8).fill(0);
    case "v128":
    case "lanes":
      return new Array(16).fill(0);
    case "valtypes":
      return [1, 0x7f];
    case "heaptype":
      return [ANY];
    default:
      return layout.split(" ").map(() => 0);
  }
}

function bodyOf(row: Instruction): readonly number[] {
  return BODIES[row.name] ?? [0x00, ...opcode(row), ...immediates(row), 0x00];
}

describe("typing rules", () => {
  it.each(INSTRUCTIONS.map((row) => [`${row.name} ${row.immediates}`, row] as const))(
    "%s is accepted in unreachable code",
    (_, row) => {
      const { bodyStarts, bodyEnds, bytes } = moduleLoad(moduleAround(bodyOf(row)), {
        features: ALL,
      });
      // The instruction was really there, wherever its body came from.
      const reader = new InstructionReader(bytes, ALL, DEFAULT_LIMITS);
      reader.reset(bytes, bodyStarts[0], bodyEnds[0]);
      reader.locals(0);
      const read: number[] = [];
      while (!reader.atEnd) {
        reader.next();
        read.push(reader.op);
      }
      expect(read).toContain(row.opcode);
    },
  );

  it("refuses opcodes that have no row", () => {
    const bodies = [[0x16], [0xfb, 31], [0xfc, 18], [0xfd, 154], [0xfe, 4], [0xff]];
    for (const body of bodies) {
      expect(() => moduleLoad(moduleAround([0x00, ...body]), { features: ALL })).toThrow(
        /^illegal opcode/,
      );
    }
  });
});

/** Reads one instruction with `feature` off and everything else on, as far as that goes. */
function readWithout(feature: Feature, bytes: readonly number[]): void {
  // What is off stays off, with what builds on it.
  const on = Object.fromEntries(
    FEATURES.filter((name) => name !== feature).map((name) => [name, true]),
  );
  // Legacy exceptions have `throw` too.
  const off = feature === "exceptions" ? { "legacy-exceptions": false } : {};
  const features = featureSet({ ...on, ...off, [feature]: false });
  const reader = new InstructionReader(Uint8Array.from(bytes), features, DEFAULT_LIMITS);
  reader.next();
}

describe("instructions of a proposal that is off", () => {
  const rows = INSTRUCTIONS.filter((row) => row.feature !== null);

  it.each(rows.map((row) => [`${row.name} ${row.immediates}`, row] as const))("%s", (_, row) => {
    let caught: unknown;
    try {
      readWithout(row.feature!, [...opcode(row), ...immediates(row), 0, 0, 0]);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(MalformedError);
    const { message, offset } = caught as MalformedError;
    expect(message).toMatch(/^illegal opcode/);
    expect(message).toContain(`: ${row.name} needs`);
    expect(message).toContain(`needs the feature ${row.feature}, which is off`);
    expect(offset).toBe(0);
  });

  it("leaves throw on for either exceptions proposal", () => {
    const features = featureSet({ exceptions: false });
    const reader = new InstructionReader(Uint8Array.of(0x08, 0), features, DEFAULT_LIMITS);
    reader.next();
    expect(reader.op).toBe(0x08);
  });
});
