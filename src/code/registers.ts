// The format of register code: how an instruction is packed into 32-bit words (design: section 3).
//
//   narrow   opcode (10) | x (7) | y (7) | z (7), then extra words (immediates, targets, costs)
//   wide     WIDE | 0, then x (16) | y (16), then opcode (10) | z (16), then extra words
//
// x is the destination. A slot is 8 bytes of the frame: one value of any scalar type. Slots are
// encoded as slot numbers and decoded to indices of the Int32Array view, twice as large.
//
// In front of a function's first instruction lies its header, read by whoever enters it.

export const OPCODE_BITS = 10;
export const OPCODE_MASK = (1 << OPCODE_BITS) - 1;
export const SLOT_BITS = 7;
/** Slots that fit in a narrow instruction, and those that fit in a wide one. */
export const NARROW_SLOTS = 1 << SLOT_BITS;
export const WIDE_SLOTS = 1 << 16;

/**
 * Words in front of a function's entry: its index, words of parameters, words of locals to zero,
 * the pair of its entry and the cost of its first segment, words of its frame (next to the entry).
 */
export const HEADER_WORDS = 6;

/** Key of a pair of register opcodes, by the operand of the second that the first one computes. */
export function fusedKey(producer: number, consumer: number, isSecond: boolean): number {
  return (producer * (OPCODE_MASK + 1) + consumer) * 2 + (isSecond ? 1 : 0);
}

/** Key of two register opcodes that follow each other. */
export function chainKey(first: number, second: number): number {
  return first * (OPCODE_MASK + 1) + second;
}

/** In the word after SLOW's head: the opcode, and above it the words of that head less 1. */
export const SLOW_BACK_SHIFT = 16;
/**
 * In the place of that opcode: the loop makes an object, but its type, which the next word names,
 * is to be known first, and room for as many bytes as the word behind it says.
 */
export const PREPARE = 0x1ff;
