// Validates function bodies and constant expressions in one pass (spec: 3.4 Instructions, appendix
// 7.3). Regular instructions go by the tables of plain.ts; every other one has a case here.

import { InstructionReader } from "../binary/instructions.ts";
import { listOf } from "../binary/types.ts";
import { featureBit } from "../isa/features.ts";
import { instructionAt } from "../isa/index.ts";
import { BOT, formatValType, I32, type ValType } from "../isa/types.ts";
import { ModuleError } from "../module/errors.ts";
import { type ConstExpr, functionName } from "../module/module.ts";
import type { ModuleContext } from "./context.ts";
import {
  BINARY,
  FIRST,
  isConstant,
  LOAD,
  learnShape,
  REGULAR,
  RESULT,
  SECOND,
  SHAPE,
  SPECIAL,
  STORE,
  UNARY,
} from "./plain.ts";

import { PlainRuns } from "./runs.ts";
import type { BodyFacts, BodySink } from "./sink.ts";
import { type ControlFrame, NO_TYPES } from "./state.ts";

/** Groups of local declarations that are read before a pause. */
const LOCALS_AT_ONCE = 1024;
/** else, catch, delegate, catch_all. */
const BLOCK_PARTS: ReadonlySet<number> = new Set([0x05, 0x07, 0x18, 0x19]);

/** Validates one body after the other against the same module. */
export class BodyValidator extends PlainRuns implements BodyFacts {
  private inConstant = false;
  /** Whether there are local declarations still to be read. */
  private inLocals = false;
  /** The body that is being validated: its function, where it begins, and who hears of it. */
  private funcIndex: number | null = 0;
  private bodyStart = 0;
  private sink: BodySink | null = null;
  reachable = true;
  heightBefore = 0;
  /** Units that the last `advance` had no use for. */
  unitsLeft = 0;

  constructor(context: ModuleContext) {
    const { module, limits } = context;
    super(context, new InstructionReader(module.bytes, module.features, limits));
  }

  // BodyFacts

  get instruction(): InstructionReader {
    return this.reader;
  }

  get height(): number {
    return this.sp;
  }

  get controlDepth(): number {
    return this.depth + 1;
  }

  operandType(index: number): ValType {
    return this.stack[index];
  }

  typeOfLocal(index: number): ValType {
    return this.localType(index);
  }

  frameAt(label: number): ControlFrame {
    return this.label(label);
  }

  /**
   * Validates the body `bytes[start, end)` of a function; `sink` hears each instruction.
   * @throws MalformedError for bytes that are no instructions, InvalidError for a broken rule
   */
  function(funcIndex: number, start: number, end: number, sink: BodySink | null = null): void {
    this.beginFunction(funcIndex, start, end, sink);
    this.advance(Number.POSITIVE_INFINITY);
  }

  /**
   * The same in pieces: `advance` goes on. Until it has ended, or failed, this validator can
   * do nothing else.
   * @throws MalformedError, InvalidError for what its locals show
   */
  beginFunction(funcIndex: number, start: number, end: number, sink: BodySink | null = null): void {
    const { context, reader } = this;
    this.funcIndex = funcIndex;
    this.bodyStart = start;
    this.sink = sink;
    this.inConstant = false;
    this.nextLabel = 0;
    reader.reset(context.module.bytes, start, end);
    try {
      reader.beginLocals(context.functions[funcIndex].params.length);
      this.inLocals = true;
      this.readLocals(LOCALS_AT_ONCE);
    } catch (error) {
      throw this.locate(error);
    }
  }

  /** Goes on with local declarations; the units left over. */
  private readLocals(units: number): number {
    const { context, funcIndex, reader } = this;
    const known = reader.runs.length;
    const complete = reader.readLocals(Math.min(units, LOCALS_AT_ONCE));
    for (let i = known; i < reader.runs.length; i++) {
      this.types.checkValType(reader.runs[i].type, this.bodyStart);
    }
    if (!complete) return units - LOCALS_AT_ONCE;
    const { params, results } = context.functions[funcIndex as number];
    this.inLocals = false;
    this.setLocals(params, reader.runs);
    this.begin(results);
    this.sink?.begin?.(this);
    return units;
  }

  /**
   * Begins with a constant expression that must give a value of type `expected` (spec: 3.4.14);
   * `advance` goes on with it. Until it has ended, this validator can do nothing else.
   */
  beginConstant(expr: ConstExpr, expected: ValType): void {
    this.funcIndex = null;
    this.bodyStart = expr.start;
    this.sink = null;
    this.inConstant = true;
    this.inLocals = false;
    this.nextLabel = 0;
    this.reader.reset(this.context.module.bytes, expr.start, expr.end);
    this.setLocals(NO_TYPES, []);
    this.begin(listOf(expected));
  }

  /**
   * Goes on with what was begun for so many units at most; true if that was all. An instruction is
   * one unit, and more if it has long lists of types or labels.
   * @throws MalformedError, InvalidError
   */
  advance(units: number): boolean {
    try {
      const ended = this.run(this.sink, units);
      // Validators are kept for the next body, and sinks may be large.
      if (ended) this.sink = null;
      return ended;
    } catch (error) {
      throw this.locate(error);
    }
  }

  private begin(results: readonly ValType[]): void {
    this.depth = 0;
    this.sp = 0;
    this.enterFrame(this.frames[0], 0, NO_TYPES, results, this.reader.pos);
  }

  /** Adds to an error where it was found. */
  private locate(error: unknown): unknown {
    if (!(error instanceof ModuleError)) return error;
    const { bodyStart: start, context, funcIndex, reader } = this;
    const inCode = reader.start >= start && reader.pos > reader.start;
    const instruction = inCode ? instructionAt(reader.op)?.name : undefined;
    const funcName = funcIndex === null ? undefined : functionName(context.module, funcIndex);
    return error.within({
      offset: inCode ? reader.start : reader.pos,
      ...(funcIndex !== null && { section: "code", funcIndex }),
      ...(funcName !== undefined && { funcName }),
      ...(instruction !== undefined && { instruction }),
    });
  }

  /** The one pass over the instructions: `units` of them, true if the final `end` was there. */
  private run(sink: BodySink | null, units: number): boolean {
    const { reader } = this;
    let left = units;
    while (this.inLocals) {
      left = this.readLocals(left);
      if (left <= 0) return false;
    }
    if (this.nextLabel > 0) {
      left = this.workOnLabels(left);
      if (this.nextLabel > 0) return false;
      sink?.instruction(this);
    }
    const runs = sink?.runs;
    do {
      if (runs !== undefined && !this.frame.unreachable && !this.frame.dead) {
        left -= this.readRun(runs, left);
      }
      if (left <= 0) return false;
      left--;
      reader.next();
      const { op } = reader;
      if (this.inConstant) this.requireConstant(op);
      if (sink !== null) {
        this.reachable = !this.frame.unreachable && !this.frame.dead;
        this.heightBefore = this.sp;
      }
      switch (op) {
        case 0x20: // local.get
          this.localGet(reader.a);
          break;
        case 0x21: // local.set
          this.localSet(reader.a);
          break;
        case 0x22: // local.tee
          this.localTee(reader.a);
          break;
        case 0x41: // i32.const
          this.push(I32);
          break;
        case 0x0b: // end
          this.endBlock();
          break;
        case 0x10: // call
          this.call(this.functionAt(reader.a));
          break;
        case 0x0c: // br
          this.branch();
          break;
        case 0x0d: // br_if
          this.branchIf();
          break;
        case 0x02: // block
        case 0x03: // loop
        case 0x04: // if
          this.openBlock(op);
          break;
        case 0x0e: // br_table
        case 0x1f: // try_table
          this.beginLabels();
          left = this.workOnLabels(left);
          if (this.nextLabel > 0) return false;
          break;
        default:
          this.byShape(op);
      }
      if (this.weight > 0) left -= this.takeWeight();
      if (sink !== null) sink.instruction(this);
    } while (this.depth >= 0);
    this.unitsLeft = Math.max(left, 0);
    if (reader.pos !== reader.end) {
      const left = reader.end - reader.pos;
      throw reader.error("section size mismatch", `${left} bytes follow the final end`);
    }
    return true;
  }

  /** Goes on with a list of labels as long as there are units; how many are left. */
  private workOnLabels(units: number): number {
    let left = units;
    let complete = false;
    do {
      complete = this.listLabels();
      left -= this.takeWeight();
    } while (!complete && left > 0);
    return left;
  }

  private requireConstant(op: number): void {
    // What only stands in blocks is malformed here, by its own rule.
    if (isConstant(op, this.context.module.features) || BLOCK_PARTS.has(op)) return;
    throw this.invalid("constant expression required", "the instruction is not constant");
  }

  private byShape(op: number): void {
    const { sp, stack, floor } = this;
    switch (SHAPE[op]) {
      case BINARY:
        if (sp - 2 >= floor && stack[sp - 1] === SECOND[op] && stack[sp - 2] === FIRST[op]) {
          stack[sp - 2] = RESULT[op];
          this.sp = sp - 1;
          return;
        }
        this.pop(SECOND[op]);
        this.pop(FIRST[op]);
        this.push(RESULT[op]);
        return;
      case UNARY:
        if (sp > floor && stack[sp - 1] === FIRST[op]) {
          stack[sp - 1] = RESULT[op];
          return;
        }
        this.pop(FIRST[op]);
        this.push(RESULT[op]);
        return;
      case LOAD:
        this.pop(this.memarg(op));
        this.push(RESULT[op]);
        return;
      case STORE: {
        const address = this.memarg(op);
        this.pop(SECOND[op]);
        this.pop(address);
        return;
      }
      case REGULAR:
        this.regular(op);
        return;
      case SPECIAL:
        this.special(op);
        return;
      default:
        learnShape(op);
        this.byShape(op);
    }
  }

  // Locals and globals

  private localGet(index: number): void {
    const type = index < this.directCount ? this.directLocals[index] : this.localType(index);
    // (ref …) without null: it may not have a value yet.
    if ((type & 24) === 8) this.requireInitialised(index);
    this.operand = type;
    this.push(type);
  }

  private localSet(index: number): void {
    const type = index < this.directCount ? this.directLocals[index] : this.localType(index);
    this.operand = type;
    this.pop(type);
    if ((type & 24) === 8) this.initialise(index, type);
  }

  private localTee(index: number): void {
    this.localSet(index);
    this.push(this.localType(index));
  }

  private globalGet(): void {
    const index = this.reader.a;
    const { globals } = this.context.module;
    const global = globals[index];
    const visible = this.inConstant ? this.context.visibleGlobals : globals.length;
    if (global === undefined || index >= visible) {
      throw this.invalid(`unknown global ${index}`, "");
    }
    if (this.inConstant) this.requireConstantGlobal(index);
    this.operand = global.type.type;
    this.push(global.type.type);
  }

  private requireConstantGlobal(index: number): void {
    const { globals, importedGlobals, features } = this.context.module;
    if (globals[index].type.mutable) {
      throw this.invalid("constant expression required", `global ${index} is mutable`);
    }
    if ((features & featureBit("gc")) === 0 && index >= importedGlobals) {
      throw this.invalid("constant expression required", `global ${index} is not imported`);
    }
  }

  private globalSet(): void {
    const index = this.reader.a;
    const global = this.context.module.globals[index];
    if (global === undefined) throw this.invalid(`unknown global ${index}`, "");
    if (!global.type.mutable) throw this.invalid("immutable global", String(index));
    this.operand = global.type.type;
    this.pop(global.type.type);
  }

  protected override noteFunctionReference(index: number): void {
    if (this.inConstant) this.context.declare(index);
    else super.noteFunctionReference(index);
  }

  // Parametric

  private drop(): void {
    this.operand = this.popAny();
  }

  private select(): void {
    this.pop(I32);
    const second = this.popAny();
    const first = this.popAny();
    this.requireSelectable(second);
    this.requireSelectable(first);
    if (first !== second && first !== BOT && second !== BOT) {
      throw this.mismatchText(formatValType(first), formatValType(second));
    }
    this.operand = first === BOT ? second : first;
    this.push(this.operand);
  }

  private selectTyped(): void {
    const { types } = this.reader;
    if (types.length !== 1) {
      throw this.invalid("invalid result arity", `select of ${types.length} types`);
    }
    const [type] = types;
    this.types.checkValType(type);
    this.operand = type;
    this.pop(I32);
    this.pop(type);
    this.pop(type);
    this.push(type);
  }

  /** The instructions whose rule is hand-written and that are not in `run`. */
  private special(op: number): void {
    switch (op) {
      case 0x00: // unreachable
        return this.markUnreachable();
      case 0x05: // else
        return this.elseBlock();
      case 0x06: // try
        return this.openBlock(op);
      case 0x07: // catch
        return this.catchTag();
      case 0x08: // throw
        return this.throwTag();
      case 0x09: // rethrow
        return this.rethrow();
      case 0x0a: // throw_ref
        return this.throwReference();
      case 0x0f: // return
        return this.returnFrom();
      case 0x11: // call_indirect
        return this.call(this.indirectCallee());
      case 0x12: // return_call
        return this.tailCall(this.functionAt(this.reader.a));
      case 0x13: // return_call_indirect
        return this.tailCall(this.indirectCallee());
      case 0x14: // call_ref
        return this.call(this.referenceCallee());
      case 0x15: // return_call_ref
        return this.tailCall(this.referenceCallee());
      case 0x18: // delegate
        return this.delegate();
      case 0x19: // catch_all
        return this.catchAll();
      case 0x1a: // drop
        return this.drop();
      case 0x1b: // select
        return this.select();
      case 0x1c: // select t
        return this.selectTyped();
      case 0x23: // global.get
        return this.globalGet();
      case 0x24: // global.set
        return this.globalSet();
      case 0x25: // table.get
        return this.tableGet();
      case 0x26: // table.set
        return this.tableSet();
      case 0xd0: // ref.null
        return this.refNull();
      case 0xd1: // ref.is_null
        return this.refIsNull();
      case 0xd2: // ref.func
        return this.refFunc();
      case 0xd4: // ref.as_non_null
        return this.refAsNonNull();
      case 0xd5: // br_on_null
        return this.branchOnNull();
      case 0xd6: // br_on_non_null
        return this.branchOnNonNull();
      case 0x20a: // memory.copy
        return this.memoryCopy();
      case 0x20e: // table.copy
        return this.tableCopy();
      case 0x20f: // table.grow
        return this.tableGrow();
      case 0x211: // table.fill
        return this.tableFill();
      default:
        return this.aggregate(op);
    }
  }
}
