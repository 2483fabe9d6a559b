// Validates a module while it is being decoded (spec: 3.5 Modules): each entry of a section when it
// is recorded, a body when it is complete, both with pauses where they are long. Nothing is seen
// twice.

import { type DecodeListener, Decoder } from "../binary/decoder.ts";
import { type Feature, type FeatureSet, featureBit } from "../isa/features.ts";
import { formatValType, I32, I64, isDefaultable, type ValType } from "../isa/types.ts";
import { InvalidError, quote } from "../module/errors.ts";
import type { DecodingLimits } from "../module/limits.ts";
import {
  type ConstExpr,
  type DataSegment,
  DEFAULT_PAGE_LOG2,
  type ElementSegment,
  type Export,
  type Import,
  type Limits,
  type Memory,
  type ModuleRecord,
  type Table,
} from "../module/module.ts";
import { PIECE, Piece, type Rest } from "../module/pieces.ts";
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
const DATA = 11;
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

const contexts = new WeakMap<ModuleRecord, ModuleContext>();

/**
 * A validator of a validated module's function bodies, to run them past a sink again.
 * @throws TypeError for a record that was decoded without validation
 */
export function functionValidator(module: ModuleRecord): BodyValidator {
  const context = contexts.get(module);
  if (context === undefined) throw new TypeError("the module has not been validated");
  return new BodyValidator(context);
}

class ModuleValidator implements DecodeListener {
  private readonly module: ModuleRecord;
  private readonly context: ModuleContext;
  private readonly bodies: BodyValidator;
  private readonly exportNames = new Set<string>();

  constructor(module: ModuleRecord, limits: DecodingLimits) {
    this.module = module;
    this.context = new ModuleContext(module, limits);
    this.bodies = new BodyValidator(this.context);
  }

  entry(id: number, offset: number): Rest {
    const { context, module } = this;
    switch (id) {
      case TYPE:
        return context.types.add(module.types.length - 1, offset);
      case IMPORT:
        this.importEntry(module.imports[module.imports.length - 1]);
        return null;
      case FUNCTION:
        context.refresh();
        return null;
      case TABLE:
        return this.table(module.tables[module.tables.length - 1]);
      case MEMORY:
        this.memory(module.memories[module.memories.length - 1]);
        return null;
      case TAG:
        this.tag(module.tags[module.tags.length - 1]);
        return null;
      case GLOBAL:
        return this.global(module.globals.length - 1);
      case EXPORT:
        this.exportEntry(module.exports[module.exports.length - 1]);
        return null;
      case ELEMENT:
        return this.elementSegment(module.elements[module.elements.length - 1]);
      case DATA:
        return this.dataSegment(module.data[module.data.length - 1]);
      default:
        return null;
    }
  }

  section(id: number): void {
    if (id === GLOBAL) this.context.visibleGlobals = this.module.globals.length;
    else if (id === EXPORT) this.exportNames.clear();
    else if (id === START) this.start();
  }

  beginBody(index: number, start: number, end: number): void {
    this.bodies.beginFunction(index, start, end);
  }

  advanceBody(units: number): number {
    return this.bodies.advance(units) ? this.bodies.unitsLeft : -1;
  }

  end(): void {
    contexts.set(this.module, this.context);
  }

  private has(feature: Feature): boolean {
    return (this.module.features & featureBit(feature)) !== 0;
  }

  private importEntry({ type, offset, name, module: from }: Import): void {
    const { module, context } = this;
    switch (type.kind) {
      case "func":
        context.refresh();
        return;
      case "table":
        this.declareTable(module.tables[module.tables.length - 1]);
        return;
      case "memory":
        this.memory(module.memories[module.memories.length - 1]);
        return;
      case "tag":
        this.tag(type.typeIndex);
        return;
    }
    this.checkValType(type.global.type, offset);
    context.visibleGlobals = module.globals.length;
    if (!type.global.mutable || this.has("mutable-globals")) return;
    const label = `${quote(from)}.${quote(name)}`;
    const detail = `${label} needs the feature mutable-globals, which is off`;
    throw new InvalidError("mutable globals cannot be imported", detail, { offset });
  }

  /** What is left of the constant expression that was begun. */
  private constant(expr: ConstExpr, expected: ValType): Rest {
    this.bodies.beginConstant(expr, expected);
    return this.bodies.advance(PIECE) ? null : this.restOfConstant();
  }

  private *restOfConstant(): Generator<void, void> {
    do yield;
    while (!this.bodies.advance(PIECE));
  }

  private checkValType(type: ValType, offset: number): void {
    this.context.types.checkValType(type, offset);
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

  /** Without their features, a module has at most one table and one memory. */
  private checkCount(what: string, count: number, feature: Feature, offset: number): void {
    if (count <= 1 || this.has(feature)) return;
    throw new InvalidError(`multiple ${what}`, `they need the feature ${feature}`, { offset });
  }

  private declareTable({ type, offset }: Table): void {
    this.checkValType(type.element, offset);
    const bound = (1n << (type.address64 ? 64n : 32n)) - 1n;
    this.checkLimits(type, bound, TABLE_SIZE, offset);
    this.context.refresh();
    this.checkCount("tables", this.module.tables.length, "reference-types", offset);
  }

  private table(table: Table): Rest {
    const { element } = table.type;
    this.declareTable(table);
    if (table.init !== null) return this.constant(table.init, element);
    if (isDefaultable(element)) return null;
    const detail = `a table of ${formatValType(element)} needs an initialiser`;
    throw new InvalidError("type mismatch", detail, { offset: table.offset });
  }

  private memory({ type, offset }: Memory): void {
    const { pageSizeLog2, address64, shared, max } = type;
    if (pageSizeLog2 !== DEFAULT_PAGE_LOG2 && pageSizeLog2 !== 0) {
      const detail = `2^${pageSizeLog2} bytes, it must be 1 or 65536`;
      throw new InvalidError("invalid custom page size", detail, { offset });
    }
    const addressBits = address64 ? 64 : 32;
    // A memory of 2^32 bytes has addresses for all of them, hence no - 1; with page size 1 the
    // number of pages itself must fit in an address.
    const bound = (1n << BigInt(addressBits - pageSizeLog2)) - (pageSizeLog2 === 0 ? 1n : 0n);
    const phrase =
      pageSizeLog2 === DEFAULT_PAGE_LOG2 && !address64
        ? "memory size must be at most 65536 pages (4GiB)"
        : `memory size must be at most ${bound} pages`;
    this.checkLimits(type, bound, phrase, offset);
    if (shared && max === null) {
      throw new InvalidError("shared memory must have maximum", "", { offset });
    }
    this.context.refresh();
    this.checkCount("memories", this.module.memories.length, "multi-memory", offset);
  }

  private tag(typeIndex: number): void {
    const { results } = this.context.funcType(typeIndex);
    if (results.length === 0) return;
    throw new InvalidError("non-empty tag result type", this.context.types.format(results));
  }

  private global(index: number): Rest {
    const { context, module } = this;
    const { type, init, offset } = module.globals[index];
    this.checkValType(type.type, offset);
    // A global sees those before it.
    context.visibleGlobals = index;
    return this.constant(init as ConstExpr, type.type);
  }

  private exportEntry(item: Export): void {
    this.checkExport(item);
    const { exportNames } = this;
    const { index, kind, name, offset } = item;
    if (exportNames.has(name)) {
      throw new InvalidError("duplicate export name", quote(name), { offset });
    }
    exportNames.add(name);
    if (kind === "func") this.context.declare(index);
  }

  private checkExport({ kind, index, offset, name }: Export): void {
    const [space, unknown] = EXPORT_SPACES[kind];
    const label = `exported as ${quote(name)}`;
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

  private *elementSegment(segment: ElementSegment): Generator<void, void> {
    const { context, module } = this;
    const { mode, table, at, type, offset } = segment;
    this.checkValType(type, offset);
    yield* this.elements(segment);
    if (mode !== "active" || at === null) return;
    const target = module.tables[table];
    if (target === undefined) throw new InvalidError(`unknown table ${table}`, "", { offset });
    if (!context.types.matches(type, target.type.element)) {
      const [expected, found] = [formatValType(target.type.element), formatValType(type)];
      const detail = `a table of ${expected} cannot take elements ${found}`;
      throw new InvalidError("type mismatch", detail, { offset, expected, found });
    }
    const rest = this.constant(at, target.type.address64 ? I64 : I32);
    if (rest !== null) yield* rest;
  }

  private *elements(segment: ElementSegment): Generator<void, void> {
    const { context, module } = this;
    const { expressions, functions, offset, type } = segment;
    for (let i = 0; functions !== null && i < functions.length; i++) {
      const index = functions[i];
      if (index >= module.functions.length) {
        throw new InvalidError(`unknown function ${index}`, "in an element segment", { offset });
      }
      context.declare(index);
      if (i % PIECE === PIECE - 1) yield;
    }
    const piece = new Piece();
    for (let i = 0; expressions !== null && i + 1 < expressions.length; i++) {
      const [start, end] = [expressions[i], expressions[i + 1]];
      const rest = this.constant({ start, end }, type);
      if (rest !== null) yield* rest;
      if (piece.isFull(end - start)) yield;
    }
  }

  private dataSegment({ at, memory, offset }: DataSegment): Rest {
    if (at === null) return null;
    const target = this.module.memories[memory];
    if (target === undefined) throw new InvalidError(`unknown memory ${memory}`, "", { offset });
    return this.constant(at, target.type.address64 ? I64 : I32);
  }
}
