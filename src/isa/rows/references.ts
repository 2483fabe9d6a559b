// Rows: reference and aggregate instructions (spec: 5.4.7, 5.4.8).

import { type Instruction, rowsOf } from "../instruction.ts";

const ref = rowsOf("reference-types");
const funcref = rowsOf("function-references");
const gc = rowsOf("gc");

export const REFERENCES: readonly Instruction[] = [
  ref("ref.null", 0xd0, "*", { imm: "heaptype", constant: true }),
  ref("ref.is_null", 0xd1, "*"),
  ref("ref.func", 0xd2, "*", { imm: "func", constant: true }),
  gc("ref.eq", 0xd3, "eqref eqref -> i32"),
  funcref("ref.as_non_null", 0xd4, "*"),
  funcref("br_on_null", 0xd5, "*", { imm: "label" }),
  funcref("br_on_non_null", 0xd6, "*", { imm: "label" }),
  gc("struct.new", [0xfb, 0], "*", { imm: "type", constant: true }),
  gc("struct.new_default", [0xfb, 1], "*", { imm: "type", constant: true }),
  gc("struct.get", [0xfb, 2], "*", { imm: "type field" }),
  gc("struct.get_s", [0xfb, 3], "*", { imm: "type field" }),
  gc("struct.get_u", [0xfb, 4], "*", { imm: "type field" }),
  gc("struct.set", [0xfb, 5], "*", { imm: "type field" }),
  gc("array.new", [0xfb, 6], "*", { imm: "type", price: "elements", constant: true }),
  gc("array.new_default", [0xfb, 7], "*", { imm: "type", price: "elements", constant: true }),
  gc("array.new_fixed", [0xfb, 8], "*", { imm: "type count", price: "elements", constant: true }),
  gc("array.new_data", [0xfb, 9], "*", { imm: "type data", price: "bytes" }),
  gc("array.new_elem", [0xfb, 10], "*", { imm: "type elem", price: "elements" }),
  gc("array.get", [0xfb, 11], "*", { imm: "type" }),
  gc("array.get_s", [0xfb, 12], "*", { imm: "type" }),
  gc("array.get_u", [0xfb, 13], "*", { imm: "type" }),
  gc("array.set", [0xfb, 14], "*", { imm: "type" }),
  gc("array.len", [0xfb, 15], "*"),
  gc("array.fill", [0xfb, 16], "*", { imm: "type", price: "elements" }),
  gc("array.copy", [0xfb, 17], "*", { imm: "type type", price: "elements" }),
  gc("array.init_data", [0xfb, 18], "*", { imm: "type data", price: "bytes" }),
  gc("array.init_elem", [0xfb, 19], "*", { imm: "type elem", price: "elements" }),
  gc("ref.test", [0xfb, 20], "*", { imm: "heaptype" }),
  gc("ref.test null", [0xfb, 21], "*", { imm: "heaptype" }),
  gc("ref.cast", [0xfb, 22], "*", { imm: "heaptype" }),
  gc("ref.cast null", [0xfb, 23], "*", { imm: "heaptype" }),
  gc("br_on_cast", [0xfb, 24], "*", { imm: "castflags label heaptype heaptype" }),
  gc("br_on_cast_fail", [0xfb, 25], "*", { imm: "castflags label heaptype heaptype" }),
  gc("any.convert_extern", [0xfb, 26], "*", { constant: true }),
  gc("extern.convert_any", [0xfb, 27], "*", { constant: true }),
  gc("ref.i31", [0xfb, 28], "*", { constant: true }),
  gc("i31.get_s", [0xfb, 29], "i31ref -> i32"),
  gc("i31.get_u", [0xfb, 30], "i31ref -> i32"),
];
