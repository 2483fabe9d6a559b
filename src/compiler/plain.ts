// All instructions but control: what the host does in the same way is copied byte by byte, what has
// a bill or limits beyond its price is left to a function of the runtime.

import { instructionAt } from "../isa/index.ts";
import type { Instruction } from "../isa/instruction.ts";
import { EXTERNREF, isReference, type ValType } from "../isa/types.ts";
import type { BodyFacts } from "../validation/sink.ts";
import type { HostBody } from "./body.ts";
import { ShortBulk } from "./bulk.ts";
import {
  handlingOf,
  isConversion,
  operandsOfRuntime,
  REFUSED,
  RUNTIME_DOES,
  TRAPPING,
} from "./handling.ts";
import { LeftOut } from "./left-out.ts";
import { EMPTY, OP } from "./opcodes.ts";
import type { HostTarget } from "./target.ts";
import {
  isFunctionReference,
  requireHeld,
  writeBits,
  writeNull,
  writeOfBits,
  writeSelectReference,
  writeUpperHalf,
} from "./values.ts";

/** Writes plain instructions. */
export class PlainWriter {
  private readonly target: HostTarget;
  private readonly body: HostBody;
  private readonly shortBulk: ShortBulk;

  constructor(target: HostTarget, body: HostBody) {
    this.target = target;
    this.body = body;
    this.shortBulk = new ShortBulk(target, body);
  }

  write(op: number, facts: BodyFacts): void {
    switch (op) {
      case 0x01: // nop
      case 0x1a: // drop
        return this.same(facts, 0);
      case 0x1b: // select
        return this.same(facts, 1);
      case 0x1c: // select t
        return this.selectTyped(facts);
      case 0x20: // local.get
        this.body.flow.read(facts.instruction.a);
        return this.same(facts, 1);
      case 0x21: // local.set
        this.body.flow.write(facts.instruction.a);
        return this.same(facts, 0);
      case 0x22: // local.tee
        this.body.flow.write(facts.instruction.a);
        return this.same(facts, 1);
      case 0x23: // global.get
        return this.globalGet(facts);
      case 0x24: // global.set
        return this.globalSet(facts);
      case 0x3f: // memory.size
        this.requireMemory(facts.instruction.a);
        return this.same(facts, 1);
      case 0xd0: // ref.null
        requireHeld(this.target.module, [facts.operandType(facts.heightBefore)]);
        return writeNull(this.body.code);
      case 0xd1: // ref.is_null
        return this.same(facts, 1);
      case OP.refAsNonNull:
        return this.asNonNull(facts);
      default:
        this.byRow(op, facts);
    }
  }

  private byRow(op: number, facts: BodyFacts): void {
    const { effort, feature, isAccess, kind, name, params, results } = handlingOf(op);
    if (kind === RUNTIME_DOES) return this.byRuntime(row(facts), facts);
    if (kind === REFUSED) throw new LeftOut(`it uses ${name}`);
    this.body.effort += effort;
    if ((this.target.features & feature) !== feature) {
      throw new LeftOut(`it uses ${name}, which the host does not know`);
    }
    if (isAccess) this.requireMemory(facts.instruction.b);
    if (kind === TRAPPING) {
      this.body.budget.keep();
      // A NaN traps otherwise than a number that is too large; V8 does not say which it was.
      if (isConversion(op)) this.body.keep(params[0]);
    }
    this.same(facts, results.length);
  }

  /** The same instruction, which leaves so many results. */
  private same({ height, instruction }: BodyFacts, results: number): void {
    const { code, operands } = this.body;
    operands.drop(height - results);
    code.copy(instruction.bytes, instruction.start, instruction.pos);
  }

  private requireMemory(index: number): void {
    if (index >= this.target.memories) throw new LeftOut("its memory is nothing for the host");
  }

  private selectTyped(facts: BodyFacts): void {
    if (!isReference(facts.operand)) return this.same(facts, 1);
    const { code, operands } = this.body;
    operands.drop(facts.height - 1);
    writeSelectReference(code);
  }

  private asNonNull(facts: BodyFacts): void {
    const { body } = this;
    const { code, operands } = body;
    operands.drop(facts.height - 1);
    body.budget.keep();
    const local = operands.take(EXTERNREF);
    code.indexed(OP.localTee, local);
    code.u8(OP.refIsNull);
    code.block(OP.if, EMPTY);
    code.u8(OP.unreachable);
    code.u8(OP.end);
    code.indexed(OP.localGet, local);
    operands.giveBack(EXTERNREF, local);
  }

  /** Globals hold bits; those of references are with the runtime. */
  private globalGet(facts: BodyFacts): void {
    const type = facts.operand;
    const index = facts.instruction.a;
    if (isReference(type)) return this.getReference(index, type);
    const { code } = this.body;
    const { access, globals } = this.target;
    const half = globals.upperHalves.get(index);
    access.get(code, index);
    writeOfBits(code, type);
    if (half !== undefined) {
      access.get(code, half);
      writeUpperHalf(code);
    }
  }

  private globalSet(facts: BodyFacts): void {
    const type = facts.operand;
    const index = facts.instruction.a;
    if (isReference(type)) this.callGlobal("set reference", index);
    else this.setNumber(index, type);
    this.body.operands.drop(facts.height);
  }

  /** What a census may have to see cannot come in here: no frame can be saved behind it. */
  private getReference(index: number, type: ValType): void {
    if (!isFunctionReference(type)) throw new LeftOut("it gets a global that may be an object");
    this.callGlobal("get reference", index);
  }

  private callGlobal(kind: "get reference" | "set reference", index: number): void {
    this.body.code.indexed(OP.call, this.target.imports.reference(kind, index));
  }

  private setNumber(index: number, type: ValType): void {
    const { code, operands } = this.body;
    const { access, globals } = this.target;
    const half = globals.upperHalves.get(index);
    if (half === undefined) {
      writeBits(code, type, 0);
      access.set(code, index);
      return;
    }
    const local = operands.take(type);
    code.indexed(OP.localTee, local);
    writeBits(code, type, 0);
    access.set(code, index);
    code.indexed(OP.localGet, local);
    writeBits(code, type, 1);
    access.set(code, half);
    operands.giveBack(type, local);
  }

  private byRuntime({ access, immediates, opcode }: Instruction, facts: BodyFacts): void {
    const { body, target } = this;
    const { a, b } = facts.instruction;
    const isOne = immediates.split(" ").length === 1;
    // Of an access only the memory matters: it is the interpreter's.
    const words = access !== null ? [0, b] : isOne ? [a] : [a, b];
    const params = operandsOfRuntime(opcode, words, target.module);
    const height = facts.heightBefore - params.length;
    const results = facts.height > height ? [facts.operandType(height)] : [];
    requireHeld(target.module, results);
    const callee = target.imports.instruction(opcode, words, params, results);
    if (this.shortBulk.has(opcode, facts)) {
      this.shortBulk.write(facts, callee);
      return;
    }
    body.beginCall();
    body.runtimeInstruction(callee, results.length, facts);
  }
}

function row({ instruction }: BodyFacts): Instruction {
  return instructionAt(instruction.op) as Instruction;
}
