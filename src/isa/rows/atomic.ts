// Rows: threads and atomics (proposal "threads"). Alignment must be exactly natural.

import { type Instruction, rowsOf } from "../instruction.ts";

const atomic = rowsOf("threads");

export const ATOMIC: readonly Instruction[] = [
  atomic("memory.atomic.notify", [0xfe, 0x00], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "notify", bytes: 4 },
  }),
  atomic("memory.atomic.wait32", [0xfe, 0x01], "addr i32 i64 -> i32", {
    imm: "memarg",
    access: { kind: "wait", bytes: 4 },
  }),
  atomic("memory.atomic.wait64", [0xfe, 0x02], "addr i64 i64 -> i32", {
    imm: "memarg",
    access: { kind: "wait", bytes: 8 },
  }),
  atomic("atomic.fence", [0xfe, 0x03], "->", { imm: "zero" }),
  atomic("i32.atomic.load", [0xfe, 0x10], "addr -> i32", {
    imm: "memarg",
    access: { kind: "load", bytes: 4 },
  }),
  atomic("i64.atomic.load", [0xfe, 0x11], "addr -> i64", {
    imm: "memarg",
    access: { kind: "load", bytes: 8 },
  }),
  atomic("i32.atomic.load8_u", [0xfe, 0x12], "addr -> i32", {
    imm: "memarg",
    access: { kind: "load", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.load16_u", [0xfe, 0x13], "addr -> i32", {
    imm: "memarg",
    access: { kind: "load", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.load8_u", [0xfe, 0x14], "addr -> i64", {
    imm: "memarg",
    access: { kind: "load", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.load16_u", [0xfe, 0x15], "addr -> i64", {
    imm: "memarg",
    access: { kind: "load", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.load32_u", [0xfe, 0x16], "addr -> i64", {
    imm: "memarg",
    access: { kind: "load", bytes: 4, extend: "u" },
  }),
  atomic("i32.atomic.store", [0xfe, 0x17], "addr i32 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 4 },
  }),
  atomic("i64.atomic.store", [0xfe, 0x18], "addr i64 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 8 },
  }),
  atomic("i32.atomic.store8", [0xfe, 0x19], "addr i32 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 1 },
  }),
  atomic("i32.atomic.store16", [0xfe, 0x1a], "addr i32 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 2 },
  }),
  atomic("i64.atomic.store8", [0xfe, 0x1b], "addr i64 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 1 },
  }),
  atomic("i64.atomic.store16", [0xfe, 0x1c], "addr i64 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 2 },
  }),
  atomic("i64.atomic.store32", [0xfe, 0x1d], "addr i64 ->", {
    imm: "memarg",
    access: { kind: "store", bytes: 4 },
  }),
  atomic("i32.atomic.rmw.add", [0xfe, 0x1e], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4 },
  }),
  atomic("i64.atomic.rmw.add", [0xfe, 0x1f], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 8 },
  }),
  atomic("i32.atomic.rmw8.add_u", [0xfe, 0x20], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.rmw16.add_u", [0xfe, 0x21], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw8.add_u", [0xfe, 0x22], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.rmw16.add_u", [0xfe, 0x23], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw32.add_u", [0xfe, 0x24], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4, extend: "u" },
  }),
  atomic("i32.atomic.rmw.sub", [0xfe, 0x25], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4 },
  }),
  atomic("i64.atomic.rmw.sub", [0xfe, 0x26], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 8 },
  }),
  atomic("i32.atomic.rmw8.sub_u", [0xfe, 0x27], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.rmw16.sub_u", [0xfe, 0x28], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw8.sub_u", [0xfe, 0x29], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.rmw16.sub_u", [0xfe, 0x2a], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw32.sub_u", [0xfe, 0x2b], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4, extend: "u" },
  }),
  atomic("i32.atomic.rmw.and", [0xfe, 0x2c], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4 },
  }),
  atomic("i64.atomic.rmw.and", [0xfe, 0x2d], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 8 },
  }),
  atomic("i32.atomic.rmw8.and_u", [0xfe, 0x2e], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.rmw16.and_u", [0xfe, 0x2f], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw8.and_u", [0xfe, 0x30], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.rmw16.and_u", [0xfe, 0x31], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw32.and_u", [0xfe, 0x32], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4, extend: "u" },
  }),
  atomic("i32.atomic.rmw.or", [0xfe, 0x33], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4 },
  }),
  atomic("i64.atomic.rmw.or", [0xfe, 0x34], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 8 },
  }),
  atomic("i32.atomic.rmw8.or_u", [0xfe, 0x35], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.rmw16.or_u", [0xfe, 0x36], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw8.or_u", [0xfe, 0x37], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.rmw16.or_u", [0xfe, 0x38], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw32.or_u", [0xfe, 0x39], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4, extend: "u" },
  }),
  atomic("i32.atomic.rmw.xor", [0xfe, 0x3a], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4 },
  }),
  atomic("i64.atomic.rmw.xor", [0xfe, 0x3b], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 8 },
  }),
  atomic("i32.atomic.rmw8.xor_u", [0xfe, 0x3c], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.rmw16.xor_u", [0xfe, 0x3d], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw8.xor_u", [0xfe, 0x3e], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.rmw16.xor_u", [0xfe, 0x3f], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw32.xor_u", [0xfe, 0x40], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4, extend: "u" },
  }),
  atomic("i32.atomic.rmw.xchg", [0xfe, 0x41], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4 },
  }),
  atomic("i64.atomic.rmw.xchg", [0xfe, 0x42], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 8 },
  }),
  atomic("i32.atomic.rmw8.xchg_u", [0xfe, 0x43], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.rmw16.xchg_u", [0xfe, 0x44], "addr i32 -> i32", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw8.xchg_u", [0xfe, 0x45], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.rmw16.xchg_u", [0xfe, 0x46], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw32.xchg_u", [0xfe, 0x47], "addr i64 -> i64", {
    imm: "memarg",
    access: { kind: "rmw", bytes: 4, extend: "u" },
  }),
  atomic("i32.atomic.rmw.cmpxchg", [0xfe, 0x48], "addr i32 i32 -> i32", {
    imm: "memarg",
    access: { kind: "cmpxchg", bytes: 4 },
  }),
  atomic("i64.atomic.rmw.cmpxchg", [0xfe, 0x49], "addr i64 i64 -> i64", {
    imm: "memarg",
    access: { kind: "cmpxchg", bytes: 8 },
  }),
  atomic("i32.atomic.rmw8.cmpxchg_u", [0xfe, 0x4a], "addr i32 i32 -> i32", {
    imm: "memarg",
    access: { kind: "cmpxchg", bytes: 1, extend: "u" },
  }),
  atomic("i32.atomic.rmw16.cmpxchg_u", [0xfe, 0x4b], "addr i32 i32 -> i32", {
    imm: "memarg",
    access: { kind: "cmpxchg", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw8.cmpxchg_u", [0xfe, 0x4c], "addr i64 i64 -> i64", {
    imm: "memarg",
    access: { kind: "cmpxchg", bytes: 1, extend: "u" },
  }),
  atomic("i64.atomic.rmw16.cmpxchg_u", [0xfe, 0x4d], "addr i64 i64 -> i64", {
    imm: "memarg",
    access: { kind: "cmpxchg", bytes: 2, extend: "u" },
  }),
  atomic("i64.atomic.rmw32.cmpxchg_u", [0xfe, 0x4e], "addr i64 i64 -> i64", {
    imm: "memarg",
    access: { kind: "cmpxchg", bytes: 4, extend: "u" },
  }),
];
