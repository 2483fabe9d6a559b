// What the host's compiler is told of the code: that checks hardly ever fail (custom section of the
// proposal Branch Hinting), and that calls are worth being inlined. Hosts may ignore it.

import { ByteWriter } from "./bytes.ts";

const SECTION = "metadata.code.branch_hint";
const UNLIKELY = 0;

/** A body that does nothing, with its size in front. */
export const EMPTY_BODY: readonly number[] = [0x03, 0x00, 0x00, 0x0b];
const MOST_EMPTY = 1 << 16;

/**
 * How many functions that do nothing are added to so many: V8 inlines more in a module of which
 * half the functions are small, and ours never are.
 */
export function emptyFunctions(defined: number): number {
  return Math.min(defined, MOST_EMPTY);
}

/** The parts of checks that are unlikely to be reached. */
export class BranchHints {
  private readonly hints = new ByteWriter();
  /** Where indices of functions stand. */
  private readonly functions: number[] = [];

  /**
   * Adds a function, by its index in the guest's space; `places` are those of instructions `if`,
   * counted from where the body begins behind its size.
   */
  add(functionIndex: number, places: readonly number[]): void {
    const { functions, hints } = this;
    functions.push(hints.padded(functionIndex));
    hints.u32(places.length);
    for (const place of places) {
      hints.u32(place);
      hints.u32(1);
      hints.u8(UNLIKELY);
    }
  }

  /** The content of the custom section; so many functions are imported besides the guest's. */
  write(out: ByteWriter, imported: number): void {
    const { functions, hints } = this;
    for (const at of functions) hints.patch(at, hints.valueAt(at) + imported);
    out.name(SECTION);
    out.u32(functions.length);
    out.copy(hints.bytes, 0, hints.length);
  }
}
