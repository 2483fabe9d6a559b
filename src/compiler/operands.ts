// Where the operands of a body are while it is written: the upper ones on the host's own stack, the
// others in locals. Whatever lies beneath a site must be in a local, as the host cannot reach
// below the top of its stack; to its optimiser both are the same.

import type { ValType } from "../isa/types.ts";
import type { ByteWriter } from "./bytes.ts";
import { OP } from "./opcodes.ts";
import { typeCode } from "./values.ts";

/** The operand stack of one function, and the locals it needs. */
export class HostOperands {
  private readonly code: ByteWriter;
  private readonly types: ValType[] = [];
  /** Locals of the operands that are in one: those below `settled`. */
  private readonly locals: number[] = [];
  private settled = 0;
  height = 0;
  /** The most that there have been. */
  highest = 0;
  /** Types of the locals that were added, in the order of their indices. */
  readonly added: ValType[] = [];
  /** Index of the first local that is added. */
  first = 0;
  /** Added locals that nothing uses, by type. */
  private readonly free = new Map<ValType, number[]>();

  constructor(code: ByteWriter) {
    this.code = code;
  }

  typeAt(height: number): ValType {
    return this.types[height];
  }

  /** Types of all operands, and their locals once they are settled. */
  allTypes(): ValType[] {
    return this.types.slice(0, this.height);
  }

  allLocals(): number[] {
    return this.locals.slice(0, this.height);
  }

  /** The local of an operand that is in one. */
  localAt(height: number): number {
    return this.locals[height];
  }

  /** A local of this type for as long as it is not given back. */
  take(type: ValType): number {
    const unused = this.free.get(type)?.pop();
    if (unused !== undefined) return unused;
    typeCode(type);
    this.added.push(type);
    return this.first + this.added.length - 1;
  }

  giveBack(type: ValType, local: number): void {
    const unused = this.free.get(type);
    if (unused === undefined) this.free.set(type, [local]);
    else unused.push(local);
  }

  /** Takes a local that is not used at the moment. */
  private retake(type: ValType, local: number): void {
    const unused = this.free.get(type) ?? [];
    const at = unused.indexOf(local);
    if (at >= 0) unused.splice(at, 1);
  }

  /** The instruction before has left a value on the host's stack. */
  push(type: ValType): void {
    typeCode(type);
    this.types[this.height++] = type;
    if (this.height > this.highest) this.highest = this.height;
  }

  /** An operand that is in a local, which is its own from now on; nothing lies on the stack. */
  pushLocal(type: ValType, local: number): void {
    this.types[this.height] = type;
    this.locals[this.height] = local;
    this.settled = ++this.height;
    if (this.height > this.highest) this.highest = this.height;
  }

  /** The same, where the local may have been given back meanwhile. */
  pushAgain(type: ValType, local: number): void {
    this.retake(type, local);
    this.pushLocal(type, local);
  }

  /** Moves all operands into locals. */
  settle(): void {
    this.settleFrom(this.settled);
  }

  private settleFrom(from: number): void {
    for (let at = from; at < this.height; at++) this.locals[at] = this.take(this.types[at]);
    for (let at = this.height - 1; at >= from; at--)
      this.code.indexed(OP.localSet, this.locals[at]);
    this.settled = this.height;
  }

  /** Pushes the upper `count` operands, which are in locals and stay there. */
  copy(count: number): void {
    for (let at = this.height - count; at < this.height; at++) {
      this.code.indexed(OP.localGet, this.locals[at]);
    }
  }

  /** Brings the upper `count` operands onto the host's stack, in order, and takes them away. */
  pop(count: number): void {
    const from = this.height - count;
    if (this.settled > from) {
      this.settle();
      this.copy(count);
    }
    this.drop(count);
  }

  /** Brings the uppermost operand onto the host's stack, where nothing else lies. */
  popAbove(): void {
    const type = this.types[this.height - 1];
    this.pop(1);
    if (this.settled === this.height) return;
    const local = this.take(type);
    this.code.indexed(OP.localSet, local);
    this.settle();
    this.code.indexed(OP.localGet, local);
    this.giveBack(type, local);
  }

  /** The upper `count` operands are gone; those on the host's stack by an instruction. */
  drop(count: number): void {
    this.height -= count;
    for (; this.settled > this.height; this.settled--) {
      const at = this.settled - 1;
      this.giveBack(this.types[at], this.locals[at]);
    }
  }

  /** The same, where their locals belong to somebody else. */
  forget(count: number): void {
    this.height -= count;
    if (this.settled > this.height) this.settled = this.height;
  }

  /** Whether the uppermost operand is in a local. */
  get isSettled(): boolean {
    return this.settled === this.height;
  }
}
