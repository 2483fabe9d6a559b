// How the host tier takes an instruction that is no control instruction, found once for each
// opcode from its row.

import { type FeatureSet, featureBit } from "../isa/features.ts";
import { instructionAt } from "../isa/index.ts";
import { ADDRESS, type Instruction, OPCODE_SPACE } from "../isa/instruction.ts";
import { I32, I64, isReference, type ValType } from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import type { Taken } from "../validation/runs.ts";

/** The same in the host's code. */
export const SAME = 1;
/** The same, but it may trap. */
export const TRAPPING = 2;
/** The runtime executes it, as it has a bill or limits beyond its price. */
export const RUNTIME_DOES = 3;
/** Nothing for the host. */
export const REFUSED = 4;

/** Types of the operands of an instruction with these immediates. */
type Operands = (module: ModuleRecord, a: number, b: number) => readonly ValType[];

function inMemory({ memories }: ModuleRecord, index: number): ValType {
  return memories[index].type.address64 ? I64 : I32;
}

function inTable({ tables }: ModuleRecord, index: number): ValType {
  return tables[index].type.address64 ? I64 : I32;
}

function elementOf({ tables }: ModuleRecord, index: number): ValType {
  return tables[index].type.element;
}

/** Of copies: what counts is of the smaller type. */
function copied(to: ValType, from: ValType): readonly ValType[] {
  return [to, from, to === I64 ? from : to];
}

/** Instructions that the runtime executes. */
const BY_RUNTIME: ReadonlyMap<number, Operands> = new Map<number, Operands>([
  [0x25, (module, a) => [inTable(module, a)]], // table.get
  [0x26, (module, a) => [inTable(module, a), elementOf(module, a)]], // table.set
  [0x40, (module, a) => [inMemory(module, a)]], // memory.grow
  [0xd2, () => []], // ref.func
  [0x208, (module, _, b) => [inMemory(module, b), I32, I32]], // memory.init
  [0x209, () => []], // data.drop
  [0x20a, (module, a, b) => copied(inMemory(module, a), inMemory(module, b))], // memory.copy
  [0x20b, (module, a) => [inMemory(module, a), I32, inMemory(module, a)]], // memory.fill
  [0x20c, (module, _, b) => [inTable(module, b), I32, I32]], // table.init
  [0x20d, () => []], // elem.drop
  [0x20e, (module, a, b) => copied(inTable(module, a), inTable(module, b))], // table.copy
  [0x20f, (module, a) => [elementOf(module, a), inTable(module, a)]], // table.grow
  [0x210, () => []], // table.size
  // memory.atomic.notify, wait32, wait64: the interpreter does these.
  [0x500, (module, _, b) => [inMemory(module, b), I32]],
  [0x501, (module, _, b) => [inMemory(module, b), I32, I64]],
  [0x502, (module, _, b) => [inMemory(module, b), I64, I64]],
  // table.fill
  [0x211, (module, a) => [inTable(module, a), elementOf(module, a), inTable(module, a)]],
]);

/**
 * How much longer than for its bytes V8's first compiler takes for an instruction, in the units of
 * `HostBody.checkEffort`: it writes many instructions of the processor for it, or moves registers.
 */
function effortOf(name: string): number {
  if (/^i(32|64)\.div_s$/.test(name)) return 30;
  if (/^i(32|64)\.rot[lr]$/.test(name)) return 40;
  if (/^i64\.trunc_(sat_f\d+_[su]|f\d+_u)$/.test(name)) return 60;
  return /^i(32|64)\.trunc_/.test(name) ? 15 : 0;
}

/** What matters of a row, in one shape: rows have many, and this is asked for each instruction. */
export class Handling {
  /** One of the constants of this file. */
  readonly kind: number;
  readonly name: string;
  /** What the host must know; no feature if it always does. */
  readonly feature: FeatureSet;
  /** Whether it accesses a memory. */
  readonly isAccess: boolean;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly effort: number;

  constructor(kind: number, { access, feature, name, params, results }: Instruction) {
    this.kind = kind;
    this.name = name;
    this.feature = feature === null ? 0 : featureBit(feature);
    this.isAccess = access !== null;
    this.params = params ?? [];
    this.results = results;
    this.effort = effortOf(name);
  }
}

const handlings = new Array<Handling | null>(OPCODE_SPACE).fill(null);

export function handlingOf(op: number): Handling {
  const known = handlings[op];
  if (known !== null) return known;
  const row = instructionAt(op) as Instruction;
  const handling = new Handling(find(op, row), row);
  handlings[op] = handling;
  return handling;
}

/** Names of the numeric instructions that may trap; their meanings are not there at run time. */
const MAY_TRAP = /\.(div|rem)_[su]$|\.trunc_f/;

function isReferenceType(type: ValType): boolean {
  return type !== ADDRESS && isReference(type);
}

function find(op: number, { access, feature, name, params, results }: Instruction): number {
  if (BY_RUNTIME.has(op)) return RUNTIME_DOES;
  // What relaxed vectors give would be for the host to choose.
  if (feature === "relaxed-simd" || params === null) return REFUSED;
  // References are something else to the host.
  if ([...params, ...results].some(isReferenceType)) return REFUSED;
  return access !== null || MAY_TRAP.test(name) ? TRAPPING : SAME;
}

/** Whether it traps for what is no integer, or none that fits. */
export function isConversion(op: number): boolean {
  return (op >= 0xa8 && op <= 0xab) || (op >= 0xae && op <= 0xb1);
}

/** Whether an instruction is copied, without a look at its immediates, in such a host module. */
export function takenInRuns(op: number, features: FeatureSet, memories: number): Taken {
  const { effort, feature, isAccess, kind } = handlingOf(op);
  const isCopied = (kind === SAME || kind === TRAPPING) && !isConversion(op) && effort === 0;
  if (!isCopied || (features & feature) !== feature || (isAccess && memories === 0)) return "alone";
  return kind === TRAPPING ? "trapping" : "in runs";
}

/** Types of the operands of an instruction that the runtime executes, with these immediates. */
export function operandsOfRuntime(
  op: number,
  [a, b]: readonly number[],
  module: ModuleRecord,
): readonly ValType[] {
  return (BY_RUNTIME.get(op) as Operands)(module, a, b);
}
