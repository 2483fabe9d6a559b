// random_get. The buffer may be the whole memory, and has to be filled: that is done piece by
// piece, with a look at the deadline in between.

import { SUCCESS } from "./errno.ts";
import type { Process } from "./process.ts";

const PIECE_BYTES = 2 ** 20;

/** The function for random numbers. */
export function randomFunctions(process: Process) {
  return {
    random_get(address: number, length: number) {
      const bytes = process.memory.range(address, length);
      const { execution } = process;
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        if (at > 0 && execution?.timeLeft === 0) process.interrupt();
        process.random(bytes.subarray(at, at + PIECE_BYTES));
      }
      process.moved(bytes.length);
      return SUCCESS;
    },
  };
}
