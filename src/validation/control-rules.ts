// Typing rules of control instructions: blocks, branches, calls, exceptions (spec: 3.4.1 – 3.4.4).

import {
  BLOCK_EMPTY,
  BLOCK_VALTYPE,
  CATCH_ALL_REF,
  CATCH_REF,
  type InstructionReader,
} from "../binary/instructions.ts";
import { listOf } from "../binary/types.ts";
import { FUNCREF, HEAP_EXN, I32, nonNull, refType, type ValType } from "../isa/types.ts";
import { limitOn } from "../module/limits.ts";
import type { FuncType } from "../module/module.ts";
import { PIECE } from "../module/pieces.ts";
import type { ModuleContext } from "./context.ts";
import {
  BodyState,
  CATCH,
  CATCH_ALL,
  type ControlFrame,
  EXNREF_NON_NULL,
  NO_TYPES,
} from "./state.ts";

const BR_TABLE = 0x0e;
const IF = 0x04;
const ELSE = 0x05;
const TRY = 0x06;

/** Rules that look at the control stack. */
export class ControlRules extends BodyState {
  readonly reader: InstructionReader;
  /** See `BodyFacts.closed` and `BodyFacts.operand`. */
  closed: ControlFrame = this.frame;
  operand: ValType = 0;
  /** The first label of a br_table or try_table that has not been checked; 0: none is left. */
  protected nextLabel = 0;
  private readonly maxDepth: number;
  private blockParams: readonly ValType[] = NO_TYPES;
  private blockResults: readonly ValType[] = NO_TYPES;

  constructor(context: ModuleContext, reader: InstructionReader) {
    super(context);
    this.reader = reader;
    this.maxDepth = context.limits.nesting;
  }

  // Blocks

  /** Resolves the block type in the reader's immediates. */
  private resolveBlockType(): void {
    const { reader } = this;
    if (reader.a === BLOCK_EMPTY) {
      this.blockParams = NO_TYPES;
      this.blockResults = NO_TYPES;
    } else if (reader.a === BLOCK_VALTYPE) {
      this.types.checkValType(reader.b);
      this.blockParams = NO_TYPES;
      this.blockResults = listOf(reader.b);
    } else {
      const type = this.context.funcType(reader.b);
      this.blockParams = type.params;
      this.blockResults = type.results;
    }
  }

  protected openBlock(op: number): void {
    this.resolveBlockType();
    if (op === IF) this.pop(I32);
    this.popAll(this.blockParams);
    this.openFrame(op);
  }

  private openFrame(op: number): void {
    const { start } = this.reader;
    if (this.depth >= this.maxDepth) {
      limitOn(this.context.limits, "nesting", this.depth + 1, start);
    }
    this.pushControl(op, this.blockParams, this.blockResults, start);
  }

  protected elseBlock(): void {
    if (this.frame.op !== IF) throw this.unexpected("else", "an if");
    this.reopen(ELSE, this.frame.params);
  }

  /** Closes the current frame and opens the next part of the same block in its place. */
  private reopen(op: number, operands: readonly ValType[]): void {
    const { frame } = this;
    this.closeFrame();
    this.closed = frame;
    if (op !== ELSE) this.push(EXNREF_NON_NULL);
    this.enterFrame(frame, op, frame.params, frame.results, this.reader.start);
    this.pushAll(operands);
  }

  protected endBlock(): void {
    const { frame } = this;
    // Without an else the parameters fall through as the results.
    if (frame.op === IF && frame.params !== frame.results) {
      if (!this.types.resultMatches(frame.params, frame.results)) {
        const found = this.types.format(frame.params);
        throw this.mismatchText(`${this.types.format(frame.results)} of an if without else`, found);
      }
    }
    this.closed = this.popControl();
    if (this.depth >= 0) this.pushAll(frame.results);
  }

  // Branches

  protected branch(): void {
    this.popAll(this.label(this.reader.a).labelTypes);
    this.markUnreachable();
  }

  protected branchIf(): void {
    this.pop(I32);
    this.passLabel(this.label(this.reader.a).labelTypes);
  }

  /** A conditional branch: the label's types are popped and, if it is not taken, still there. */
  protected passLabel(types: readonly ValType[]): void {
    if (types.length === 0) return;
    this.popAll(types);
    this.pushAll(types);
  }

  /** Begins with an instruction that lists labels: `listLabels` checks the list. */
  protected beginLabels(): void {
    this.nextLabel = 0;
    if (this.reader.op === BR_TABLE) this.pop(I32);
    else {
      this.resolveBlockType();
      this.popAll(this.blockParams);
    }
  }

  /** Checks labels of the list; false: there are more, and these were enough for a piece. */
  protected listLabels(): boolean {
    const { labelCount, op } = this.reader;
    while (this.nextLabel < labelCount) {
      if (this.weight > PIECE) return false;
      if (op === BR_TABLE) this.branchTableLabel(this.nextLabel++);
      else this.catchClause(this.nextLabel++);
    }
    this.nextLabel = 0;
    if (op === BR_TABLE) this.markUnreachable();
    else this.openFrame(op);
    return true;
  }

  private branchTableLabel(i: number): void {
    const { labels, labelCount, start } = this.reader;
    const last = this.label(labels[labelCount - 1]).labelTypes;
    const frame = this.label(labels[i]);
    this.weigh(1 << 3);
    // A table may name a label many times; its types are compared once.
    if (frame.branchTable === start) return;
    frame.branchTable = start;
    const types = frame.labelTypes;
    if (types.length !== last.length) {
      const expected = this.types.format(last);
      const found = this.types.format(types);
      throw this.mismatchText(`${expected} as of the default label`, `label ${i} with ${found}`);
    }
    this.peekAll(types);
  }

  protected returnFrom(): void {
    this.popAll(this.frames[0].results);
    this.markUnreachable();
  }

  protected branchOnNull(): void {
    const { labelTypes } = this.label(this.reader.a);
    const type = this.popReference();
    this.operand = type;
    this.passLabel(labelTypes);
    this.push(nonNull(type));
  }

  protected branchOnNonNull(): void {
    const { labelTypes } = this.label(this.reader.a);
    const last = labelTypes.length - 1;
    if (last < 0) throw this.mismatchText("a label that takes a reference", "[]");
    const type = this.popReference();
    this.operand = type;
    this.push(nonNull(type));
    this.popAll(labelTypes);
    for (let i = 0; i < last; i++) this.push(labelTypes[i]);
  }

  // Calls

  protected functionAt(index: number): FuncType {
    const type = this.context.functions[index];
    if (type === undefined) throw this.invalid(`unknown function ${index}`, "");
    return type;
  }

  protected call(type: FuncType): void {
    this.popAll(type.params);
    this.pushAll(type.results);
  }

  protected tailCall(type: FuncType): void {
    const wanted = this.frames[0].results;
    if (!this.types.resultMatches(type.results, wanted)) {
      const found = this.types.format(type.results);
      throw this.mismatchText(`a callee that returns ${this.types.format(wanted)}`, found);
    }
    this.popAll(type.params);
    this.markUnreachable();
  }

  /** Pops the index of call_indirect; its function type. */
  protected indirectCallee(): FuncType {
    const { a: typeIndex, b: tableIndex } = this.reader;
    const { element } = this.tableAt(tableIndex);
    if (!this.types.matches(element, FUNCREF)) {
      const found = this.types.format([element]);
      throw this.mismatchText("a table of function references", found);
    }
    const type = this.context.funcType(typeIndex);
    this.pop(this.context.tableAddresses[tableIndex]);
    return type;
  }

  /** Pops the reference of call_ref; its function type. */
  protected referenceCallee(): FuncType {
    const type = this.context.funcType(this.reader.a);
    this.pop(refType(this.reader.a, true));
    return type;
  }

  protected tableAt(index: number) {
    const table = this.context.module.tables[index];
    if (table === undefined) throw this.invalid(`unknown table ${index}`, "");
    return table.type;
  }

  // Exceptions

  protected tagParams(index: number): readonly ValType[] {
    const typeIndex = this.context.module.tags[index];
    if (typeIndex === undefined) throw this.invalid(`unknown tag ${index}`, "");
    return this.context.funcType(typeIndex).params;
  }

  protected throwTag(): void {
    this.popAll(this.tagParams(this.reader.a));
    this.markUnreachable();
  }

  protected throwReference(): void {
    this.pop(refType(HEAP_EXN, true));
    this.markUnreachable();
  }

  private catchClause(i: number): void {
    const { labels } = this.reader;
    const kind = labels[3 * i];
    const params = kind <= CATCH_REF ? this.tagParams(labels[3 * i + 1]) : NO_TYPES;
    const withReference = kind === CATCH_REF || kind === CATCH_ALL_REF;
    const carried = withReference ? [...params, EXNREF_NON_NULL] : params;
    const { labelTypes } = this.label(labels[3 * i + 2]);
    this.weigh(1 << 3);
    this.weigh(carried.length);
    if (this.types.resultMatches(carried, labelTypes)) return;
    const expected = this.types.format(labelTypes);
    throw this.mismatchText(
      `${expected} as the label of clause ${i} takes`,
      this.types.format(carried),
    );
  }

  protected catchTag(): void {
    const params = this.tagParams(this.reader.a);
    this.requireTry("catch");
    this.reopen(CATCH, params);
  }

  protected catchAll(): void {
    this.requireTry("catch_all");
    this.reopen(CATCH_ALL, NO_TYPES);
  }

  private requireTry(what: string): void {
    const { op } = this.frame;
    if (op !== TRY && op !== CATCH) throw this.unexpected(what, "a try");
  }

  /** The error of what the grammar of instructions does not allow (spec: 5.4): a malformed body. */
  private unexpected(what: string, block: string) {
    return this.reader.error(`unexpected ${what}`, `not inside ${block}`, this.reader.start);
  }

  protected delegate(): void {
    const { frame } = this;
    if (frame.op !== TRY) throw this.unexpected("delegate", "a try");
    this.closed = this.popControl();
    this.label(this.reader.a);
    this.pushAll(frame.results);
  }

  protected rethrow(): void {
    if (!this.label(this.reader.a).holdsException) {
      throw this.invalid("invalid rethrow label", `label ${this.reader.a} is no catch`);
    }
    this.markUnreachable();
  }
}
