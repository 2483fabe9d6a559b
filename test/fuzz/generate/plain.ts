// Productions that come straight from the instruction table: every row with a regular type is
// generated from its columns alone, so a new row of that kind needs nothing here. Also the plain
// parametric and variable instructions.

import { type FeatureSet, featureBit } from "../../../src/isa/features.ts";
import { ADDRESS, type Instruction } from "../../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../../src/isa/instructions.ts";
import { I32, I64, isReference, type ValType } from "../../../src/isa/types.ts";
import type { Body, StatementProduction, ValueProduction } from "./body.ts";
import { writeLiteral } from "./literals.ts";

/** The memory, table or segment that an instruction acts on: its immediates. */
interface Target {
  readonly a: number;
  readonly b: number;
  readonly address: ValType;
}

const NO_TARGET: Target = { a: 0, b: 0, address: I32 };

/** Rows with a regular type by what they leave on the stack. */
interface RegularRows {
  /** By result type; those that leave an address are under both address types. */
  readonly values: ReadonlyMap<ValType, readonly Instruction[]>;
  readonly statements: readonly Instruction[];
  readonly several: readonly Instruction[];
}

const cache = new Map<FeatureSet, RegularRows>();

function regularRows(features: FeatureSet): RegularRows {
  const known = cache.get(features);
  if (known !== undefined) return known;
  const enabled = INSTRUCTIONS.filter(({ params, feature }) => {
    return params !== null && (feature === null || (features & featureBit(feature)) !== 0);
  });
  const values = new Map<ValType, Instruction[]>();
  for (const row of enabled.filter(({ results }) => results.length === 1)) {
    for (const type of row.results[0] === ADDRESS ? [I32, I64] : [row.results[0]]) {
      values.set(type, [...(values.get(type) ?? []), row]);
    }
  }
  const rows = {
    values,
    statements: enabled.filter(({ results }) => results.length === 0),
    several: enabled.filter(({ results }) => results.length > 1),
  };
  cache.set(features, rows);
  return rows;
}

function memoryTarget(body: Body, address: ValType | null): Target | null {
  const memories = body.plan.memories.flatMap(({ address64 }, index) => {
    const type = address64 ? I64 : I32;
    return address === null || address === type ? [{ a: index, b: index, address: type }] : [];
  });
  return body.random.pickFrom(memories) ?? null;
}

function tableTarget(body: Body, address: ValType | null): Target | null {
  const tables = body.plan.tables.flatMap(({ type: { address64 } }, index) => {
    const type = address64 ? I64 : I32;
    return address === null || address === type ? [{ a: index, b: index, address: type }] : [];
  });
  return body.random.pickFrom(tables) ?? null;
}

/** A segment and a table that takes its elements. */
function elementTarget(body: Body): Target | null {
  const { elements, tables } = body.plan;
  const pairs = elements.flatMap(({ type }, a) =>
    tables.flatMap(({ type: table }, b) =>
      body.types.matches(type, table.element)
        ? [{ a, b, address: table.address64 ? I64 : I32 }]
        : [],
    ),
  );
  return body.random.pickFrom(pairs) ?? null;
}

/** What the row can act on; null if there is nothing. `address` is the wanted address type. */
function targetOf(body: Body, row: Instruction, address: ValType | null): Target | null {
  const { plan, random } = body;
  switch (row.immediates) {
    case "memarg":
    case "memarg lane":
    case "memory":
      return memoryTarget(body, address);
    case "table":
      return tableTarget(body, address);
    case "data memory": {
      const memory = memoryTarget(body, address);
      if (memory === null || plan.data.length === 0) return null;
      return { ...memory, a: random.below(plan.data.length) };
    }
    case "data":
      return plan.data.length === 0 ? null : { ...NO_TARGET, a: random.below(plan.data.length) };
    case "elem":
      if (plan.elements.length === 0) return null;
      return { ...NO_TARGET, a: random.below(plan.elements.length) };
    case "elem table":
      return elementTarget(body);
    default:
      return NO_TARGET;
  }
}

function writeMemarg(body: Body, row: Instruction, { a: memory, address }: Target): void {
  const { random, w } = body;
  const natural = Math.log2(row.access?.bytes ?? 1);
  const align = row.feature === "threads" ? natural : random.between(0, natural);
  const withIndex = memory !== 0 || (body.has("multi-memory") && random.oneIn(5));
  w.u32(withIndex ? align | 0x40 : align);
  if (withIndex) w.u32(memory);
  const bytes = row.access?.bytes ?? 1;
  if (body.plan.bounded || !random.oneIn(6)) w.u32(random.below(32 / bytes) * bytes);
  else w.u64(address === I64 && random.oneIn(2) ? random.u64() : BigInt(random.u32()));
}

/** Number of lanes that a lane immediate chooses from. */
function laneCount({ name, access }: Instruction): number {
  if (access !== null) return 16 / access.bytes;
  return Number(/^[if]\d+x(\d+)\./.exec(name)?.[1]);
}

function writeImmediates(body: Body, row: Instruction, target: Target): void {
  const { w, random } = body;
  switch (row.immediates) {
    case "memarg":
      return writeMemarg(body, row, target);
    case "memarg lane":
      writeMemarg(body, row, target);
      w.byte(random.below(laneCount(row)));
      return;
    case "lane":
      w.byte(random.below(laneCount(row)));
      return;
    case "lanes":
      w.bytes(random.times(16, () => random.below(32)));
      return;
    case "memory":
    case "table":
    case "data":
    case "elem":
      w.u32(target.a);
      return;
    case "data memory":
    case "elem table":
      w.u32(target.a).u32(target.b);
      return;
    case "zero":
      w.byte(0);
      return;
    case "none":
      return;
    default:
      writeLiteral(w, row.results[0], random);
  }
}

/** An address operand; in a module that is to be run only these bits are left of it. */
export function addressOperand(body: Body, type: ValType, depth: number, bits = 1023): void {
  body.value(type, depth);
  if (body.plan.bounded) mask(body, type, bits);
}

/** Leaves only these bits of the operand. */
function mask(body: Body, type: ValType, bits: number): void {
  body.w.opcode(type === I64 ? 0x42 : 0x41).signed(bits);
  body.instruction(type === I64 ? "i64.and" : "i32.and", 1, 1);
}

/** Addresses are aligned, since atomic accesses trap otherwise; little memory is asked for. */
function addressMask({ name, access }: Instruction): number {
  if (name.endsWith("grow")) return 1;
  return access === null ? 1023 : 1024 - access.bytes;
}

function emitRegular(body: Body, row: Instruction, target: Target, depth: number): void {
  const params = row.params as readonly ValType[];
  if (params.includes(ADDRESS)) {
    for (const type of params) {
      if (type !== ADDRESS) body.value(type, depth);
      else addressOperand(body, target.address, depth, addressMask(row));
    }
    // A wait could block for ever: nanoseconds.
    if (row.access?.kind === "wait" && body.plan.bounded) mask(body, I64, 255);
  } else body.operands(params, depth);
  body.instruction(row.opcode, params.length, row.results.length);
  writeImmediates(body, row, target);
}

/** Tries a few random rows until one has something to act on. */
function tryRegular(body: Body, rows: readonly Instruction[], depth: number, type?: ValType) {
  for (let attempt = 0; attempt < 3; attempt++) {
    const row = body.random.pick(rows);
    const wanted = row.results[0] === ADDRESS ? (type ?? null) : null;
    const target = targetOf(body, row, wanted);
    if (target === null) continue;
    emitRegular(body, row, target, depth);
    return row;
  }
  return null;
}

function globals(body: Body, accept: (type: ValType, mutable: boolean) => boolean): number[] {
  return body.plan.globals.flatMap(({ type }, index) =>
    index !== body.plan.fuel && accept(type.type, type.mutable) ? [index] : [],
  );
}

function readableGlobals(body: Body, wanted: ValType): number[] {
  return globals(body, (type) => body.types.matches(type, wanted));
}

export const PLAIN_VALUES: readonly ValueProduction[] = [
  { weight: 4, can: () => true, emit: (body, type) => body.leaf(type) },
  {
    weight: 30,
    can: (body, type) => regularRows(body.plan.features).values.has(type),
    emit(body, type, depth) {
      const rows = regularRows(body.plan.features).values.get(type) ?? [];
      if (tryRegular(body, rows, depth, type) === null) body.leaf(type);
    },
  },
  {
    weight: 3,
    can: (body, type) => body.writableLocals(type).some((local) => body.locals[local] === type),
    emit(body, type, depth) {
      const same = body.writableLocals(type).filter((local) => body.locals[local] === type);
      body.value(type, depth);
      body.setLocal("local.tee", body.random.pick(same));
    },
  },
  {
    weight: 3,
    can: (body, type) => readableGlobals(body, type).length > 0,
    emit(body, type) {
      body.instruction("global.get", 0, 1).u32(body.random.pick(readableGlobals(body, type)));
    },
  },
  {
    weight: 2,
    can: (_, type) => !isReference(type),
    emit(body, type, depth) {
      body.operands([type, type, I32], depth);
      body.instruction(0x1b, 3, 1); // select
    },
  },
  {
    weight: 1,
    can: (body) => body.has("reference-types"),
    emit(body, type, depth) {
      body.operands([type, type, I32], depth);
      body.instruction(0x1c, 3, 1).u32(1).valType(type); // select t
    },
  },
];

export const PLAIN_STATEMENTS: readonly StatementProduction[] = [
  { weight: 1, can: () => true, emit: (body) => void body.instruction("nop", 0, 0) },
  {
    weight: 4,
    can: () => true,
    emit(body, depth) {
      const type = body.types.valType();
      body.value(type, depth);
      body.instruction("drop", 1, 0);
    },
  },
  {
    weight: 6,
    can: (body) => body.locals.length > 0,
    emit(body, depth) {
      const index = body.random.below(body.locals.length);
      body.operands([body.locals[index]], depth);
      body.setLocal("local.set", index);
    },
  },
  {
    weight: 3,
    can: (body) => globals(body, (_, mutable) => mutable).length > 0,
    emit(body, depth) {
      const index = body.random.pick(globals(body, (_, mutable) => mutable));
      body.operands([body.plan.globals[index].type.type], depth);
      body.instruction("global.set", 1, 0).u32(index);
    },
  },
  {
    weight: 10,
    can: () => true,
    emit(body, depth) {
      tryRegular(body, regularRows(body.plan.features).statements, depth);
    },
  },
  {
    weight: 2,
    can: (body) => regularRows(body.plan.features).several.length > 0,
    emit(body, depth) {
      const row = tryRegular(body, regularRows(body.plan.features).several, depth);
      if (row !== null) body.discardAll(row.results);
    },
  },
];
