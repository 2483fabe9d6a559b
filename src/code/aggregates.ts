// Translates what is done to structs, arrays and references (spec: 4.6.4 to 4.6.6). Objects
// themselves are in runtime/objects.ts.

import type { StructType } from "../module/module.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { OP } from "./opcodes.generated.ts";
import { PlainEmitter } from "./plain.ts";

const REF_TEST = 0x114;
const REF_TEST_NULL = 0x115;

/** Operands of the instructions that have the same number always, by opcode. */
const OPERANDS: Readonly<Record<number, number>> = {
  211: 2, // ref.eq
  257: 0, // struct.new_default
  258: 1, // struct.get
  259: 1, // struct.get_s
  260: 1, // struct.get_u
  261: 2, // struct.set
  262: 2, // array.new
  263: 1, // array.new_default
  265: 2, // array.new_data
  266: 2, // array.new_elem
  267: 2, // array.get
  268: 2, // array.get_s
  269: 2, // array.get_u
  270: 3, // array.set
  271: 1, // array.len
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
  284: 1, // ref.i31
  285: 1, // i31.get_s
  286: 1, // i31.get_u
};

/** Emission of these instructions. */
export class AggregateEmitter extends PlainEmitter {
  /** Translates an instruction that can be reached; false if it is none of them. */
  protected aggregate(op: number, facts: BodyFacts): boolean {
    switch (op) {
      case 0x100: // struct.new
        this.payFields(facts);
        this.leave(facts, this.fieldCount(facts));
        return true;
      case 0x101: // struct.new_default
        this.payFields(facts);
        this.leave(facts, 0);
        return true;
      case 0x108: // array.new_fixed
        this.newFixed(facts);
        return true;
      case 0x118: // br_on_cast
        this.branchOnCast(facts, true);
        return true;
      case 0x119: // br_on_cast_fail
        this.branchOnCast(facts, false);
        return true;
      default: {
        const operands = OPERANDS[op];
        if (operands !== undefined) this.leave(facts, operands);
        return operands !== undefined;
      }
    }
  }

  /** Has it executed outside of the loop. */
  private leave(facts: BodyFacts, operands: number): void {
    const height = facts.heightBefore - operands;
    this.slow(facts, height, facts.height > height ? facts.operandType(height) : null);
  }

  private fieldCount({ instruction }: BodyFacts): number {
    return (this.compiled.module.types[instruction.a].composite as StructType).fields.length;
  }

  /** What a struct costs beyond the price of the instruction. */
  private payFields(facts: BodyFacts): void {
    this.costs.add(Math.floor(this.fieldCount(facts) / this.compiled.prices.valuesPerUnit));
  }

  private newFixed(facts: BodyFacts): void {
    const { b: count } = facts.instruction;
    this.costs.add(Math.ceil(count / this.compiled.prices.elementsPerUnit));
    this.leave(facts, count);
  }

  private branchOnCast(facts: BodyFacts, sense: boolean): void {
    const { a: flags, b: label, d: heap } = facts.instruction;
    const height = facts.heightBefore - 1;
    this.costs.transfer();
    this.settle(height);
    // The outcome is a number, and the reference stays beside it.
    const isNullable = (flags & 2) !== 0;
    this.slowInstruction(isNullable ? REF_TEST_NULL : REF_TEST, this.slotOf(height), [
      heap,
      0,
      0,
      0,
    ]);
    const registers = [this.slotOf(height)];
    const [ifTrue, ifFalse] = sense ? [OP.BR_IF, OP.BR_UNLESS] : [OP.BR_UNLESS, OP.BR_IF];
    const condition = { ifTrue, ifFalse, registers, words: [], producer: null };
    this.branchToIf(condition, this.labelAt(label), facts.heightBefore);
    this.inSlot(height, facts.operandType(height));
  }
}
