// Rows: memory and table instructions (spec: 5.4.5, 5.4.6). Plain loads and stores have regular
// typing rules with the address type of their memory; vector and atomic ones are in their own
// files.

import { type Instruction, row, rowsOf } from "../instruction.ts";

const bulk = rowsOf("bulk-memory");
const ref = rowsOf("reference-types");

function load(name: string, code: number, type: string, bytes: 1 | 2 | 4 | 8, extend?: "s" | "u") {
  const access = { kind: "load", bytes, ...(extend && { extend }) } as const;
  return row(name, code, `addr -> ${type}`, { imm: "memarg", access });
}

function store(name: string, code: number, type: string, bytes: 1 | 2 | 4 | 8) {
  return row(name, code, `addr ${type} ->`, { imm: "memarg", access: { kind: "store", bytes } });
}

export const MEMORY: readonly Instruction[] = [
  ref("table.get", 0x25, "*", { imm: "table" }),
  ref("table.set", 0x26, "*", { imm: "table" }),
  load("i32.load", 0x28, "i32", 4),
  load("i64.load", 0x29, "i64", 8),
  load("f32.load", 0x2a, "f32", 4),
  load("f64.load", 0x2b, "f64", 8),
  load("i32.load8_s", 0x2c, "i32", 1, "s"),
  load("i32.load8_u", 0x2d, "i32", 1, "u"),
  load("i32.load16_s", 0x2e, "i32", 2, "s"),
  load("i32.load16_u", 0x2f, "i32", 2, "u"),
  load("i64.load8_s", 0x30, "i64", 1, "s"),
  load("i64.load8_u", 0x31, "i64", 1, "u"),
  load("i64.load16_s", 0x32, "i64", 2, "s"),
  load("i64.load16_u", 0x33, "i64", 2, "u"),
  load("i64.load32_s", 0x34, "i64", 4, "s"),
  load("i64.load32_u", 0x35, "i64", 4, "u"),
  store("i32.store", 0x36, "i32", 4),
  store("i64.store", 0x37, "i64", 8),
  store("f32.store", 0x38, "f32", 4),
  store("f64.store", 0x39, "f64", 8),
  store("i32.store8", 0x3a, "i32", 1),
  store("i32.store16", 0x3b, "i32", 2),
  store("i64.store8", 0x3c, "i64", 1),
  store("i64.store16", 0x3d, "i64", 2),
  store("i64.store32", 0x3e, "i64", 4),
  row("memory.size", 0x3f, "-> addr", { imm: "memory" }),
  row("memory.grow", 0x40, "addr -> addr", { imm: "memory", price: "pages" }),
  bulk("memory.init", [0xfc, 8], "addr i32 i32 ->", { imm: "data memory", price: "bytes" }),
  bulk("data.drop", [0xfc, 9], "->", { imm: "data" }),
  bulk("memory.copy", [0xfc, 10], "*", { imm: "memory memory", price: "bytes" }),
  bulk("memory.fill", [0xfc, 11], "addr i32 addr ->", { imm: "memory", price: "bytes" }),
  bulk("table.init", [0xfc, 12], "addr i32 i32 ->", { imm: "elem table", price: "elements" }),
  bulk("elem.drop", [0xfc, 13], "->", { imm: "elem" }),
  bulk("table.copy", [0xfc, 14], "*", { imm: "table table", price: "elements" }),
  ref("table.grow", [0xfc, 15], "*", { imm: "table", price: "elements" }),
  ref("table.size", [0xfc, 16], "-> addr", { imm: "table" }),
  ref("table.fill", [0xfc, 17], "*", { imm: "table", price: "elements" }),
];
