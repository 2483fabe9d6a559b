// Parts that host modules have in common (spec: 5.5 Modules).

import { I32, I64, type ValType } from "../isa/types.ts";
import { type Limits, SECTION_NAMES } from "../module/module.ts";
import { ByteWriter } from "./bytes.ts";
import type { HostTarget } from "./target.ts";
import { canPass, KEPT, passedAs, typeOfPart } from "./values.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
export const MUTABLE = 1;
export const FUNCREF_CODE = 0x70;

/** Names of imports and exports, numbered by the guest's index spaces. */
export const NAMES = {
  memories: "memories",
  tables: "tables",
  globals: "globals",
  budget: "budget",
  room: "room",
  /** Globals, which hold bits, and the upper halves of vectors. */
  global: (index: number) => `global ${index}`,
  upperHalf: (index: number) => `upper half ${index}`,
  /** Functions that take and give bits; and those that do not, for other host modules. */
  function: (index: number) => `function ${index}`,
  callee: (index: number) => `callee ${index}`,
  /** Put so many functions into a table, or nothing: index, number of the first one, how many. */
  place: (table: number) => `place ${table}`,
  clear: (table: number) => `clear ${table}`,
  kept: (index: number) => `kept ${index}`,
  continuation: (offset: number) => `continuation ${offset}`,
} as const;

/**
 * Types of the globals of a module's host module: the guest's, which keep their indices, the
 * budget, kept operands, the room for calls, and upper halves.
 */
export function hostGlobals({ module, upperHalves }: HostTarget): readonly ValType[] {
  const guests = module.globals.map(({ type }) => {
    return canPass(type.type) ? typeOfPart(passedAs(type.type)[0]) : I32;
  });
  return [...guests, I32, ...KEPT, I32, ...new Array<ValType>(upperHalves.size).fill(I64)];
}

export function writeHeader(out: ByteWriter): void {
  for (const byte of HEADER) out.u8(byte);
}

export function section(out: ByteWriter, name: string, write: (out: ByteWriter) => void): void {
  const content = new ByteWriter();
  write(content);
  out.u8(SECTION_NAMES.indexOf(name));
  out.sized(content);
}

/** Imports of the tables and memories that the guest's module and the host's have in common. */
export function writeShared(out: ByteWriter, { memories, module, tables }: HostTarget): void {
  for (const { index } of tables.list) {
    out.name(NAMES.tables);
    out.name(String(index));
    out.u8(0x01);
    out.u8(FUNCREF_CODE);
    out.u8(0x00);
    out.u32(0);
  }
  for (const [i, { type }] of module.memories.slice(0, memories).entries()) {
    out.name(NAMES.memories);
    out.name(String(i));
    out.u8(0x02);
    writeLimits(out, type);
  }
}

function writeLimits(out: ByteWriter, { address64, max, min, shared }: Limits): void {
  out.u8((max === null ? 0 : 1) | (shared ? 2 : 0) | (address64 ? 4 : 0));
  out.u64(min);
  if (max !== null) out.u64(max);
}
