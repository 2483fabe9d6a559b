// Writes one function as host Wasm while the validator goes over its body: the same instructions,
// which pay as they go and can be stopped (host tier: docs/architecture.md). Blocks have neither
// parameters nor results there: what branches take along is in locals of the label's.

import { zeroingPrice } from "../isa/prices.ts";
import type { ValType } from "../isa/types.ts";
import { bodyOf, type FuncType, typeOfFunction } from "../module/module.ts";
import type { BodyFacts, BodySink } from "../validation/sink.ts";
import { HostBody } from "./body.ts";
import { ByteWriter } from "./bytes.ts";
import { CallWriter } from "./calls.ts";
import { MOST_PASSED, type NumberedSite } from "./checks.ts";
import { LeftOut } from "./left-out.ts";
import { OP } from "./opcodes.ts";
import type { HostOperands } from "./operands.ts";
import { PlainWriter } from "./plain.ts";
import type { Sites } from "./sites.ts";
import type { HostTarget } from "./target.ts";

/** Operands that a br_table may copy to the locals of its labels, all together. */
const MOST_COPIES = 1 << 12;

/** A label of a block. */
interface Label {
  readonly op: number;
  /** Which of the host's blocks branches go to. */
  readonly level: number;
  /** Height of the operands beneath the block's parameters. */
  readonly base: number;
  /** Types and locals of what branches take along. */
  readonly types: readonly ValType[];
  readonly locals: readonly number[];
  /** Types and locals of the block's parameters, for `else`. */
  readonly params: readonly ValType[];
  readonly paramLocals: readonly number[];
  /** Whether control arrives at its end from elsewhere. */
  targeted: boolean;
  /** Opened where control never comes: nothing of it is written. */
  readonly dead: boolean;
  /** Site of the header of a loop in which the code begins further on; else -1. */
  around: number;
}

const DEAD: Label = {
  op: 0,
  level: 0,
  base: 0,
  types: [],
  locals: [],
  params: [],
  paramLocals: [],
  targeted: false,
  dead: true,
  around: -1,
};

function localTypes(facts: BodyFacts): ValType[] {
  const { localCount } = facts;
  if (localCount > MOST_PASSED) throw new LeftOut(`it has ${localCount} locals`);
  return Array.from({ length: localCount }, (_, i) => facts.typeOfLocal(i));
}

/** The sink that writes host Wasm. */
export class HostEmitter implements BodySink {
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
   * @param code see `HostBody`
   */
  constructor(target: HostTarget, index: number, from = -1, code = new ByteWriter()) {
    const { module } = target;
    this.awaited = from;
    this.target = target;
    this.type = typeOfFunction(module, index);
    this.start = bodyOf(module, index).start;
    const group = target.firstCalls.groupOf(index);
    const groupGlobal = group < 0 ? -1 : target.globals.ofGroup(group);
    this.body = new HostBody(index, this.type, target, groupGlobal, code);
    this.code = code;
    this.operands = this.body.operands;
    this.calls = new CallWriter(target, this.body);
    this.plain = new PlainWriter(target, this.body);
  }

  begin(facts: BodyFacts): void {
    if (this.awaited >= 0) return;
    const { params, results } = this.type;
    const { body } = this;
    const locals = localTypes(facts);
    body.begin(locals, this.start);
    body.pay(zeroingPrice(this.target.prices, locals.length - params.length));
    this.openLabel(OP.block, 0, results, []);
    body.open(OP.block);
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
  finishWithin(out: ByteWriter, siteAt: (offset: number) => NumberedSite, calls: number[]): void {
    this.body.finishWithin(out, siteAt, calls, this.target.imports);
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
    this.body.beginInstruction();
    this.body.pay(this.target.prices.fixed[op]);
    if (this.structured(op, facts)) return;
    const called = this.calls.write(op, facts);
    if (called === "left") this.leave();
    else if (called === "no call") this.plain.write(op, facts);
  }

  private structured(op: number, facts: BodyFacts): boolean {
    const { a, labelCount, labels } = facts.instruction;
    switch (op) {
      case OP.unreachable:
        this.body.chargeAndStore();
        this.body.flow.leave(this.body.takeCost());
        this.code.u8(op);
        this.leave();
        return true;
      case OP.block:
        this.openBlock(op, facts);
        this.body.flow.block(this.body.takeCost());
        return true;
      case OP.loop:
        this.openLoop(facts);
        return true;
      case OP.if:
        this.openIf(facts);
        return true;
      case OP.else:
        this.elsePart(true);
        return true;
      case OP.end:
        this.endBlock(facts, true);
        return true;
      case OP.br:
        this.branch(a);
        return true;
      case OP.brIf:
        this.branchIf(a);
        return true;
      case OP.brTable:
        this.branchTable(Array.from(labels.subarray(0, labelCount)));
        return true;
      case OP.return:
        this.returnResults();
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
      case 0x06: // try
      case 0x1f: // try_table
        this.labels.push(DEAD);
        return;
      case OP.else:
        if (!this.labelAt(0).dead) this.elsePart(false);
        return;
      case OP.end:
      case 0x18: // delegate
        this.endBlock(facts, false);
    }
  }

  // Code that begins at a loop

  /** Opens what is open around the loop, and the loop itself; nothing of it is to be paid. */
  private beginWithin(facts: BodyFacts): void {
    const { body, operands } = this;
    this.awaited = -1;
    const locals = localTypes(facts);
    const types = Array.from({ length: facts.height }, (_, i) => facts.operandType(i));
    body.beginWithin(locals, types);
    const pushUpTo = (height: number) => {
      for (let i = operands.height; i < height; i++)
        operands.pushLocal(types[i], locals.length + i);
    };
    for (let i = facts.controlDepth - 1; i > 0; i--) {
      const { height, labelTypes, offset, op } = facts.frameAt(i);
      pushUpTo(height);
      if (op === OP.loop) {
        this.openLoopAround(height, labelTypes, offset);
        continue;
      }
      this.openLabel(OP.block, height, labelTypes, []);
      body.open(OP.block);
    }
    pushUpTo(facts.height);
    this.openLoop(facts);
  }

  /** A branch to its header leaves a frame there, for other code that begins at it. */
  private openLoopAround(height: number, params: readonly ValType[], offset: number): void {
    const { body, operands } = this;
    const label = this.openLabel(OP.loop, height, params, []);
    params.forEach((type, i) => operands.pushLocal(type, label.locals[i]));
    label.around = body.openLoopAround(offset);
    this.loopsAround.unshift(offset);
    operands.forget(params.length);
  }

  // Blocks

  private labelAt(index: number): Label {
    return this.labels[this.labels.length - 1 - index];
  }

  private openLabel(
    op: number,
    base: number,
    types: readonly ValType[],
    params: readonly ValType[],
  ): Label {
    const { operands } = this;
    // A loop is two of the host's.
    const level = this.body.level + (op === OP.loop ? 2 : 1);
    const locals = types.map((type) => operands.take(type));
    const paramLocals = params.map((_, i) => operands.localAt(base + i));
    const rest = { types, locals, params, paramLocals, targeted: false, dead: false, around: -1 };
    const label = { op, level, base, ...rest };
    this.labels.push(label);
    return label;
  }

  /** The frame below holds nothing on the host's stack when a block begins. */
  private openBlock(op: number, facts: BodyFacts): void {
    const { height, labelTypes, params } = facts.frameAt(0);
    this.operands.settle();
    this.openLabel(op, height, labelTypes, params);
    this.body.open(op);
  }

  private openLoop(facts: BodyFacts): void {
    const { height, params } = facts.frameAt(0);
    const { body, operands } = this;
    body.charge();
    const { locals } = this.openLabel(OP.loop, height, params, []);
    operands.pop(params.length);
    this.setAll(locals);
    operands.settle();
    params.forEach((type, i) => operands.pushLocal(type, locals[i]));
    body.openLoop(facts.instruction.start);
    // Other locals are theirs from here on: a branch that is not taken may change the label's.
    operands.copy(params.length);
    operands.forget(params.length);
    for (const type of params) operands.push(type);
  }

  private openIf(facts: BodyFacts): void {
    const { body } = this;
    body.charge();
    this.operands.popAbove();
    this.openBlock(OP.if, facts);
    body.flow.if(body.takeCost());
  }

  private elsePart(reachable: boolean): void {
    const { body, operands } = this;
    const label = this.labels.pop() as Label;
    if (reachable) this.fallThrough(label);
    label.targeted ||= reachable;
    if (label.op !== OP.if) {
      // The code began in the part before it.
      this.labels.push(label);
      this.lose();
      return;
    }
    this.lost = false;
    body.flow.else(body.takeCost());
    body.merge();
    this.code.u8(OP.else);
    operands.drop(operands.height - label.base);
    label.params.forEach((type, i) => operands.pushAgain(type, label.paramLocals[i]));
    this.labels.push({ ...label, op: OP.else });
  }

  /** Control reaches the end of a part of a block, where it meets other paths. */
  private fallThrough({ locals, types }: Label): void {
    this.body.charge();
    this.operands.pop(types.length);
    this.setAll(locals);
  }

  /** What lies on the host's stack goes to these locals. */
  private setAll(locals: readonly number[]): void {
    for (let i = locals.length - 1; i >= 0; i--) this.code.indexed(OP.localSet, locals[i]);
  }

  private endBlock(facts: BodyFacts, reachable: boolean): void {
    const label = this.labels.pop() as Label;
    if (label.dead) return;
    if (this.labels.length === 0) {
      this.endFunction(label, reachable);
      return;
    }
    if (label.op === OP.loop) this.endLoop(label, facts.closed.results, reachable);
    else this.endOther(label, reachable);
    this.lost = false;
    const isEntered = label.op !== OP.loop && (label.targeted || label.op === OP.if);
    if (!reachable && !isEntered) this.lose();
  }

  private lose(): void {
    this.lost = true;
    this.leave();
  }

  private endFunction({ locals, targeted }: Label, reachable: boolean): void {
    const { body, code } = this;
    if (reachable) this.writeReturn();
    body.flow.end(body.takeCost());
    body.close();
    if (targeted) for (const local of locals) code.indexed(OP.localGet, local);
    else code.u8(OP.unreachable);
    code.u8(OP.end);
  }

  /** Nothing arrives here but what falls through, with what it has. */
  private endLoop(label: Label, results: readonly ValType[], reachable: boolean): void {
    const { body, operands } = this;
    operands.settle();
    label.types.forEach((type, i) => operands.giveBack(type, label.locals[i]));
    if (!reachable) for (const type of results) operands.pushLocal(type, operands.take(type));
    body.flow.end(body.takeCost());
    if (label.around < 0) body.closeLoop();
    else body.closeLoopAround(label.around, reachable);
  }

  private endOther(label: Label, reachable: boolean): void {
    const { body, code, operands } = this;
    const { locals, op, paramLocals, targeted, types } = label;
    const meets = targeted || op !== OP.block;
    if (reachable) {
      if (meets) body.charge();
      operands.pop(types.length);
      this.setAll(locals);
    }
    body.flow.end(body.takeCost());
    if (meets) body.merge();
    if (op === OP.if && paramLocals.length > 0) {
      // Without an `else`, the parameters are the results.
      code.u8(OP.else);
      for (const local of paramLocals) code.indexed(OP.localGet, local);
      this.setAll(locals);
    }
    body.close();
    types.forEach((type, i) => operands.pushLocal(type, locals[i]));
  }

  // Branches

  /** What follows cannot be reached. */
  private leave(): void {
    const { operands } = this;
    operands.drop(operands.height - this.labelAt(0).base);
    this.body.merge();
  }

  private isFunction(index: number): boolean {
    return index === this.labels.length - 1;
  }

  private writeReturn(): void {
    const { body } = this;
    body.chargeAndStore();
    body.flow.leave(body.takeCost());
    this.operands.pop(this.type.results.length);
    this.code.u8(OP.return);
  }

  private returnResults(): void {
    this.writeReturn();
    this.leave();
  }

  private branch(index: number): void {
    if (this.isFunction(index)) {
      this.returnResults();
      return;
    }
    const label = this.labelAt(index);
    label.targeted = true;
    this.fallThrough(label);
    this.body.flow.branch(this.body.takeCost(), index);
    this.body.branch(OP.br, label.level);
    this.leave();
  }

  private branchIf(index: number): void {
    const { body, code, operands } = this;
    const label = this.labelAt(index);
    const count = label.types.length;
    body.charge();
    body.flow.branchIf(body.takeCost(), index);
    if (count === 0 && !this.isFunction(index)) {
      operands.pop(1);
      label.targeted = true;
      body.branch(OP.brIf, label.level);
      return;
    }
    // The operands stay where they are for the path on which it is not taken.
    operands.popAbove();
    body.open(OP.if);
    if (this.isFunction(index)) {
      body.storeOnThisPath();
      operands.copy(count);
      code.u8(OP.return);
    } else {
      label.targeted = true;
      operands.copy(count);
      this.setAll(label.locals);
      body.branch(OP.br, label.level);
    }
    body.close();
  }

  private branchTable(labels: readonly number[]): void {
    const { body, code, operands } = this;
    const different = [...new Set(labels)];
    const count = this.labelAt(labels[0]).types.length;
    if (count * different.length > MOST_COPIES) {
      throw new LeftOut(`a br_table to ${different.length} labels with ${count} operands each`);
    }
    body.charge();
    body.flow.table(body.takeCost(), different);
    operands.popAbove();
    if (different.some((index) => this.isFunction(index))) body.store();
    for (const index of different) {
      const label = this.labelAt(index);
      label.targeted = true;
      operands.copy(count);
      this.setAll(label.locals);
    }
    code.indexed(OP.brTable, labels.length - 1);
    for (const index of labels) code.u32(body.level - this.labelAt(index).level);
    this.leave();
  }
}
