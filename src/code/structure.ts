// Translates structured instructions: blocks, branches, exceptions. What is plain is in
// emitter.ts, how transfers are written in control.ts.

import { CATCH_ALL, CATCH_ALL_REF, CATCH_REF } from "../binary/instructions.ts";
import { EXNREF, slotCount, type ValType } from "../isa/types.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { CallEmitter } from "./calls.ts";
import { type Label, type OpenHandler, Target } from "./control.ts";
import { OffsetTable } from "./offsets.ts";
import { OP } from "./opcodes.generated.ts";
import { lastUpTo } from "./search.ts";
import { SegmentPoint } from "./segments.ts";
import type { CatchClause } from "./space.ts";

const CATCH = 0x07;

/** Emission of structured instructions. */
export class StructureEmitter extends CallEmitter {
  protected readonly offsets = new OffsetTable();
  protected readonly handlers: OpenHandler[] = [];
  protected readonly handlerStarts: number[] = [];
  protected readonly innermost: number[] = [];
  /** The handlers that protect what is emitted, and how many labels are open around each. */
  private readonly openHandlers: number[] = [];
  private readonly openDepths: number[] = [];
  private returnTarget: Target | null = null;

  // Labels

  protected pushLabel(label: {
    base: number;
    types: readonly ValType[];
    isFunction?: boolean;
    dead?: boolean;
    otherwise?: Target | null;
    handler?: OpenHandler | null;
  }): Label {
    const { base, types, isFunction = false, dead = false } = label;
    const { otherwise = null, handler = null } = label;
    const made = { target: new Target(), base, types, isFunction, dead, otherwise, handler };
    this.labels.push(made);
    return made;
  }

  // Dispatch

  /** Translates a structured instruction that can be reached; false if it is none. */
  protected structured(op: number, facts: BodyFacts): boolean {
    const { instruction: reader, heightBefore: height } = facts;
    switch (op) {
      case 0x00: // unreachable
        this.costs.transfer();
        this.emit(OP.UNREACHABLE);
        return true;
      case 0x02: // block
        this.openBlock(facts);
        return true;
      case 0x03: // loop
        this.bind(this.openBlock(facts).target);
        return true;
      case 0x04: // if
        this.openIf(facts);
        return true;
      case 0x05: // else
        this.elseOf(facts, true);
        return true;
      case 0x06: // try
        this.openTry(facts);
        return true;
      case 0x07: // catch
      case 0x19: // catch_all
        this.catchPart(facts, true);
        return true;
      case 0x18: // delegate
        this.delegate(facts);
        this.endBlock(facts, true);
        return true;
      case 0x0b: // end
        this.endBlock(facts, true);
        return true;
      case 0x0c: // br
        this.costs.transfer();
        this.branchTo(this.labelAt(reader.a), height);
        return true;
      case 0x0d: // br_if
        this.costs.transfer();
        this.branchToIf(this.takeCondition(height - 1), this.labelAt(reader.a), height - 1);
        return true;
      case 0x0e: // br_table
        this.costs.transfer();
        this.table(facts);
        return true;
      case 0x0f: // return
        this.costs.transfer();
        this.emitReturn(this.labels[0].types, height);
        return true;
      case 0xd5: // br_on_null
        this.branchOnNull(facts);
        return true;
      case 0xd6: // br_on_non_null
        this.branchOnNonNull(facts);
        return true;
      case 0x1f: // try_table
        this.tryTable(facts);
        return true;
      case 0x08: // throw
        this.throwTag(facts);
        return true;
      case 0x09: // rethrow
        this.rethrow(facts);
        return true;
      case 0x0a: // throw_ref
        this.costs.transfer();
        this.slow(facts, height - 1, null);
        return true;
      default:
        return this.callInstruction(op, facts);
    }
  }

  /** Keeps track of blocks in code that cannot be reached. */
  protected structureOnly(op: number, facts: BodyFacts): void {
    switch (op) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x06: // try
      case 0x1f: // try_table
        this.pushLabel({ base: 0, types: [], dead: true });
        return;
      case 0x05: // else
        if (!this.labelAt(0).dead) this.elseOf(facts, false);
        return;
      case 0x07: // catch
      case 0x19: // catch_all
        if (!this.labelAt(0).dead) this.catchPart(facts, false);
        return;
      case 0x18: // delegate
        this.delegate(facts);
        this.endBlock(facts, false);
        return;
      case 0x0b: // end
        this.endBlock(facts, false);
    }
  }

  // Blocks

  /** Operands that a branch may find changed leave the locals they are in. */
  private settleForBlock(facts: BodyFacts): void {
    const { height, params } = facts.frameAt(0);
    const top = height + params.length;
    this.settleAliases(top);
    this.settleRange(height, top);
  }

  private openBlock(
    facts: BodyFacts,
    parts: { otherwise?: Target; handler?: OpenHandler } = {},
  ): Label {
    this.settleForBlock(facts);
    const { height, labelTypes } = facts.frameAt(0);
    this.handled += labelTypes.length;
    return this.pushLabel({ base: height, types: labelTypes, ...parts });
  }

  private openIf(facts: BodyFacts): void {
    this.costs.transfer();
    const condition = this.takeCondition(facts.heightBefore - 1);
    const otherwise = new Target();
    this.openBlock(facts, { otherwise });
    const then = new SegmentPoint();
    this.branch(condition, false, otherwise, then);
    this.place(then);
  }

  /** Control reaches the end of a part of the block: its results go where all parts leave them. */
  private settleResults({ base }: Label, { closed, heightBefore: height }: BodyFacts): void {
    const { results } = closed;
    if (height - results.length === base) this.settleRange(base, height);
    else this.moveOperands(base, results, height);
  }

  private elseOf(facts: BodyFacts, reachable: boolean): void {
    const label = this.labelAt(0);
    const { params } = facts.closed;
    if (reachable) this.leavePart(label, facts);
    if (label.otherwise !== null) this.bind(label.otherwise);
    label.otherwise = null;
    this.handled += params.length;
    params.forEach((type, i) => this.inSlot(label.base + i, type));
  }

  private leavePart(label: Label, facts: BodyFacts): void {
    this.settleResults(label, facts);
    this.costs.transfer();
    this.jump(label.target);
  }

  private endBlock(facts: BodyFacts, reachable: boolean): void {
    const label = this.labels.pop() as Label;
    if (label.dead) return;
    if (label.isFunction) {
      this.costs.transfer();
      if (reachable) this.emitReturn(label.types, facts.heightBefore);
      this.emitReturnTarget(label.types);
      return;
    }
    const { results } = facts.closed;
    if (reachable) this.settleResults(label, facts);
    this.closeHandlers(this.labels.length);
    if (label.otherwise !== null) this.bind(label.otherwise);
    // A loop's target was bound where it begins.
    if (label.target.position < 0) this.bind(label.target);
    this.handled += results.length;
    results.forEach((type, i) => this.inSlot(label.base + i, type));
  }

  /** Where catch clauses for the function's label go: their operands are the results. */
  private emitReturnTarget(types: readonly ValType[]): void {
    if (this.returnTarget === null) return;
    this.bind(this.returnTarget);
    this.costs.transfer();
    types.forEach((type, i) => this.inSlot(i, type));
    this.emitReturn(types, types.length);
  }

  // Branches

  private table(facts: BodyFacts): void {
    const { labels, labelCount } = facts.instruction;
    const height = facts.heightBefore - 1;
    const index = this.slotHolding(height);
    this.branchTable(index, Int32Array.from(labels.subarray(0, labelCount)), height);
  }

  private branchOnNull(facts: BodyFacts): void {
    this.costs.transfer();
    const height = facts.heightBefore - 1;
    const y = this.slotHolding(height);
    const condition = {
      ifTrue: OP.BR_IF_NULL,
      ifFalse: OP.BR_UNLESS_NULL,
      registers: [y],
      words: [],
      producer: null,
    };
    this.branchToIf(condition, this.labelAt(facts.instruction.a), height);
  }

  private branchOnNonNull(facts: BodyFacts): void {
    this.costs.transfer();
    const height = facts.heightBefore;
    const y = this.slotHolding(height - 1);
    const condition = {
      ifTrue: OP.BR_UNLESS_NULL,
      ifFalse: OP.BR_IF_NULL,
      registers: [y],
      words: [],
      producer: null,
    };
    this.branchToIf(condition, this.labelAt(facts.instruction.a), height);
  }

  // Exceptions

  private throwTag(facts: BodyFacts): void {
    const { length } = this.tagParams(facts.instruction.a);
    this.costs.transfer();
    this.slow(facts, facts.heightBefore - length, null);
  }

  private tagParams(tag: number): readonly ValType[] {
    const { module } = this.compiled;
    return this.compiled.funcType(module.tags[tag]).params;
  }

  private tryTable(facts: BodyFacts): void {
    const { labels, labelCount } = facts.instruction;
    this.handled += 4 * labelCount;
    const clauses: CatchClause[] = [];
    for (let i = 0; i < labelCount; i++) {
      const [kind, tag, label] = labels.subarray(3 * i, 3 * i + 3);
      clauses.push(this.branchClause(kind, tag, this.labelAt(label)));
    }
    const handler = this.handlerHere(clauses);
    this.openBlock(facts);
    this.openHandler(handler);
  }

  private openTry(facts: BodyFacts): void {
    const handler = this.handlerHere([]);
    this.openBlock(facts, { handler });
    this.openHandler(handler);
  }

  private handlerHere(clauses: CatchClause[]): OpenHandler {
    return { outer: this.openHandlers.at(-1) ?? -1, clauses };
  }

  /** What follows, in the block that has just been opened, is protected by `handler`. */
  private openHandler(handler: OpenHandler): void {
    const index = this.handlers.length;
    this.handlers.push(handler);
    this.openHandlers.push(index);
    this.openDepths.push(this.labels.length - 1);
    this.startHandler(index);
    this.barrier();
  }

  /** A clause of a `try_table`: it branches to a label. */
  private branchClause(kind: number, tag: number, label: Label): CatchClause {
    // A clause for the function's own label ends in a return that is emitted behind the body.
    if (label.isFunction) this.returnTarget ??= new Target();
    const target =
      label.isFunction && this.returnTarget !== null ? this.returnTarget : label.target;
    const catchesAll = kind === CATCH_ALL || kind === CATCH_ALL_REF;
    const hasReference = kind === CATCH_REF || kind === CATCH_ALL_REF;
    const clause = this.clause(catchesAll ? -1 : tag, label.base, target);
    if (hasReference) {
      // Behind what it carries, as the label has it.
      this.handled += label.types.length;
      clause.reference = clause.slot + slotCount(label.types) - 1;
    }
    return clause;
  }

  /** `catch` and `catch_all`: the next part of a `try` is what its next clause goes to. */
  private catchPart(facts: BodyFacts, reachable: boolean): void {
    const label = this.labelAt(0);
    const { a: tag, op } = facts.instruction;
    if (reachable) this.leavePart(label, facts);
    this.closeHandlers(this.labels.length - 1);
    const target = new Target();
    this.bind(target);
    // Beneath what it carries there is a place for the exception, as the validator has it.
    this.inSlot(label.base, EXNREF);
    const carried = op === CATCH ? this.tagParams(tag) : [];
    this.handled += carried.length;
    carried.forEach((type, i) => this.inSlot(label.base + 1 + i, type));
    label.handler?.clauses.push(this.clause(op === CATCH ? tag : -1, label.base + 1, target));
  }

  /** The exception is kept only for whom it is thrown again. */
  private rethrow(facts: BodyFacts): void {
    const { base, handler } = this.labelAt(facts.instruction.a);
    const clause = handler?.clauses.at(-1);
    if (clause !== undefined) clause.reference = this.slotOf(base);
    this.costs.transfer();
    this.leaveLoop(facts, this.slotOf(base));
  }

  /** What the `try` does not catch itself goes to what protects the block of another label. */
  private delegate(facts: BodyFacts): void {
    const { handler } = this.labelAt(0);
    if (handler === null) return;
    const depth = this.labels.length - 2 - facts.instruction.a;
    handler.outer = this.openHandlers[lastUpTo(this.openDepths, depth)] ?? -1;
  }

  /** A clause that goes to `target`; what the exception carries is put at the height `base`. */
  private clause(tag: number, base: number, target: Target): CatchClause {
    const slot = this.slotOf(base);
    const clause: CatchClause = { tag, slot, reference: -1, target: -1, cost: 0 };
    target.whenBound((position) => {
      clause.target = position;
    });
    this.costs.whenKnown(target.point, (cost) => {
      clause.cost = cost;
    });
    return clause;
  }

  /** The handlers with at least so many labels around them end here. */
  private closeHandlers(depth: number): void {
    const { openDepths, openHandlers } = this;
    while (openDepths.length > 0 && openDepths[openDepths.length - 1] >= depth) {
      openDepths.pop();
      openHandlers.pop();
      this.startHandler(openHandlers.at(-1) ?? -1);
    }
  }

  /** From here on, this is the innermost handler. */
  private startHandler(index: number): void {
    const { handlerStarts, innermost } = this;
    // Of a block without code nothing is left.
    if (handlerStarts.at(-1) === this.position) handlerStarts.pop();
    innermost.length = handlerStarts.length;
    handlerStarts.push(this.position);
    innermost.push(index);
  }
}
