// Emits instructions that compute something, and fuses neighbours: an instruction takes over the
// one before it if that one computed an operand of it and the pair has a form of its own. The
// operand is on the stack only, so nobody else can want it.

import { V128, type ValType } from "../isa/types.ts";
import {
  BRANCH_IF,
  BRANCH_IF_IMMEDIATE,
  BRANCH_IF_NOT,
  BRANCH_IF_NOT_IMMEDIATE,
  COMMUTATIVE,
  FUSED_COUNTS,
  FUSED_TESTS,
  FUSED_VALUES,
  IMMEDIATE,
  OP,
  OPPOSITE,
  REGISTERS,
  SWAPPED,
} from "./opcodes.generated.ts";
import { CONSTANT_128, OperandTracker } from "./operands.ts";
import { fusedKey, OPCODE_MASK } from "./registers.ts";

/** An instruction that has been emitted and may still be taken back. */
interface Emitted {
  /** Wasm opcode; 0 for a fused one. */
  readonly op: number;
  readonly registerOp: number;
  readonly registers: readonly number[];
  readonly words: readonly number[];
  readonly start: number;
  readonly end: number;
  /** The operand it computed. */
  readonly height: number;
  /** The instruction that computed its first operand, if it lies directly in front of it. */
  producer: Emitted | null;
  /** The one that was emitted before it, if it may still be taken back. */
  before: Emitted | null;
}

/**
 * So many instructions may be taken back: `add`, `lt`, `eqz`, `eqz` in front of a branch. Further
 * ones are forgotten, or a long chain would stay in memory, and be gone through, as a whole.
 */
const TAKEN_BACK = 4;

/** A condition, as a branch tests it: an opcode for each outcome, and its operands. */
export interface Condition {
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly registers: readonly number[];
  readonly words: readonly number[];
  readonly producer: Emitted | null;
}

const I32_EQZ = 0x45;

/** Emission of instructions with operands and a result. */
export class FusingEmitter extends OperandTracker {
  private last: Emitted | null = null;
  /** The last instruction, if its result went to a local; and which. */
  private lastSet: { emitted: Emitted; local: number } | null = null;

  /** Control may arrive here from elsewhere: nothing before this point may be taken back. */
  protected barrier(): void {
    this.forgetResult();
    this.last = null;
    this.lastSet = null;
  }

  /** The last instruction, if it computed the operand at `height` and is the last one still. */
  private lastAt(height: number): Emitted | null {
    const { last } = this;
    return last !== null && this.isLastResult(height) && last.start === this.resultPosition
      ? last
      : null;
  }

  /** Emits an instruction; its result, if it has a type, is the operand at `height`. */
  protected operate(
    op: number,
    registerOp: number,
    height: number,
    type: ValType | null,
    operands: readonly number[],
    words: readonly number[],
  ): void {
    const { last } = this;
    const registers = SWAPPED.has(op) ? [operands[1], operands[0]] : operands;
    const before = last === null ? null : this.lastAt(last.height);
    const position = before === null ? -1 : registers.indexOf(this.slotOf(before.height));
    const producer = position >= 0 ? before : null;
    const fused =
      producer === null ? null : this.fuse(producer, op, registerOp, registers, position);
    if (fused === null || producer === null) {
      const first = position === 0 ? producer : null;
      this.write(op, registerOp, height, type, registers, words, first, last);
      return;
    }
    const others = registers.filter((_, i) => i !== position);
    const parts = joined(producer, others, words);
    if (this.operateOnThree(producer, fused, height, type, parts)) return;
    this.draft.takeBack(producer.start);
    this.write(0, fused, height, type, ...parts, null, producer.before);
  }

  /**
   * Emits what an instruction and its producer are fused to, together with the one in front of them
   * if it computed an operand, too; false if the three have no form.
   */
  private operateOnThree(
    producer: Emitted,
    fused: number,
    height: number,
    type: ValType | null,
    [registers, words]: Parts,
  ): boolean {
    const first = producer.before;
    if (first === null || first.end !== producer.start) return false;
    const position = registers.indexOf(this.slotOf(first.height));
    const all = FUSED_VALUES.get(fusedKey(first.registerOp, fused, position === 1));
    if (position < 0 || all === undefined) return false;
    const others = registers.filter((_, i) => i !== position);
    this.draft.takeBack(first.start);
    this.write(0, all, height, type, ...joined(first, others, words), null, first.before);
    return true;
  }

  /** The fused opcode for `producer` and what follows it, or null. */
  private fuse(
    producer: Emitted,
    op: number,
    registerOp: number,
    registers: readonly number[],
    position: number,
  ): number | null {
    const asFirst = position === 0 || (registers.length === 2 && COMMUTATIVE.has(op));
    const key = fusedKey(producer.registerOp, registerOp, !asFirst);
    return FUSED_VALUES.get(key) ?? null;
  }

  private write(
    op: number,
    registerOp: number,
    height: number,
    type: ValType | null,
    registers: readonly number[],
    words: readonly number[],
    producer: Emitted | null,
    before: Emitted | null,
  ): void {
    const x = type === null ? 0 : this.slotOf(height);
    const start = this.emit(registerOp, x, registers[0] ?? 0, registers[1] ?? 0);
    for (const word of words) this.word(word);
    if (type === null) return;
    this.inSlot(height, type);
    this.resultOf(start, height);
    const end = this.position;
    this.last = { op, registerOp, registers, words, start, end, height, producer, before };
    if (before !== null && before.before !== null) before.before.before = null;
    let oldest: Emitted | null = this.last;
    for (let i = 1; i < TAKEN_BACK && oldest !== null; i++) oldest = oldest.producer;
    if (oldest !== null) oldest.producer = null;
  }

  /** A constant of a vector is brought into its slot directly in front of what uses it. */
  protected override settle(height: number): void {
    if (this.kindAt(height) !== CONSTANT_128) super.settle(height);
    else this.write(0, OP.CONST_128, height, V128, [], this.vectorAt(height), null, this.last);
  }

  protected override storeLocal(local: number, height: number): boolean {
    const emitted = this.lastAt(height);
    const redirected = super.storeLocal(local, height);
    this.lastSet = redirected && emitted !== null ? { emitted, local } : null;
    return redirected;
  }

  /** Forgets the instructions from `position` on for what is none with a result. */
  private takeBack(position: number): void {
    this.draft.takeBack(position);
    this.last = null;
  }

  // Conditions

  /** The condition on top, taken back from the instruction that computed it where possible. */
  protected takeCondition(height: number): Condition {
    const last = this.lastAt(height);
    const taken = last === null ? null : this.conditionOf(last);
    if (taken !== null) {
      this.forgetResult();
      return taken;
    }
    const registers = [this.slotHolding(height)];
    return { ifTrue: OP.BR_IF, ifFalse: OP.BR_UNLESS, registers, words: [], producer: last };
  }

  /** Takes back `last` and gives what a branch tests instead of its result; null if it cannot. */
  private conditionOf(last: Emitted): Condition | null {
    let tested = last;
    let negated = false;
    let taken: Condition | null = null;
    // Each `i32.eqz` turns the outcome around; what it tests may be taken back in its turn.
    while (tested.op === I32_EQZ) {
      const { start, registers, words } = tested;
      const before = tested.producer;
      const producer = before === null || before.end !== start ? null : before;
      this.takeBack(start);
      const [ifTrue, ifFalse] = negated ? [OP.BR_IF, OP.BR_UNLESS] : [OP.BR_UNLESS, OP.BR_IF];
      taken = { ifTrue, ifFalse, registers, words, producer };
      negated = !negated;
      if (producer === null) return taken;
      tested = producer;
    }
    const { op, registers, words, producer, start } = tested;
    const withWords = words.length > 0;
    const holds = withWords ? BRANCH_IF_IMMEDIATE[op] : BRANCH_IF[op];
    const fails = withWords ? BRANCH_IF_NOT_IMMEDIATE[op] : BRANCH_IF_NOT[op];
    if (op === 0 || holds === 0 || fails === 0) return taken;
    this.takeBack(start);
    const [ifTrue, ifFalse] = negated ? [fails, holds] : [holds, fails];
    return { ifTrue, ifFalse, registers, words, producer };
  }

  /** Turns the comparison at `height`, if it was the last instruction, into its opposite. */
  protected negateLast(height: number): boolean {
    const last = this.lastAt(height);
    const opposite = last === null ? 0 : OPPOSITE[last.op];
    if (last === null || opposite === 0) return false;
    const { words } = this.draft;
    const at = this.draft.isWide(last.start) ? last.start + 2 : last.start;
    const registerOp = (last.words.length === 0 ? REGISTERS : IMMEDIATE)[opposite];
    words[at] = (words[at] & ~OPCODE_MASK) | registerOp;
    this.last = { ...last, op: opposite, registerOp };
    return true;
  }

  /** Emits the head of a branch and its operands; target and costs follow. */
  protected emitTest(condition: Condition, sense: boolean): void {
    const op = sense ? condition.ifTrue : condition.ifFalse;
    if (this.emitFusedTest(condition, op) || this.emitFusedCount(condition, op)) return;
    const { registers, words } = condition;
    this.emit(op, 0, registers[0] ?? 0, registers[1] ?? 0);
    for (const word of words) this.word(word);
  }

  private emitFusedTest({ producer, registers, words }: Condition, op: number): boolean {
    if (producer === null || producer.end !== this.position) return false;
    if (registers[0] !== this.slotOf(producer.height)) return false;
    const fused = FUSED_TESTS.get(fusedKey(producer.registerOp, op, false));
    if (fused === undefined) return false;
    this.takeBack(producer.start);
    this.emitFused(fused, 0, ...joined(producer, registers.slice(1), words));
    return true;
  }

  private emitFusedCount({ registers, words }: Condition, op: number): boolean {
    const { lastSet } = this;
    if (lastSet === null || registers[0] !== lastSet.local) return false;
    const { emitted, local } = lastSet;
    // The second operand is read before the local is written.
    if (registers[1] === local) return false;
    const fused = FUSED_COUNTS.get(fusedKey(emitted.registerOp, op, false));
    if (fused === undefined || emitted.end !== this.position) return false;
    this.takeBack(emitted.start);
    this.emitFused(fused, local, ...joined(emitted, registers.slice(1), words));
    return true;
  }

  private emitFused(
    op: number,
    x: number,
    registers: readonly number[],
    words: readonly number[],
  ): void {
    this.emit(op, x, registers[0] ?? 0, registers[1] ?? 0);
    for (const word of words) this.word(word);
  }
}

/** The registers and the words of an instruction. */
type Parts = readonly [registers: readonly number[], words: readonly number[]];

/** Operands of a fused pair: registers beyond the second become words between those of the two. */
function joined(producer: Emitted, others: readonly number[], words: readonly number[]): Parts {
  const registers = [...producer.registers, ...others];
  const beyond = registers.slice(2).map((register) => 2 * register);
  return [registers.slice(0, 2), [...producer.words, ...beyond, ...words]];
}
