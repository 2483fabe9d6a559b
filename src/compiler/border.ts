// Values between words and JavaScript as the host's functions have it: in the parts that bits are
// passed in (values.ts).

import { F32, I32, isReference, V128, type ValType } from "../isa/types.ts";
import type { GlobalInstance } from "../runtime/instances.ts";
import { partsOf } from "./host-types.ts";
import { type Bits, zeroOfPart } from "./values.ts";

/** Whether a number or vector of this type is one part, of 32 bits. */
export function isShort(type: ValType): boolean {
  return type === I32 || type === F32;
}

/** What a function of ours gives where nobody looks at it. */
export function dummyResult(types: readonly ValType[]): unknown {
  const parts = partsOf(types).map(zeroOfPart);
  return parts.length > 1 ? parts : parts[0];
}

const cell = new Int32Array(2);
const cellLong = new BigInt64Array(cell.buffer);

function longOf(low: number, high: number): bigint {
  cell[0] = low;
  cell[1] = high;
  return cellLong[0];
}

/** The parts of a constant, which is a number or vector in words, or null. */
export function bitsOfConstant(words: ArrayLike<number>, type: ValType): Bits[] {
  if (isReference(type)) return [null];
  if (isShort(type)) return [words[0]];
  const lower = longOf(words[0], words[1]);
  return type === V128 ? [lower, longOf(words[2], words[3])] : [lower];
}

/** What gets at a global of a host module, which holds bits of type i32 or i64. */
export interface HostGlobal {
  get(): number | bigint;
  set(value: number | bigint): void;
}

/** A global on both sides, of which one is valid at a time; the host's has parts. */
export class BorderGlobal {
  private readonly ours: GlobalInstance;
  private readonly theirs: readonly HostGlobal[];
  private readonly isShort: boolean;
  /** What the host's have: to ask them takes longer than all else at a crossing. */
  private readonly known: Int32Array;

  constructor(ours: GlobalInstance, theirs: readonly HostGlobal[]) {
    this.ours = ours;
    this.theirs = theirs;
    this.isShort = isShort(ours.type.type);
    this.known = ours.cells.slice(ours.at, ours.at + 2 * theirs.length);
    for (let i = 0; i < theirs.length; i++) this.putPart(i);
  }

  private putPart(i: number): void {
    const { known, theirs } = this;
    theirs[i].set(this.isShort ? known[0] : longOf(known[2 * i], known[2 * i + 1]));
  }

  /** Gives the host's the value of ours. */
  copyIn(): void {
    const { known, theirs } = this;
    const { at, cells } = this.ours;
    for (let i = 0; i < theirs.length; i++) {
      const low = cells[at + 2 * i];
      const high = cells[at + 2 * i + 1];
      if (low === known[2 * i] && (this.isShort || high === known[2 * i + 1])) continue;
      known[2 * i] = low;
      known[2 * i + 1] = high;
      this.putPart(i);
    }
  }

  /** The same the other way round. */
  copyOut(): void {
    const { isShort, known, theirs } = this;
    const { at, cells } = this.ours;
    for (let i = 0; i < theirs.length; i++) {
      const value = theirs[i].get();
      if (isShort) cell[0] = value as number;
      else cellLong[0] = value as bigint;
      cells[at + 2 * i] = known[2 * i] = cell[0];
      if (!isShort) cells[at + 2 * i + 1] = known[2 * i + 1] = cell[1];
    }
  }
}
