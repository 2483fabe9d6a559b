// Writes register instructions and keeps the abstract operand stack: where each operand is while
// the emitter goes over a body. An operand is in its own slot, or still in a local, or a constant;
// only what must be in its slot is moved there.

import { F64, I64, isReference, slotsOf, V128, type ValType } from "../isa/types.ts";
import { CodeLimitError } from "../module/errors.ts";
import type { Draft } from "./draft.ts";
import { OP } from "./opcodes.generated.ts";
import { NARROW_SLOTS, OPCODE_BITS, SLOT_BITS, WIDE_SLOTS } from "./registers.ts";

/** Where an operand is. */
export const IN_SLOT = 0;
export const IN_LOCAL = 1;
export const CONSTANT_32 = 2;
export const CONSTANT_64 = 3;
export const NULL = 4;
export const CONSTANT_128 = 5;

/** How a value is moved: one word, two words, four, or as a reference. */
export type Width = "32" | "64" | "128" | "ref";

export function widthOf(type: ValType): Width {
  if (isReference(type)) return "ref";
  if (type === V128) return "128";
  return type === I64 || type === F64 ? "64" : "32";
}

const MOVES = {
  32: OP.MOVE_32,
  64: OP.MOVE_64,
  128: OP.MOVE_128,
  ref: OP.MOVE_REF,
} as const;

/** Code under construction and the abstract operand stack. */
export class OperandTracker {
  protected readonly draft: Draft;
  /** Number of slots of locals, parameters included; operands lie above them. */
  protected locals = 0;
  /** First slot that no operand has been in. */
  protected top = 0;
  /** Operands that instructions have handled: what takes time besides words. */
  protected handled = 0;
  protected usesReferences = false;
  private readonly kinds: number[] = [];
  private readonly low: number[] = [];
  private readonly high: number[] = [];
  /** The four words of constants of vectors, by height. */
  private readonly vectors: (readonly number[])[] = [];
  private readonly types: ValType[] = [];
  /** First slot of the operand at each height, and of what will be pushed next. */
  private readonly slots: number[] = [];
  /** Height below which no operand is in a local. */
  private clean = 0;
  /** Operands that are in a local: the highest one of each local's slot, and the next lower one. */
  private aliasHead = new Int32Array(0);
  private readonly aliasNext: number[] = [];
  /** The local in whose chain a height is, or was when that local was last changed. */
  private readonly aliasLocal: number[] = [];
  /** Position of the last instruction if it produced the operand at `resultHeight`; else -1. */
  protected resultPosition = -1;
  private resultHeight = -1;

  constructor(draft: Draft) {
    this.draft = draft;
  }

  /** Begins a function whose locals take so many slots. */
  protected resetOperands(locals: number): void {
    this.locals = locals;
    this.top = locals;
    this.slots[0] = locals;
    this.clean = 0;
    this.aliasHead = new Int32Array(locals).fill(-1);
    this.aliasLocal.length = 0;
    this.forgetResult();
  }

  // Words

  protected get position(): number {
    return this.draft.top;
  }

  protected word(value: number): number {
    return this.draft.word(value);
  }

  /** Writes an instruction's head; its position. */
  protected emit(op: number, x = 0, y = 0, z = 0): number {
    const most = Math.max(x, y, z);
    this.draft.begin();
    this.forgetResult();
    if (most < NARROW_SLOTS) {
      const slots = x | (y << SLOT_BITS) | (z << (2 * SLOT_BITS));
      return this.word(op | (slots << OPCODE_BITS));
    }
    if (most >= WIDE_SLOTS) {
      throw new CodeLimitError(`a function needs more than ${WIDE_SLOTS} slots`);
    }
    const at = this.word(OP.WIDE);
    this.word(x | (y << 16));
    this.word(op | (z << OPCODE_BITS));
    return at;
  }

  /** The last instruction, at `position`, left its result as the operand at `height`. */
  protected resultOf(position: number, height: number): void {
    this.resultPosition = position;
    this.resultHeight = height;
  }

  protected forgetResult(): void {
    this.resultPosition = -1;
  }

  /** Whether the operand at `height` is what the last instruction produced. */
  protected isLastResult(height: number): boolean {
    return this.resultPosition >= 0 && this.resultHeight === height;
  }

  /** Makes the last instruction write to `slot` instead; false if it cannot. */
  private redirectResult(slot: number): boolean {
    const { words } = this.draft;
    const at = this.resultPosition;
    if (this.draft.isWide(at)) {
      words[at + 1] = (words[at + 1] & ~0xffff) | slot;
      return true;
    }
    if (slot >= NARROW_SLOTS) return false;
    const mask = (NARROW_SLOTS - 1) << OPCODE_BITS;
    words[at] = (words[at] & ~mask) | (slot << OPCODE_BITS);
    return true;
  }

  // Operands

  /** First slot of the operand at `height`, or of what will be pushed there. */
  protected slotOf(height: number): number {
    return this.slots[height];
  }

  private set(height: number, kind: number, low: number, high: number, type: ValType): void {
    this.kinds[height] = kind;
    this.low[height] = low;
    this.high[height] = high;
    this.types[height] = type;
    if (isReference(type)) this.usesReferences = true;
    const next = this.slots[height] + slotsOf(type);
    this.slots[height + 1] = next;
    if (next > this.top) this.top = next;
    if (height < this.clean) this.clean = height;
  }

  /** The operand at `height` is in its own slot. */
  protected inSlot(height: number, type: ValType): void {
    this.set(height, IN_SLOT, 0, 0, type);
  }

  protected constant(height: number, type: ValType, low: number, high: number): void {
    this.set(height, widthOf(type) === "64" ? CONSTANT_64 : CONSTANT_32, low, high, type);
  }

  protected vectorConstant(height: number, words: readonly number[]): void {
    this.vectors[height] = words;
    this.set(height, CONSTANT_128, 0, 0, V128);
  }

  protected nullReference(height: number, type: ValType): void {
    this.set(height, NULL, 0, 0, type);
  }

  /** The operand at `height` is what the local at this slot holds now. */
  protected aliasOf(height: number, local: number, type: ValType): void {
    this.set(height, IN_LOCAL, local, 0, type);
    const before = this.aliasLocal[height] ?? local;
    // A height is in one chain only; the operand that was here may have left it in another's.
    if (before !== local) this.aliasHead[before] = this.aliasBelow(before, height);
    this.aliasNext[height] = this.aliasBelow(local, height);
    this.aliasLocal[height] = local;
    this.aliasHead[local] = height;
  }

  /** The highest operand below `height` in the chain of `local`, or -1. */
  private aliasBelow(local: number, height: number): number {
    let head = this.aliasHead[local];
    while (head >= height) head = this.aliasNext[head];
    return head;
  }

  protected kindAt(height: number): number {
    return this.kinds[height];
  }

  protected typeAt(height: number): ValType {
    return this.types[height];
  }

  protected lowAt(height: number): number {
    return this.low[height];
  }

  protected highAt(height: number): number {
    return this.high[height];
  }

  protected vectorAt(height: number): readonly number[] {
    return this.vectors[height];
  }

  /** Copies the operand at `height` into `slot`. */
  protected copyTo(height: number, slot: number): void {
    const width = widthOf(this.types[height]);
    switch (this.kinds[height]) {
      case IN_SLOT:
        if (slot !== this.slotOf(height)) this.emit(MOVES[width], slot, this.slotOf(height));
        return;
      case IN_LOCAL:
        if (slot !== this.low[height]) this.emit(MOVES[width], slot, this.low[height]);
        return;
      case NULL:
        this.emit(OP.CONST_NULL, slot);
        return;
      case CONSTANT_32:
        this.emit(OP.CONST_32, slot);
        this.word(this.low[height]);
        return;
      case CONSTANT_128:
        this.emit(OP.CONST_128, slot);
        for (const word of this.vectors[height]) this.word(word);
        return;
      default:
        this.emit(OP.CONST_64, slot);
        this.word(this.low[height]);
        this.word(this.high[height]);
    }
  }

  /** Brings the operand at `height` into its own slot. */
  protected settle(height: number): void {
    if (this.kinds[height] === IN_SLOT) return;
    this.copyTo(height, this.slotOf(height));
    this.kinds[height] = IN_SLOT;
  }

  protected settleRange(from: number, to: number): void {
    this.handled += to - from;
    for (let height = from; height < to; height++) this.settle(height);
  }

  /** A slot that holds the operand at `height`, its own or a local's. */
  protected slotHolding(height: number): number {
    if (this.kinds[height] === IN_LOCAL) return this.low[height];
    this.settle(height);
    return this.slotOf(height);
  }

  /** Brings operands below `height` out of locals: what follows may change locals on one path. */
  protected settleAliases(height: number): void {
    this.handled += Math.max(0, height - this.clean);
    for (let h = this.clean; h < height; h++) {
      if (this.kinds[h] === IN_LOCAL) this.settle(h);
    }
    this.clean = height;
  }

  /**
   * Operands below `height` that are in `local` move to their slots: the local is about to change.
   */
  private settleAliasesOf(local: number, height: number): void {
    let at = this.aliasHead[local];
    for (; at >= 0; at = this.aliasNext[at]) {
      if (at < height && this.kinds[at] === IN_LOCAL && this.low[at] === local) this.settle(at);
    }
    this.aliasHead[local] = -1;
  }

  /**
   * `local.set`: the operand at `height` goes to the local at this slot; true if its producer
   * writes it there.
   */
  protected storeLocal(local: number, height: number): boolean {
    const produced = this.isLastResult(height) && this.kinds[height] === IN_SLOT;
    const position = this.resultPosition;
    const before = this.position;
    this.settleAliasesOf(local, height);
    // The producer may write to the local itself, unless an operand had to be saved first.
    if (produced && this.position === before) {
      this.resultPosition = position;
      if (this.redirectResult(local)) {
        this.forgetResult();
        return true;
      }
    }
    this.copyTo(height, local);
    return false;
  }
}
