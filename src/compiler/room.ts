// How a function counts the bytes of stack that its calls may take: the host's stack, and that of
// register code, if they come down. A global says to the callee what is left.

import { LEAST_CALL } from "../interpreter/occupant.ts";
import { slotCount, type ValType } from "../isa/types.ts";
import type { ByteWriter } from "./bytes.ts";
import { writeNumber } from "./checks.ts";
import { OP } from "./opcodes.ts";
import type { HostOperands } from "./operands.ts";

/** Bytes of a call that does not ask for room, as it makes no calls. */
export const LEAF_BYTES = 1_024;

/** Writes the counting. */
export class RoomWriter {
  private readonly global: number;
  private readonly operands: HostOperands;
  private locals: readonly ValType[] = [];
  /** Local of what is left for calls. */
  private local = 0;
  private callsOthers = false;

  constructor(global: number, operands: HostOperands) {
    this.global = global;
    this.operands = operands;
  }

  /** The function's locals are known, and which one of the host's is for this. */
  begin(locals: readonly ValType[], local: number): void {
    this.locals = locals;
    this.local = local;
  }

  /** Bytes that a call of the function takes, when it is complete: more than it really does. */
  get bytes(): number {
    const { locals, operands } = this;
    return LEAST_CALL + 8 * (slotCount(locals) + operands.added.length + 2 * operands.highest);
  }

  /** Whether the function asks for room at its entry. */
  get isAsked(): boolean {
    return this.callsOthers || this.bytes > LEAF_BYTES;
  }

  /** Something is called that takes room. */
  call(out: ByteWriter): void {
    this.callsOthers = true;
    this.tell(out);
  }

  /** Something is called in the function's place. */
  tailCall(): void {
    this.callsOthers = true;
  }

  // What is put in when the function is complete

  take(out: ByteWriter): void {
    if (!this.isAsked) return;
    out.indexed(OP.globalGet, this.global);
    writeNumber(out, this.bytes);
    out.u8(OP.i32Sub);
    out.indexed(OP.localSet, this.local);
  }

  /** In front of a tail call. */
  giveBack(out: ByteWriter): void {
    out.indexed(OP.localGet, this.local);
    writeNumber(out, this.bytes);
    out.u8(OP.i32Add);
    out.indexed(OP.globalSet, this.global);
  }

  /** Or whether there is none, beside what lies on the host's stack. */
  orNone(out: ByteWriter): void {
    out.indexed(OP.localGet, this.local);
    writeNumber(out, 0);
    out.u8(OP.i32Less);
    out.u8(OP.i32Or);
  }

  /** What is left becomes known to others. */
  tell(out: ByteWriter): void {
    out.indexed(OP.localGet, this.local);
    out.indexed(OP.globalSet, this.global);
  }
}
