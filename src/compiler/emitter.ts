// Writes one function as host Wasm while the validator goes over its body: the same instructions,
// which pay as they go and can be stopped (host tier: docs/architecture.md). Blocks have neither
// parameters nor results there: what branches take along is in locals of the label's.

import { zeroingPrice } from "../isa/prices.ts";
import type { ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt } from "../module/module.ts";
import type { BodyFacts, BodySink } from "../validation/sink.ts";
import { HostBody, MOST_PASSED } from "./body.ts";
import type { ByteWriter } from "./bytes.ts";
import { CallWriter } from "./calls.ts";
import { LeftOut } from "./left-out.ts";
import { OP } from "./opcodes.ts";
import type { HostOperands } from "./operands.ts";
import { PlainWriter } from "./plain.ts";
import type { Site } from "./sites.ts";
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
};

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

  constructor(target: HostTarget, index: number) {
    const { module } = target;
    this.target = target;
    this.type = funcTypeAt(module, module.functions[index]) as FuncType;
    this.start = module.bodyStarts[index - module.importedFunctions];
    this.body = new HostBody(index, this.type, module.globals.length);
    this.code = this.body.code;
    this.operands = this.body.operands;
    this.calls = new CallWriter(target, this.body);
    this.plain = new PlainWriter(target, this.body);
  }

  begin(facts: BodyFacts): void {
    const { params, results } = this.type;
    const { body } = this;
    const { localCount } = facts;
    if (localCount > MOST_PASSED) throw new LeftOut(`it has ${localCount} locals`);
    const locals = Array.from({ length: localCount }, (_, i) => facts.typeOfLocal(i));
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

  /**
   * The function is complete: see `HostBody.finish`.
   * @throws LeftOut
   */
  finish(out: ByteWriter, sites: Site[], calls: number[]): void {
    this.body.finish(out, sites, calls, this.target.imports);
  }

  /** Of a complete function: see `HostBody.checks`. */
  get checks(): readonly number[] {
    return this.body.checks;
  }

  instruction(facts: BodyFacts): void {
    const { op } = facts.instruction;
    if (!facts.reachable) {
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
    const rest = { types, locals, params, paramLocals, targeted: false, dead: false };
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
    if (this.labels.length === 0) this.endFunction(label, reachable);
    else if (label.op === OP.loop) this.endLoop(label, facts.closed.results, reachable);
    else this.endOther(label, reachable);
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
    body.closeLoop();
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
