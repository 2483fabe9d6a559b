// Translates plain instructions: those that compute a value from their operands, and accesses to
// memory. Which register instruction stands for one, and which operands stand in the code, is
// decided here; what it means is in its row.

import type { InstructionReader } from "../binary/instructions.ts";
import { instructionAt } from "../isa/index.ts";
import type { Instruction } from "../isa/instruction.ts";
import { I32, V128, type ValType } from "../isa/types.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { COMMUTATIVE, IMMEDIATE, OP, REGISTERS } from "./opcodes.generated.ts";
import { CONSTANT_32, CONSTANT_64, IN_LOCAL } from "./operands.ts";
import { StructureEmitter } from "./structure.ts";

/** Largest offset plus size that the loop's 32-bit check takes. */
const MAX_FAST_OFFSET = 2 ** 31 - 1;
const EQZ = 0x45;
const WRAP = 0xa7;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;

/** Emission of plain instructions. */
export class PlainEmitter extends StructureEmitter {
  /** Translates an instruction that has a register form. */
  protected plain(op: number, facts: BodyFacts): void {
    const row = instructionAt(op) as Instruction;
    const type = row.results[0] ?? I32;
    const height = facts.heightBefore;
    const count = row.params?.length ?? 0;
    if (row.access !== null) this.memoryAccess(row, facts);
    else if (count > 2 || row.results.length > 1 || row.immediates !== "none") {
      this.regular(row, facts, height - count);
    } else if (count === 2) this.binary(op, height - 2, type);
    else if (op === WRAP) this.wrap(height - 1);
    else if (op !== EQZ || !this.negateLast(height - 1)) {
      this.operate(op, REGISTERS[op], height - 1, type, [this.slotHolding(height - 1)], []);
    }
  }

  /** `i32.wrap_i64`: the low word of a slot is the i32 already. */
  private wrap(height: number): void {
    const low = this.lowAt(height);
    const kind = this.kindAt(height);
    if (kind === CONSTANT_64) this.constant(height, I32, low, 0);
    else if (kind === IN_LOCAL) this.aliasOf(height, low, I32);
    else this.inSlot(height, I32);
  }

  /** The operand at `height` as immediate words, or null. */
  private immediateAt(op: number, height: number): number[] | null {
    if (IMMEDIATE[op] === 0) return null;
    const kind = this.kindAt(height);
    if (kind === CONSTANT_32) return [this.lowAt(height)];
    return kind === CONSTANT_64 ? [this.lowAt(height), this.highAt(height)] : null;
  }

  private binary(op: number, height: number, type: ValType): void {
    let first = height;
    let second = height + 1;
    if (COMMUTATIVE.has(op) && this.immediateAt(op, second) === null) {
      if (this.immediateAt(op, first) !== null) [first, second] = [second, first];
    }
    if (op === I32_SUB && this.kindAt(second) === CONSTANT_32) {
      // The same as adding the opposite, of which there are more fused forms.
      const opposite = -this.lowAt(second) | 0;
      const registers = [this.slotHolding(first)];
      this.operate(I32_ADD, IMMEDIATE[I32_ADD], height, type, registers, [opposite]);
      return;
    }
    const immediate = this.immediateAt(op, second);
    if (immediate !== null) {
      this.operate(op, IMMEDIATE[op], height, type, [this.slotHolding(first)], immediate);
    } else {
      // A constant is brought into its slot first, so that the other operand stays the last result.
      const registers = [this.slotHolding(first), this.slotHolding(second)];
      this.operate(op, REGISTERS[op], height, type, registers, []);
    }
  }

  /** An instruction of vectors with immediates, or one with more than two operands or results. */
  private regular(row: Instruction, { instruction, heightBefore }: BodyFacts, base: number): void {
    const { opcode: op, results } = row;
    const registers: number[] = [];
    for (let height = base; height < heightBefore; height++) {
      registers.push(this.slotHolding(height));
    }
    const words = [
      ...registers.splice(2).map((register) => 2 * register),
      ...immediateWords(row, instruction),
    ];
    if (row.immediates === "lanes" && this.simpleShuffle(base, words, registers)) return;
    this.operate(op, REGISTERS[op], base, results[0], registers, words);
    if (results.length === 1) return;
    // Two results lie as the words of a v128 do: the register instruction has one place for them.
    this.inSlot(base + 1, results[1]);
    this.forgetResult();
  }

  /** A shuffle of whole words, or one that rotates each of them; false if it is neither. */
  private simpleShuffle(
    base: number,
    lanes: readonly number[],
    registers: readonly number[],
  ): boolean {
    const rotation = rotationOf(lanes, registers);
    if (rotation !== 0) {
      this.operate(0, OP.ROTATE_WORDS, base, V128, [registers[0]], [rotation]);
      return true;
    }
    const inFrame = wordsInFrame(lanes, registers);
    if (inFrame !== null) this.operate(0, OP.SHUFFLE_WORDS, base, V128, [], [inFrame]);
    return inFrame !== null;
  }

  // Memory

  private memoryAccess(row: Instruction, facts: BodyFacts): void {
    const { access, opcode: op, params, results } = row;
    const { b: memory, low, high } = facts.instruction;
    const count = params?.length ?? 0;
    const bytes = access?.bytes ?? 0;
    const height = facts.heightBefore - count;
    const type = results.length === 0 ? null : results[0];
    let offset = low >>> 0;
    const isFar = high !== 0 || offset + bytes > MAX_FAST_OFFSET;
    const vector = isVector(row);
    if (isFar) {
      // Outside of the loop vectors only have the address computed, which is in bounds then.
      this.slow(facts, height, vector ? I32 : type);
      if (!vector) return;
      offset = 0;
    }
    const constant = IMMEDIATE[op] !== 0 && this.kindAt(height + 1) === CONSTANT_32;
    const registers = [this.slotHolding(height)];
    if (count > 1 && !constant) registers.push(this.slotHolding(height + 1));
    if (!isFar && this.compiled.module.memories[memory].type.address64) {
      this.emit(OP.ADDRESS_64, this.slotOf(height), registers[0], memory);
      registers[0] = this.slotOf(height);
    }
    const select = vector ? OP.MEMORY_128 : OP.MEMORY;
    if (memory !== 0) this.selectMemory(select, memory);
    if (constant) {
      const words = [this.lowAt(height + 1), offset, offset + bytes];
      this.operate(op, IMMEDIATE[op], height, type, registers, words);
    } else {
      const words = [...immediateWords(row, facts.instruction), offset, offset + bytes];
      this.operate(op, REGISTERS[op], height, type, registers, words);
    }
    if (memory !== 0) this.selectMemory(select, 0);
  }

  private selectMemory(op: number, index: number): void {
    this.emit(op);
    this.word(index);
  }
}

/** Whether an instruction takes or gives a v128. */
function isVector({ params, results }: Instruction): boolean {
  return results[0] === V128 || params?.includes(V128) === true;
}

/** Words of a frame that a byte can count. */
const COUNTED_WORDS = 256;

/**
 * Where the words lie that a shuffle puts together, in a byte each, if its lanes are those of whole
 * words; else null. `lanes` are four of them in each, `registers` the slots of both operands.
 */
function wordsInFrame(lanes: readonly number[], registers: readonly number[]): number | null {
  let packed = 0;
  for (const [i, four] of lanes.entries()) {
    const first = four & 255;
    if ((first & 3) !== 0 || four !== Math.imul(first, ONES) + CONSECUTIVE) return null;
    const at = 2 * registers[first >> 4] + ((first >> 2) & 3);
    if (at >= COUNTED_WORDS) return null;
    packed |= at << (8 * i);
  }
  return packed;
}

/**
 * By how many bits a shuffle with these lanes, four of them in each, rotates the words of its
 * operand to the left; 0 if that is not what it does.
 */
function rotationOf(lanes: readonly number[], [first, second]: readonly number[]): number {
  // In one vector it is the same which of both operands a lane is taken from.
  const mask = first === second ? 0x0f0f0f0f : -1;
  const right = 8 * (lanes[0] & 3);
  const bytes = (CONSECUTIVE >>> right) | (CONSECUTIVE << (32 - right));
  const rotates = lanes.every((four, word) => {
    return (four & mask) === ((Math.imul(4 * word, ONES) + bytes) | 0);
  });
  return rotates && right > 0 ? 32 - right : 0;
}

/** In bytes, from the lowest up: 1, 1, 1, 1 and 0, 1, 2, 3. */
const ONES = 0x01010101;
const CONSECUTIVE = 0x03020100;

/** The immediates of an instruction of vectors, as words of the code. */
function immediateWords({ immediates }: Instruction, reader: InstructionReader): number[] {
  switch (immediates) {
    case "lane":
      return [reader.a];
    case "memarg lane":
      return [reader.c];
    case "lanes":
      return reader.vectorWords();
    default:
      return [];
  }
}
