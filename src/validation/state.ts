// The operand stack and the control stack of one function body (spec: appendix 7.3 Validation
// Algorithm). Frames are kept and reused by depth, so a body allocates nothing once stacks have
// grown.

import {
  BOT,
  formatValType,
  HEAP_BOT,
  HEAP_EXN,
  isDefaultable,
  isReference,
  refType,
  type ValType,
} from "../isa/types.ts";
import { InvalidError } from "../module/errors.ts";
import { limitOn } from "../module/limits.ts";
import type { LocalRun } from "../module/module.ts";
import type { ModuleContext } from "./context.ts";
import type { TypeContext } from "./type-context.ts";

export const NO_TYPES: readonly ValType[] = [];

export const CATCH = 0x07;
export const CATCH_ALL = 0x19;
export const EXNREF_NON_NULL = refType(HEAP_EXN, false);

/** Locals up to this index are looked up in an array, later ones in the runs they came in. */
const DIRECT_LOCALS = 256;

/** A control frame: a block that is open. */
export class ControlFrame {
  /** Opcode that opened it; 0 for the function itself. After `else` and `catch`, theirs. */
  op = 0;
  params: readonly ValType[] = NO_TYPES;
  results: readonly ValType[] = NO_TYPES;
  /** Types a branch to it takes: `params` of a loop, else `results`. */
  labelTypes: readonly ValType[] = NO_TYPES;
  /** Height of the operand stack below the block's parameters. */
  height = 0;
  /** Whether the rest of the block cannot be reached. */
  unreachable = false;
  /** Whether the block stands where control never comes, so that none of it can be reached. */
  dead = false;
  /** Height of the stack of initialised locals at entry. */
  initHeight = 0;
  /** Offset of the instruction that opened it. */
  offset = 0;
  /** Offset of the last br_table that was checked against this frame. */
  branchTable = 0;

  /**
   * Whether the operand beneath is the exception that was caught: only `rethrow` finds it there,
   * and it goes when the frame is closed.
   */
  get holdsException(): boolean {
    return this.op === CATCH || this.op === CATCH_ALL;
  }
}

/** Stacks and locals of the body being validated. */
export class BodyState {
  protected readonly context: ModuleContext;
  protected readonly types: TypeContext;
  protected stack: Int32Array<ArrayBuffer>;
  protected sp = 0;
  /** Height of the current frame: operands below it are out of reach. */
  protected floor = 0;
  protected readonly frames: ControlFrame[] = [new ControlFrame()];
  protected depth = 0;
  protected frame: ControlFrame = this.frames[0];

  /** Work beyond one unit per instruction that has not been counted yet. */
  protected weight = 0;

  localCount = 0;
  protected directLocals: Int32Array = new Int32Array(DIRECT_LOCALS);
  protected directCount = 0;
  private runs: readonly LocalRun[] = [];
  /** Number of locals up to the end of each run; entries beyond `runs` are old. */
  private readonly runEnds: number[] = [];
  private paramTypes: readonly ValType[] = NO_TYPES;
  /** Locals without a default that have a value by now, in the order they got it. */
  private readonly initialised = new Set<number>();
  private readonly initStack: number[] = [];

  constructor(context: ModuleContext) {
    this.context = context;
    this.types = context.types;
    this.stack = new Int32Array(Math.min(1024, context.limits.operands));
  }

  // Locals

  protected setLocals(params: readonly ValType[], runs: readonly LocalRun[]): void {
    this.paramTypes = params;
    this.runs = runs;
    let count = Math.min(params.length, DIRECT_LOCALS);
    for (let i = 0; i < count; i++) this.directLocals[i] = params[i];
    count = params.length;
    for (let i = 0; i < runs.length; i++) {
      const start = count;
      count += runs[i].count;
      this.runEnds[i] = count;
      if (start < DIRECT_LOCALS) this.directLocals.fill(runs[i].type, start, count);
    }
    this.directCount = Math.min(count, DIRECT_LOCALS);
    this.localCount = count;
    this.resetInitialised(0);
  }

  protected localType(index: number): ValType {
    if (index < this.directCount) return this.directLocals[index];
    if (index >= this.localCount) {
      throw this.invalid(`unknown local ${index}`, `there are ${this.localCount}`);
    }
    if (index < this.paramTypes.length) return this.paramTypes[index];
    let low = 0;
    let high = this.runs.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.runEnds[middle] > index) high = middle;
      else low = middle + 1;
    }
    return this.runs[low].type;
  }

  isInitialised(index: number): boolean {
    if (index < this.paramTypes.length || this.initialised.has(index)) return true;
    return isDefaultable(this.localType(index));
  }

  protected requireInitialised(index: number): void {
    if (this.isInitialised(index)) return;
    throw this.invalid("uninitialized local", `local ${index}`);
  }

  protected initialise(index: number, type: ValType): void {
    if (isDefaultable(type) || this.initialised.has(index)) return;
    this.initialised.add(index);
    this.initStack.push(index);
  }

  /** Forgets the locals that were initialised since the stack had this height. */
  protected resetInitialised(height: number): void {
    while (this.initStack.length > height) {
      this.initialised.delete(this.initStack.pop() as number);
    }
  }

  // Operands

  protected push(type: ValType): void {
    if (this.sp === this.stack.length) this.growStack(1);
    this.stack[this.sp++] = type;
  }

  private growStack(more: number): void {
    const { limits } = this.context;
    limitOn(limits, "operands", this.sp + more, undefined);
    const stack = new Int32Array(Math.min(this.stack.length * 2, limits.operands));
    stack.set(this.stack);
    this.stack = stack;
  }

  protected pushAll(types: readonly ValType[]): void {
    const { length } = types;
    this.weigh(length);
    while (this.sp + length > this.stack.length) this.growStack(length);
    const { sp, stack } = this;
    for (let i = 0; i < length; i++) stack[sp + i] = types[i];
    this.sp = sp + length;
  }

  /** Counts the work that a list of this length is; short ones are no work. */
  protected weigh(length: number): void {
    this.weight += length >> 3;
  }

  protected takeWeight(): number {
    const { weight } = this;
    this.weight = 0;
    return weight;
  }

  /** Pops an operand of any type; BOT in unreachable code. */
  protected popAny(): ValType {
    if (this.sp > this.floor) return this.stack[--this.sp];
    if (this.frame.unreachable) return BOT;
    throw this.underflow(BOT);
  }

  protected pop(expected: ValType): ValType {
    if (this.sp > this.floor) {
      const found = this.stack[--this.sp];
      if (found !== expected && !this.types.matches(found, expected)) {
        throw this.mismatch(expected, found);
      }
      return found;
    }
    if (this.frame.unreachable) return BOT;
    throw this.underflow(expected);
  }

  protected popAll(types: readonly ValType[]): void {
    this.peekAll(types);
    this.sp = Math.max(this.sp - types.length, this.floor);
  }

  /** Whether whatever is asked for can be popped: nothing is left, in unreachable code. */
  protected get isBottomless(): boolean {
    return this.sp === this.floor && this.frame.unreachable;
  }

  /** Pops any reference; the bottom reference in unreachable code. */
  protected popReference(): ValType {
    const found = this.popAny();
    if (found === BOT) return refType(HEAP_BOT, false);
    if (!isReference(found)) throw this.mismatchText("a reference", formatValType(found));
    return found;
  }

  /** Checks that operands of these types are on top, and leaves them. */
  protected peekAll(types: readonly ValType[]): void {
    const { floor, sp, stack } = this;
    this.weigh(types.length);
    for (let i = types.length - 1, at = sp - 1; i >= 0; i--, at--) {
      if (at < floor) {
        if (this.frame.unreachable) return;
        throw this.underflow(types[i]);
      }
      const found = stack[at];
      if (found !== types[i] && !this.types.matches(found, types[i])) {
        throw this.mismatch(types[i], found);
      }
    }
  }

  // Control

  protected pushControl(
    op: number,
    params: readonly ValType[],
    results: readonly ValType[],
    offset: number,
  ): void {
    const { unreachable, dead } = this.frame;
    const depth = ++this.depth;
    if (depth === this.frames.length) this.frames.push(new ControlFrame());
    this.frames[depth].dead = unreachable || dead;
    this.enterFrame(this.frames[depth], op, params, results, offset);
    this.pushAll(params);
  }

  protected enterFrame(
    frame: ControlFrame,
    op: number,
    params: readonly ValType[],
    results: readonly ValType[],
    offset: number,
  ): void {
    frame.op = op;
    frame.params = params;
    frame.results = results;
    frame.labelTypes = op === 0x03 ? params : results; // loop
    frame.height = this.sp;
    frame.unreachable = false;
    frame.initHeight = this.initStack.length;
    frame.offset = offset;
    frame.branchTable = 0;
    this.frame = frame;
    this.floor = frame.height;
  }

  /**
   * Checks that exactly the results of the current frame are left, and takes them away, with what
   * it holds.
   */
  protected closeFrame(): void {
    const { frame } = this;
    this.popAll(frame.results);
    if (this.sp !== frame.height) {
      const left = Array.from(this.stack.subarray(frame.height, this.sp));
      const detail = `operands are left over: ${this.types.format(left)}`;
      throw this.invalid("type mismatch", detail, this.types.format([]), this.types.format(left));
    }
    if (frame.holdsException) this.sp--;
    this.resetInitialised(frame.initHeight);
  }

  /** Closes the current frame and makes the one around it current. */
  protected popControl(): ControlFrame {
    const { frame } = this;
    this.closeFrame();
    this.depth--;
    if (this.depth >= 0) {
      this.frame = this.frames[this.depth];
      this.floor = this.frame.height;
    }
    return frame;
  }

  /** The rest of the current block cannot be reached: its operands are whatever is asked for. */
  protected markUnreachable(): void {
    this.sp = this.floor;
    this.frame.unreachable = true;
  }

  /** The frame that a label names, 0 being the innermost. */
  protected label(index: number): ControlFrame {
    const depth = this.depth - index;
    if (depth < 0 || index < 0) {
      throw this.invalid(`unknown label ${index >>> 0}`, `there are ${this.depth + 1}`);
    }
    return this.frames[depth];
  }

  // Errors

  /** An InvalidError; the caller's caller adds where it was. */
  protected invalid(phrase: string, detail: string, expected?: string, found?: string) {
    return new InvalidError(phrase, detail, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    });
  }

  protected mismatchText(expected: string, found: string) {
    return this.invalid("type mismatch", `expected ${expected}, found ${found}`, expected, found);
  }

  private mismatch(expected: ValType, found: ValType) {
    return this.mismatchText(formatValType(expected), formatValType(found));
  }

  private underflow(expected: ValType) {
    const wanted = expected === BOT ? "an operand" : formatValType(expected);
    return this.mismatchText(wanted, "nothing");
  }
}
