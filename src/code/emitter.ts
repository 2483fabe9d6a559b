// Translates one function body into register code while the validator goes over it (design: section
// 3). The validator finds every fact (heights, types, labels); this only decides where values live
// and which register instruction stands for what.

import { instructionAt } from "../isa/index.ts";
import { zeroingPrice } from "../isa/prices.ts";
import {
  F32,
  F64,
  I32,
  I64,
  isDefaultable,
  isReference,
  refType,
  slotCount,
  V128,
  type ValType,
} from "../isa/types.ts";
import type { FuncType } from "../module/module.ts";
import type { BodyFacts, BodySink } from "../validation/sink.ts";
import { AggregateEmitter } from "./aggregates.ts";
import type { CompiledModule } from "./compiled.ts";
import type { Draft } from "./draft.ts";
import { OP, REGISTERS } from "./opcodes.generated.ts";
import { widthOf } from "./operands.ts";
import { HEADER_WORDS } from "./registers.ts";
import { slotAt } from "./search.ts";
import { LONGEST_SEGMENT, SegmentPoint } from "./segments.ts";
import type { FunctionCode } from "./space.ts";

const SELECTS = {
  32: OP.SELECT_32,
  64: OP.SELECT_64,
  128: OP.SELECT_128,
  ref: OP.SELECT_REF,
} as const;
const GLOBAL_GETS = {
  32: OP.GLOBAL_GET_32,
  64: OP.GLOBAL_GET_64,
  128: OP.GLOBAL_GET_128,
  ref: OP.GLOBAL_GET_REF,
} as const;
const GLOBAL_SETS = {
  32: OP.GLOBAL_SET_32,
  64: OP.GLOBAL_SET_64,
  128: OP.GLOBAL_SET_128,
  ref: OP.GLOBAL_SET_REF,
} as const;

/** The sink that writes register code. */
export class Emitter extends AggregateEmitter implements BodySink {
  protected readonly code: FunctionCode;
  private readonly type: FuncType;
  protected entry = 0;
  private instructions = 0;
  /** Which locals are of type v128, and how many there are of all types. */
  private readonly vectorLocals: number[] = [];
  private localCount = 0;
  private readonly entryPoint = new SegmentPoint();

  constructor(compiled: CompiledModule, code: FunctionCode, draft: Draft) {
    super(compiled, draft);
    this.code = code;
    this.type = compiled.funcType(compiled.module.functions[code.index]);
  }

  /** Reserves the header and clears reference locals; numbers are zeroed by whoever calls. */
  begin(facts: BodyFacts): void {
    this.reserveHeader();
    const { params, results } = this.type;
    this.place(this.entryPoint);
    this.localCount = facts.localCount;
    for (let i = 0; i < facts.localCount; i++) {
      const type = facts.typeOfLocal(i);
      if (isReference(type)) this.usesReferences = true;
      else if (type === V128) this.vectorLocals.push(i);
      if (i >= params.length && isReference(type) && isDefaultable(type)) {
        this.emit(OP.CONST_NULL, this.localSlot(i));
      }
    }
    this.resetOperands(this.localSlot(facts.localCount));
    this.pushLabel({ base: 0, types: results, isFunction: true });
  }

  /** First slot of a local. */
  protected localSlot(index: number): number {
    return slotAt(index, this.vectorLocals);
  }

  /** How much has been done, in words or what takes as long. */
  get work(): number {
    return this.position + this.handled + this.instructions;
  }

  /** Writes the header; the draft is complete, and what is known besides lies in the code. */
  finish(): void {
    const { code, offsets } = this;
    const slots = this.top + 1;
    if (this.usesReferences) this.addReferencePrologue(slots);
    this.writeHeader(this.entry, slots);
    this.draft.join();
    offsets.finish();
    code.handlers = this.handlers;
    if (this.handlers.length > 0) {
      code.handlerStarts = new Int32Array(this.handlerStarts);
      code.innermost = new Int32Array(this.innermost);
    }
    code.offsets = offsets;
    code.frameWords = 2 * slots;
    code.size = this.position;
    code.entryOffset = this.entry;
  }

  /** What entering the function costs, once its first segment has ended. */
  protected get entryCost(): number {
    const locals = this.localCount - this.type.params.length;
    return this.entryPoint.cost + zeroingPrice(this.compiled.prices, locals);
  }

  private reserveHeader(): void {
    const entry = this.position + HEADER_WORDS;
    while (this.position < entry - 3) this.word(0);
    this.draft.positionWord(entry);
    while (this.position < entry) this.word(0);
    this.entry = entry;
  }

  private writeHeader(entry: number, slots: number): void {
    const { words } = this.draft;
    const { params } = this.type;
    words[entry - 1] = 2 * slots;
    words[entry - 2] = this.entryCost;
    words[entry - 4] = 2 * (this.locals - slotCount(params));
    words[entry - 5] = 2 * slotCount(params);
    words[entry - 6] = this.code.index;
  }

  /** Another entry, behind the body, that makes sure of the frame's reference slots first. */
  private addReferencePrologue(slots: number): void {
    const body = this.entry;
    this.reserveHeader();
    this.emit(OP.RESERVE_REFERENCES);
    this.word(slots);
    this.emit(OP.JUMP);
    this.draft.positionWord(body);
    this.word(0);
  }

  /** Hears of the next instruction. */
  instruction(facts: BodyFacts): void {
    const { op } = facts.instruction;
    if (this.isInTable) this.writeEntries(Number.POSITIVE_INFINITY);
    this.instructions++;
    if (!facts.reachable) {
      this.structureOnly(op, facts);
      return;
    }
    if (this.costs.instructions >= LONGEST_SEGMENT) this.cut();
    this.offsets.add(this.position, facts.instruction.start);
    this.costs.add(this.compiled.prices.fixed[op]);
    if (REGISTERS[op] !== 0) this.plainAt(this.position, op, facts);
    else if (!this.structured(op, facts) && !this.aggregate(op, facts)) this.other(op, facts);
  }

  private plainAt(position: number, op: number, facts: BodyFacts): void {
    this.plain(op, facts);
    const { lastStart } = this.draft;
    // If it is fused to what has computed its address, it is still the one that may trap.
    if (lastStart < position && instructionAt(op)?.access != null) {
      this.offsets.add(lastStart, facts.instruction.start);
    }
  }

  /** Ends the segment in straight-line code: a jump to what follows, where the next one begins. */
  protected cut(): void {
    const after = new SegmentPoint();
    this.costs.transfer();
    this.emit(OP.JUMP);
    this.goOnWords(after);
    this.place(after);
    this.barrier();
  }

  // The rest

  private other(op: number, facts: BodyFacts): void {
    const { instruction: reader } = facts;
    const height = facts.heightBefore;
    switch (op) {
      case 0x01: // nop
        return;
      case 0x1a: // drop
        // What is pushed next has the same height, and is not what the last instruction computed.
        return this.forgetResult();
      case 0x1b: // select
      case 0x1c: // select t
        return this.select(height - 3, facts.operand);
      case 0x20: // local.get
        return this.aliasOf(height, this.localSlot(reader.a), facts.operand);
      case 0x21: // local.set
        this.storeLocal(this.localSlot(reader.a), height - 1);
        return;
      case 0x22: // local.tee
        this.storeLocal(this.localSlot(reader.a), height - 1);
        return this.aliasOf(height - 1, this.localSlot(reader.a), facts.operand);
      case 0x23: // global.get
        return this.globalGet(facts);
      case 0x24: // global.set
        return this.globalSet(facts);
      case 0x41: // i32.const
        return this.constant(height, I32, reader.low, 0);
      case 0x42: // i64.const
        return this.constant(height, I64, reader.low, reader.high);
      case 0x43: // f32.const
        return this.constant(height, F32, reader.low, 0);
      case 0x44: // f64.const
        return this.constant(height, F64, reader.low, reader.high);
      case 0x30c: // v128.const
        return this.vectorConstant(height, reader.vectorWords());
      case 0xd0: // ref.null
        return this.nullReference(height, refType(reader.a, true));
      case 0xd1: // ref.is_null
        return this.operate(
          op,
          OP.REF_IS_NULL,
          height - 1,
          I32,
          [this.slotHolding(height - 1)],
          [],
        );
      case 0xd4: // ref.as_non_null
        this.emit(OP.REF_AS_NON_NULL, this.slotOf(height - 1), this.slotHolding(height - 1));
        return this.inSlot(height - 1, facts.operand);
      default:
        this.outside(op, facts);
    }
  }

  private select(height: number, type: ValType): void {
    const y = this.slotHolding(height);
    const z = this.slotHolding(height + 1);
    const condition = this.slotHolding(height + 2);
    const start = this.emit(SELECTS[widthOf(type)], this.slotOf(height), y, z);
    this.word(2 * condition);
    this.inSlot(height, type);
    this.resultOf(start, height);
  }

  /** First word of a global of the module's own, or of a reference its slot; null for others. */
  private ownCell(facts: BodyFacts): number | null {
    const { importedGlobals, vectorGlobals } = this.compiled.module;
    const index = facts.instruction.a - importedGlobals;
    if (index < 0) return null;
    const slot = slotAt(index, vectorGlobals);
    return isReference(facts.operand) ? slot : 2 * slot;
  }

  private globalGet(facts: BodyFacts): void {
    const height = facts.heightBefore;
    const cell = this.ownCell(facts);
    if (cell === null) return this.slow(facts, height, facts.operand);
    const start = this.emit(GLOBAL_GETS[widthOf(facts.operand)], this.slotOf(height));
    this.word(cell);
    this.inSlot(height, facts.operand);
    this.resultOf(start, height);
  }

  private globalSet(facts: BodyFacts): void {
    const height = facts.heightBefore - 1;
    const cell = this.ownCell(facts);
    if (cell === null) return this.slow(facts, height, null);
    this.emit(GLOBAL_SETS[widthOf(facts.operand)], 0, this.slotHolding(height));
    this.word(cell);
  }
}
