// Decodes the contents of each section into the module builder (spec: 5.5 Modules), entry by entry,
// and with a pause where that takes long. The code section is not here: its bodies come one by one
// (decoder.ts).

import { featureBit } from "../isa/features.ts";
import { FUNCREF, HEAP_FUNC, refType, V128, type ValType } from "../isa/types.ts";
import { type DecodingLimits, limitOn } from "../module/limits.ts";
import { type ConstExpr, EXTERN_KINDS, type ExternType, type Import } from "../module/module.ts";
import { PIECE, Piece, type Rest } from "../module/pieces.ts";
import type { ModuleBuilder } from "./builder.ts";
import { hex } from "./cursor.ts";
import type { InstructionReader } from "./instructions.ts";
import {
  readCount,
  readGlobalType,
  readGroupSize,
  readMemoryType,
  readRefType,
  readSubType,
  readTableType,
  readTagType,
  requireFeature,
} from "./types.ts";

const TYPE = 1;
const IMPORT = 2;
const START = 8;
const DATA = 11;
const DATA_COUNT = 12;
const TAG = 13;

/** In the place of a kind, after an empty name: imports of one module follow, as items or names. */
const GROUP_OF_ITEMS = 0x7f;
const GROUP_OF_NAMES = 0x7e;

/** Bytes of an import in memory, and for each of its bytes in the module. */
const IMPORT_COST = 176;
const IMPORT_COST_PER_BYTE = 4;
/** Bytes of a table and of a memory, with its type, in memory. */
const TABLE_COST = 280;
const MEMORY_COST = 420;
/** What a global of type v128 takes besides what every global does. */
const VECTOR_GLOBAL_COST = 16;

/** Opcodes that open a block, and those that close one, while skipping an expression. */
const OPENERS: ReadonlySet<number> = new Set([0x02, 0x03, 0x04, 0x06, 0x1f]);
const CLOSERS: ReadonlySet<number> = new Set([0x0b, 0x18]);

/** Skips instructions of an expression, a piece at most; how deep it is in blocks, 0 at its end. */
function skipInstructions(reader: InstructionReader, from: number): number {
  const until = reader.pos + PIECE;
  let depth = from;
  while (depth > 0 && reader.pos < until) {
    reader.next();
    if (OPENERS.has(reader.op)) depth++;
    else if (CLOSERS.has(reader.op)) depth--;
  }
  return depth;
}

/** A constant expression; that its instructions are constant is for validation. */
function* readConstExpr(reader: InstructionReader): Generator<void, ConstExpr> {
  const start = reader.pos;
  for (let depth = skipInstructions(reader, 1); depth > 0; ) {
    yield;
    depth = skipInstructions(reader, depth);
  }
  return { start, end: reader.pos };
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
      throw reader.error("malformed import kind", hex(code), offset);
  }
}

/** Tags belong to the new and to the legacy exceptions proposal. */
function requireTags(reader: InstructionReader, offset: number, phrase: string): void {
  if ((reader.features & featureBit("legacy-exceptions")) !== 0) return;
  requireFeature(reader, reader.features, "exceptions", phrase, "a tag", offset);
}

/** The mark of a group behind the name of an entry in the import section, 0 if there is none. */
function readGroupMark(reader: InstructionReader, name: string): number {
  const { bytes, end, features, pos } = reader;
  const mark = name === "" && pos < end ? bytes[pos] : 0;
  if (mark !== GROUP_OF_ITEMS && mark !== GROUP_OF_NAMES) return 0;
  const what = `${hex(mark)}, a group of imports`;
  requireFeature(reader, features, "compact-imports", "malformed import kind", what, pos);
  reader.pos++;
  return mark;
}

function recordImport(module: ModuleBuilder, limits: DecodingLimits, entry: Import): void {
  const { offset, type } = entry;
  limitOn(limits, "imports", module.imports.push(entry), offset);
  switch (type.kind) {
    case "func":
      limitOn(limits, "functions", module.functions.push(type.typeIndex), offset);
      module.functionNames.noteImport(module.importedFunctions++, module.imports.length - 1);
      break;
    case "table":
      limitOn(
        limits,
        "tables",
        module.tables.push({ type: type.table, init: null, offset }),
        offset,
      );
      module.charge(TABLE_COST, offset);
      module.importedTables++;
      break;
    case "memory":
      limitOn(limits, "memories", module.memories.push({ type: type.memory, offset }), offset);
      module.charge(MEMORY_COST, offset);
      module.importedMemories++;
      break;
    case "global": {
      const global = { type: type.global, init: null, offset };
      limitOn(limits, "globals", module.globals.push(global), offset);
      module.importedGlobals++;
      break;
    }
    case "tag":
      limitOn(limits, "tags", module.tags.push(type.typeIndex), offset);
      module.importedTags++;
      break;
  }
}

function readFunction(reader: InstructionReader, module: ModuleBuilder): null {
  module.functions.push(reader.u32());
  return null;
}

function* readTable(reader: InstructionReader, module: ModuleBuilder): Generator<void, void> {
  const { features, pos: offset } = reader;
  const hasInit = offset < reader.end && reader.bytes[offset] === 0x40;
  if (hasInit) {
    reader.pos++;
    const what = "a table with an initialiser";
    const feature = "function-references";
    requireFeature(reader, features, feature, "malformed reference type", what, offset);
    reader.zero();
  }
  const type = readTableType(reader, features);
  module.tables.push({ type, init: hasInit ? yield* readConstExpr(reader) : null, offset });
}

function readMemory(reader: InstructionReader, module: ModuleBuilder): null {
  const offset = reader.pos;
  module.memories.push({ type: readMemoryType(reader, reader.features), offset });
  return null;
}

function readTag(reader: InstructionReader, module: ModuleBuilder): null {
  module.tags.push(readTagType(reader));
  return null;
}

function* readGlobal(reader: InstructionReader, module: ModuleBuilder): Generator<void, void> {
  const offset = reader.pos;
  const type = readGlobalType(reader, reader.features);
  module.globals.push({ type, init: yield* readConstExpr(reader), offset });
  if (type.type !== V128) return;
  module.charge(VECTOR_GLOBAL_COST, offset);
  module.vectorGlobals.push(module.globals.length - 1 - module.importedGlobals);
}

function readExport(reader: InstructionReader, module: ModuleBuilder): null {
  const offset = reader.pos;
  const name = reader.name(reader.limits.nameBytes);
  const kindOffset = reader.pos;
  const code = reader.u8();
  const kind = EXTERN_KINDS[code];
  if (kind === undefined) {
    throw reader.error("malformed export kind", hex(code), kindOffset);
  }
  if (kind === "tag") requireTags(reader, kindOffset, "malformed export kind");
  const index = reader.u32();
  module.exports.push({ name, kind, index, offset });
  if (kind === "func" && index < module.functions.length) {
    module.functionNames.noteExport(index, module.exports.length - 1);
  }
  return null;
}

function readElementKind(reader: InstructionReader): ValType {
  const offset = reader.pos;
  const kind = reader.u8();
  if (kind !== 0) throw reader.error("malformed element kind", hex(kind), offset);
  return refType(HEAP_FUNC, false);
}

/** Bits of an element segment's flags; the meaning of the second depends on the first. */
const NOT_ACTIVE = 1;
const EXPLICIT_TABLE_OR_DECLARATIVE = 2;
const EXPRESSIONS = 4;

function* readElementSegment(
  reader: InstructionReader,
  module: ModuleBuilder,
): Generator<void, void> {
  const { features, pos: offset } = reader;
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
  const at = active ? yield* readConstExpr(reader) : null;
  // Flags 0 and 4 leave the type out; a list of functions has no nulls, one of expressions may.
  let type: ValType = withExpressions ? FUNCREF : refType(HEAP_FUNC, false);
  if (!active || second) {
    type = withExpressions ? readRefType(reader, features) : readElementKind(reader);
  }
  const list = yield* withExpressions ? readExpressions(reader) : readIndices(reader);
  module.elements.push({
    mode: active ? "active" : second ? "declarative" : "passive",
    table,
    at,
    type,
    functions: withExpressions ? null : list,
    expressions: withExpressions ? list : null,
    offset,
  });
}

const NO_ELEMENTS = new Uint32Array(0);

/** The function indices of an element segment. */
function* readIndices(reader: InstructionReader): Generator<void, Uint32Array> {
  const count = readCount(reader, reader.limits, "elements");
  // An empty array is 200 bytes, an empty segment three.
  if (count === 0) return NO_ELEMENTS;
  const list = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    list[i] = reader.u32();
    if (i % PIECE === PIECE - 1) yield;
  }
  return list;
}

/** Where the expressions of an element segment begin, and where the last one ends. */
function* readExpressions(reader: InstructionReader): Generator<void, Uint32Array> {
  const count = readCount(reader, reader.limits, "elements");
  if (count === 0) return NO_ELEMENTS;
  const list = new Uint32Array(count + 1);
  const piece = new Piece();
  for (let i = 0; i < count; i++) {
    list[i] = reader.pos;
    for (let depth = skipInstructions(reader, 1); depth > 0; ) {
      yield;
      depth = skipInstructions(reader, depth);
    }
    if (piece.isFull(reader.pos - list[i])) yield;
  }
  list[count] = reader.pos;
  return list;
}

function* readDataSegment(reader: InstructionReader, module: ModuleBuilder): Generator<void, void> {
  const { features, pos: offset } = reader;
  const flags = reader.u32();
  if (flags > 2) throw reader.error("malformed data segment kind", String(flags), offset);
  if (flags !== 0) {
    const what = "a segment that is not a plain active one";
    const phrase = "malformed data segment kind";
    requireFeature(reader, features, "bulk-memory", phrase, what, offset);
  }
  const memory = flags === 2 ? reader.u32() : 0;
  const at = flags === 1 ? null : yield* readConstExpr(reader);
  const length = reader.u32();
  const start = reader.pos;
  reader.skip(length, "a data segment");
  const mode = flags === 1 ? "passive" : "active";
  module.data.push({ mode, memory, at, start, end: reader.pos, offset });
}

/** How the entries of a section are counted, and how one is read and recorded. */
interface Entries {
  readonly limit: keyof DecodingLimits;
  /** Bytes that one takes in memory, and those for each of its bytes in the module. */
  readonly cost: number;
  readonly costPerByte: number;
  /** Entries of the index space that are imported. */
  imported(module: ModuleBuilder): number;
  read(reader: InstructionReader, module: ModuleBuilder): Rest;
}

const none = () => 0;

/** The same of types. */
const TYPE_COST = 180;
const TYPE_COST_PER_BYTE = 17;

/** By section id, of sections that are vectors of entries that are all alike. */
const ENTRIES: readonly (Entries | undefined)[] = [
  undefined,
  undefined,
  undefined,
  {
    limit: "functions",
    cost: 48,
    costPerByte: 0,
    imported: (module) => module.importedFunctions,
    read: readFunction,
  },
  {
    limit: "tables",
    cost: TABLE_COST,
    costPerByte: 4,
    imported: (module) => module.importedTables,
    read: readTable,
  },
  {
    limit: "memories",
    cost: MEMORY_COST,
    costPerByte: 4,
    imported: (module) => module.importedMemories,
    read: readMemory,
  },
  {
    limit: "globals",
    cost: 120,
    costPerByte: 2,
    imported: (module) => module.importedGlobals,
    read: readGlobal,
  },
  { limit: "exports", cost: 140, costPerByte: 4, imported: none, read: readExport },
  undefined,
  { limit: "elementSegments", cost: 320, costPerByte: 4, imported: none, read: readElementSegment },
  undefined,
  { limit: "dataSegments", cost: 140, costPerByte: 0, imported: none, read: readDataSegment },
  undefined,
  {
    limit: "tags",
    cost: 16,
    costPerByte: 0,
    imported: (module) => module.importedTags,
    read: readTag,
  },
];

/** What validation needs to hear of sections. */
export interface SectionListener {
  /** The next entry of the section, which stands at `offset`, is recorded; what it has to check. */
  entry(id: number, offset: number): Rest;
  /** The section is recorded completely. */
  section(id: number): void;
}

/** Decodes sections one after the other. */
export class SectionDecoder {
  /** Where the entry begins that is being decoded: the place of errors that know no better. */
  entryStart = 0;
  private readonly reader: InstructionReader;
  private readonly module: ModuleBuilder;
  private readonly listener: SectionListener;
  private readonly piece = new Piece();

  constructor(reader: InstructionReader, module: ModuleBuilder, listener: SectionListener) {
    this.reader = reader;
    this.module = module;
    this.listener = listener;
  }

  /** Decodes the section `id` whose payload is exactly the reader's range. */
  *decode(id: number): Generator<void, void> {
    const { reader } = this;
    this.entryStart = reader.pos;
    this.requireSection(id);
    if (id === TYPE) yield* this.types();
    else if (id === IMPORT) yield* this.imports();
    else if (id === START) this.module.start = reader.u32();
    else if (id === DATA_COUNT) this.dataCount();
    else yield* this.entries(id, ENTRIES[id] as Entries);
    if (!reader.atEnd) {
      const left = reader.end - reader.pos;
      throw reader.error("section size mismatch", `${left} bytes are left over`);
    }
    this.listener.section(id);
  }

  private requireSection(id: number): void {
    const { reader } = this;
    const phrase = "malformed section id";
    if (id === TAG) requireTags(reader, reader.pos, phrase);
    if (id !== DATA_COUNT) return;
    const what = "a data count section";
    requireFeature(reader, reader.features, "bulk-memory", phrase, what, reader.pos);
  }

  private *entries(id: number, entries: Entries): Generator<void, void> {
    const { listener, module, piece, reader } = this;
    const { cost, costPerByte, imported, limit, read } = entries;
    const offset = reader.pos;
    const count = readCount(reader, reader.limits, limit, imported(module));
    if (id === DATA && module.dataCount !== null && module.dataCount !== count) {
      const phrase = "data count and data section have inconsistent lengths";
      throw reader.error(phrase, `${module.dataCount} and ${count}`, offset);
    }
    for (let i = 0; i < count; i++) {
      this.entryStart = reader.pos;
      const rest = read(reader, module);
      if (rest !== null) yield* rest;
      module.charge(cost + costPerByte * (reader.pos - this.entryStart), this.entryStart);
      const checks = listener.entry(id, this.entryStart);
      if (checks !== null) yield* checks;
      if (piece.isFull(reader.pos - this.entryStart)) yield;
    }
  }

  private *types(): Generator<void, void> {
    const { listener, module, piece, reader } = this;
    const { features, limits } = reader;
    const { types } = module;
    const count = readCount(reader, limits, "types");
    for (let i = 0; i < count; i++) {
      const start = types.length;
      this.entryStart = reader.pos;
      const size = readGroupSize(reader, features, limits, start);
      for (let k = 0; k < size; k++) {
        // A type that stands alone begins where its group does.
        if (k > 0 || size > 1) this.entryStart = reader.pos;
        types.push(readSubType(reader, features, limits, start, size));
        const bytes = reader.pos - this.entryStart;
        module.charge(TYPE_COST + TYPE_COST_PER_BYTE * bytes, this.entryStart);
        const checks = listener.entry(TYPE, this.entryStart);
        if (checks !== null) yield* checks;
        if (piece.isFull(bytes)) yield;
      }
    }
  }

  /** An entry is one import, or a group of imports from one module, which may have one type. */
  private *imports(): Generator<void, void> {
    const { listener, module, piece, reader } = this;
    const { limits } = reader;
    const count = readCount(reader, limits, "imports");
    for (let i = 0; i < count; i++) {
      this.entryStart = reader.pos;
      const from = reader.name(limits.nameBytes);
      const first = reader.name(limits.nameBytes);
      const mark = readGroupMark(reader, first);
      const shared = mark === GROUP_OF_NAMES ? readExternType(reader) : null;
      const size = mark === 0 ? 1 : readCount(reader, limits, "imports", module.imports.length);
      if (mark !== 0 && piece.isFull(reader.pos - this.entryStart)) yield;
      for (let k = 0; k < size; k++) {
        if (mark !== 0) this.entryStart = reader.pos;
        const offset = this.entryStart;
        const name = mark === 0 ? first : reader.name(limits.nameBytes);
        const type = shared ?? readExternType(reader);
        recordImport(module, limits, { module: from, name, type, offset });
        const bytes = reader.pos - offset;
        module.charge(IMPORT_COST + IMPORT_COST_PER_BYTE * bytes, offset);
        const checks = listener.entry(IMPORT, offset);
        if (checks !== null) yield* checks;
        if (piece.isFull(bytes)) yield;
      }
    }
  }

  private dataCount(): void {
    const { module, reader } = this;
    const offset = reader.pos;
    module.dataCount = reader.u32();
    limitOn(reader.limits, "dataSegments", module.dataCount, offset);
  }
}
