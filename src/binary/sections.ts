// Decodes the contents of each section into the module builder (spec: 5.5 Modules). The code
// section is not here: its bodies arrive one by one (framing.ts).

import { featureBit } from "../isa/features.ts";
import { FUNCREF, HEAP_FUNC, refType, type ValType } from "../isa/types.ts";
import { limitOn } from "../module/limits.ts";
import {
  type ConstExpr,
  type DataSegment,
  type ElementSegment,
  EXTERN_KINDS,
  type ExternType,
} from "../module/module.ts";
import type { ModuleBuilder } from "./builder.ts";
import type { InstructionReader } from "./instructions.ts";
import {
  readCount,
  readGlobalType,
  readMemoryType,
  readRecType,
  readRefType,
  readTableType,
  readTagType,
  requireFeature,
} from "./types.ts";

/** Sections whose segments are decoded one by one. */
export const ELEMENT = 9;
export const DATA = 11;

type SectionReader = (reader: InstructionReader, module: ModuleBuilder) => void;

/** Opcodes that open a block, and those that close one, while skipping an expression. */
const OPENERS: ReadonlySet<number> = new Set([0x02, 0x03, 0x04, 0x06, 0x1f]);
const CLOSERS: ReadonlySet<number> = new Set([0x0b, 0x18]);

/** A constant expression; that its instructions are constant is for validation. */
function readConstExpr(reader: InstructionReader): ConstExpr {
  const start = reader.pos;
  for (let depth = 1; depth > 0; ) {
    reader.next();
    if (OPENERS.has(reader.op)) depth++;
    else if (CLOSERS.has(reader.op)) depth--;
  }
  return { start, end: reader.pos };
}

function readTypes(reader: InstructionReader, module: ModuleBuilder): void {
  const { features, limits } = reader;
  const count = readCount(reader, limits, "types");
  for (let i = 0; i < count; i++) readRecType(reader, features, limits, module.types);
}

function readExternType(reader: InstructionReader): ExternType {
  const { features } = reader;
  const offset = reader.pos;
  const code = reader.u8();
  const kind = EXTERN_KINDS[code];
  switch (kind) {
    case "func":
      return { kind, typeIndex: reader.u32() };
    case "table":
      return { kind, table: readTableType(reader, features) };
    case "memory":
      return { kind, memory: readMemoryType(reader, features) };
    case "global":
      return { kind, global: readGlobalType(reader, features) };
    case "tag":
      requireTags(reader, offset, "malformed import kind");
      return { kind, typeIndex: readTagType(reader) };
    default:
      throw reader.error("malformed import kind", `0x${code.toString(16)}`, offset);
  }
}

/** Tags belong to the new and to the legacy exceptions proposal. */
function requireTags(reader: InstructionReader, offset: number, phrase: string): void {
  if ((reader.features & featureBit("legacy-exceptions")) !== 0) return;
  requireFeature(reader, reader.features, "exceptions", phrase, "a tag", offset);
}

function readImports(reader: InstructionReader, module: ModuleBuilder): void {
  const { limits, pos: start } = reader;
  const count = readCount(reader, limits, "imports");
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    const from = reader.name(limits.nameBytes);
    const name = reader.name(limits.nameBytes);
    const type = readExternType(reader);
    module.imports.push({ module: from, name, type, offset });
    switch (type.kind) {
      case "func":
        module.functions.push(type.typeIndex);
        module.importedFunctions++;
        break;
      case "table":
        module.tables.push({ type: type.table, init: null, offset });
        module.importedTables++;
        break;
      case "memory":
        module.memories.push({ type: type.memory, offset });
        module.importedMemories++;
        break;
      case "global":
        module.globals.push({ type: type.global, init: null, offset });
        module.importedGlobals++;
        break;
      case "tag":
        module.tags.push(type.typeIndex);
        module.importedTags++;
        break;
    }
  }
  for (const space of ["functions", "tables", "memories", "globals", "tags"] as const) {
    limitOn(limits, space, module[space].length, start);
  }
}

function readFunctions(reader: InstructionReader, module: ModuleBuilder): void {
  const count = readCount(reader, reader.limits, "functions", module.importedFunctions);
  for (let i = 0; i < count; i++) module.functions.push(reader.u32());
}

function readTables(reader: InstructionReader, module: ModuleBuilder): void {
  const { features, limits } = reader;
  const count = readCount(reader, limits, "tables", module.importedTables);
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    const hasInit = offset < reader.end && reader.bytes[offset] === 0x40;
    if (hasInit) {
      reader.pos++;
      const what = "a table with an initialiser";
      const feature = "function-references";
      requireFeature(reader, features, feature, "malformed reference type", what, offset);
      if (reader.u8() !== 0) throw reader.error("zero byte expected", "", reader.pos - 1);
    }
    const type = readTableType(reader, features);
    module.tables.push({ type, init: hasInit ? readConstExpr(reader) : null, offset });
  }
}

function readMemories(reader: InstructionReader, module: ModuleBuilder): void {
  const count = readCount(reader, reader.limits, "memories", module.importedMemories);
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    module.memories.push({ type: readMemoryType(reader, reader.features), offset });
  }
}

function readTags(reader: InstructionReader, module: ModuleBuilder): void {
  const count = readCount(reader, reader.limits, "tags", module.importedTags);
  for (let i = 0; i < count; i++) module.tags.push(readTagType(reader));
}

function readGlobals(reader: InstructionReader, module: ModuleBuilder): void {
  const count = readCount(reader, reader.limits, "globals", module.importedGlobals);
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    const type = readGlobalType(reader, reader.features);
    module.globals.push({ type, init: readConstExpr(reader), offset });
  }
}

function readExports(reader: InstructionReader, module: ModuleBuilder): void {
  const { limits } = reader;
  const count = readCount(reader, limits, "exports");
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    const name = reader.name(limits.nameBytes);
    const kindOffset = reader.pos;
    const code = reader.u8();
    const kind = EXTERN_KINDS[code];
    if (kind === undefined) {
      throw reader.error("malformed export kind", `0x${code.toString(16)}`, kindOffset);
    }
    if (kind === "tag") requireTags(reader, kindOffset, "malformed export kind");
    module.exports.push({ name, kind, index: reader.u32(), offset });
  }
}

function readStart(reader: InstructionReader, module: ModuleBuilder): void {
  module.start = reader.u32();
}

function readElementKind(reader: InstructionReader): ValType {
  const offset = reader.pos;
  const kind = reader.u8();
  if (kind !== 0) throw reader.error("malformed element kind", `0x${kind.toString(16)}`, offset);
  return refType(HEAP_FUNC, false);
}

/** Bits of an element segment's flags; the meaning of the second depends on the first. */
const NOT_ACTIVE = 1;
const EXPLICIT_TABLE_OR_DECLARATIVE = 2;
const EXPRESSIONS = 4;

function readElementSegment(reader: InstructionReader): ElementSegment {
  const { features } = reader;
  const offset = reader.pos;
  const flags = reader.u32();
  if (flags > 7) throw reader.error("malformed elements segment kind", String(flags), offset);
  if (flags !== 0) {
    const what = "a segment that is not a plain active one";
    const phrase = "malformed elements segment kind";
    requireFeature(reader, features, "bulk-memory", phrase, what, offset);
  }
  const second = (flags & EXPLICIT_TABLE_OR_DECLARATIVE) !== 0;
  const active = (flags & NOT_ACTIVE) === 0;
  const withExpressions = (flags & EXPRESSIONS) !== 0;
  const table = active && second ? reader.u32() : 0;
  const at = active ? readConstExpr(reader) : null;
  // Flags 0 and 4 leave the type out; a list of functions has no nulls, one of expressions may.
  let type: ValType = withExpressions ? FUNCREF : refType(HEAP_FUNC, false);
  if (!active || second) {
    type = withExpressions ? readRefType(reader, features) : readElementKind(reader);
  }
  const count = readCount(reader, reader.limits, "elements");
  const list = new Uint32Array(withExpressions ? count + 1 : count);
  for (let i = 0; i < count; i++) {
    list[i] = withExpressions ? readConstExpr(reader).start : reader.u32();
  }
  if (withExpressions) list[count] = reader.pos;
  return {
    mode: active ? "active" : second ? "declarative" : "passive",
    table,
    at,
    type,
    functions: withExpressions ? null : list,
    expressions: withExpressions ? list : null,
    offset,
  };
}

function readDataCount(reader: InstructionReader, module: ModuleBuilder): void {
  const offset = reader.pos;
  module.dataCount = reader.u32();
  limitOn(reader.limits, "dataSegments", module.dataCount, offset);
}

function readDataSegment(reader: InstructionReader): DataSegment {
  const { features } = reader;
  const offset = reader.pos;
  const flags = reader.u32();
  if (flags > 2) throw reader.error("malformed data segment kind", String(flags), offset);
  if (flags !== 0) {
    const what = "a segment that is not a plain active one";
    const phrase = "malformed data segment kind";
    requireFeature(reader, features, "bulk-memory", phrase, what, offset);
  }
  const memory = flags === 2 ? reader.u32() : 0;
  const at = flags === 1 ? null : readConstExpr(reader);
  const length = reader.u32();
  const start = reader.pos;
  reader.skip(length, "a data segment");
  const mode = flags === 1 ? "passive" : "active";
  return { mode, memory, at, start, end: reader.pos, offset };
}

/** Checks the number of segments of a section that is decoded segment by segment. */
export function checkSegmentCount(
  id: number,
  count: number,
  reader: InstructionReader,
  module: ModuleBuilder,
  offset: number,
): void {
  limitOn(reader.limits, id === ELEMENT ? "elementSegments" : "dataSegments", count, offset);
  if (id === DATA && module.dataCount !== null && module.dataCount !== count) {
    const phrase = "data count and data section have inconsistent lengths";
    throw reader.error(phrase, `${module.dataCount} and ${count}`, offset);
  }
}

/** Decodes one segment of an element or data section; nothing is recorded unless it is complete. */
export function readSegment(id: number, reader: InstructionReader, module: ModuleBuilder): void {
  if (id === ELEMENT) module.elements.push(readElementSegment(reader));
  else module.data.push(readDataSegment(reader));
}

/** By section id; sections that are decoded piece by piece have none. */
const READERS: readonly (SectionReader | undefined)[] = [
  undefined,
  readTypes,
  readImports,
  readFunctions,
  readTables,
  readMemories,
  readGlobals,
  readExports,
  readStart,
  undefined,
  undefined,
  undefined,
  readDataCount,
  readTags,
];

/** Decodes the section `id` whose payload is exactly the reader's range. */
export function readSection(id: number, reader: InstructionReader, module: ModuleBuilder): void {
  const offset = reader.pos;
  if (id === 13) requireTags(reader, offset, "malformed section id");
  if (id === 12) {
    const what = "a data count section";
    requireFeature(reader, reader.features, "bulk-memory", "malformed section id", what, offset);
  }
  READERS[id]?.(reader, module);
  if (!reader.atEnd) {
    const left = reader.end - reader.pos;
    throw reader.error("section size mismatch", `${left} bytes are left over`);
  }
}
