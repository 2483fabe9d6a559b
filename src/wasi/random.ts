// random_get. The buffer may be the whole memory, and has to be filled: that is done piece by
// piece, with a look at the guest in between.

import { SUCCESS } from "./errno.ts";
import type { Process } from "./process.ts";
import type { Steps } from "./steps.ts";

/** Bytes between two looks: 0.05 ms, and some milliseconds in a cold process. */
const PIECE_BYTES = 16_384;
/** A random number takes as long as moving so many. */
const SLOWNESS = 32;

/** The function for random numbers. */
export function randomFunctions(process: Process) {
  return {
    *random_get(address: number, length: number): Steps {
      const size = length >>> 0;
      const start = process.memory.check(address, size);
      for (let at = 0; at < size; at += PIECE_BYTES) {
        if (at > 0) yield;
        const bytes = process.memory.range(start + at, Math.min(PIECE_BYTES, size - at));
        process.random(bytes);
        process.moved(SLOWNESS * bytes.length);
      }
      return SUCCESS;
    },
  };
}
