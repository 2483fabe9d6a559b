// Code under construction: words that grow, with positions relative to their own begin. Nobody else
// sees them before the function is complete; where they will lie is decided then (room.ts), and the
// words that hold positions are moved on by as much. So translation may pause at any instruction,
// and gives the same words every time.

import { CodeLimitError } from "../module/errors.ts";
import { joinChains } from "./chains.ts";
import { OP } from "./opcodes.generated.ts";
import { OPCODE_MASK } from "./registers.ts";

/** Instructions that are looked at for chains at once, and those that may still be taken back. */
const JOINED = 4_096;
const KEPT = 16;

function longer(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const result = new Int32Array(length);
  result.set(array);
  return result;
}

/** The words of a function that is being translated. */
export class Draft {
  words: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** First free word. */
  top = 0;
  /** Ascending positions of the words that hold positions. */
  relocations: Int32Array<ArrayBuffer> = new Int32Array(64);
  relocationCount = 0;
  /** Positions of the last instructions: those that are not joined yet. */
  private readonly starts: number[] = [];
  private readonly limit: number;

  /** @param limit words that a function may have */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** What it takes of the host's memory, roughly. */
  get bytes(): number {
    return this.words.byteLength + this.relocations.byteLength;
  }

  /** @throws CodeLimitError if the function gets too long */
  word(value: number): number {
    if (this.top === this.words.length) this.grow();
    this.words[this.top] = value;
    return this.top++;
  }

  private grow(): void {
    const { limit, top } = this;
    if (top >= limit) {
      throw new CodeLimitError(`a function needs more than ${limit} words of register code`);
    }
    this.words = longer(this.words, Math.min(2 * top, limit));
  }

  /** A word that holds a position in this code. */
  positionWord(position: number): number {
    if (this.relocationCount === this.relocations.length) {
      this.relocations = longer(this.relocations, 2 * this.relocationCount);
    }
    this.relocations[this.relocationCount++] = this.top;
    return this.word(position);
  }

  /** Notes that an instruction begins here. */
  begin(): void {
    const { starts } = this;
    if (starts.length >= JOINED) this.join(KEPT);
    starts.push(this.top);
  }

  /** Where the instruction begins that was written last. */
  get lastStart(): number {
    return this.starts[this.starts.length - 1];
  }

  /** Forgets the instructions from `position` on. They hold no positions. */
  takeBack(position: number): void {
    const { starts } = this;
    this.top = position;
    while (starts.length > 0 && starts[starts.length - 1] >= position) starts.pop();
  }

  /** Joins chains, except of the last `kept` instructions, which are left for later. */
  join(kept = 0): void {
    const { starts } = this;
    starts.splice(0, joinChains(this.words, starts, starts.length - kept));
  }

  /** Whether the instruction at `position` is of the wide form. */
  isWide(position: number): boolean {
    return (this.words[position] & OPCODE_MASK) === OP.WIDE;
  }
}
