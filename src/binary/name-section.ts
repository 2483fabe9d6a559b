// Decodes the name section (spec: 7.4.1) and the extended-name-section proposal. A broken name
// section never makes a module malformed (spec: 7.4): what was read before the damage is kept.

import { MalformedError } from "../module/errors.ts";
import type { NameSection } from "../module/names.ts";
import { Cursor } from "./cursor.ts";

type Names = Map<number, string>;

function readNameMap(cursor: Cursor, into: Names): void {
  const count = cursor.u32();
  for (let i = 0; i < count; i++) {
    const index = cursor.u32();
    into.set(index, cursor.name(Number.POSITIVE_INFINITY));
  }
}

function readIndirectNameMap(cursor: Cursor, into: Map<number, Names>): void {
  const count = cursor.u32();
  for (let i = 0; i < count; i++) {
    const names: Names = new Map();
    into.set(cursor.u32(), names);
    readNameMap(cursor, names);
  }
}

/** Reads a subsection's header and passes over what is in it. */
export function nextSubsection(bytes: Uint8Array, cursor: Cursor): { id: number; content: Cursor } {
  const id = cursor.u8();
  const size = cursor.u32();
  const start = cursor.pos;
  cursor.skip(size);
  return { id, content: new Cursor(bytes, start, start + size) };
}

/** Reads the payload `bytes[start, end)` of a custom section named `name`. */
export function readNameSection(bytes: Uint8Array, start: number, end: number): NameSection {
  const names = {
    module: null as string | null,
    functions: new Map<number, string>(),
    locals: new Map<number, Names>(),
    labels: new Map<number, Names>(),
    types: new Map<number, string>(),
    tables: new Map<number, string>(),
    memories: new Map<number, string>(),
    globals: new Map<number, string>(),
    elements: new Map<number, string>(),
    data: new Map<number, string>(),
    fields: new Map<number, Names>(),
    tags: new Map<number, string>(),
  };
  // By subsection id; the first one is the module's own name.
  const subsections: readonly (((cursor: Cursor) => void) | undefined)[] = [
    (cursor) => {
      names.module = cursor.name(Number.POSITIVE_INFINITY);
    },
    (cursor) => readNameMap(cursor, names.functions),
    (cursor) => readIndirectNameMap(cursor, names.locals),
    (cursor) => readIndirectNameMap(cursor, names.labels),
    (cursor) => readNameMap(cursor, names.types),
    (cursor) => readNameMap(cursor, names.tables),
    (cursor) => readNameMap(cursor, names.memories),
    (cursor) => readNameMap(cursor, names.globals),
    (cursor) => readNameMap(cursor, names.elements),
    (cursor) => readNameMap(cursor, names.data),
    (cursor) => readIndirectNameMap(cursor, names.fields),
    (cursor) => readNameMap(cursor, names.tags),
  ];
  const cursor = new Cursor(bytes, start, end);
  try {
    while (!cursor.atEnd) {
      const { content, id } = nextSubsection(bytes, cursor);
      subsections[id]?.(content);
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  return names;
}
