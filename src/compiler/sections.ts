// Parts that host modules have in common (spec: 5.5 Modules).

import { I32, type ValType } from "../isa/types.ts";
import { type Limits, type ModuleRecord, SECTION_NAMES } from "../module/module.ts";
import { ByteWriter } from "./bytes.ts";
import type { HostTarget } from "./target.ts";
import { canHold, KEPT, typeCode } from "./values.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
export const MUTABLE = 1;

/** Names of imports and exports, numbered by the guest's index spaces. */
export const NAMES = {
  functions: "functions",
  memories: "memories",
  tables: "tables",
  globals: "globals",
  budget: "budget",
  room: "room",
  global: (index: number) => `global ${index}`,
  function: (index: number) => `function ${index}`,
  kept: (index: number) => `kept ${index}`,
  continuation: (offset: number) => `continuation ${offset}`,
} as const;

/**
 * Types of the globals of a module's host module: the guest's, which keep their indices, the
 * budget, kept operands, and the room for calls.
 */
export function hostGlobals({ globals }: ModuleRecord): readonly ValType[] {
  const guests = globals.map(({ type }) => (canHold(type.type) ? type.type : I32));
  return [...guests, I32, ...KEPT, I32];
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
  for (const [i, { type }] of module.tables.slice(0, tables).entries()) {
    out.name(NAMES.tables);
    out.name(String(i));
    out.u8(0x01);
    out.u8(typeCode(type.element));
    writeLimits(out, type);
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
