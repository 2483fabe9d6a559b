// How a function counts the bytes of stack that its calls may take: the host's stack, and that of
// register code, if they come down. A global says to the callee what is left.

import { LEAST_CALL } from "../interpreter/occupant.ts";
import { slotCount, type ValType } from "../isa/types.ts";
import type { ByteWriter } from "./bytes.ts";
import { writeNumber } from "./checks.ts";
import type { GlobalAccess, HostGlobals } from "./globals.ts";
import { OP } from "./opcodes.ts";
import type { HostOperands } from "./operands.ts";
import type { HostTarget } from "./target.ts";

/** Bytes of a call that does not ask for room, as it makes no calls. */
export const LEAF_BYTES = 1_024;

/**
 * Bytes of code per byte of stack: optimised code keeps values besides the locals in its frame,
 * more in long functions. QuickJS's interpreter, 69 locals in 100 KB, takes 2.8 KB of V8's stack.
 */
const CODE_PER_BYTE = 16;

/** Writes the counting. */
export class RoomWriter {
  private readonly globals: HostGlobals;
  private readonly access: GlobalAccess;
  private readonly operands: HostOperands;
  private readonly code: ByteWriter;
  private locals: readonly ValType[] = [];
  /** Local of what is left for calls. */
  private local = 0;
  private callsOthers = false;

  constructor(
    { access, globals }: Pick<HostTarget, "access" | "globals">,
    operands: HostOperands,
    code: ByteWriter,
  ) {
    this.globals = globals;
    this.access = access;
    this.operands = operands;
    this.code = code;
  }

  /** The function's locals are known, and which one of the host's is for this. */
  begin(locals: readonly ValType[], local: number): void {
    this.locals = locals;
    this.local = local;
  }

  /** Bytes that a call of the function takes, when it is complete: more than it really does. */
  get bytes(): number {
    const { code, locals, operands } = this;
    // Code that is not optimised has a place for each local, and for each again that a site passes.
    const slots = slotCount(locals) + slotCount(operands.added) + operands.highest;
    return LEAST_CALL + 16 * slots + Math.ceil(code.length / CODE_PER_BYTE);
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
    this.access.get(out, this.globals.room);
    writeNumber(out, this.bytes);
    out.u8(OP.i32Sub);
    out.indexed(OP.localSet, this.local);
  }

  /** In front of a tail call. */
  giveBack(out: ByteWriter): void {
    out.indexed(OP.localGet, this.local);
    writeNumber(out, this.bytes);
    out.u8(OP.i32Add);
    this.access.set(out, this.globals.room);
  }

  /** Or whether there may be none, beside what lies on the host's stack. */
  orNone(out: ByteWriter): void {
    out.indexed(OP.localGet, this.local);
    this.access.get(out, this.globals.floor);
    out.u8(OP.i32Less);
    out.u8(OP.i32Or);
  }

  /** What is left becomes known to others. */
  tell(out: ByteWriter): void {
    out.indexed(OP.localGet, this.local);
    this.access.set(out, this.globals.room);
  }
}
