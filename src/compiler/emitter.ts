// Writes one function as host Wasm while the validator goes over its body: the same instructions,
// which pay as they go and can be stopped (host tier: docs/architecture.md).

import { zeroingPrice } from "../isa/prices.ts";
import { I32, type ValType } from "../isa/types.ts";
import { bodyOf, type FuncType, typeOfFunction } from "../module/module.ts";
import type { Run, RunRules, RunSink } from "../validation/runs.ts";
import type { BodyFacts, BodySink } from "../validation/sink.ts";
import type { ControlFrame } from "../validation/state.ts";
import { HostBody } from "./body.ts";
import type { ByteWriter } from "./bytes.ts";
import { CallWriter } from "./calls.ts";
import { MOST_PASSED } from "./checks.ts";
import { HostDraft } from "./draft.ts";
import type { SiteFacts } from "./flow.ts";
import { LeftOut } from "./left-out.ts";
import { writeNullBranch } from "./null-branch.ts";
import { EMPTY, OP } from "./opcodes.ts";
import type { HostOperands, OperandTypes } from "./operands.ts";
import { PlainWriter } from "./plain.ts";
import type { OpenSites, Sites } from "./sites.ts";
import type { HostTarget } from "./target.ts";
import { shortType, typeCode } from "./values.ts";

/** A label of a block. */
class Label {
  op: number;
  /** Which of the host's blocks branches go to. */
  readonly level: number;
  /** Whether control arrives at its end from elsewhere. */
  targeted = false;
  /** Opened where control never comes: nothing of it is written. */
  readonly dead: boolean;
  /** Whether it is that of a loop in which the code begins further on. */
  readonly isAround: boolean;
  /** Offset of the last br_table that goes to it. */
  table = 0;

  constructor(op: number, level: number, dead: boolean, isAround: boolean) {
    this.op = op;
    this.level = level;
    this.dead = dead;
    this.isAround = isAround;
  }
}

const DEAD = new Label(0, 0, true, false);

function localTypes(facts: BodyFacts): ValType[] {
  const { localCount } = facts;
  if (localCount > MOST_PASSED) throw new LeftOut(`it has ${localCount} locals`);
  return Array.from({ length: localCount }, (_, i) => facts.typeOfLocal(i));
}

/** The sink that writes host Wasm. */
export class HostEmitter implements BodySink, RunSink {
  readonly runs: RunSink = this;
  readonly rules: RunRules;
  private readonly target: HostTarget;
  private readonly type: FuncType;
  readonly body: HostBody;
  private readonly code: ByteWriter;
  private readonly operands: HostOperands;
  private readonly calls: CallWriter;
  private readonly plain: PlainWriter;
  private readonly start: number;
  private readonly labels: Label[] = [];
  /** Offset of the loop that the code begins at, until that comes; -1: it has begun. */
  private awaited: number;
  /** Offsets of the loops around that one, the innermost first. */
  readonly loopsAround: number[] = [];
  /** Whether control never comes here, although the validator does not say so. */
  private lost = false;

  /**
   * @param from offset of a loop's header, if the code is to begin there and not at the entry
   * @param draft see `HostBody`
   */
  constructor(target: HostTarget, index: number, from = -1, draft = new HostDraft()) {
    const { module } = target;
    this.awaited = from;
    this.target = target;
    this.rules = target.rules;
    this.type = typeOfFunction(module, index);
    this.start = bodyOf(module, index).start;
    const group = target.firstCalls.groupOf(index);
    const groupGlobal = group < 0 ? -1 : target.globals.ofGroup(group);
    this.body = new HostBody(index, this.type, target, groupGlobal, draft);
    this.code = draft.code;
    this.operands = this.body.operands;
    this.calls = new CallWriter(target, this.body);
    this.plain = new PlainWriter(target, this.body);
  }

  begin(facts: BodyFacts): void {
    if (this.awaited >= 0) return;
    const { params } = this.type;
    const { body } = this;
    const locals = localTypes(facts);
    body.begin(locals, this.start);
    body.pay(zeroingPrice(this.target.prices, locals.length - params.length));
    this.openLabel(OP.block);
    body.flow.block(body.takeCost());
  }

  /** See `HostBody.checkEffort`. */
  checkEffort(): void {
    this.body.checkEffort();
  }

  /** Bytes that a call of the function takes. */
  get frameBytes(): number {
    return this.body.frameBytes;
  }

  /**
   * The function is complete: see `HostBody.finish`.
   * @throws LeftOut
   */
  finish(out: ByteWriter, sites: Sites, calls: number[]): void {
    this.body.finish(out, sites, calls, this.target.imports);
  }

  /** Of a complete function: see `HostBody.checks`. */
  get checks(): readonly number[] {
    return this.body.checks;
  }

  /** The same of code that begins at a loop, for which the sites of the function are known. */
  finishWithin(out: ByteWriter, factsOf: (sites: OpenSites) => SiteFacts, calls: number[]): void {
    this.body.finishWithin(out, factsOf, calls, this.target.imports);
  }

  get mostInRun(): number {
    return this.body.flow.mostInSegment;
  }

  takesGlobal(index: number): boolean {
    return this.target.access.isSame(index);
  }

  run(run: Run): void {
    if (this.awaited < 0 && !this.lost) this.body.run(run);
  }

  instruction(facts: BodyFacts): void {
    const { op, start } = facts.instruction;
    if (this.awaited >= 0) {
      if (start === this.awaited) this.beginWithin(facts);
      return;
    }
    if (!facts.reachable || this.lost) {
      this.unreachable(op, facts);
      return;
    }
    this.operands.reach(facts.height);
    this.operands.drop(facts.height);
    this.body.beginInstruction();
    this.body.pay(this.target.prices.fixed[op]);
    if (this.structured(op, facts)) return;
    const called = this.calls.write(op, facts);
    if (called === "left") this.leave(facts);
    else if (called === "no call") this.plain.write(op, facts);
  }

  private structured(op: number, facts: BodyFacts): boolean {
    const { a, labelCount, labels } = facts.instruction;
    switch (op) {
      case OP.unreachable:
        this.body.budget.chargeAndKeep();
        this.body.flow.leave(this.body.takeCost());
        this.code.u8(op);
        this.leave(facts);
        return true;
      case OP.block:
        this.openBlock(op, facts);
        this.body.flow.block(this.body.takeCost());
        return true;
      case OP.try:
      case OP.tryTable:
        // What is thrown in it is the interpreter's matter, which lands in its handlers.
        this.body.flow.protect();
        this.openBlock(OP.block, facts);
        this.body.flow.block(this.body.takeCost());
        return true;
      case OP.catch:
      case OP.catchAll:
        this.catchPart(facts, true);
        return true;
      case OP.loop:
        this.openLoop(facts);
        return true;
      case OP.if:
        this.openIf(facts);
        return true;
      case OP.else:
        this.elsePart(facts, true);
        return true;
      case OP.end:
      case OP.delegate:
        this.endBlock(facts, true);
        return true;
      case OP.br:
        this.branch(a, facts);
        return true;
      case OP.brIf:
        this.branchIf(a, facts.height, facts);
        return true;
      case OP.brOnNull:
      case OP.brOnNonNull:
        writeNullBranch(this.body, facts, (height, types) => this.branchIf(a, height, types));
        return true;
      case OP.brTable:
        this.branchTable(labels, labelCount, facts);
        return true;
      case OP.return:
        this.returnResults(facts);
        return true;
      default:
        return false;
    }
  }

  /** Keeps track of blocks where control never comes. */
  private unreachable(op: number, facts: BodyFacts): void {
    switch (op) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
      case OP.tryTable:
        this.labels.push(DEAD);
        return;
      case OP.else:
        if (!this.labelAt(0).dead) this.elsePart(facts, false);
        return;
      case OP.catch:
      case OP.catchAll:
        if (!this.labelAt(0).dead) this.catchPart(facts, false);
        return;
      case OP.end:
      case OP.delegate:
        this.endBlock(facts, false);
    }
  }

  // Code that begins at a loop

  /** Opens what is open around the loop, and the loop itself; nothing of it is to be paid. */
  private beginWithin(facts: BodyFacts): void {
    const { body, code, operands } = this;
    this.awaited = -1;
    const locals = localTypes(facts);
    const types = Array.from({ length: facts.height }, (_, i) => facts.operandType(i));
    body.beginWithin(locals, types);
    const pushUpTo = (height: number) => {
      for (let i = operands.saved; i < height; i++) {
        code.indexed(OP.localGet, locals.length + i);
        operands.adopt(types[i], locals.length + i);
      }
    };
    this.openLabel(OP.block);
    for (let i = facts.controlDepth - 2; i > 0; i--) {
      const { height, offset, op, params, results } = facts.frameAt(i);
      pushUpTo(height);
      const isAround = op === OP.loop;
      if (isAround) this.loopsAround.unshift(offset);
      const type = this.blockType([], results);
      body.open(OP.block, type);
      // Branches to its header leave a frame there, for other code that begins at it.
      if (isAround) body.open(OP.block, this.blockType([], params));
      this.openLabel(isAround ? op : OP.block, isAround);
    }
    pushUpTo(facts.height);
    this.openLoop(facts);
  }

  // Blocks

  private labelAt(index: number): Label {
    return this.labels[this.labels.length - 1 - index];
  }

  /** The type of a block of the host's, as it is written. */
  private blockType(params: readonly ValType[], results: readonly ValType[]): number {
    if (params.length > 0 || results.length > 1) {
      return this.target.addedType(params.map(typeCode), results.map(typeCode));
    }
    return results.length === 0 ? EMPTY : shortType(typeCode(results[0]));
  }

  /** Of the block of the host's that has been opened last. */
  private openLabel(op: number, isAround = false): void {
    this.labels.push(new Label(op, this.body.level, false, isAround));
  }

  private openBlock(op: number, facts: BodyFacts): void {
    const { body } = this;
    const { params, results } = facts.frameAt(0);
    if (op === OP.if) this.operands.saveBeneath(I32, facts.height, facts);
    else this.operands.save(facts.height, facts);
    body.open(op, this.blockType(params, results));
    this.openLabel(op);
  }

  private openLoop(facts: BodyFacts): void {
    const { body, operands } = this;
    const { height, params, results } = facts.frameAt(0);
    body.budget.charge();
    operands.save(facts.height, facts);
    body.openLoop(facts.instruction.start, height, this.blockType(params, results));
    this.openLabel(OP.loop);
  }

  private openIf(facts: BodyFacts): void {
    const { body } = this;
    body.budget.charge();
    this.openBlock(OP.if, facts);
    body.flow.if(body.takeCost());
  }

  private elsePart(facts: BodyFacts, reachable: boolean): void {
    const { body } = this;
    const label = this.labelAt(0);
    if (reachable) body.budget.charge();
    label.targeted ||= reachable;
    if (label.op !== OP.if) {
      // The code began in the part before it.
      this.lost = true;
      this.leave(facts);
      return;
    }
    this.lost = false;
    body.flow.else(body.takeCost());
    body.budget.merge();
    this.code.u8(OP.else);
    this.operands.drop(facts.closed.height);
    label.op = OP.else;
  }

  /** Compiled code never comes to what handles exceptions. */
  private catchPart(facts: BodyFacts, reachable: boolean): void {
    const { body } = this;
    if (reachable) {
      body.budget.charge();
      body.flow.branch(body.takeCost(), 0);
      this.labelAt(0).targeted = true;
    }
    this.lost = true;
    this.leave(facts);
  }

  private endBlock(facts: BodyFacts, reachable: boolean): void {
    const label = this.labels.pop() as Label;
    if (label.dead) return;
    if (this.labels.length === 0) {
      this.endFunction(reachable);
      return;
    }
    this.operands.drop(facts.closed.height);
    if (label.op === OP.loop) this.endLoop(label, facts.closed, reachable);
    else this.endOther(label, reachable);
    this.lost = !reachable && !isEntered(label);
    if (!this.lost) return;
    // The host's validator is not to miss the operands that nothing is written for.
    this.code.u8(OP.unreachable);
    this.leave(facts);
  }

  private endFunction(reachable: boolean): void {
    const { body, code } = this;
    if (reachable) {
      body.budget.chargeAndHandOver();
      body.flow.leave(body.takeCost());
    }
    body.flow.end(body.takeCost());
    code.u8(OP.end);
  }

  /** Nothing arrives here but what falls through, with what it has. */
  private endLoop({ isAround }: Label, frame: ControlFrame, reachable: boolean): void {
    const { body } = this;
    body.flow.end(body.takeCost());
    if (isAround) body.closeLoopAround(frame, reachable);
    else body.closeLoop();
  }

  private endOther(label: Label, reachable: boolean): void {
    const { body } = this;
    const meets = label.targeted || label.op !== OP.block;
    if (reachable && meets) body.budget.charge();
    body.flow.end(body.takeCost());
    if (meets) body.budget.merge();
    body.close();
  }

  // Branches

  /** What follows cannot be reached. */
  private leave(facts: BodyFacts): void {
    this.operands.drop(facts.frameAt(0).height);
    this.body.budget.merge();
  }

  private isFunction(index: number): boolean {
    return index === this.labels.length - 1;
  }

  private returnResults(facts: BodyFacts): void {
    const { body } = this;
    body.budget.chargeAndHandOver();
    body.flow.leave(body.takeCost());
    this.code.u8(OP.return);
    this.leave(facts);
  }

  private branch(index: number, facts: BodyFacts): void {
    if (this.isFunction(index)) {
      this.returnResults(facts);
      return;
    }
    const { body } = this;
    body.budget.charge();
    body.flow.branch(body.takeCost(), index);
    body.branch(OP.br, this.targetOf(index));
    this.leave(facts);
  }

  /** Control may go to a label: its level. */
  private targetOf(index: number): number {
    const label = this.labelAt(index);
    label.targeted = true;
    return label.level;
  }

  /** A branch that depends on what lies above so many operands. */
  private branchIf(index: number, height: number, types: OperandTypes): void {
    const { body, code, operands } = this;
    operands.drop(height);
    body.budget.charge();
    body.flow.branchIf(body.takeCost(), index);
    if (!this.isFunction(index)) {
      body.branch(OP.brIf, this.targetOf(index));
      return;
    }
    const { results } = this.type;
    if (results.length > 0) operands.saveBeneath(I32, height, types);
    body.open(OP.if, EMPTY);
    body.budget.leave();
    operands.copy(height - results.length);
    code.u8(OP.return);
    body.close();
  }

  private branchTable(labels: Int32Array, count: number, facts: BodyFacts): void {
    const { body, code } = this;
    const { start } = facts.instruction;
    const different: number[] = [];
    for (let i = 0; i < count; i++) {
      const label = this.labelAt(labels[i]);
      if (label.table === start) continue;
      label.table = start;
      label.targeted = true;
      different.push(labels[i]);
    }
    body.budget.charge();
    body.flow.table(body.takeCost(), different);
    if (different.some((index) => this.isFunction(index))) body.budget.handOver();
    code.indexed(OP.brTable, count - 1);
    for (let i = 0; i < count; i++) code.u32(body.level - this.labelAt(labels[i]).level);
    this.leave(facts);
  }
}

/** Whether control comes to the end of a block from elsewhere. */
function isEntered({ op, targeted }: Label): boolean {
  return op !== OP.loop && (targeted || op === OP.if);
}
