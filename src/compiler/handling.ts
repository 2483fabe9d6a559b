// How the host tier takes an instruction that is no control instruction, found once for each
// opcode from its row.

import { type FeatureSet, featureBit } from "../isa/features.ts";
import { instructionAt } from "../isa/index.ts";
import { type Instruction, OPCODE_SPACE } from "../isa/instruction.ts";
import type { ValType } from "../isa/types.ts";

/** The same in the host's code. */
export const SAME = 1;
/** The same, but it may trap. */
export const TRAPPING = 2;
/** The runtime executes it, as it has a bill or limits beyond its price. */
export const RUNTIME_DOES = 3;
/** Nothing for the host. */
export const REFUSED = 4;

/** Instructions that the runtime executes, and how many operands they take. */
const BY_RUNTIME: ReadonlyMap<number, number> = new Map([
  [0x25, 1], // table.get
  [0x26, 2], // table.set
  [0x40, 1], // memory.grow
  [0xd2, 0], // ref.func
  [0x208, 3], // memory.init
  [0x209, 0], // data.drop
  [0x20a, 3], // memory.copy
  [0x20b, 3], // memory.fill
  [0x20c, 3], // table.init
  [0x20d, 0], // elem.drop
  [0x20e, 3], // table.copy
  [0x20f, 2], // table.grow
  [0x210, 0], // table.size
  [0x211, 3], // table.fill
]);

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

  constructor(kind: number, { access, feature, name, params, results }: Instruction) {
    this.kind = kind;
    this.name = name;
    this.feature = feature === null ? 0 : featureBit(feature);
    this.isAccess = access !== null;
    this.params = params ?? [];
    this.results = results;
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

function find(op: number, { access, feature, name, params }: Instruction): number {
  if (BY_RUNTIME.has(op)) return RUNTIME_DOES;
  // What relaxed vectors give would be for the host to choose.
  if (feature === "relaxed-simd" || params === null) return REFUSED;
  if (access === null) return MAY_TRAP.test(name) ? TRAPPING : SAME;
  // Who waits is the runtime's matter.
  return access.kind === "wait" || access.kind === "notify" ? REFUSED : TRAPPING;
}

/** Whether it traps for what is no integer, or none that fits. */
export function isConversion(op: number): boolean {
  return (op >= 0xa8 && op <= 0xab) || (op >= 0xae && op <= 0xb1);
}

/** How many operands an instruction takes that the runtime executes. */
export function operandsOfRuntime(op: number): number {
  return BY_RUNTIME.get(op) as number;
}
