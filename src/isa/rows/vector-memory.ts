// Rows: accesses of vectors to memory (spec: 5.4.10). How the bytes become lanes is in the names:
// as they are, extended, in all lanes, in one lane, with zeros.

import { type Access, type Instruction, rowsOf } from "../instruction.ts";

const simd = rowsOf("simd");

type Bytes = Access["bytes"];

function load(name: string, code: number, bytes: Bytes, extend?: "s" | "u"): Instruction {
  const access = { kind: "load", bytes, ...(extend && { extend }) } as const;
  return simd(name, [0xfd, code], "addr -> v128", { imm: "memarg", access });
}

function loadLane(name: string, code: number, bytes: Bytes): Instruction {
  const access = { kind: "load", bytes } as const;
  return simd(name, [0xfd, code], "addr v128 -> v128", { imm: "memarg lane", access });
}

function storeLane(name: string, code: number, bytes: Bytes): Instruction {
  const access = { kind: "store", bytes } as const;
  return simd(name, [0xfd, code], "addr v128 ->", { imm: "memarg lane", access });
}

export const VECTOR_MEMORY: readonly Instruction[] = [
  load("v128.load", 0, 16),
  load("v128.load8x8_s", 1, 8, "s"),
  load("v128.load8x8_u", 2, 8, "u"),
  load("v128.load16x4_s", 3, 8, "s"),
  load("v128.load16x4_u", 4, 8, "u"),
  load("v128.load32x2_s", 5, 8, "s"),
  load("v128.load32x2_u", 6, 8, "u"),
  load("v128.load8_splat", 7, 1),
  load("v128.load16_splat", 8, 2),
  load("v128.load32_splat", 9, 4),
  load("v128.load64_splat", 10, 8),
  simd("v128.store", [0xfd, 11], "addr v128 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 16 },
  }),
  loadLane("v128.load8_lane", 84, 1),
  loadLane("v128.load16_lane", 85, 2),
  loadLane("v128.load32_lane", 86, 4),
  loadLane("v128.load64_lane", 87, 8),
  storeLane("v128.store8_lane", 88, 1),
  storeLane("v128.store16_lane", 89, 2),
  storeLane("v128.store32_lane", 90, 4),
  storeLane("v128.store64_lane", 91, 8),
  load("v128.load32_zero", 92, 4),
  load("v128.load64_zero", 93, 8),
];
