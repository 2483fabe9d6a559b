// Vector instructions that programs seldom use stand in a function of their own, with a switch of its
// own, which the loop for vectors calls: they take 4 ns more, and leave room in the loop for pairs of
// common ones as one instruction.

import type { Form } from "./forms.ts";

const RARE = [
  /relaxed_dot|relaxed_n?madd|q15mulr|i64x2\.mul/,
  /^f(32x4|64x2)\.(pmin|pmax|ceil|floor|trunc|nearest)/,
  /^i64x2\.(eq|ne|lt_s|ge_s|abs|neg|all_true|bitmask|extmul_\w+|extend_\w+)$/,
  /^i(8x16|16x8|32x4|64x2)\.sh(l|r_[su])$|^i8x16\.sh/,
  /^i8x16\.(popcnt|abs|neg|all_true|narrow_\w+_s|(add|sub)_sat_s)$/,
  /^i16x8\.(abs|neg|bitmask|all_true|narrow_\w+)$/,
  /trunc_sat_f64x2|convert_low|demote|promote/,
  /^f64x2\.(sqrt|div|abs|neg|min|max|lt|le|eq|ne|gt|ge)/,
  /^i(8x16|16x8)\.ge_[su]$/,
  /^i32x4\.extmul|^i16x8\.((add|sub)_sat|(min|max)_u)|^i(8x16|16x8)\.ne$/,
];

/** Whether an instruction is left to the function for rare ones. */
export function isRare({ name }: Form): boolean {
  return RARE.some((pattern) => pattern.test(name));
}

/** What the loop does for all of them. */
export const CALL_RARE = "pc = rareVector(w, x, y, z, pc, fp); continue;";

/** A case of the function: where a case of a loop goes on, it gives back the position. */
export function asReturn(source: string): string {
  return source.replace(/(?:pc = ([^;]+); )?continue;$/, (_, pc = "pc") => `return ${pc};`);
}
