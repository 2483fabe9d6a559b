// Where a compiled function may stop, and the frame that comes out there, in Wasm's terms.

import type { ValType } from "../isa/types.ts";
import { type Bits, PASSED_ORDER, passedAs, zeroBits } from "./values.ts";

/**
 * The budget while frames are saved: below whatever a check compares it with. Functions return at
 * once then, to callers whose checks fail.
 */
export const SAVING = -(2 ** 30);

/**
 * `entry`: before anything of the function; `loop`: at a loop's header, with its parameters as
 * operands; `call`: behind a call; `instruction`: behind an instruction that the runtime executes,
 * which need not be where a segment begins.
 */
export type SiteKind = "entry" | "loop" | "call" | "instruction";

/** A site, as it is known when the function has been written. */
export interface Site {
  readonly kind: SiteKind;
  readonly functionIndex: number;
  /** Where the instruction begins in the module: the loop, the call. Of an entry, the body. */
  readonly offset: number;
  /**
   * Types of the locals and of the operands, counted from the bottom. At an entry only the
   * parameters are passed, since the other locals hold what they start with.
   */
  readonly locals: readonly ValType[];
  readonly passedLocals: number;
  readonly operands: readonly ValType[];
  /**
   * How many of the operands, counted from the top, are results of the call: if the callee was
   * saved as well, they are dummies.
   */
  readonly results: number;
}

/** What a function's frame holds at a site. */
export interface SavedFrame {
  readonly site: Site;
  readonly locals: readonly Bits[];
  readonly operands: readonly Bits[];
}

/** The frame that was passed: `values` as the import of the site's signature has got them. */
export function frameOf(site: Site, values: readonly unknown[]): SavedFrame {
  const { locals, operands, passedLocals } = site;
  const types = [...locals.slice(0, passedLocals), ...operands];
  const found: Bits[][] = types.map(() => []);
  let next = 0;
  for (const kind of PASSED_ORDER) {
    for (let i = 0; i < types.length; i++) {
      for (const part of passedAs(types[i])) if (part === kind) found[i].push(values[next++]);
    }
  }
  const bits = found.map((parts) => (parts.length === 1 ? parts[0] : parts));
  const zeros = locals.slice(passedLocals).map(zeroBits);
  return {
    site,
    locals: [...bits.slice(0, passedLocals), ...zeros],
    operands: bits.slice(passedLocals),
  };
}
