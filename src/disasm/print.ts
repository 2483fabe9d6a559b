// Prints a module in the text format (spec: 6.6 Modules). What it prints assembles to an equal
// module: every type use carries its index, so no type is added and none moves. It needs no valid
// module, only a decoded one. Lost are empty recursion groups, padding of integers, and custom
// sections unless asked for.

import { formatValType } from "../isa/types.ts";
import type { ModuleError } from "../module/errors.ts";
import { type DecodingLimits, decodingLimits } from "../module/limits.ts";
import {
  type CustomSection,
  type DataSegment,
  type ElementSegment,
  EXTERN_KINDS,
  type ExternKind,
  type ModuleRecord,
} from "../module/module.ts";
import { CodePrinter } from "./body.ts";
import { type IdentifierSpace, Identifiers } from "./identifiers.ts";
import { byteStrings, formatName } from "./literals.ts";
import { TextBuffer } from "./text.ts";
import {
  formatExternType,
  formatGlobalType,
  formatMemoryType,
  formatSubType,
  formatTableType,
  formatTypeUse,
} from "./types.ts";

/** What printing depends on besides the module. */
export interface PrintOptions {
  /**
   * Whether custom sections are printed, as `(@custom …)` annotations of Wasm 3.0. Default false:
   * a comment says that they are there, because not every assembler reads annotations.
   */
  readonly customs?: boolean;
  /** The limits that the module was decoded with, as far as they are not the default. */
  readonly limits?: Partial<DecodingLimits>;
}

/**
 * The text of a module in chunks of some 64 KiB. Code that is malformed is printed as far as it can
 * be read, with a comment; the generator's return value is the first such error, or null.
 */
export function* printModule(
  module: ModuleRecord,
  options: PrintOptions = {},
): Generator<string, ModuleError | null> {
  const printer = new ModulePrinter(module, options);
  yield* printer.print();
  return printer.code.failure;
}

/** The whole text of a module at once. */
export function moduleText(module: ModuleRecord, options: PrintOptions = {}): string {
  return [...printModule(module, options)].join("");
}

/** What `(after …)` calls the sections, by id. */
const PLACES = [
  "first",
  "type",
  "import",
  "func",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "elem",
  "code",
  "data",
  "datacount",
  "tag",
];

class ModulePrinter {
  readonly code: CodePrinter;
  private readonly module: ModuleRecord;
  private readonly options: PrintOptions;
  private readonly ids: Identifiers;
  private readonly out = new TextBuffer();

  constructor(module: ModuleRecord, options: PrintOptions) {
    this.module = module;
    this.options = options;
    this.ids = new Identifiers(module);
    this.code = new CodePrinter(module, this.ids, decodingLimits(options.limits), this.out);
  }

  *print(): Generator<string, void> {
    const { ids, out } = this;
    out.write(`(module${ids.module === null ? "" : ` ${ids.module}`}\n`);
    for (const part of [
      this.types(),
      this.imports(),
      this.tables(),
      this.memories(),
      this.tags(),
      this.globals(),
      this.exports(),
      this.elements(),
      this.functions(),
      this.data(),
      this.customs(),
    ]) {
      yield* part;
    }
    out.write(")\n");
    yield out.take();
  }

  /** Lets go of what is written; called after every field. */
  private *flush(): Generator<string, void> {
    if (this.out.full) yield this.out.take();
  }

  private *types(): Generator<string, void> {
    const { module, ids, out } = this;
    for (const [index, type] of module.types.entries()) {
      const grouped = type.groupSize > 1;
      if (grouped && index === type.groupStart) out.line(1, "(rec");
      const definition = formatSubType(type, index, ids);
      out.line(grouped ? 2 : 1, `(type ${ids.types.define(index)} ${definition})`);
      if (grouped && index === type.groupStart + type.groupSize - 1) out.line(1, ")");
      yield* this.flush();
    }
  }

  private space(kind: ExternKind): IdentifierSpace {
    const { ids } = this;
    switch (kind) {
      case "func":
        return ids.functions;
      case "table":
        return ids.tables;
      case "memory":
        return ids.memories;
      case "global":
        return ids.globals;
      case "tag":
        return ids.tags;
    }
  }

  private *imports(): Generator<string, void> {
    const { module, ids, out } = this;
    const next = new Map(EXTERN_KINDS.map((kind) => [kind, 0]));
    for (const { module: from, name, type } of module.imports) {
      const { kind } = type;
      const index = next.get(kind) as number;
      next.set(kind, index + 1);
      const locals = kind === "func" ? ids.locals(index, Number.POSITIVE_INFINITY) : undefined;
      const text = formatExternType(type, module, ids, locals);
      out.write(`  (import ${formatName(from)} ${formatName(name)}`);
      out.write(` (${kind} ${this.space(kind).define(index)} ${text}))\n`);
      yield* this.flush();
    }
  }

  private *tables(): Generator<string, void> {
    const { module, ids, out } = this;
    for (let i = module.importedTables; i < module.tables.length; i++) {
      const { type, init } = module.tables[i];
      out.write(`  (table ${ids.tables.define(i)} ${formatTableType(type, ids)}`);
      if (init !== null) yield* this.code.expression(init);
      out.write(")\n");
      yield* this.flush();
    }
  }

  private *memories(): Generator<string, void> {
    const { module, ids, out } = this;
    for (let i = module.importedMemories; i < module.memories.length; i++) {
      out.line(
        1,
        `(memory ${ids.memories.define(i)} ${formatMemoryType(module.memories[i].type)})`,
      );
      yield* this.flush();
    }
  }

  private *tags(): Generator<string, void> {
    const { module, ids, out } = this;
    for (let i = module.importedTags; i < module.tags.length; i++) {
      out.line(1, `(tag ${ids.tags.define(i)} ${formatTypeUse(module, module.tags[i], ids)})`);
      yield* this.flush();
    }
  }

  private *globals(): Generator<string, void> {
    const { module, ids, out } = this;
    for (let i = module.importedGlobals; i < module.globals.length; i++) {
      const { type, init } = module.globals[i];
      out.write(`  (global ${ids.globals.define(i)} ${formatGlobalType(type, ids)}`);
      if (init !== null) yield* this.code.expression(init);
      out.write(")\n");
      yield* this.flush();
    }
  }

  private *exports(): Generator<string, void> {
    const { module, ids, out } = this;
    for (const { name, kind, index } of module.exports) {
      out.write(`  (export ${formatName(name)} (${kind} ${this.space(kind).ref(index)}))\n`);
      yield* this.flush();
    }
    if (module.start !== null) out.line(1, `(start ${ids.functions.ref(module.start)})`);
  }

  private *elements(): Generator<string, void> {
    const { module, ids, out } = this;
    for (const [index, segment] of module.elements.entries()) {
      const { mode, table, at } = segment;
      out.write(`  (elem ${ids.elements.define(index)}`);
      if (mode === "declarative") out.write(" declare");
      if (table !== 0) out.write(` (table ${ids.tables.ref(table)})`);
      if (at !== null) yield* this.code.expression(at, "offset");
      yield* this.elementList(segment);
      out.write(")\n");
      yield* this.flush();
    }
  }

  private *elementList({ type, functions, expressions }: ElementSegment): Generator<string, void> {
    const { ids, out } = this;
    out.write(functions === null ? ` ${formatValType(type, ids.typeName)}` : " func");
    if (functions !== null) yield* out.list(2, functionRefs(functions, ids.functions));
    if (expressions !== null) yield* out.list(2, this.code.items(expressions));
  }

  private *functions(): Generator<string, void> {
    const { module } = this;
    for (let i = module.importedFunctions; i < module.functions.length; i++) {
      yield* this.code.function(i);
      yield* this.flush();
    }
  }

  private *data(): Generator<string, void> {
    const { module, ids, out } = this;
    for (const [index, { memory, at, start, end }] of module.data.entries()) {
      out.write(`  (data ${ids.data.define(index)}`);
      if (memory !== 0) out.write(` (memory ${ids.memories.ref(memory)})`);
      if (at !== null) yield* this.code.expression(at, "offset");
      yield* this.strings(start, end);
      out.write(")\n");
      yield* this.flush();
    }
  }

  private *strings(start: DataSegment["start"], end: number): Generator<string, void> {
    for (const text of byteStrings(this.module.bytes, start, end)) {
      this.out.write(`\n    ${text}`);
      yield* this.flush();
    }
  }

  private *customs(): Generator<string, void> {
    const { module, options } = this;
    for (const custom of module.customs) {
      if (custom.name === "name") continue;
      if (options.customs) yield* this.annotation(custom);
      else this.mention(custom);
      yield* this.flush();
    }
  }

  private *annotation({ name, start, end, after }: CustomSection): Generator<string, void> {
    const place = after === 0 ? "(before first)" : `(after ${PLACES[after]})`;
    this.out.write(`  (@custom ${formatName(name)} ${place}`);
    yield* this.strings(start, end);
    this.out.write(")\n");
  }

  private mention({ name, start, end }: CustomSection): void {
    this.out.write(`  ;; custom section ${formatName(name)}, ${end - start} bytes\n`);
  }
}

function* functionRefs(functions: Uint32Array, ids: IdentifierSpace): Generator<string, void> {
  for (const index of functions) yield ids.ref(index);
}
