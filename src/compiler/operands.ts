// The operands of a body lie on the host's stack as the guest has them. Where a frame may be saved
// they are in locals besides, as the host can reach neither below the top of its stack nor out of a
// block; to its optimiser both are the same.

import type { ValType } from "../isa/types.ts";
import type { ByteWriter } from "./bytes.ts";
import { OP } from "./opcodes.ts";
import type { WordList } from "./words.ts";

/** What says of which types the operands are, counted from the bottom. */
export interface OperandTypes {
  operandType(index: number): ValType;
}

/** Which operands of a function are in locals, and the locals that this takes. */
export class HostOperands {
  private readonly code: ByteWriter;
  /** Of the lowest operands, those that are in locals: which these are, and their types. */
  private readonly locals: number[] = [];
  private readonly types: ValType[] = [];
  /** The most operands that there have been. */
  highest = 0;
  /** Types of the locals that were added, in the order of their indices. */
  readonly added: ValType[] = [];
  /** Index of the first local that is added. */
  first = 0;
  /** Added locals that nothing uses, by type. */
  private readonly free = new Map<ValType, number[]>();

  constructor(code: ByteWriter) {
    this.code = code;
  }

  /** How many are in locals. */
  get saved(): number {
    return this.locals.length;
  }

  /** Adds type and local of each of those to a list. */
  list(out: WordList): void {
    const { locals, types } = this;
    for (let i = 0; i < locals.length; i++) {
      out.push(types[i]);
      out.push(locals[i]);
    }
  }

  /** A local of this type for as long as it is not given back. */
  take(type: ValType): number {
    const unused = this.free.get(type)?.pop();
    if (unused !== undefined) return unused;
    this.added.push(type);
    return this.first + this.added.length - 1;
  }

  giveBack(type: ValType, local: number): void {
    const unused = this.free.get(type);
    if (unused === undefined) this.free.set(type, [local]);
    else unused.push(local);
  }

  /** There are so many operands now. */
  reach(height: number): void {
    if (height > this.highest) this.highest = height;
  }

  /** Those from this height on are gone, or others have taken their places. */
  drop(height: number): void {
    const { locals, types } = this;
    while (locals.length > height) this.giveBack(types.pop() as ValType, locals.pop() as number);
  }

  /** The next operand is in this local, which is its own from now on. */
  adopt(type: ValType, local: number): void {
    this.types.push(type);
    this.locals.push(local);
  }

  /** Puts the operands below this height, which are all there are, into locals as well. */
  save(height: number, types: OperandTypes): void {
    const from = this.locals.length;
    this.takeUpTo(height, types);
    this.set(from);
  }

  /** Puts the operands beneath the uppermost one, of this type, into locals as well. */
  saveBeneath(type: ValType, height: number, types: OperandTypes): void {
    if (this.saved >= height) return;
    const { code } = this;
    const local = this.take(type);
    code.indexed(OP.localSet, local);
    this.save(height, types);
    code.indexed(OP.localGet, local);
    this.giveBack(type, local);
  }

  private takeUpTo(height: number, types: OperandTypes): void {
    for (let at = this.locals.length; at < height; at++) {
      const type = types.operandType(at);
      this.adopt(type, this.take(type));
    }
  }

  /** Writes those from this height on, which are uppermost, to their locals. */
  set(from: number): void {
    const { code, locals } = this;
    const last = locals.length - 1;
    if (from > last) return;
    for (let at = last; at > from; at--) code.indexed(OP.localSet, locals[at]);
    code.indexed(OP.localTee, locals[from]);
    this.copy(from + 1);
  }

  /** Pushes what is in the locals of those from this height on. */
  copy(from: number): void {
    const { code, locals } = this;
    for (let at = from; at < locals.length; at++) code.indexed(OP.localGet, locals[at]);
  }
}
