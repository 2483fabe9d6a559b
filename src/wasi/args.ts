// args_* and environ_*: lists of texts, each with a NUL behind it, and an array of their addresses.

import { SUCCESS } from "./errno.ts";
import type { Process } from "./process.ts";
import type { Steps } from "./steps.ts";

/** Between two looks. */
const MOST_TEXTS = 1_024;
const MOST_BYTES = 2 ** 20;
/** A text takes as long as moving so many bytes. */
const TEXT_BYTES = 640;

/** The functions for one list. */
function listFunctions(process: Process, texts: readonly Uint8Array[]) {
  const bytes = texts.reduce((total, { length }) => total + length + 1, 0);
  const sizes = (count: number, size: number) => {
    const { memory } = process;
    memory.setU32(count, texts.length);
    memory.setU32(size, bytes);
    return SUCCESS;
  };
  const get = function* (array: number, buffer: number): Steps {
    const first = process.memory.check(array, 4 * texts.length);
    let at = process.memory.check(buffer, bytes);
    let looked = { at, text: 0 };
    for (const [i, text] of texts.entries()) {
      if (i - looked.text === MOST_TEXTS || at + text.length - looked.at > MOST_BYTES) {
        looked = { at, text: i };
        yield;
      }
      const { memory } = process;
      memory.setU32(first + 4 * i, at);
      memory.write(at, text);
      memory.setU8(at + text.length, 0);
      at += text.length + 1;
      process.moved(text.length + TEXT_BYTES);
    }
    return SUCCESS;
  };
  return { sizes, get };
}

/** The functions for arguments and environment. */
export function argsFunctions(process: Process) {
  const args = listFunctions(process, process.args);
  const environ = listFunctions(process, process.environ);
  return {
    args_sizes_get: args.sizes,
    args_get: args.get,
    environ_sizes_get: environ.sizes,
    environ_get: environ.get,
  };
}
