// args_* and environ_*: lists of texts, each with a NUL behind it, and an array of their addresses.

import { SUCCESS } from "./errno.ts";
import type { Process } from "./process.ts";

function bytesOf(texts: readonly Uint8Array[]): number {
  return texts.reduce((total, { length }) => total + length + 1, 0);
}

function sizes(process: Process, texts: readonly Uint8Array[], count: number, size: number) {
  const { memory } = process;
  memory.setU32(count, texts.length);
  memory.setU32(size, bytesOf(texts));
  return SUCCESS;
}

function get(process: Process, texts: readonly Uint8Array[], array: number, buffer: number) {
  const { memory } = process;
  const first = memory.check(array, 4 * texts.length);
  let at = memory.check(buffer, bytesOf(texts));
  texts.forEach((text, i) => {
    memory.setU32(first + 4 * i, at);
    memory.write(at, text);
    memory.setU8(at + text.length, 0);
    at += text.length + 1;
  });
  return SUCCESS;
}

/** The functions for arguments and environment. */
export function argsFunctions(process: Process) {
  const { args, environ } = process;
  return {
    args_sizes_get: (count: number, size: number) => sizes(process, args, count, size),
    args_get: (array: number, buffer: number) => get(process, args, array, buffer),
    environ_sizes_get: (count: number, size: number) => sizes(process, environ, count, size),
    environ_get: (array: number, buffer: number) => get(process, environ, array, buffer),
  };
}
