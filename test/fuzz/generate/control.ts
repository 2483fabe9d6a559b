// Productions for structured control, branches, calls and exceptions (spec: 3.4 Instructions).

import {
  EXNREF,
  HEAP_EXN,
  heapOf,
  I32,
  I64,
  isReference,
  refType,
  type ValType,
} from "../../../src/isa/types.ts";
import type { BlockType, Body, StatementProduction, ValueProduction } from "./body.ts";
import { addressOperand } from "./plain.ts";

const VOID: BlockType = { params: [], results: [], index: null };
const EXN = refType(HEAP_EXN, false);

function toBlockType(body: Body, index: number): BlockType {
  const { params, results } = body.signature(index);
  return { params, results, index };
}

function functionTypes(body: Body, accept: (results: readonly ValType[]) => boolean): number[] {
  return body.types.indices((def) => def.kind === "func" && accept(def.results));
}

/** A block type that leaves one value of the type. */
function blockTypeFor(body: Body, type: ValType): BlockType {
  const short = { params: [], results: [type], index: null };
  if (!body.has("multi-value") || body.random.oneIn(2)) return short;
  const fitting = functionTypes(body, ([first, ...rest]) => {
    return first !== undefined && rest.length === 0 && body.types.matches(first, type);
  });
  const index = body.random.pickFrom(fitting);
  return index === undefined ? short : toBlockType(body, index);
}

function anyBlockType(body: Body): BlockType {
  if (!body.has("multi-value") || body.random.oneIn(2)) return VOID;
  return toBlockType(body, body.random.pick(functionTypes(body, () => true)));
}

/** block, loop or if with its parts. */
function emitBlock(body: Body, type: BlockType, depth: number): void {
  const name = body.random.pick(["block", "loop", "if"]);
  body.operands(type.params, depth);
  if (name === "if") body.value(I32, depth);
  body.open(name, type);
  body.fill(depth);
  const needsElse = !body.types.allMatch(type.params, type.results);
  if (name === "if" && (needsElse || body.random.oneIn(2))) {
    body.nextPart("else", "block", type.params.length);
    body.fill(depth);
  }
  body.close();
}

// Branches

/** Labels whose operands may be of `types`. */
function labelsFor(body: Body, types: readonly ValType[]): number[] {
  return body.labels((labelTypes) => body.types.allMatch(types, labelTypes));
}

/** Sometimes operands that a jump leaves behind on the stack. */
function junk(body: Body, depth: number): void {
  if (!body.random.oneIn(3)) return;
  body.value(body.types.valType(), depth);
}

function emitBranch(body: Body, depth: number): void {
  const label = body.random.below(body.labelCount);
  junk(body, depth);
  body.operands(body.labelTypes(label), depth);
  body.jump("br").u32(label);
}

function emitBranchTable(body: Body, depth: number): void {
  const types = body.labelTypes(body.random.below(body.labelCount));
  const labels = labelsFor(body, types);
  junk(body, depth);
  body.operands([...types, I32], depth);
  const targets = body.random.times(body.random.below(5), () => body.random.pick(labels));
  const w = body.jump("br_table");
  w.vector(targets, (label) => w.u32(label)).u32(body.random.pick(labels));
}

function emitBranchIf(body: Body, depth: number): void {
  const label = body.random.below(body.labelCount);
  const types = body.labelTypes(label);
  body.operands([...types, I32], depth);
  body.instruction("br_if", types.length + 1, types.length).u32(label);
  body.discardAll(types);
}

/** Labels with the one operand a conditional branch would leave as the wanted value. */
function valueLabels(body: Body, type: ValType): number[] {
  return body.labels((types) => types.length === 1 && body.types.matches(types[0], type));
}

// Calls

/** The ways to call: each pushes what it needs beyond the arguments, then the instruction. */
interface Callee {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  /** Pushes the callee operand and writes the instruction, which takes the arguments too. */
  emit(depth: number, tail: boolean): void;
}

function finishCall(body: Body, name: string, tail: boolean, callee: Callee, extra: number) {
  if (tail) return body.jump(`return_${name}`);
  return body.instruction(name, callee.params.length + extra, callee.results.length);
}

function directCallee(body: Body, index: number): Callee {
  const { params, results } = body.functionType(index);
  const callee: Callee = {
    params,
    results,
    emit: (_, tail) => void finishCall(body, "call", tail, callee, 0).u32(index),
  };
  return callee;
}

function indirectCallee(body: Body, typeIndex: number, table: number): Callee {
  const { params, results } = body.signature(typeIndex);
  const callee: Callee = {
    params,
    results,
    emit(depth, tail) {
      const { address64 } = body.plan.tables[table].type;
      addressOperand(body, address64 ? I64 : I32, depth, 1);
      finishCall(body, "call_indirect", tail, callee, 1).u32(typeIndex).u32(table);
    },
  };
  return callee;
}

function referenceCallee(body: Body, typeIndex: number): Callee {
  const { params, results } = body.signature(typeIndex);
  const callee: Callee = {
    params,
    results,
    emit(depth, tail) {
      body.value(refType(typeIndex, true), depth);
      finishCall(body, "call_ref", tail, callee, 1).u32(typeIndex);
    },
  };
  return callee;
}

/** A random callee whose results `accept` takes, or null. */
function pickCallee(body: Body, accept: (results: readonly ValType[]) => boolean): Callee | null {
  const { random, plan } = body;
  const way = random.below(4);
  if (way < 2) {
    const fitting = plan.functions.flatMap((type, index) =>
      accept(body.signature(type).results) ? [index] : [],
    );
    const index = random.pickFrom(fitting);
    return index === undefined ? null : directCallee(body, index);
  }
  const type = random.pickFrom(functionTypes(body, accept));
  if (type === undefined) return null;
  if (way === 2) return body.has("function-references") ? referenceCallee(body, type) : null;
  const tables = plan.tables.flatMap(({ type: { element } }, index) =>
    body.isCallable(element) ? [index] : [],
  );
  const table = random.pickFrom(tables);
  return table === undefined ? null : indirectCallee(body, type, table);
}

function emitCall(body: Body, callee: Callee, depth: number, tail: boolean): void {
  if (tail) junk(body, depth);
  // One by one: a callee operand follows, so none may be left to the stack.
  for (const type of callee.params) body.value(type, depth);
  callee.emit(depth, tail);
}

// Exceptions

/** A catch clause whose label fits: kind as in the binary format, tag or null, label. */
type Clause = readonly [kind: number, tag: number | null, label: number];

function randomClause(body: Body): Clause | null {
  const { random, plan } = body;
  const kind = random.below(4);
  const tag = kind < 2 ? random.pickFrom([...plan.tags.keys()]) : null;
  if (tag === undefined) return null;
  const label = random.pickFrom(labelsFor(body, carriedTypes(body, kind, tag)));
  return label === undefined ? null : [kind, tag, label];
}

function carriedTypes(body: Body, kind: number, tag: number | null): ValType[] {
  const params = tag === null ? [] : body.signature(body.plan.tags[tag]).params;
  return kind % 2 === 1 ? [...params, EXN] : [...params];
}

function emitTryTable(body: Body, type: BlockType, depth: number): void {
  const clauses = body.random.times(body.random.below(4), () => randomClause(body));
  body.operands(type.params, depth);
  body.open("try_table", type, (w) => {
    const fitting = clauses.filter((clause) => clause !== null);
    w.vector(fitting, ([kind, tag, label]) => {
      w.byte(kind);
      if (tag !== null) w.u32(tag);
      w.u32(label);
    });
  });
  body.fill(depth);
  body.close();
}

/** A block around a try_table, so that a clause has somewhere to go. */
function emitCatchingBlock(body: Body, depth: number): void {
  const { random, plan, types } = body;
  const tag = random.pickFrom(plan.tags);
  const params = tag === undefined || random.oneIn(4) ? [] : body.signature(tag).params;
  const withExn = random.oneIn(2) ? [...params, random.pick([EXNREF, EXN])] : [...params];
  const fitting = types.indices((def) => {
    return def.kind === "func" && def.params.length === 0 && types.allMatch(withExn, def.results);
  });
  const index = random.pickFrom(fitting);
  const type = index === undefined || !body.has("multi-value") ? VOID : toBlockType(body, index);
  body.open("block", type);
  emitTryTable(body, random.oneIn(2) ? VOID : anyVoidlike(body), depth);
  body.operands(type.results, depth);
  body.close();
  body.discardAll(type.results);
}

/** A block type without results. */
function anyVoidlike(body: Body): BlockType {
  const fitting = functionTypes(body, (results) => results.length === 0);
  const index = body.has("multi-value") ? body.random.pickFrom(fitting) : undefined;
  return index === undefined ? VOID : toBlockType(body, index);
}

function emitLegacyTry(body: Body, type: BlockType, depth: number): void {
  const { random, plan } = body;
  body.operands(type.params, depth);
  body.open("try", type);
  body.fill(depth);
  if (random.oneIn(4)) {
    const w = body.close("delegate");
    w.u32(random.below(body.labelCount));
    return;
  }
  const tags = plan.tags.length === 0 ? [] : random.times(random.below(3), () => random.below(9));
  for (const choice of tags) {
    const tag = choice % plan.tags.length;
    const { params } = body.signature(plan.tags[tag]);
    body.nextPart("catch", "catch", params.length).u32(tag);
    fillCatch(body, params, depth);
  }
  if (random.oneIn(2)) {
    body.nextPart("catch_all", "catch", 0);
    fillCatch(body, [], depth);
  }
  body.close();
}

function fillCatch(body: Body, params: readonly ValType[], depth: number): void {
  body.discardAll(params);
  body.statements(depth);
  if (body.random.oneIn(4)) emitRethrow(body);
  body.operands(body.frame.results, depth);
}

function catchLabels(body: Body): number[] {
  return body.labels((_, kind) => kind === "catch");
}

function emitRethrow(body: Body): void {
  body.jump("rethrow").u32(body.random.pick(catchLabels(body)));
}

function hasLegacy(body: Body): boolean {
  return body.has("legacy-exceptions");
}

export const CONTROL_VALUES: readonly ValueProduction[] = [
  {
    weight: 5,
    can: (body) => body.mayNest,
    emit: (body, type, depth) => emitBlock(body, blockTypeFor(body, type), depth),
  },
  {
    weight: 1,
    can: (body) => body.mayNest && body.has("exceptions"),
    emit: (body, type, depth) => emitTryTable(body, blockTypeFor(body, type), depth),
  },
  {
    weight: 2,
    can: (body) => body.mayNest && hasLegacy(body),
    emit: (body, type, depth) => emitLegacyTry(body, blockTypeFor(body, type), depth),
  },
  {
    weight: 4,
    can: () => true,
    emit(body, type, depth) {
      const callee = pickCallee(body, (results) => body.types.allMatch(results, [type]));
      if (callee === null) body.leaf(type);
      else emitCall(body, callee, depth, false);
    },
  },
  {
    weight: 2,
    can: (body, type) => valueLabels(body, type).length > 0,
    emit(body, type, depth) {
      const label = body.random.pick(valueLabels(body, type));
      body.operands([body.labelTypes(label)[0], I32], depth);
      body.instruction("br_if", 2, 1).u32(label);
    },
  },
  {
    weight: 2,
    can: (body, type) =>
      body.has("function-references") &&
      isReference(type) &&
      body.labels((types) => types.length === 0).length > 0,
    emit(body, type, depth) {
      const label = body.random.pick(body.labels((types) => types.length === 0));
      body.value(refType(heapOf(type), true), depth);
      body.instruction("br_on_null", 1, 1).u32(label);
    },
  },
];

export const CONTROL_STATEMENTS: readonly StatementProduction[] = [
  {
    weight: 12,
    can: (body) => body.mayNest,
    emit(body, depth) {
      const type = anyBlockType(body);
      emitBlock(body, type, depth);
      body.discardAll(type.results);
    },
  },
  {
    weight: 3,
    can: (body) => body.mayNest && body.has("exceptions"),
    emit: (body, depth) => emitCatchingBlock(body, depth),
  },
  {
    weight: 4,
    can: (body) => body.mayNest && hasLegacy(body),
    emit(body, depth) {
      const type = anyBlockType(body);
      emitLegacyTry(body, type, depth);
      body.discardAll(type.results);
    },
  },
  {
    weight: 5,
    can: () => true,
    emit(body, depth) {
      const callee = pickCallee(body, () => true);
      if (callee === null) return;
      emitCall(body, callee, depth, false);
      body.discardAll(callee.results);
    },
  },
  {
    weight: 1,
    can: (body) => body.has("tail-call"),
    emit(body, depth) {
      const callee = pickCallee(body, (results) => body.types.allMatch(results, body.results));
      if (callee !== null) emitCall(body, callee, depth, true);
    },
  },
  { weight: 4, can: () => true, emit: emitBranchIf },
  { weight: 2, can: () => true, emit: emitBranch },
  { weight: 1, can: () => true, emit: emitBranchTable },
  {
    weight: 1,
    can: () => true,
    emit(body, depth) {
      junk(body, depth);
      body.operands(body.results, depth);
      body.jump("return");
    },
  },
  {
    weight: 1,
    can: (body) => !body.plan.bounded || body.random.oneIn(4),
    emit: (body) => void body.jump("unreachable"),
  },
  {
    weight: 1,
    can: (body) => body.plan.tags.length > 0,
    emit(body, depth) {
      const tag = body.random.below(body.plan.tags.length);
      junk(body, depth);
      body.operands(body.signature(body.plan.tags[tag]).params, depth);
      body.jump("throw").u32(tag);
    },
  },
  {
    weight: 1,
    can: (body) => body.has("exceptions"),
    emit(body, depth) {
      junk(body, depth);
      body.operands([EXNREF], depth);
      body.jump("throw_ref");
    },
  },
  {
    weight: 1,
    can: (body) => hasLegacy(body) && catchLabels(body).length > 0,
    emit: (body) => emitRethrow(body),
  },
  {
    weight: 2,
    can: (body) =>
      body.has("function-references") &&
      body.labels((types) => types.length > 0 && isReference(types[types.length - 1])).length > 0,
    emit: emitBranchOnNonNull,
  },
];

function emitBranchOnNonNull(body: Body, depth: number): void {
  const labels = body.labels((types) => types.length > 0 && isReference(types[types.length - 1]));
  const label = body.random.pick(labels);
  const types = body.labelTypes(label);
  const last = types[types.length - 1];
  const rest = types.slice(0, -1);
  body.operands([...rest, refType(heapOf(last), true)], depth);
  body.instruction("br_on_non_null", types.length, rest.length).u32(label);
  body.discardAll(rest);
}
