// Chains: two instructions in a row as one register instruction, which does the first and goes on to
// the second without another way through the switch. Unlike fused pairs the two need not have an
// operand in common, and the code has the same words. The pairs are those that the programs of
// test/packages execute most, equally weighted; the kernels of bench/ were not asked.

import type { Form } from "./forms.ts";
import { exit } from "./operations.ts";

/** First and second instruction. */
const PAIRS: readonly (readonly [first: string, second: string])[] = [
  ["move 32", "move 32"],
  ["i32.store", "count i32.add imm > i32.lt_u"],
  ["i32.add", "i32.xor > i32.rotl imm"],
  ["i32.load", "i32.load"],
  ["i32.add imm", "global.set 32"],
  ["i32.add imm", "i32.add imm"],
  ["i64.xor", "i64.rotl imm"],
  ["i32.store8", "i32.add imm"],
  ["i32.add", "i32.add"],
  ["i32.add imm", "count i32.add imm > br_if"],
  ["const 32", "select 32"],
  ["const 32", "jump"],
  ["i32.store", "i32.store"],
  ["i32.add imm", "jump"],
  ["i64.load", "i64.load"],
  ["const 32", "const 32"],
  ["i32.store", "i32.add imm"],
  ["i64.xor", "i64.xor"],
  ["i32.load8_u", "i32.load8_u"],
  ["global.get 32", "i32.add imm"],
  ["const 64", "i64.store"],
  ["i32.add", "move 32"],
  ["i32.add imm", "i32.load"],
  ["const 32", "i32.load"],
  ["i32.add > i32.add", "i32.add"],
  ["i32.add imm", "move 32"],
  ["i32.or", "br_if"],
  ["i64.xor imm", "i64.and"],
  ["i32.shl imm > i32.add", "i32.load"],
  ["i32.add imm", "i32.add imm > i32.load"],
  ["i32.xor > i32.rotl imm", "i32.add"],
  ["const 32", "return 32"],
  ["i32.load", "br_unless"],
  ["i32.add imm > i64.load", "i64.store"],
  ["move 32", "jump"],
  ["i32.load8_u", "br_if i32.ne"],
  ["i32.load", "move 32"],
];

/** The same of vectors, by what the loops of compiled C do most. */
const VECTOR_PAIRS: readonly (readonly [first: string, second: string])[] = [
  ["i32x4.add", "v128.xor"],
  ["i8x16.bitmask", "br_unless"],
];

/** Two instructions in a row. */
export interface Chain extends Form {
  readonly first: string;
  readonly second: string;
}

/** What ends a case whose instruction is not the last one of its segment. */
const GOES_ON = /continue;$/;

/** Whether the machine's registers x, y and z matter to who runs on after the instruction. */
const leavesForHelp = (source: string) =>
  source.replaceAll(exit("TRAPPED"), "").includes("break loop");

/** Reads the instruction at pc, as far as `source` uses its slots. */
function decode(source: string): string {
  const all = leavesForHelp(source);
  const slot = (name: string, shift: number) =>
    all || new RegExp(`\\b${name}\\b`).test(source)
      ? `${name} = (fp + ((w >>> ${shift}) & 0xfe)) | 0; `
      : "";
  return `w = C[pc]; pc = (pc + 1) | 0; ${slot("x", 9)}${slot("y", 16)}${slot("z", 23)}`;
}

/** The chains of scalars, of the forms they are made of. */
export function chainsOf(forms: readonly Form[]): Chain[] {
  return joined(forms, PAIRS);
}

/** Those of vectors. */
export function vectorChainsOf(forms: readonly Form[]): Chain[] {
  return joined(forms, VECTOR_PAIRS);
}

function joined(forms: readonly Form[], pairs: typeof PAIRS): Chain[] {
  const sourceOf = (name: string) => {
    const form = forms.find((item) => item.name === name);
    if (form === undefined) throw new Error(`there is no register instruction ${name}`);
    return form.source;
  };
  return pairs.map(([first, second]) => {
    const before = sourceOf(first);
    if (!GOES_ON.test(before)) throw new Error(`control leaves ${first}`);
    const after = sourceOf(second);
    const source = `${before.replace(GOES_ON, "")} ${decode(after)}${after}`;
    return { name: `${first} => ${second}`, source, first, second };
  });
}
