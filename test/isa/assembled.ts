// Assembles one instruction with wabt, to see which opcode it writes. The bytes are read here by
// hand, not by the decoder, so that the two cannot be wrong together.

import type loadWabt from "wabt";
import { type Instruction, opcodeOf } from "../../src/isa/instruction.ts";

/** wabt once it is loaded. */
export type Wabt = Awaited<ReturnType<typeof loadWabt>>;

/** Every feature of wabt. */
export const WABT_FEATURES = {
  exceptions: true,
  mutable_globals: true,
  multi_value: true,
  sign_extension: true,
  sat_float_to_int: true,
  bulk_memory: true,
  reference_types: true,
  simd: true,
  relaxed_simd: true,
  tail_call: true,
  threads: true,
  extended_const: true,
  memory64: true,
  multi_memory: true,
  function_references: true,
  gc: true,
};

/** Text around the instruction, and the bytes it puts before it. */
const AROUND: Readonly<Record<string, readonly [text: string, bytesBefore: number]>> = {
  block: ["block end", 0],
  loop: ["loop end", 0],
  if: ["if end", 0],
  else: ["if else nop end", 2],
  end: ["", 0],
  try: ["try catch_all end", 0],
  catch: ["try catch 0 end", 2],
  catch_all: ["try catch_all end", 2],
  delegate: ["try delegate 0", 2],
  rethrow: ["rethrow 0", 0],
  try_table: ["try_table end", 0],
};

/** Immediates in the text format by layout; absent: none. */
const IMMEDIATES: Readonly<Record<string, string>> = {
  label: "0",
  "labels label": "0 0",
  func: "0",
  "type table": "(type 0)",
  type: "0",
  valtypes: "(result i32)",
  local: "0",
  global: "0",
  table: "0",
  "memarg lane": "0",
  i32: "0",
  i64: "0",
  f32: "0",
  f64: "0",
  v128: "i32x4 0 0 0 0",
  lane: "0",
  lanes: "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
  heaptype: "func",
  "type field": "0 0",
  "type count": "0 0",
  "data memory": "0",
  data: "0",
  elem: "0",
  "elem table": "0",
  tag: "0",
};

/** The text of an instruction with immediates that exist. */
function instructionText({ name, immediates }: Instruction): string {
  return AROUND[name]?.[0] ?? `${name} ${IMMEDIATES[immediates] ?? ""}`;
}

/** Unsigned LEB128 at `at`: value and the offset after it. */
function readLeb(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let i = at, unit = 1; ; i++, unit *= 128) {
    value += (bytes[i] & 0x7f) * unit;
    if (bytes[i] < 0x80) return [value, i + 1];
  }
}

/** The first function body of a module: offset after its (empty) local declarations. */
function codeOffset(bytes: Uint8Array): number {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const [size, start] = readLeb(bytes, at + 1);
    if (id === 10) {
      const [, bodySize] = readLeb(bytes, start);
      const [, body] = readLeb(bytes, bodySize);
      return body + 1;
    }
    at = start + size;
  }
  throw new Error("the module has no code section");
}

/** Dense opcode that wabt gives to the row's mnemonic; null if wabt does not know it. */
export function assembledOpcode(wabt: Wabt, row: Instruction): number | null {
  const fields =
    "(type (func)) (memory 1) (table 1 funcref) (tag) (global (mut i32) (i32.const 0))";
  const segments = '(elem func 0) (data "")';
  const text = `(module ${fields} ${segments} (func (type 0) ${instructionText(row)}))`;
  let bytes: Uint8Array;
  try {
    const module = wabt.parseWat("row.wat", text, WABT_FEATURES);
    bytes = module.toBinary({}).buffer;
    module.destroy();
  } catch {
    return null;
  }
  const at = codeOffset(bytes) + (AROUND[row.name]?.[1] ?? 0);
  if (bytes[at] < 0xfb || bytes[at] > 0xfe) return bytes[at];
  return opcodeOf(bytes[at], readLeb(bytes, at + 1)[0]);
}
