// Rows: control, parametric, variable and exception instructions (spec: 5.4.1 – 5.4.4).

import { type Instruction, row, rowsOf } from "../instruction.ts";

const exn = rowsOf("exceptions");
const legacy = rowsOf("legacy-exceptions");
const tail = rowsOf("tail-call");
const funcref = rowsOf("function-references");

export const CONTROL: readonly Instruction[] = [
  row("unreachable", 0x00, "*"),
  row("nop", 0x01, "->", { price: 0 }),
  row("block", 0x02, "*", { imm: "blocktype", price: 0 }),
  row("loop", 0x03, "*", { imm: "blocktype", price: 0 }),
  row("if", 0x04, "*", { imm: "blocktype" }),
  row("else", 0x05, "*", { price: 0 }),
  legacy("try", 0x06, "*", { imm: "blocktype", price: 0 }),
  legacy("catch", 0x07, "*", { imm: "tag", price: 0 }),
  exn("throw", 0x08, "*", { imm: "tag" }),
  legacy("rethrow", 0x09, "*", { imm: "label" }),
  exn("throw_ref", 0x0a, "*"),
  row("end", 0x0b, "*", { price: 0, constant: true }),
  row("br", 0x0c, "*", { imm: "label" }),
  row("br_if", 0x0d, "*", { imm: "label" }),
  row("br_table", 0x0e, "*", { imm: "labels label" }),
  row("return", 0x0f, "*"),
  row("call", 0x10, "*", { imm: "func" }),
  row("call_indirect", 0x11, "*", { imm: "type table" }),
  tail("return_call", 0x12, "*", { imm: "func" }),
  tail("return_call_indirect", 0x13, "*", { imm: "type table" }),
  funcref("call_ref", 0x14, "*", { imm: "type" }),
  funcref("return_call_ref", 0x15, "*", { imm: "type" }),
  legacy("delegate", 0x18, "*", { imm: "label", price: 0 }),
  legacy("catch_all", 0x19, "*", { price: 0 }),
  row("drop", 0x1a, "*"),
  row("select", 0x1b, "*"),
  row("select", 0x1c, "*", { imm: "valtypes", feature: "reference-types" }),
  exn("try_table", 0x1f, "*", { imm: "blocktype catches", price: 0 }),
  row("local.get", 0x20, "*", { imm: "local" }),
  row("local.set", 0x21, "*", { imm: "local" }),
  row("local.tee", 0x22, "*", { imm: "local" }),
  row("global.get", 0x23, "*", { imm: "global", constant: true }),
  row("global.set", 0x24, "*", { imm: "global" }),
];
