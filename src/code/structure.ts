// Translates structured instructions: blocks, branches, exceptions. What is plain is in
// emitter.ts, how transfers are written in control.ts.

import { CATCH_ALL, CATCH_ALL_REF, CATCH_REF } from "../binary/instructions.ts";
import type { ValType } from "../isa/types.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { CallEmitter } from "./calls.ts";
import { type Label, Target } from "./control.ts";
import { OffsetTable } from "./offsets.ts";
import { OP } from "./opcodes.generated.ts";
import { SegmentPoint } from "./segments.ts";
import type { CatchClause, Handler } from "./space.ts";

interface OpenHandler {
  readonly index: number;
  /** Number of labels that were open around the try_table. */
  readonly depth: number;
}

/** Emission of structured instructions. */
export class StructureEmitter extends CallEmitter {
  protected readonly offsets = new OffsetTable();
  protected readonly handlers: Handler[] = [];
  protected readonly handlerStarts: number[] = [];
  protected readonly innermost: number[] = [];
  private readonly openHandlers: OpenHandler[] = [];
  private returnTarget: Target | null = null;

  // Labels

  protected pushLabel(label: {
    base: number;
    types: readonly ValType[];
    isFunction?: boolean;
    dead?: boolean;
    otherwise?: Target | null;
  }): Label {
    const { base, types, isFunction = false, dead = false, otherwise = null } = label;
    const made = { target: new Target(), base, types, isFunction, dead, otherwise };
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
      case 0x0b: // end
      case 0x18: // delegate
        if (this.labelAt(0).dead) this.labels.pop();
        else this.endBlock(facts, false);
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

  private openBlock(facts: BodyFacts, otherwise: Target | null = null): Label {
    this.settleForBlock(facts);
    const { height, labelTypes } = facts.frameAt(0);
    this.handled += labelTypes.length;
    return this.pushLabel({ base: height, types: labelTypes, otherwise });
  }

  private openIf(facts: BodyFacts): void {
    this.costs.transfer();
    const condition = this.takeCondition(facts.heightBefore - 1);
    const otherwise = new Target();
    this.openBlock(facts, otherwise);
    const then = new SegmentPoint();
    this.branch(condition, false, otherwise, then);
    this.costs.place(then);
  }

  private settleResults(label: Label, types: readonly ValType[]): void {
    this.settleRange(label.base, label.base + types.length);
  }

  private elseOf(facts: BodyFacts, reachable: boolean): void {
    const label = this.labelAt(0);
    const { results, params } = facts.closed;
    if (reachable) {
      this.settleResults(label, results);
      this.costs.transfer();
      this.jump(label.target);
    }
    if (label.otherwise !== null) this.bind(label.otherwise);
    label.otherwise = null;
    this.handled += params.length;
    params.forEach((type, i) => this.inSlot(label.base + i, type));
  }

  private endBlock(facts: BodyFacts, reachable: boolean): void {
    const label = this.labels.pop() as Label;
    if (label.isFunction) {
      this.costs.transfer();
      if (reachable) this.emitReturn(label.types, facts.heightBefore);
      this.emitReturnTarget(label.types);
      return;
    }
    const { results } = facts.closed;
    if (reachable) this.settleResults(label, results);
    this.closeHandlers();
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
    const { module } = this.compiled;
    const { params } = this.compiled.funcType(module.tags[facts.instruction.a]);
    this.costs.transfer();
    this.slow(facts, facts.heightBefore - params.length, null);
  }

  private tryTable(facts: BodyFacts): void {
    const { labels, labelCount } = facts.instruction;
    const depth = this.labels.length;
    this.handled += 4 * labelCount;
    const clauses: CatchClause[] = [];
    for (let i = 0; i < labelCount; i++) {
      const [kind, tag, label] = labels.subarray(3 * i, 3 * i + 3);
      clauses.push(this.clause(kind, tag, this.labelAt(label)));
    }
    this.openBlock(facts);
    const index = this.handlers.length;
    this.handlers.push({ outer: this.openHandlers.at(-1)?.index ?? -1, clauses });
    this.openHandlers.push({ index, depth });
    this.startHandler(index);
    this.barrier();
  }

  private clause(kind: number, tag: number, label: Label): CatchClause {
    // A clause for the function's own label ends in a return that is emitted behind the body.
    if (label.isFunction) this.returnTarget ??= new Target();
    const target =
      label.isFunction && this.returnTarget !== null ? this.returnTarget : label.target;
    const clause: CatchClause = {
      tag: kind === CATCH_ALL || kind === CATCH_ALL_REF ? -1 : tag,
      withReference: kind === CATCH_REF || kind === CATCH_ALL_REF,
      slot: this.slotOf(label.base),
      target: -1,
      cost: 0,
    };
    target.whenBound((position) => {
      clause.target = position;
    });
    this.costs.whenKnown(target.point, (cost) => {
      clause.cost = cost;
    });
    return clause;
  }

  /** The handlers whose block has just been closed end here. */
  private closeHandlers(): void {
    let open = this.openHandlers.at(-1);
    while (open !== undefined && open.depth >= this.labels.length) {
      this.openHandlers.pop();
      open = this.openHandlers.at(-1);
      this.startHandler(open?.index ?? -1);
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
