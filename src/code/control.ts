// Translates control flow: labels, branches, their operands and costs. Branch targets and segment
// costs are written when they become known.

import { slotsOf, type ValType } from "../isa/types.ts";
import { CodeLimitError } from "../module/errors.ts";
import type { Draft } from "./draft.ts";
import { type Condition, FusingEmitter } from "./fusing.ts";
import { OP } from "./opcodes.generated.ts";
import { widthOf } from "./operands.ts";
import { fillWords, SegmentCosts, SegmentPoint } from "./segments.ts";
import type { CatchClause } from "./space.ts";

/** A place that code branches to. */
export class Target {
  readonly point = new SegmentPoint();
  position = -1;
  /** The last word that waits for the position, and holds the one before it; -1 if none does. */
  private lastWord = -1;
  private waiting: ((position: number) => void)[] | null = null;

  bind({ top, words }: Draft): void {
    this.position = top;
    fillWords(words, this.lastWord, top);
    for (const tell of this.waiting ?? []) tell(top);
    this.waiting = null;
  }

  whenBound(tell: (position: number) => void): void {
    if (this.position >= 0) tell(this.position);
    else {
      this.waiting ??= [];
      this.waiting.push(tell);
    }
  }

  /** A word that will hold the position. */
  word(draft: Draft): void {
    const at = draft.positionWord(this.position >= 0 ? this.position : this.lastWord);
    if (this.position < 0) this.lastWord = at;
  }
}

/** A label of a Wasm block, as the emitter knows it. */
export interface Label {
  readonly target: Target;
  /** Height of the operands a branch leaves. */
  readonly base: number;
  /** Types that a branch takes along. */
  readonly types: readonly ValType[];
  /** The function's own label: a branch to it returns. */
  readonly isFunction: boolean;
  /** Opened in code that cannot be reached: nothing of it is emitted. */
  readonly dead: boolean;
  /** Where an `if` goes when its condition is zero; null once `else` has been seen. */
  otherwise: Target | null;
  /** Of a `try`: what handles its exceptions, as far as that is known; else null. */
  readonly handler: OpenHandler | null;
}

/** A handler under construction. */
export interface OpenHandler {
  outer: number;
  readonly clauses: CatchClause[];
}

const RETURNS = {
  32: OP.RETURN_32,
  64: OP.RETURN_64,
  128: OP.RETURN_128,
  ref: OP.RETURN_REF,
} as const;

/** Operands that the entries of one br_table may move, all together. */
const MOST_MOVES = 1 << 14;
/** Entries of a br_table that are written at once. */
const FEW_ENTRIES = 64;

/** A br_table whose entries are being written. */
interface BranchTable {
  readonly labels: Int32Array;
  /** Operands that each label takes, and the height below which they lie. */
  readonly arity: number;
  readonly height: number;
  next: number;
  /** For labels that operands must be moved for: the code that does it. */
  readonly stubs: Map<Label, Target>;
}

/** Emission of transfers. */
export class ControlEmitter extends FusingEmitter {
  protected readonly costs: SegmentCosts;
  protected readonly labels: Label[] = [];
  private openTable: BranchTable | null = null;

  constructor(draft: Draft) {
    super(draft);
    this.costs = new SegmentCosts(draft);
  }

  protected labelAt(index: number): Label {
    return this.labels[this.labels.length - 1 - index];
  }

  /** A segment begins here. */
  protected place(point: SegmentPoint): void {
    this.costs.place(point);
  }

  /** Control can arrive here from elsewhere: nothing is known about the last instruction. */
  protected bind(target: Target): void {
    this.place(target.point);
    target.bind(this.draft);
    this.barrier();
  }

  /** The pair for going to `target`, at the cost of the segment there. */
  private targetWords(target: Target): void {
    target.word(this.draft);
    this.costs.word(target.point);
  }

  /** The pair for going on right behind it, as the segment `after` or, for null, at no cost. */
  protected goOnWords(after: SegmentPoint | null): void {
    this.draft.positionWord(this.position + 2);
    if (after === null) this.word(0);
    else this.costs.word(after);
  }

  protected jump(target: Target): void {
    this.emit(OP.JUMP);
    this.targetWords(target);
  }

  /**
   * Branches to `target` if the condition is `sense`; otherwise control goes on behind it, as the
   * segment `after`, or for null on a path that costs nothing before its next transfer.
   */
  protected branch(
    condition: Condition,
    sense: boolean,
    target: Target,
    after: SegmentPoint | null,
  ): void {
    this.emitTest(condition, sense);
    this.targetWords(target);
    this.goOnWords(after);
  }

  /** Whether the operands on top already lie where the label wants them. */
  private inPlace({ base, types }: Label, height: number): boolean {
    return height - types.length === base;
  }

  /** Moves the operands below `height`, of these types, down to where those from `base` up lie. */
  protected moveOperands(base: number, types: readonly ValType[], height: number): void {
    // Destinations are never above their sources, so going up overwrites nothing that is needed.
    this.copyRange(types, height, this.slotOf(base));
  }

  /** Copies the operands below `height` to `slot` and the slots that follow. */
  protected copyRange(types: readonly ValType[], height: number, slot: number): void {
    const from = height - types.length;
    let to = slot;
    for (let i = 0; i < types.length; i++) {
      this.copyTo(from + i, to);
      to += slotsOf(types[i]);
    }
  }

  /** `br`: leaves for the label with the operands below `height`. */
  protected branchTo(label: Label, height: number): void {
    if (label.isFunction) {
      this.emitReturn(label.types, height);
      return;
    }
    this.moveOperands(label.base, label.types, height);
    this.jump(label.target);
  }

  /** `br_if`: leaves for the label if the condition holds; else goes on as another segment. */
  protected branchToIf(condition: Condition, label: Label, height: number): void {
    const direct = label.types.length === 0 || this.inPlace(label, height);
    if (direct && !label.isFunction) {
      this.settleRange(height - label.types.length, height);
      const after = new SegmentPoint();
      this.branch(condition, true, label.target, after);
      this.place(after);
      return;
    }
    // Operands move on the path that leaves, so that path is the one that falls through; the jump
    // at its end pays for the segment.
    // What moves for good must move on both paths, so it moves before.
    if (label.isFunction) this.holdResults(label.types, height);
    const over = new Target();
    this.branch(condition, false, over, null);
    this.branchTo(label, height);
    this.bind(over);
  }

  /**
   * `br_table` to the labels with these indices: entries that must move operands go through a piece
   * of code of their own. Many entries are written later, in pieces (`writeEntries`).
   */
  protected branchTable(index: number, labels: Int32Array, height: number): void {
    const arity = this.labelAt(labels[0]).types.length;
    this.settleRange(height - arity, height);
    this.emit(OP.BR_TABLE, 0, index);
    this.word(labels.length - 1);
    this.openTable = { labels, arity, height, next: 0, stubs: new Map() };
    if (labels.length <= FEW_ENTRIES) this.writeEntries(FEW_ENTRIES);
  }

  /** Whether a br_table is not complete yet. */
  get isInTable(): boolean {
    return this.openTable !== null;
  }

  /** Writes so many entries of the br_table that is under way, and with the last one its stubs. */
  writeEntries(count: number): void {
    const { openTable: table } = this;
    if (table === null) return;
    const { arity, height, labels, stubs } = table;
    const end = Math.min(table.next + count, labels.length);
    for (; table.next < end; table.next++) this.writeEntry(this.labelAt(labels[table.next]), table);
    if (end < labels.length) return;
    this.openTable = null;
    if (stubs.size * arity > MOST_MOVES) {
      throw new CodeLimitError(`a br_table to ${stubs.size} labels with ${arity} operands each`);
    }
    for (const [label, stub] of stubs) {
      stub.bind(this.draft);
      this.branchTo(label, height);
    }
  }

  private writeEntry(label: Label, { arity, height, stubs }: BranchTable): void {
    if (!label.isFunction && (arity === 0 || this.inPlace(label, height))) {
      this.targetWords(label.target);
      return;
    }
    let stub = stubs.get(label);
    if (stub === undefined) {
      stub = new Target();
      stubs.set(label, stub);
    }
    // The jump at the end of the stub pays for the segment.
    stub.word(this.draft);
    this.word(0);
  }

  /** Brings the operands below `height` where a return can take them from. */
  private holdResults(types: readonly ValType[], height: number): void {
    if (types.length === 1) this.slotHolding(height - 1);
    // Several go where parameters and locals were, which may be sources: first out of there.
    else this.settleRange(height - types.length, height);
  }

  /** Gives the operands below `height` to the caller. */
  protected emitReturn(types: readonly ValType[], height: number): void {
    this.holdResults(types, height);
    if (types.length === 1) {
      this.emit(RETURNS[widthOf(types[0])], 0, this.slotHolding(height - 1));
      return;
    }
    this.copyRange(types, height, 0);
    this.emit(OP.RETURN);
  }
}
