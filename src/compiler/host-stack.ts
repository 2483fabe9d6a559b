// The host's stack where an error was made, as far as its engine says: which functions of Wasm
// modules were in progress, and where. V8's and SpiderMonkey's frames end in the function's index
// and the offset of the instruction in the module: `wasm-function[7]:0x1f4`.

import { MOST_FRAMES } from "../interpreter/backtrace.ts";
import { compileAtOnce, instantiateHidden } from "./host-objects.ts";

/** The host's `Error`, with what V8 has added to it. */
const host = Error as {
  stackTraceLimit?: unknown;
  prepareStackTrace?: unknown;
};

/** Frames to ask for: those of a backtrace, and a few of ours in between. */
const LIMIT = 2 * MOST_FRAMES;

/** Stands for a limit that was left as it is. */
const UNTOUCHED = {};

/**
 * Has errors know enough of the stack. To be undone with what it gives, as programs see it.
 * Where `Error` is frozen they know less, and where a program has put an accessor there, which
 * would run its code between the tiers.
 */
export function deepen(): unknown {
  const found = Object.getOwnPropertyDescriptor(host, "stackTraceLimit");
  if (found?.writable !== true) return UNTOUCHED;
  host.stackTraceLimit = LIMIT;
  return found.value;
}

/** Undoes `deepen`. */
export function undeepen(before: unknown): void {
  if (before !== UNTOUCHED) host.stackTraceLimit = before;
}

/** The lines of an error's stack, whatever the program has done to make them look otherwise. */
function linesOf(error: Error): readonly string[] {
  const before = Object.getOwnPropertyDescriptor(host, "prepareStackTrace");
  const plain = (_error: unknown, sites: readonly unknown[]) => sites.join("\n");
  const ours = { value: plain, configurable: true, writable: true };
  if (!Reflect.defineProperty(host, "prepareStackTrace", ours)) return [];
  try {
    const stack = String(error.stack);
    // If it was made before, V8 says first what the error is.
    const header = `${error}\n`;
    return (stack.startsWith(header) ? stack.slice(header.length) : stack).split("\n");
  } finally {
    if (before !== undefined) Object.defineProperty(host, "prepareStackTrace", before);
    else Reflect.deleteProperty(host, "prepareStackTrace");
  }
}

const FRAME = /([^(@]*):wasm-function\[(\d+)\]:0x([0-9a-f]+)\)?$/;

/** A function that was in progress, by the host's name of its module, and where. */
export interface StackFrame {
  readonly module: string;
  readonly index: number;
  readonly offset: number;
}

/** Its frames, the innermost first; null for one that is no function of a Wasm module. */
export function stackOf(error: Error): readonly (StackFrame | null)[] {
  return linesOf(error).map((line) => {
    const found = FRAME.exec(line);
    if (found === null) return null;
    const [, module, index, offset] = found;
    return {
      module: module.replace(/^ *at /, ""),
      index: Number(index),
      offset: Number.parseInt(offset, 16),
    };
  });
}

/** A module whose start function traps in front of its last byte. */
const TRAPS = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[1, 4, 1, 0x60, 0, 0], // a type without parameters and results
  ...[3, 2, 1, 0], // a function
  ...[8, 1, 0], // which is the start function
  ...[10, 6, 1, 4, 0, 0x01, 0x00, 0x0b], // nop, unreachable, end
);

let traced: boolean | null = null;

/**
 * Whether the host's engine says where it traps; it is asked once.
 * @throws LeftOut if there is none
 */
export function tracesTraps(): boolean {
  traced ??= findTrap();
  return traced;
}

function findTrap(): boolean {
  const module = compileAtOnce(TRAPS);
  const before = deepen();
  try {
    instantiateHidden(module, {});
  } catch (error) {
    const [frame] = stackOf(error as Error);
    return frame?.index === 0 && frame.offset === TRAPS.length - 2;
  } finally {
    undeepen(before);
  }
  return false;
}
