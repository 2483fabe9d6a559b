// Chains: the instruction in front of another one may do both and save the way through the switch.
// Nothing else changes: the words of the second stay where they are, and whoever comes to it from
// elsewhere finds it whole. Which pairs there are: tools/interpreter/chains.ts.

import { CHAINS } from "./opcodes.generated.ts";
import { chainKey, OPCODE_MASK } from "./registers.ts";

/**
 * Joins neighbours among the first `count` instructions at `starts`, which are ascending. The index
 * of the first one that may still be joined with what follows.
 */
export function joinChains(words: Int32Array, starts: readonly number[], count: number): number {
  let i = 0;
  for (; i + 1 < count; i++) {
    const at = starts[i];
    const key = chainKey(words[at] & OPCODE_MASK, words[starts[i + 1]] & OPCODE_MASK);
    const chained = CHAINS.get(key);
    if (chained === undefined) continue;
    words[at] = (words[at] & ~OPCODE_MASK) | chained;
    i++;
  }
  return i;
}
