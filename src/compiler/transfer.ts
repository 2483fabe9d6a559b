// Values that go between slots of a frame and what the host's functions take: worked out once, then
// nothing is made for a value but what the host asks for.

import { REFERENCES, SLOTS } from "../interpreter/loop.generated.ts";
import { LONGS, reserveReferences } from "../interpreter/registers.ts";
import { isReference, slotsOf, type ValType } from "../isa/types.ts";
import { mustBeSeen } from "../runtime/roots.ts";
import { isShort } from "./border.ts";
import type { HostFunction } from "./host-objects.ts";
import { type Bits, passedAs } from "./values.ts";

/** Which part of which value is in which word of a frame. */
export class Transfer {
  /** Pairs: the index of a part of 32 bits, and its word. */
  private readonly shorts: number[] = [];
  /** The same of 64 bits. */
  private readonly longs: number[] = [];
  /** The same of references, and their slots. */
  private readonly references: number[] = [];

  /** How many parts the values have. */
  count = 0;

  /** Of values that lie in consecutive slots, and their parts one after the other. */
  static of(types: readonly ValType[]): Transfer {
    const transfer = new Transfer();
    let slot = 0;
    for (const type of types) {
      transfer.add(type, transfer.count, slot);
      slot += slotsOf(type);
    }
    return transfer;
  }

  /** Adds a value that begins in a slot, whose first part is the one at `index`. */
  add(type: ValType, index: number, slot: number): void {
    const parts = passedAs(type).length;
    this.count += parts;
    if (isReference(type)) this.references.push(index, slot);
    else if (isShort(type)) this.shorts.push(index, 2 * slot);
    else for (let i = 0; i < parts; i++) this.longs.push(index + i, 2 * (slot + i));
  }

  /** How many numbers it consists of. */
  get size(): number {
    return this.shorts.length + this.longs.length + this.references.length;
  }

  /** Into the frame that begins at the word `frame`. */
  put(frame: number, parts: readonly Bits[]): void {
    const { longs, references, shorts } = this;
    for (let i = 0; i < references.length; i += 2) {
      putReference((frame >> 1) + references[i + 1], parts[references[i]]);
    }
    for (let i = 0; i < shorts.length; i += 2) {
      SLOTS[frame + shorts[i + 1]] = parts[shorts[i]] as number;
    }
    for (let i = 0; i < longs.length; i += 2) {
      LONGS[(frame + longs[i + 1]) >> 1] = parts[longs[i]] as bigint;
    }
  }

  /** Out of it; in `parts` there are others. */
  take(frame: number, parts: Bits[] = new Array(this.count)): readonly Bits[] {
    const { longs, references, shorts } = this;
    for (let i = 0; i < references.length; i += 2) {
      parts[references[i]] = REFERENCES[(frame >> 1) + references[i + 1]];
    }
    for (let i = 0; i < shorts.length; i += 2) {
      parts[shorts[i]] = SLOTS[frame + shorts[i + 1]];
    }
    for (let i = 0; i < longs.length; i += 2) {
      parts[longs[i]] = LONGS[(frame + longs[i + 1]) >> 1];
    }
    return parts;
  }

  // The same for functions, which mostly have one value: nothing is made for that

  private putOne(frame: number, value: Bits): void {
    const { longs, references, shorts } = this;
    if (shorts.length > 0) SLOTS[frame + shorts[1]] = value as number;
    else if (longs.length > 0) LONGS[(frame + longs[1]) >> 1] = value as bigint;
    else putReference((frame >> 1) + references[1], value);
  }

  private takeOne(frame: number): Bits {
    const { longs, references, shorts } = this;
    if (shorts.length > 0) return SLOTS[frame + shorts[1]];
    if (longs.length > 0) return LONGS[(frame + longs[1]) >> 1];
    return REFERENCES[(frame >> 1) + references[1]];
  }

  /** Calls a function with the values in the frame. */
  call(callee: HostFunction, frame: number): unknown {
    if (this.count === 0) return callee();
    return this.count === 1 ? callee(this.takeOne(frame)) : callee(...this.take(frame));
  }

  /** What a function has returned, into the frame. */
  putResult(frame: number, result: unknown): void {
    if (this.count === 1) this.putOne(frame, result);
    else if (this.count > 1) this.put(frame, result as readonly Bits[]);
  }

  /** What a function is to return, out of it. */
  takeResult(frame: number): unknown {
    if (this.count === 0) return undefined;
    return this.count === 1 ? this.takeOne(frame) : this.take(frame);
  }

  /** Whether one of them in the frame must not get out of a census' sight. */
  mustBeSeen(frame: number): boolean {
    const { references } = this;
    for (let i = 1; i < references.length; i += 2) {
      if (mustBeSeen(REFERENCES[(frame >> 1) + references[i]])) return true;
    }
    return false;
  }
}

function putReference(slot: number, reference: Bits): void {
  reserveReferences(slot + 1);
  REFERENCES[slot] = reference;
}
