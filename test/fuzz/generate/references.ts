// Productions for references, tables, structs, arrays and casts (spec: 3.4 Instructions).

import {
  ARRAYREF,
  HEAP_ANY,
  HEAP_EXTERN,
  HEAP_I31,
  type HeapType,
  heapOf,
  I8,
  I16,
  I32,
  I64,
  isDefaultable,
  isNullable,
  isReference,
  nonNull,
  refType,
  unpacked,
  type ValType,
} from "../../../src/isa/types.ts";
import type { Body, StatementProduction, ValueProduction } from "./body.ts";
import { addressOperand } from "./plain.ts";

/** A field of a struct type. */
type Place = readonly [typeIndex: number, field: number];

function isPacked(type: ValType): boolean {
  return type === I8 || type === I16;
}

function isNumeric(type: ValType): boolean {
  return !isReference(type);
}

function typesOfKind(body: Body, kind: "struct" | "array"): number[] {
  return body.types.indices((def) => def.kind === kind);
}

function elementOf(body: Body, arrayType: number): ValType {
  return body.signature(arrayType).fields[0].type;
}

function arrays(body: Body, accept: (element: ValType, mutable: boolean) => boolean): number[] {
  return typesOfKind(body, "array").filter((index) => {
    const [{ type, mutable }] = body.signature(index).fields;
    return accept(type, mutable);
  });
}

function fields(body: Body, accept: (type: ValType, mutable: boolean) => boolean): Place[] {
  return typesOfKind(body, "struct").flatMap((index) =>
    body
      .signature(index)
      .fields.flatMap(({ type, mutable }, field): Place[] =>
        accept(type, mutable) ? [[index, field]] : [],
      ),
  );
}

/** Name of a getter: packed fields have one for each extension. */
function getter(body: Body, name: string, type: ValType): string {
  return isPacked(type) ? `${name}_${body.random.pick(["s", "u"])}` : name;
}

function addressOf(body: Body, table: number): ValType {
  return body.plan.tables[table].type.address64 ? I64 : I32;
}

function tables(body: Body, accept: (element: ValType) => boolean): number[] {
  return body.plan.tables.flatMap(({ type }, index) => (accept(type.element) ? [index] : []));
}

/** A small i32 in a module that is to be run: an index or a length. */
function small(body: Body, depth: number): void {
  addressOperand(body, I32, depth, 7);
}

function smalls(body: Body, count: number, depth: number): void {
  for (let i = 0; i < count; i++) small(body, depth);
}

// Making values

function emitStructNew(body: Body, index: number, depth: number): void {
  const { fields: all } = body.signature(index);
  if (all.every(({ type }) => isDefaultable(type)) && body.random.oneIn(3)) {
    body.instruction("struct.new_default", 0, 1).u32(index);
    return;
  }
  for (const { type } of all) body.value(unpacked(type), depth);
  body.instruction("struct.new", all.length, 1).u32(index);
}

/** The ways to make an array of a type: instruction by instruction, where its rule allows. */
function arrayWays(body: Body, index: number): ((depth: number) => void)[] {
  const type = elementOf(body, index);
  const { plan, random } = body;
  const element = unpacked(type);
  const ways = [
    (depth: number) => {
      body.value(element, depth);
      small(body, depth);
      body.instruction("array.new", 2, 1).u32(index);
    },
    (depth: number) => {
      const count = random.below(4);
      for (let i = 0; i < count; i++) body.value(element, depth);
      body.instruction("array.new_fixed", count, 1).u32(index).u32(count);
    },
  ];
  if (isDefaultable(type)) {
    ways.push((depth) => {
      small(body, depth);
      body.instruction("array.new_default", 1, 1).u32(index);
    });
  }
  const segments = isNumeric(type) ? [...plan.data.keys()] : elementSegments(body, type);
  const segment = random.pickFrom(segments);
  if (segment !== undefined) {
    ways.push((depth) => {
      smalls(body, 2, depth);
      const name = isNumeric(type) ? "array.new_data" : "array.new_elem";
      body.instruction(name, 2, 1).u32(index).u32(segment);
    });
  }
  return ways;
}

function elementSegments(body: Body, wanted: ValType): number[] {
  return body.plan.elements.flatMap(({ type }, index) =>
    body.types.matches(type, wanted) ? [index] : [],
  );
}

/** Struct and array types whose references are of the wanted type. */
function aggregates(body: Body, wanted: ValType): number[] {
  if (!isReference(wanted)) return [];
  return body.types.indices(
    (def, index) => def.kind !== "func" && body.types.heapMatches(index, heapOf(wanted)),
  );
}

function emitAggregate(body: Body, type: ValType, depth: number): void {
  const index = body.random.pick(aggregates(body, type));
  if (body.signature(index).kind === "struct") emitStructNew(body, index, depth);
  else body.random.pick(arrayWays(body, index))(depth);
}

function functions(body: Body, wanted: ValType): number[] {
  if (!isReference(wanted)) return [];
  return body.plan.functions.flatMap((type, index) =>
    body.types.heapMatches(type, heapOf(wanted)) ? [index] : [],
  );
}

/** A nullable reference type of the same hierarchy, to be cast down. */
function widened(body: Body, heap: HeapType): ValType {
  const other = body.types.reference();
  const top = body.types.top(heap);
  return body.types.top(heapOf(other)) === top ? other : refType(top, true);
}

function emitCast(body: Body, type: ValType, depth: number): void {
  body.value(widened(body, heapOf(type)), depth);
  const name = isNullable(type) ? "ref.cast null" : "ref.cast";
  body.instruction(name, 1, 1).heapType(heapOf(type));
}

/** br_on_cast or br_on_cast_fail to a block of its own, whose value is the result. */
function emitBranchOnCast(body: Body, type: ValType, depth: number): void {
  const { random, types } = body;
  const onFail = random.oneIn(2);
  const from = refType(types.top(heapOf(type)), isNullable(type) || random.oneIn(2));
  // What is neither null nor cast, and null only where the cast does not take it.
  const rest = isNullable(type) ? nonNull(from) : from;
  const [taken, left] = onFail ? [rest, type] : [type, rest];
  body.open("block", { params: [], results: [taken], index: null });
  // A block around the branch holds it to the type of what is left.
  body.open("block", { params: [], results: [left], index: null });
  body.value(from, depth);
  const flags = (isNullable(from) ? 1 : 0) | (isNullable(type) ? 2 : 0);
  const w = body.instruction(onFail ? "br_on_cast_fail" : "br_on_cast", 1, 1);
  w.byte(flags).u32(1).heapType(heapOf(from)).heapType(heapOf(type));
  body.close();
  body.instruction("drop", 1, 0);
  body.value(taken, depth);
  body.close();
  if (!onFail) return;
  const name = isNullable(type) ? "ref.cast null" : "ref.cast";
  body.instruction(name, 1, 1).heapType(heapOf(type));
}

function anyReference(body: Body): ValType {
  return body.types.reference();
}

function convertible(body: Body, type: ValType, heap: HeapType): boolean {
  return body.has("gc") && isReference(type) && heapOf(type) === heap;
}

function tableFor(body: Body, type: ValType): number[] {
  return isReference(type) ? tables(body, (element) => body.types.matches(element, type)) : [];
}

export const REFERENCE_VALUES: readonly ValueProduction[] = [
  {
    weight: 8,
    can: (body, type) => functions(body, type).length > 0 && body.has("bulk-memory"),
    emit(body, type) {
      body.instruction("ref.func", 0, 1).u32(body.random.pick(functions(body, type)));
    },
  },
  {
    weight: 12,
    can: (body, type) => body.has("gc") && aggregates(body, type).length > 0,
    emit: emitAggregate,
  },
  {
    weight: 5,
    can: (body, type) =>
      body.has("gc") && isReference(type) && body.types.heapMatches(HEAP_I31, heapOf(type)),
    emit(body, _, depth) {
      body.value(I32, depth);
      body.instruction("ref.i31", 1, 1);
    },
  },
  {
    weight: 4,
    can: (body, type) => convertible(body, type, HEAP_ANY),
    emit(body, type, depth) {
      body.value(refType(HEAP_EXTERN, isNullable(type)), depth);
      body.instruction("any.convert_extern", 1, 1);
    },
  },
  {
    weight: 4,
    can: (body, type) => convertible(body, type, HEAP_EXTERN),
    emit(body, type, depth) {
      body.value(refType(HEAP_ANY, isNullable(type)), depth);
      body.instruction("extern.convert_any", 1, 1);
    },
  },
  { weight: 3, can: (body, type) => body.has("gc") && isReference(type), emit: emitCast },
  {
    weight: 3,
    can: (body, type) => body.has("gc") && isReference(type) && body.mayNest,
    emit: emitBranchOnCast,
  },
  {
    weight: 3,
    can: (body, type) => body.has("function-references") && isReference(type),
    emit(body, type, depth) {
      body.value(refType(heapOf(type), true), depth);
      body.instruction("ref.as_non_null", 1, 1);
    },
  },
  {
    weight: 5,
    can: (body, type) => body.has("reference-types") && tableFor(body, type).length > 0,
    emit(body, type, depth) {
      const table = body.random.pick(tableFor(body, type));
      addressOperand(body, addressOf(body, table), depth, 1);
      body.instruction("table.get", 1, 1).u32(table);
    },
  },
  {
    weight: 5,
    can: (body, type) =>
      body.has("gc") && fields(body, (f) => body.types.matches(unpacked(f), type)).length > 0,
    emit(body, type, depth) {
      const all = fields(body, (field) => body.types.matches(unpacked(field), type));
      const [index, field] = body.random.pick(all);
      body.value(refType(index, true), depth);
      const found = body.signature(index).fields[field].type;
      body
        .instruction(getter(body, "struct.get", found), 1, 1)
        .u32(index)
        .u32(field);
    },
  },
  {
    weight: 5,
    can: (body, type) =>
      body.has("gc") && arrays(body, (e) => body.types.matches(unpacked(e), type)).length > 0,
    emit(body, type, depth) {
      const all = arrays(body, (element) => body.types.matches(unpacked(element), type));
      const index = body.random.pick(all);
      body.value(refType(index, true), depth);
      small(body, depth);
      body.instruction(getter(body, "array.get", elementOf(body, index)), 2, 1).u32(index);
    },
  },
  {
    weight: 2,
    can: (body, type) => type === I32 && body.has("reference-types"),
    emit(body, _, depth) {
      body.operands([anyReference(body)], depth);
      body.instruction("ref.is_null", 1, 1);
    },
  },
  {
    weight: 2,
    can: (body, type) => type === I32 && body.has("gc"),
    emit(body, _, depth) {
      const type = anyReference(body);
      body.value(widened(body, heapOf(type)), depth);
      const name = isNullable(type) ? "ref.test null" : "ref.test";
      body.instruction(name, 1, 1).heapType(heapOf(type));
    },
  },
  {
    weight: 2,
    can: (body, type) => type === I32 && body.has("gc"),
    emit(body, _, depth) {
      body.operands([ARRAYREF], depth);
      body.instruction("array.len", 1, 1);
    },
  },
  {
    weight: 1,
    can: (body, type) => body.has("reference-types") && growable(body, type).length > 0,
    emit(body, type, depth) {
      const table = body.random.pick(growable(body, type));
      body.value(body.plan.tables[table].type.element, depth);
      addressOperand(body, type, depth, 7);
      body.instruction("table.grow", 2, 1).u32(table);
    },
  },
];

/** Tables with addresses of this type. */
function growable(body: Body, type: ValType): number[] {
  return [...body.plan.tables.keys()].filter((table) => addressOf(body, table) === type);
}

function emitArrayCopy(body: Body, depth: number): void {
  const to = body.random.pick(arrays(body, (_, mutable) => mutable));
  const target = elementOf(body, to);
  const from = body.random.pick(arrays(body, (type) => body.types.matches(type, target)));
  body.value(refType(to, true), depth);
  small(body, depth);
  body.value(refType(from, true), depth);
  smalls(body, 2, depth);
  body.instruction("array.copy", 5, 0).u32(to).u32(from);
}

function emitArrayInit(body: Body, depth: number): void {
  const index = body.random.pick(arrays(body, (_, mutable) => mutable));
  const type = elementOf(body, index);
  const segments = isNumeric(type) ? [...body.plan.data.keys()] : elementSegments(body, type);
  const segment = body.random.pickFrom(segments);
  if (segment === undefined) return;
  body.value(refType(index, true), depth);
  smalls(body, 3, depth);
  const name = isNumeric(type) ? "array.init_data" : "array.init_elem";
  body.instruction(name, 4, 0).u32(index).u32(segment);
}

/** The address type of a copy's length: i32 unless both sides have 64-bit addresses. */
function lengthType(to: ValType, from: ValType): ValType {
  return to === I64 && from === I64 ? I64 : I32;
}

function emitTableCopy(body: Body, depth: number): void {
  const to = body.random.below(body.plan.tables.length);
  const { element } = body.plan.tables[to].type;
  const from = body.random.pick(tables(body, (type) => body.types.matches(type, element)));
  const [toType, fromType] = [addressOf(body, to), addressOf(body, from)];
  for (const type of [toType, fromType, lengthType(toType, fromType)]) {
    addressOperand(body, type, depth, 1);
  }
  body.instruction("table.copy", 3, 0).u32(to).u32(from);
}

function emitMemoryCopy(body: Body, depth: number): void {
  const { memories } = body.plan;
  const [to, from] = body.random.times(2, () => body.random.below(memories.length));
  const [toType, fromType] = [to, from].map((index) => (memories[index].address64 ? I64 : I32));
  for (const type of [toType, fromType, lengthType(toType, fromType)]) {
    addressOperand(body, type, depth);
  }
  body.instruction("memory.copy", 3, 0).u32(to).u32(from);
}

function hasMutableArray(body: Body): boolean {
  return body.has("gc") && arrays(body, (_, mutable) => mutable).length > 0;
}

export const REFERENCE_STATEMENTS: readonly StatementProduction[] = [
  {
    weight: 4,
    can: (body) => body.has("gc") && fields(body, (_, mutable) => mutable).length > 0,
    emit(body, depth) {
      const [index, field] = body.random.pick(fields(body, (_, mutable) => mutable));
      const { type } = body.signature(index).fields[field];
      body.operands([refType(index, true), unpacked(type)], depth);
      body.instruction("struct.set", 2, 0).u32(index).u32(field);
    },
  },
  {
    weight: 4,
    can: hasMutableArray,
    emit(body, depth) {
      const index = body.random.pick(arrays(body, (_, mutable) => mutable));
      body.value(refType(index, true), depth);
      small(body, depth);
      body.value(unpacked(elementOf(body, index)), depth);
      if (body.random.oneIn(2)) body.instruction("array.set", 3, 0).u32(index);
      else {
        small(body, depth);
        body.instruction("array.fill", 4, 0).u32(index);
      }
    },
  },
  { weight: 2, can: hasMutableArray, emit: emitArrayCopy },
  { weight: 2, can: hasMutableArray, emit: emitArrayInit },
  {
    weight: 3,
    can: (body) => body.has("reference-types") && body.plan.tables.length > 0,
    emit(body, depth) {
      const table = body.random.below(body.plan.tables.length);
      const address = addressOf(body, table);
      addressOperand(body, address, depth, 1);
      body.value(body.plan.tables[table].type.element, depth);
      if (body.random.oneIn(2)) body.instruction("table.set", 2, 0).u32(table);
      else {
        addressOperand(body, address, depth, 1);
        body.instruction("table.fill", 3, 0).u32(table);
      }
    },
  },
  {
    weight: 2,
    can: (body) => body.has("bulk-memory") && body.plan.tables.length > 0,
    emit: emitTableCopy,
  },
  {
    weight: 2,
    can: (body) => body.has("bulk-memory") && body.plan.memories.length > 0,
    emit: emitMemoryCopy,
  },
];
