// Parts that host modules have in common (spec: 5.5 Modules).

import { type Limits, SECTION_NAMES } from "../module/module.ts";
import { ByteWriter } from "./bytes.ts";
import { OP } from "./opcodes.ts";
import type { HostTarget } from "./target.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
export const MUTABLE = 1;
export const FUNCREF_CODE = 0x70;

/** Module names of imports, whose fields are indices in the guest's index spaces. */
export const NAMES = {
  memories: "memories",
  tables: "tables",
  /** The field of the table that gets the functions of the host module. */
  functions: "functions",
} as const;

export function writeHeader(out: ByteWriter): void {
  for (const byte of HEADER) out.u8(byte);
}

export function section(out: ByteWriter, name: string, write: (out: ByteWriter) => void): void {
  const content = new ByteWriter();
  write(content);
  out.u8(SECTION_NAMES.indexOf(name));
  out.sized(content);
}

/** How many tables and memories a host module imports. */
export function sharedCount({ memories, tables }: HostTarget): number {
  return tables.list.length + 1 + memories;
}

/**
 * Imports of the tables and memories that the guest's module and the host's have in common, and,
 * behind the other tables, of that for the host module's functions.
 */
export function writeShared(out: ByteWriter, { memories, module, tables }: HostTarget): void {
  for (const field of [...tables.list.map(({ index }) => String(index)), NAMES.functions]) {
    out.name(NAMES.tables);
    out.name(field);
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

const ACTIVE_IN_TABLE = 2;

/** The segment by which so many functions, from the index `first` on, get into their table. */
export function writeFunctions(
  out: ByteWriter,
  { tables }: HostTarget,
  first: number,
  count: number,
): void {
  out.u32(1);
  out.u32(ACTIVE_IN_TABLE);
  out.u32(tables.list.length);
  out.indexed(OP.i32Const, 0);
  out.u8(OP.end);
  out.u8(0x00);
  out.u32(count);
  for (let i = 0; i < count; i++) out.u32(first + i);
}

function writeLimits(out: ByteWriter, { address64, max, min, shared }: Limits): void {
  out.u8((max === null ? 0 : 1) | (shared ? 2 : 0) | (address64 ? 4 : 0));
  out.u64(min);
  if (max !== null) out.u64(max);
}
