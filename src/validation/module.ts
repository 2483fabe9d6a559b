// Validates a module section by section while it is being decoded (spec: 3.5 Modules). A section is
// checked when it is complete, a body when it is; nothing is looked at twice.

import { type DecodeListener, Decoder } from "../binary/decoder.ts";
import { type Feature, type FeatureSet, featureBit } from "../isa/features.ts";
import { formatValType, I32, I64, isDefaultable, type ValType } from "../isa/types.ts";
import { InvalidError } from "../module/errors.ts";
import type { DecodingLimits } from "../module/limits.ts";
import type {
  DataSegment,
  ElementSegment,
  Export,
  Limits,
  MemoryType,
  ModuleRecord,
  Table,
} from "../module/module.ts";
import { BodyValidator } from "./body.ts";
import { ModuleContext } from "./context.ts";

/** Section ids that have rules. */
const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const TABLE = 4;
const MEMORY = 5;
const GLOBAL = 6;
const EXPORT = 7;
const START = 8;
const ELEMENT = 9;
const TAG = 13;

const TABLE_SIZE = "table size must be at most 2^32-1";
const EXPORT_SPACES = {
  func: ["functions", "unknown function"],
  table: ["tables", "unknown table"],
  memory: ["memories", "unknown memory"],
  global: ["globals", "unknown global"],
  tag: ["tags", "unknown tag"],
} as const;

/** A decoder that validates; `push` and `end` raise MalformedError or InvalidError. */
export function validatingDecoder(features: FeatureSet, limits: DecodingLimits): Decoder {
  return new Decoder(features, limits, (module) => new ModuleValidator(module, limits));
}

const validators = new WeakMap<ModuleRecord, BodyValidator>();

/**
 * The validator of a validated module's function bodies, to run them past a sink again.
 * @throws TypeError for a record that was decoded without validation
 */
export function functionValidator(module: ModuleRecord): BodyValidator {
  const validator = validators.get(module);
  if (validator === undefined) throw new TypeError("the module has not been validated");
  return validator;
}

class ModuleValidator implements DecodeListener {
  private readonly module: ModuleRecord;
  private readonly context: ModuleContext;
  private readonly bodies: BodyValidator;

  constructor(module: ModuleRecord, limits: DecodingLimits) {
    this.module = module;
    this.context = new ModuleContext(module, limits);
    this.bodies = new BodyValidator(this.context);
  }

  section(id: number): void {
    switch (id) {
      case TYPE:
        return this.context.types.addNewTypes();
      case IMPORT:
        return this.imports();
      case FUNCTION:
        return this.context.refresh();
      case TABLE:
        return this.tables();
      case MEMORY:
        return this.memories();
      case TAG:
        return this.tags(this.module.importedTags);
      case GLOBAL:
        return this.globals();
      case EXPORT:
        return this.exports();
      case START:
        return this.start();
    }
  }

  segment(id: number, index: number): void {
    if (id === ELEMENT) this.elementSegment(this.module.elements[index]);
    else this.dataSegment(this.module.data[index]);
  }

  body(index: number, start: number, end: number): void {
    this.bodies.function(index, start, end);
  }

  end(): void {
    validators.set(this.module, this.bodies);
  }

  private has(feature: Feature): boolean {
    return (this.module.features & featureBit(feature)) !== 0;
  }

  private imports(): void {
    const { module, context } = this;
    for (const { type, offset, name, module: from } of module.imports) {
      if (type.kind === "func") context.funcType(type.typeIndex);
      else if (type.kind === "global") this.checkValType(type.global.type, offset);
      if (type.kind === "global" && type.global.mutable && !this.has("mutable-globals")) {
        const detail = `"${from}"."${name}" needs the feature mutable-globals, which is off`;
        throw new InvalidError("mutable globals cannot be imported", detail, { offset });
      }
    }
    context.refresh();
    context.visibleGlobals = module.globals.length;
    for (const table of module.tables) this.checkTable(table);
    for (const { type, offset } of module.memories) this.checkMemory(type, offset);
    this.checkCounts();
    this.tags(0);
  }

  private checkValType(type: ValType, offset: number): void {
    this.context.types.checkValType(type, offset);
  }

  /** Without their features, a module has at most one table and one memory. */
  private checkCounts(): void {
    const { tables, memories } = this.module;
    if (tables.length > 1 && !this.has("reference-types")) {
      throw new InvalidError("multiple tables", "they need the feature reference-types", {
        offset: tables[1].offset,
      });
    }
    if (memories.length > 1 && !this.has("multi-memory")) {
      throw new InvalidError("multiple memories", "they need the feature multi-memory", {
        offset: memories[1].offset,
      });
    }
  }

  private checkLimits({ min, max }: Limits, bound: bigint, phrase: string, offset: number): void {
    if (min > bound || (max !== null && max > bound)) {
      const found = String(min > bound ? min : max);
      throw new InvalidError(phrase, `${found} is more than ${bound}`, {
        offset,
        expected: `at most ${bound}`,
        found,
      });
    }
    if (max !== null && min > max) {
      const phrase = "size minimum must not be greater than maximum";
      throw new InvalidError(phrase, `${min} and ${max}`, { offset });
    }
  }

  private checkTable({ type, offset }: Table): void {
    this.checkValType(type.element, offset);
    const bound = (1n << (type.address64 ? 64n : 32n)) - 1n;
    this.checkLimits(type, bound, TABLE_SIZE, offset);
  }

  private checkMemory(type: MemoryType, offset: number): void {
    const { pageSizeLog2, address64, shared, max } = type;
    if (pageSizeLog2 !== 16 && pageSizeLog2 !== 0) {
      const detail = `2^${pageSizeLog2} bytes, it must be 1 or 65536`;
      throw new InvalidError("invalid custom page size", detail, { offset });
    }
    const addressBits = address64 ? 64 : 32;
    // A memory of 2^32 bytes has addresses for all of them, hence no - 1; with page size 1 the
    // number of pages itself must fit in an address.
    const bound = (1n << BigInt(addressBits - pageSizeLog2)) - (pageSizeLog2 === 0 ? 1n : 0n);
    const phrase =
      pageSizeLog2 === 16 && !address64
        ? "memory size must be at most 65536 pages (4GiB)"
        : `memory size must be at most ${bound} pages`;
    this.checkLimits(type, bound, phrase, offset);
    if (shared && max === null) {
      throw new InvalidError("shared memory must have maximum", "", { offset });
    }
  }

  private tables(): void {
    const { module, context } = this;
    for (const table of module.tables.slice(module.importedTables)) {
      this.checkTable(table);
      const { element } = table.type;
      if (table.init !== null) this.bodies.constant(table.init, element);
      else if (!isDefaultable(element)) {
        const detail = `a table of ${formatValType(element)} needs an initialiser`;
        throw new InvalidError("type mismatch", detail, { offset: table.offset });
      }
    }
    context.refresh();
    this.checkCounts();
  }

  private memories(): void {
    const { module, context } = this;
    for (const { type, offset } of module.memories.slice(module.importedMemories)) {
      this.checkMemory(type, offset);
    }
    context.refresh();
    this.checkCounts();
  }

  private tags(first: number): void {
    for (const typeIndex of this.module.tags.slice(first)) {
      const { results } = this.context.funcType(typeIndex);
      if (results.length === 0) continue;
      throw new InvalidError("non-empty tag result type", this.context.types.format(results));
    }
  }

  private globals(): void {
    const { module, context } = this;
    for (let i = module.importedGlobals; i < module.globals.length; i++) {
      const { type, init, offset } = module.globals[i];
      this.checkValType(type.type, offset);
      // A global sees those before it.
      context.visibleGlobals = i;
      if (init !== null) this.bodies.constant(init, type.type);
    }
    context.visibleGlobals = module.globals.length;
  }

  private exports(): void {
    const { module, context } = this;
    const seen = new Set<string>();
    for (const item of module.exports) {
      this.checkExport(item);
      if (seen.has(item.name)) {
        const { name, offset } = item;
        throw new InvalidError("duplicate export name", JSON.stringify(name), { offset });
      }
      seen.add(item.name);
      if (item.kind === "func") context.declared.add(item.index);
    }
  }

  private checkExport({ kind, index, offset, name }: Export): void {
    const [space, unknown] = EXPORT_SPACES[kind];
    const label = `exported as ${JSON.stringify(name)}`;
    if (index >= this.module[space].length) {
      throw new InvalidError(`${unknown} ${index}`, label, { offset });
    }
    if (kind !== "global" || this.has("mutable-globals")) return;
    if (this.module.globals[index].type.mutable) {
      const detail = `${index}, ${label}: needs the feature mutable-globals, which is off`;
      throw new InvalidError("mutable globals cannot be exported", detail, { offset });
    }
  }

  private start(): void {
    const index = this.module.start as number;
    const type = this.context.functions[index];
    if (type === undefined) throw new InvalidError(`unknown function ${index}`, "as start");
    if (type.params.length === 0 && type.results.length === 0) return;
    const { format } = this.context.types;
    const found = `${format(type.params)} -> ${format(type.results)}`;
    throw new InvalidError("start function", `must have type [] -> [], has ${found}`, {
      expected: "[] -> []",
      found,
    });
  }

  private elementSegment(segment: ElementSegment): void {
    const { module, context } = this;
    const { mode, table, at, type, functions, expressions, offset } = segment;
    this.checkValType(type, offset);
    for (const index of functions ?? []) {
      if (index >= module.functions.length) {
        throw new InvalidError(`unknown function ${index}`, "in an element segment", { offset });
      }
      context.declared.add(index);
    }
    for (let i = 0; expressions !== null && i + 1 < expressions.length; i++) {
      this.bodies.constant({ start: expressions[i], end: expressions[i + 1] }, type);
    }
    if (mode !== "active" || at === null) return;
    const target = module.tables[table];
    if (target === undefined) throw new InvalidError(`unknown table ${table}`, "", { offset });
    if (!context.types.matches(type, target.type.element)) {
      const [expected, found] = [formatValType(target.type.element), formatValType(type)];
      const detail = `a table of ${expected} cannot take elements ${found}`;
      throw new InvalidError("type mismatch", detail, { offset, expected, found });
    }
    this.bodies.constant(at, target.type.address64 ? I64 : I32);
  }

  private dataSegment({ at, memory, offset }: DataSegment): void {
    if (at === null) return;
    const target = this.module.memories[memory];
    if (target === undefined) throw new InvalidError(`unknown memory ${memory}`, "", { offset });
    this.bodies.constant(at, target.type.address64 ? I64 : I32);
  }
}
