// What is in each section of a module, item by item, as data: `dump` shows it as text or JSON
// (spec: 5.5 Modules). It decodes as far as it can, so that a broken module can be looked at too;
// the code is for disassemble.ts.

import { Cursor } from "../binary/cursor.ts";
import { Decoder, NO_LISTENER } from "../binary/decoder.ts";
import type { FeatureSet } from "../isa/features.ts";
import { formatValType } from "../isa/types.ts";
import { ModuleError } from "../module/errors.ts";
import { type DecodingLimits, decodingLimits } from "../module/limits.ts";
import {
  type CustomSection,
  type ElementSegment,
  EXTERN_KINDS,
  type ExternKind,
  type ModuleRecord,
  SECTION_NAMES,
  type SectionSpan,
} from "../module/module.ts";
import type { NameSection } from "../module/names.ts";
import { CodePrinter } from "./body.ts";
import { Identifiers } from "./identifiers.ts";
import { hexByte } from "./literals.ts";
import { TextBuffer } from "./text.ts";
import {
  formatExternType,
  formatGlobalType,
  formatMemoryType,
  formatSubType,
  formatTableType,
} from "./types.ts";

/** A module as far as it could be decoded, and what stopped it, or null. */
export interface PartialModule {
  readonly module: ModuleRecord;
  readonly error: ModuleError | null;
}

/** Decodes without validating; keeps what was complete before the first error. */
export function decodePartly(
  bytes: Uint8Array,
  features: FeatureSet,
  limits: Partial<DecodingLimits> = {},
): PartialModule {
  const records: ModuleRecord[] = [];
  const decoder = new Decoder(features, decodingLimits(limits), (record) => {
    records.push(record);
    return NO_LISTENER;
  });
  let error: ModuleError | null = null;
  try {
    decoder.push(bytes);
    decoder.end();
  } catch (failure) {
    if (!(failure instanceof ModuleError)) throw failure;
    error = failure;
  }
  return { module: records[0], error };
}

/** One line about a section. Offsets count from the start of the module. */
export interface SectionHeader {
  readonly id: number;
  /** The section's name by the specification. */
  readonly section: string;
  /** The payload, after id and size. */
  readonly start: number;
  readonly end: number;
  readonly size: number;
  /** Entries as the section says; for a start section the function; null for a custom section. */
  readonly count: number | null;
  /** The name of a custom section. */
  readonly name: string | null;
}

/** Custom sections by where they end, which no two sections share. */
function customsByEnd(module: ModuleRecord): Map<number, CustomSection> {
  return new Map(module.customs.map((custom) => [custom.end, custom]));
}

/** The headers of all sections in the order of the module. */
export function sectionHeaders(module: ModuleRecord): SectionHeader[] {
  const customs = customsByEnd(module);
  return module.sections.map(({ id, start, end }) => {
    const name = (id === 0 && customs.get(end)?.name) || null;
    const count = id === 0 ? null : leadingCount(module.bytes, start, end);
    return { id, section: SECTION_NAMES[id], start, end, size: end - start, count, name };
  });
}

/** The u32 that begins a section; null if the module ends there or it is malformed. */
function leadingCount(bytes: Uint8Array, start: number, end: number): number | null {
  try {
    return new Cursor(bytes, start, Math.min(end, bytes.length)).u32();
  } catch (error) {
    if (error instanceof ModuleError) return null;
    throw error;
  }
}

/** One entry of a section: `item` says which, the rest depends on the section. */
export interface Item {
  readonly item: string;
  /** The name that the name section gives it. */
  readonly name?: string;
  readonly [field: string]: string | number | undefined;
}

/** How many elements of a segment, instructions and bytes are shown before it says "…". */
const SHOWN_ELEMENTS = 16;
const SHOWN_BYTES = 32;

/** Shows the entries of sections. */
export class SectionDetails {
  private readonly module: ModuleRecord;
  private readonly ids: Identifiers;
  private readonly code: CodePrinter;
  private readonly customs: ReadonlyMap<number, CustomSection>;

  constructor(module: ModuleRecord, limits: Partial<DecodingLimits> = {}) {
    this.module = module;
    this.customs = customsByEnd(module);
    this.ids = new Identifiers(module);
    this.code = new CodePrinter(module, this.ids, decodingLimits(limits), new TextBuffer());
  }

  /** The entries of one of the module's sections. */
  items(section: SectionSpan): Iterable<Item> {
    const custom = this.customs.get(section.end);
    const readers: readonly (() => Iterable<Item>)[] = [
      () => this.custom(custom),
      () => this.types(),
      () => this.imports(),
      () => this.functions(),
      () => this.tables(),
      () => this.memories(),
      () => this.globals(),
      () => this.exports(),
      () => this.start(),
      () => this.elements(),
      () => this.bodies(),
      () => this.data(),
      () => [],
      () => this.tags(),
    ];
    return readers[section.id]();
  }

  private *types(): Generator<Item> {
    const { module, ids } = this;
    for (const [index, type] of module.types.entries()) {
      const { groupStart, groupSize } = type;
      yield {
        item: `type[${index}]`,
        ...named(module.names.types, index),
        type: formatSubType(type, index, ids),
        ...(groupSize > 1 && { rec: `${groupStart}..${groupStart + groupSize - 1}` }),
      };
    }
  }

  private *imports(): Generator<Item> {
    const { module, ids } = this;
    const next = new Map(EXTERN_KINDS.map((kind) => [kind, 0]));
    for (const { module: from, name, type, offset } of module.imports) {
      const index = next.get(type.kind) as number;
      next.set(type.kind, index + 1);
      yield {
        item: `${type.kind}[${index}]`,
        ...named(namesOf(module.names, type.kind), index),
        from,
        field: name,
        type: formatExternType(type, module, ids),
        offset,
      };
    }
  }

  private *functions(): Generator<Item> {
    const { module } = this;
    for (let i = module.importedFunctions; i < module.functions.length; i++) {
      const name = named(module.names.functions, i);
      yield { item: `func[${i}]`, ...name, type: module.functions[i] };
    }
  }

  private *tables(): Generator<Item> {
    const { module, ids } = this;
    for (let i = module.importedTables; i < module.tables.length; i++) {
      const { type, init, offset } = module.tables[i];
      yield {
        item: `table[${i}]`,
        ...named(module.names.tables, i),
        type: formatTableType(type, ids),
        ...(init !== null && { init: this.code.constantText(init) }),
        offset,
      };
    }
  }

  private *memories(): Generator<Item> {
    const { module } = this;
    for (let i = module.importedMemories; i < module.memories.length; i++) {
      const { type, offset } = module.memories[i];
      const name = named(module.names.memories, i);
      yield { item: `memory[${i}]`, ...name, type: formatMemoryType(type), offset };
    }
  }

  private *tags(): Generator<Item> {
    const { module } = this;
    for (let i = module.importedTags; i < module.tags.length; i++) {
      yield { item: `tag[${i}]`, ...named(module.names.tags, i), type: module.tags[i] };
    }
  }

  private *globals(): Generator<Item> {
    const { module, ids } = this;
    for (let i = module.importedGlobals; i < module.globals.length; i++) {
      const { type, init, offset } = module.globals[i];
      yield {
        item: `global[${i}]`,
        ...named(module.names.globals, i),
        type: formatGlobalType(type, ids),
        ...(init !== null && { init: this.code.constantText(init) }),
        offset,
      };
    }
  }

  private *exports(): Generator<Item> {
    const { module } = this;
    for (const { name, kind, index, offset } of module.exports) {
      const own = named(namesOf(module.names, kind), index);
      yield { item: `${kind}[${index}]`, ...own, as: name, offset };
    }
  }

  private *start(): Generator<Item> {
    const { start, names } = this.module;
    if (start !== null) yield { item: `func[${start}]`, ...named(names.functions, start) };
  }

  private *elements(): Generator<Item> {
    const { module, ids } = this;
    for (const [index, segment] of module.elements.entries()) {
      const { mode, table, at, type, functions, expressions, offset } = segment;
      const count = functions?.length ?? (expressions?.length ?? 1) - 1;
      yield {
        item: `elem[${index}]`,
        ...named(module.names.elements, index),
        mode,
        ...(at !== null && { table, at: this.code.constantText(at) }),
        type: formatValType(type, ids.typeName),
        count,
        elements: this.someElements(segment, count),
        offset,
      };
    }
  }

  private someElements({ functions, expressions }: ElementSegment, count: number): string {
    const end = count > SHOWN_ELEMENTS ? " …" : "";
    if (functions !== null) return functions.subarray(0, SHOWN_ELEMENTS).join(" ") + end;
    const begins = (expressions ?? new Uint32Array(0)).subarray(0, SHOWN_ELEMENTS + 1);
    return [...this.code.items(begins)].join(" ") + end;
  }

  private *bodies(): Generator<Item> {
    const { bodyStarts, bodyEnds, importedFunctions, names } = this.module;
    for (const [i, start] of bodyStarts.entries()) {
      const index = importedFunctions + i;
      const size = bodyEnds[i] - start;
      yield { item: `func[${index}]`, ...named(names.functions, index), size, offset: start };
    }
  }

  private *data(): Generator<Item> {
    const { module } = this;
    for (const [index, { mode, memory, at, start, end, offset }] of module.data.entries()) {
      yield {
        item: `data[${index}]`,
        ...named(module.names.data, index),
        mode,
        ...(at !== null && { memory, at: this.code.constantText(at) }),
        size: end - start,
        bytes: someBytes(module.bytes, start, end),
        offset,
      };
    }
  }

  private *custom(custom: CustomSection | undefined): Generator<Item> {
    if (custom === undefined) return;
    if (custom.name === "name") yield* nameItems(this.module.names);
    else yield { item: "bytes", bytes: someBytes(this.module.bytes, custom.start, custom.end) };
  }
}

function named(names: ReadonlyMap<number, string>, index: number): { name?: string } {
  const name = names.get(index);
  return name === undefined ? {} : { name };
}

function namesOf(names: NameSection, kind: ExternKind): ReadonlyMap<number, string> {
  const spaces = {
    func: names.functions,
    table: names.tables,
    memory: names.memories,
    global: names.globals,
    tag: names.tags,
  };
  return spaces[kind];
}

/** The first bytes in hexadecimal. */
function someBytes(bytes: Uint8Array, start: number, end: number): string {
  const shown = bytes.subarray(start, Math.min(end, start + SHOWN_BYTES));
  const digits = Array.from(shown, hexByte).join(" ");
  return end - start > SHOWN_BYTES ? `${digits} …` : digits;
}

/** Everything that a name section names. */
function* nameItems(names: NameSection): Generator<Item> {
  if (names.module !== null) yield { item: "module", name: names.module };
  for (const [space, map] of [
    ["func", names.functions],
    ["type", names.types],
    ["table", names.tables],
    ["memory", names.memories],
    ["global", names.globals],
    ["elem", names.elements],
    ["data", names.data],
    ["tag", names.tags],
  ] as const) {
    for (const [index, name] of map) yield { item: `${space}[${index}]`, name };
  }
  for (const [outer, inner, maps] of [
    ["func", "local", names.locals],
    ["func", "label", names.labels],
    ["type", "field", names.fields],
  ] as const) {
    for (const [index, map] of maps) {
      for (const [i, name] of map) yield { item: `${outer}[${index}].${inner}[${i}]`, name };
    }
  }
}
