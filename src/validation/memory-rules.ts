// Typing rules of memories, and of regular instructions by their rows (spec: 3.4.7).

import { instructionAt } from "../isa/index.ts";
import { ADDRESS } from "../isa/instruction.ts";
import { BOT, I32, type ValType } from "../isa/types.ts";
import { ALIGN, EXACT_ALIGN, LANES } from "./plain.ts";
import { ReferenceRules } from "./reference-rules.ts";

/** Rules that look at memories, and at the rows of regular instructions. */
export class MemoryRules extends ReferenceRules {
  protected memoryAddress(index: number): ValType {
    const address = this.context.memoryAddresses[index];
    if (address === undefined) throw this.invalid(`unknown memory ${index}`, "");
    return address;
  }

  /** Checks memory, alignment and offset of an access; the address type. */
  protected memarg(op: number): ValType {
    const { reader } = this;
    const { a: align, b: memory, high } = reader;
    const address = this.memoryAddress(memory);
    if (align > ALIGN[op]) {
      const detail = `2^${align}, at most 2^${ALIGN[op]}`;
      throw this.invalid("alignment must not be larger than natural", detail);
    }
    if (align < ALIGN[op] && EXACT_ALIGN[op] === 1) {
      const detail = `2^${align} for an access of 2^${ALIGN[op]}`;
      throw this.invalid("atomic alignment must be natural", detail);
    }
    if (high !== 0 && address === I32) {
      throw this.invalid("offset out of range", "it does not fit in 32 bits");
    }
    return address;
  }

  /** A regular instruction whose shape has no fast path: operands and results by its row. */
  protected regular(op: number): void {
    const row = instructionAt(op);
    if (row === undefined || row.params === null) throw new Error(`no rule for opcode ${op}`);
    const address = this.regularImmediates(op);
    for (let i = row.params.length - 1; i >= 0; i--) {
      this.pop(row.params[i] === ADDRESS ? address : row.params[i]);
    }
    for (const type of row.results) this.push(type === ADDRESS ? address : type);
  }

  /** Checks the immediates of a regular instruction; the address type, if it has one. */
  protected regularImmediates(op: number): ValType {
    const { reader } = this;
    switch (reader.layout) {
      case "memarg":
        return this.memarg(op);
      case "memarg lane":
        this.requireLane(reader.c, 16 >> ALIGN[op]);
        return this.memarg(op);
      case "lane":
        this.requireLane(reader.a, LANES[op]);
        return BOT;
      case "lanes":
        for (let i = 0; i < 16; i++) this.requireLane(reader.bytes[reader.low + i], 32);
        return BOT;
      case "memory":
        return this.memoryAddress(reader.a);
      case "data memory":
        this.dataAt(reader.a);
        return this.memoryAddress(reader.b);
      case "data":
        this.dataAt(reader.a);
        return BOT;
      case "elem":
        this.elementAt(reader.a);
        return BOT;
      case "elem table":
        this.checkTableInit();
        return this.context.tableAddresses[reader.b];
      case "table":
        this.tableAt(reader.a);
        return this.context.tableAddresses[reader.a];
      default:
        return BOT;
    }
  }

  protected requireLane(lane: number, count: number): void {
    if (lane < count) return;
    throw this.invalid("invalid lane index", `${lane}, there are ${count} lanes`);
  }

  protected memoryCopy(): void {
    const to = this.memoryAddress(this.reader.a);
    this.popCopy(to, this.memoryAddress(this.reader.b));
  }
}
