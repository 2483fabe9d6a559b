// Translates calls and the instructions that leave the loop: how arguments, results and costs lie.

import { instructionAt } from "../isa/index.ts";
import { I32, type ValType } from "../isa/types.ts";
import type { FuncType } from "../module/module.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { CompiledModule } from "./compiled.ts";
import { ControlEmitter } from "./control.ts";
import type { Draft } from "./draft.ts";
import { OP } from "./opcodes.generated.ts";
import { SLOW_BACK_SHIFT } from "./registers.ts";
import { SegmentPoint } from "./segments.ts";

/** Emission of calls. */
export class CallEmitter extends ControlEmitter {
  protected readonly compiled: CompiledModule;

  constructor(compiled: CompiledModule, draft: Draft) {
    super(draft);
    this.compiled = compiled;
  }

  // Calls

  protected callInstruction(op: number, facts: BodyFacts): boolean {
    const { instruction: reader, heightBefore: height } = facts;
    switch (op) {
      case 0x10: // call
        this.call(facts, this.typeOf(reader.a));
        return true;
      case 0x11: // call_indirect
        this.callIndirect(facts, this.compiled.funcType(reader.a));
        return true;
      case 0x12: // return_call
        this.costs.transfer();
        this.moveArguments(this.typeOf(reader.a), height);
        this.directCall(reader.a, true, 0);
        return true;
      case 0x13: // return_call_indirect
        this.returnCallIndirect(facts, this.compiled.funcType(reader.a));
        return true;
      case 0x14: // call_ref
        this.callReference(facts, this.compiled.funcType(reader.a));
        return true;
      case 0x15: // return_call_ref
        this.returnCallReference(facts, this.compiled.funcType(reader.a));
        return true;
      default:
        return false;
    }
  }

  private typeOf(index: number): FuncType {
    return this.compiled.funcType(this.compiled.module.functions[index]);
  }

  /** Arguments lie where the callee's frame begins; the results will lie there. */
  private placeArguments(type: FuncType, height: number): number {
    const base = height - type.params.length;
    this.settleRange(base, height);
    return base;
  }

  /** The call's last words: what follows it, and its cost. Then the results are in their slots. */
  protected afterCall(type: FuncType, base: number): void {
    const after = new SegmentPoint();
    this.goOnWords(after);
    this.place(after);
    this.barrier();
    this.handled += type.results.length;
    type.results.forEach((result, i) => this.inSlot(base + i, result));
  }

  /**
   * The call to a function by its index. A defined one is found when the call is executed first:
   * where its code is then says nothing about later (see CompiledModule).
   */
  private directCall(index: number, tail: boolean, delta: number): void {
    const { compiled } = this;
    if (index < compiled.module.importedFunctions || compiled.elsewhere(index)) {
      this.emit(tail ? OP.RETURN_CALL_IMPORT : OP.CALL_IMPORT);
      if (!tail) this.word(delta);
      this.word(index);
      return;
    }
    this.emit(tail ? OP.RETURN_CALL_LAZY : OP.CALL_LAZY);
    if (!tail) this.word(delta);
    this.word(index);
  }

  private call(facts: BodyFacts, type: FuncType): void {
    this.costs.transfer();
    const base = this.placeArguments(type, facts.heightBefore);
    this.directCall(facts.instruction.a, false, 2 * this.slotOf(base));
    this.afterCall(type, base);
  }

  /** The slot of a table index; a 64-bit one is brought down to 32 bits. */
  private tableIndex(height: number, table: number): number {
    const slot = this.slotHolding(height);
    if (!this.compiled.module.tables[table].type.address64) return slot;
    this.emit(OP.INDEX_64, this.slotOf(height), slot);
    this.inSlot(height, I32);
    return this.slotOf(height);
  }

  private callIndirect(facts: BodyFacts, type: FuncType): void {
    const { a: typeIndex, b: table } = facts.instruction;
    this.costs.transfer();
    const height = facts.heightBefore - 1;
    const base = this.placeArguments(type, height);
    const index = this.tableIndex(height, table);
    this.emit(OP.CALL_INDIRECT, 0, index);
    this.word(2 * this.slotOf(base));
    this.word(typeIndex);
    this.word(this.compiled.typeIds[typeIndex]);
    this.word(table);
    this.afterCall(type, base);
  }

  private callReference(facts: BodyFacts, type: FuncType): void {
    this.costs.transfer();
    const height = facts.heightBefore - 1;
    const base = this.placeArguments(type, height);
    this.emit(OP.CALL_REF, 0, this.slotHolding(height));
    this.word(2 * this.slotOf(base));
    this.word(facts.instruction.a);
    this.afterCall(type, base);
  }

  /** Arguments of a tail call go where this function's parameters are. */
  private moveArguments(type: FuncType, height: number): void {
    this.placeArguments(type, height);
    this.copyRange(type.params, height, 0);
  }

  private returnCallIndirect(facts: BodyFacts, type: FuncType): void {
    const { a: typeIndex, b: table } = facts.instruction;
    this.costs.transfer();
    const height = facts.heightBefore - 1;
    // The index must not be in a parameter that an argument is about to overwrite.
    this.settle(height);
    const index = this.tableIndex(height, table);
    this.moveArguments(type, height);
    this.emit(OP.RETURN_CALL_INDIRECT, 0, index);
    this.word(typeIndex);
    this.word(this.compiled.typeIds[typeIndex]);
    this.word(table);
  }

  private returnCallReference(facts: BodyFacts, type: FuncType): void {
    this.costs.transfer();
    const height = facts.heightBefore - 1;
    this.settle(height);
    this.moveArguments(type, height);
    this.emit(OP.RETURN_CALL_REF, 0, this.slotOf(height));
    this.word(facts.instruction.a);
  }

  // Instructions that leave the loop

  /**
   * Has the world outside of the loop execute the current instruction. Its operands, from `base`
   * up, are in their slots; a result of type `type` replaces them.
   */
  protected slow(facts: BodyFacts, base: number, type: ValType | null): void {
    this.settleRange(base, facts.heightBefore);
    this.leaveLoop(facts, this.slotOf(base));
    if (type !== null) this.inSlot(base, type);
  }

  /** The same with operands from `slot` up; one without operands and results still names one. */
  protected leaveLoop(facts: BodyFacts, slot: number): void {
    const { op, a, b, low, high } = facts.instruction;
    this.emitLeaving(OP.SLOW, op, slot, [a, b, low, high]);
  }

  /**
   * Writes a register instruction that leaves the loop, or may: then the world outside executes
   * `op`, whose operands and result have the slots from `slot` up. Its position.
   */
  protected emitLeaving(
    registerOp: number,
    op: number,
    slot: number,
    words: readonly number[],
  ): number {
    const start = this.emit(registerOp, slot);
    // It may be entered again, and who does that finds its last head word only.
    const back = this.position - 1 - start;
    this.word(op | (back << SLOW_BACK_SHIFT));
    for (const value of words) this.word(value);
    return start;
  }

  /** `slow` for an instruction of so many operands, with a result if it pushes one. */
  protected outside(
    op: number,
    facts: BodyFacts,
    operands = OPERANDS[op] ?? instructionAt(op)?.params?.length,
  ): true {
    if (operands === undefined) throw new Error(`opcode ${op} has no register instruction`);
    const height = facts.heightBefore - operands;
    this.slow(facts, height, facts.height > height ? facts.operandType(height) : null);
    return true;
  }
}

/** Operands of instructions that leave the loop and whose rows do not say it, by opcode. */
const OPERANDS: Readonly<Record<number, number>> = {
  37: 1, // table.get
  38: 2, // table.set
  258: 1, // struct.get
  261: 2, // struct.set
  262: 2, // array.new
  263: 1, // array.new_default
  265: 2, // array.new_data
  266: 2, // array.new_elem
  267: 2, // array.get
  270: 3, // array.set
  272: 4, // array.fill
  273: 5, // array.copy
  274: 4, // array.init_data
  275: 4, // array.init_elem
  276: 1, // ref.test
  277: 1, // ref.test null
  278: 1, // ref.cast
  279: 1, // ref.cast null
  282: 1, // any.convert_extern
  283: 1, // extern.convert_any
  522: 3, // memory.copy
  526: 3, // table.copy
  527: 2, // table.grow
  529: 3, // table.fill
};
