// Random valid modules: a plan, its function bodies, and the sections they make. Deterministic in
// the random source and the options. What the modules do when run is up to chance.

import { type FeatureSet, featureBit } from "../../../src/isa/features.ts";
import { FUNCREF, HEAP_FUNC, refType } from "../../../src/isa/types.ts";
import type { Limits, MemoryType, TableType } from "../../../src/module/module.ts";
import type { Random } from "../random.ts";
import { ByteWriter, ModuleWriter, SECTION } from "../writer.ts";
import { Body, type Productions } from "./body.ts";
import { CONTROL_STATEMENTS, CONTROL_VALUES } from "./control.ts";
import { PLAIN_STATEMENTS, PLAIN_VALUES } from "./plain.ts";
import { type GenerateOptions, Plan, type PlannedData, type PlannedElements } from "./plan.ts";
import { REFERENCE_STATEMENTS, REFERENCE_VALUES } from "./references.ts";

export type { GenerateOptions } from "./plan.ts";

const PRODUCTIONS: Productions = {
  values: [...PLAIN_VALUES, ...CONTROL_VALUES, ...REFERENCE_VALUES],
  statements: [...PLAIN_STATEMENTS, ...CONTROL_STATEMENTS, ...REFERENCE_STATEMENTS],
};

/** A random valid module that uses no more than the given features. */
export function generateModule(random: Random, options: GenerateOptions): Uint8Array<ArrayBuffer> {
  const plan = new Plan(random, options);
  const bodies = plan.functions
    .slice(plan.imported.func)
    .map((type) => new Body(plan, plan.types.defs[type], PRODUCTIONS).generate());
  const module = new ModuleWriter();
  plan.types.write(module);
  writeImports(module, plan);
  writeDefinitions(module, plan);
  writeExports(module, plan);
  const { start } = plan;
  if (start !== null) module.section(SECTION.start, (w) => w.u32(start));
  module.vectorSection(SECTION.element, plan.elements, (w, s) => writeElements(w, s, plan));
  if (plan.data.length > 0 && plan.has("bulk-memory")) {
    module.section(SECTION.dataCount, (w) => w.u32(plan.data.length));
  }
  module.code(bodies).vectorSection(SECTION.data, plan.data, writeData);
  if (random.oneIn(8))
    module.custom(
      "note",
      random.times(4, () => random.below(256)),
    );
  return module.finish();
}

/** A random subset of the features, closed under what they build on. */
export function randomFeatures(random: Random, available: FeatureSet): FeatureSet {
  if (random.oneIn(2)) return available;
  let set = available & random.u32();
  const implied = [
    ["relaxed-simd", "simd"],
    ["gc", "function-references"],
    ["function-references", "reference-types"],
    ["exceptions", "reference-types"],
    ["reference-types", "bulk-memory"],
    ["multi-memory", "bulk-memory"],
  ] as const;
  for (const [feature, base] of implied) {
    if ((set & featureBit(feature)) !== 0) set |= featureBit(base);
  }
  return set & available;
}

const IMPORT_ORDER = ["func", "table", "memory", "global", "tag"] as const;

function writeImports(module: ModuleWriter, plan: Plan): void {
  const items = IMPORT_ORDER.flatMap((kind, code) =>
    Array.from({ length: plan.imported[kind] }, (_, index) => ({ kind, code, index })),
  );
  module.vectorSection(SECTION.import, groupsOf(items, plan), (w, group) => {
    w.name("env");
    const [first] = group;
    const mayBeGroup = plan.has("compact-imports") && plan.random.oneIn(2);
    if (group.length === 1 && !mayBeGroup) writeItem(w, first, plan);
    else if (group.every((item) => typeText(item, plan) === typeText(first, plan))) {
      w.name("").byte(0x7e);
      writeExternType(w, first, plan);
      w.vector(group, ({ kind, index }) => w.name(`${kind}${index}`));
    } else {
      w.name("").byte(0x7f);
      w.vector(group, (item) => writeItem(w, item, plan));
    }
  });
}

interface ImportItem {
  readonly kind: (typeof IMPORT_ORDER)[number];
  readonly code: number;
  readonly index: number;
}

/** Imports that stand in one entry of the section. */
function groupsOf(items: readonly ImportItem[], plan: Plan): ImportItem[][] {
  const groups: ImportItem[][] = [];
  for (const item of items) {
    const last = groups.at(-1);
    const joins = plan.has("compact-imports") && plan.random.oneIn(2);
    if (last !== undefined && joins) last.push(item);
    else groups.push([item]);
  }
  return groups;
}

function writeItem(w: ByteWriter, item: ImportItem, plan: Plan): void {
  w.name(`${item.kind}${item.index}`);
  writeExternType(w, item, plan);
}

function typeText(item: ImportItem, plan: Plan): string {
  const w = new ByteWriter();
  writeExternType(w, item, plan);
  return w.view().join(" ");
}

function writeExternType(w: ByteWriter, { kind, code, index }: ImportItem, plan: Plan): void {
  w.byte(code);
  if (kind === "func") w.u32(plan.functions[index]);
  else if (kind === "table") writeTableType(w, plan.tables[index].type);
  else if (kind === "memory") writeMemoryType(w, plan.memories[index]);
  else if (kind === "tag") w.byte(0).u32(plan.tags[index]);
  else {
    const { type, mutable } = plan.globals[index].type;
    w.valType(type).byte(mutable ? 1 : 0);
  }
}

function writeDefinitions(module: ModuleWriter, plan: Plan): void {
  const { imported } = plan;
  const functions = plan.functions.slice(imported.func);
  module.vectorSection(SECTION.function, functions, (w, type) => w.u32(type));
  module.vectorSection(SECTION.table, plan.tables.slice(imported.table), (w, table) => {
    if (table.init !== null) w.byte(0x40).byte(0);
    writeTableType(w, table.type);
    if (table.init !== null) w.bytes(table.init);
  });
  module.vectorSection(SECTION.memory, plan.memories.slice(imported.memory), writeMemoryType);
  module.vectorSection(SECTION.tag, plan.tags.slice(imported.tag), (w, tag) => w.byte(0).u32(tag));
  module.vectorSection(SECTION.global, plan.globals.slice(imported.global), (w, global) => {
    w.valType(global.type.type)
      .byte(global.type.mutable ? 1 : 0)
      .bytes(global.init ?? []);
  });
}

function writeLimits(w: ByteWriter, { min, max }: Limits): void {
  w.u64(min);
  if (max !== null) w.u64(max);
}

function flags({ max, shared, address64 }: Limits): number {
  return (max === null ? 0 : 1) | (shared ? 2 : 0) | (address64 ? 4 : 0);
}

function writeTableType(w: ByteWriter, type: TableType): void {
  w.valType(type.element).byte(flags(type));
  writeLimits(w, type);
}

function writeMemoryType(w: ByteWriter, type: MemoryType): void {
  const custom = type.pageSizeLog2 !== 16;
  w.byte(flags(type) | (custom ? 8 : 0));
  writeLimits(w, type);
  if (custom) w.u32(type.pageSizeLog2);
}

/** Exports of everything; mutable globals only where the features allow it. */
function writeExports(module: ModuleWriter, plan: Plan): void {
  const spaces = [plan.functions, plan.tables, plan.memories, plan.globals, plan.tags];
  const items = spaces.flatMap((space, code) =>
    space.map((_, index) => ({ kind: IMPORT_ORDER[code], code, index })),
  );
  const allowed = items.filter(({ kind, index }) => {
    return kind !== "global" || plan.has("mutable-globals") || !plan.globals[index].type.mutable;
  });
  module.vectorSection(SECTION.export, allowed, (w, { kind, code, index }) => {
    const isFuel = kind === "global" && index === plan.fuel;
    w.name(isFuel ? "fuel" : `${kind}${index}`)
      .byte(code)
      .u32(index);
  });
}

const MODE_FLAGS = { active: 0, passive: 1, declarative: 3 } as const;

/** An element segment; the short forms where they are possible, now and then. */
function writeElements(w: ByteWriter, segment: PlannedElements, plan: Plan): void {
  const { mode, table, at, type, functions, expressions } = segment;
  const expected = functions === null ? FUNCREF : refType(HEAP_FUNC, false);
  const short = mode === "active" && table === 0 && type === expected;
  const mustBeShort = !plan.has("bulk-memory");
  const explicit = mode === "active" && !(short && (mustBeShort || plan.random.oneIn(2)));
  const kind = MODE_FLAGS[mode] | (explicit ? 2 : 0) | (functions === null ? 4 : 0);
  w.u32(kind);
  if (explicit) w.u32(table);
  if (at !== null) w.bytes(at);
  if (functions !== null) {
    if (kind !== 0) w.byte(0);
    w.vector(functions, (index) => w.u32(index));
  } else {
    if (kind !== 4) w.valType(type);
    w.vector(expressions ?? [], (expression) => w.bytes(expression));
  }
}

function writeData(w: ByteWriter, { mode, memory, at, content }: PlannedData): void {
  if (mode === "passive") w.u32(1);
  else if (memory === 0) w.u32(0);
  else w.u32(2).u32(memory);
  w.bytes(at ?? [])
    .u32(content.length)
    .bytes(content);
}
