// Register instructions of vectors from the meanings in their rows. Lanes are done in a loop over the
// words: it costs as good as nothing and takes a third of the bytecode (docs/rationale.md, "Why four
// words?"). Every word is read before the one at its place is written, so the result may lie where an
// operand does.

import type { Instruction, LaneView, VectorMeaning } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { F64, I32, I64, V128 } from "../../src/isa/types.ts";
import type { Form } from "./forms.ts";
import { Layout, next } from "./operations.ts";

const NAMES = ["a", "b", "c", "d"] as const;

/** Names of a meaning as variables of the loop. */
const rename = (text: string) => text.replace(/\b(?:[abcd][lhw0-3]?|lo|[emnu])\b/g, "v$&");

/** Index `n` words behind what begins at `at`. */
export const plus = (at: string, n: number | string) => (n === 0 ? at : `(${at} + ${n}) | 0`);

/** How many words a lane is. */
export const LANE_WORDS: Readonly<Record<LaneView, 1 | 2>> = { i32: 1, f32: 1, i64: 2, f64: 2 };

/** The lane, vk words behind the begin, of the value that begins at `at`. */
export function laneAt(at: string, view: LaneView): string {
  if (view === "f64") return `D[(${at} + vk) >> 1]`;
  return `${view === "f32" ? "F" : "S"}[${plus(at, "vk")}]`;
}

/** Lane `number` of that value, where an i64 is two. */
function nthLane(at: string, view: LaneView, number: number): string {
  if (view === "f64") return `D[${number === 0 ? at : `(${at} + 2)`} >> 1]`;
  return `${view === "f32" ? "F" : "S"}[${plus(at, number)}]`;
}

interface Operand {
  readonly name: string;
  readonly slot: string;
  readonly isVector: boolean;
  readonly isWide: boolean;
}

/** Declarations of the values with names that `text` uses. */
function declare(
  values: readonly (readonly [name: string, value: string])[],
  text: string,
): string {
  const used = values.filter(([name]) => new RegExp(`\\b${name}\\b`).test(text));
  return used.map(([name, value]) => `const v${name} = ${value}; `).join("");
}

/** A scalar operand by its bits. */
function scalar({ name, slot, isWide }: Operand, text: string): string {
  if (!isWide) return declare([[name, `S[${slot}]`]], text);
  return declare(
    [
      [`${name}l`, `S[${slot}]`],
      [`${name}h`, `S[${plus(slot, 1)}]`],
    ],
    text,
  );
}

/** The lane of an operand that begins `k` words behind its begin. */
function lane({ name, slot }: Operand, from: LaneView, text: string): string {
  const lane = [name, laneAt(slot, from)] as const;
  const word = laneAt(slot, "i32");
  if (LANE_WORDS[from] === 1) return declare([lane, [`${name}w`, word]], text);
  const high = `S[(${slot} + vk + 1) | 0]`;
  return declare([lane, [`${name}l`, word], [`${name}h`, high]], text);
}

/** All lanes of an operand. */
function lanes({ name, slot }: Operand, from: LaneView, text: string): string {
  const count = from === "f64" ? 2 : 4;
  return declare(
    Array.from({ length: count }, (_, i) => [`${name}${i}`, nthLane(slot, from, i)] as const),
    text,
  );
}

function define(values: Readonly<Record<string, string>> = {}): string {
  return Object.entries(values)
    .map(([name, text]) => `const v${name} = ${rename(text)}; `)
    .join("");
}

/** Writes the result of a lane. */
function writeLane(to: LaneView, each: string | readonly [string, string]): string {
  if (typeof each !== "string") {
    const [low, high] = each.map(rename);
    return `const vlo = ${low}; const vhi = ${high}; S[(x + vk) | 0] = vlo; S[(x + vk + 1) | 0] = vhi; `;
  }
  return `${laneAt("x", to)} = ${rename(each)}; `;
}

/** Writes all lanes of the result, or the scalar that it is. */
function writeAll(to: LaneView, results: readonly string[]): string {
  return results.map((text, i) => `${nthLane("x", to, i)} = ${rename(text)}; `).join("");
}

/** Two words of the result from each of two words, in an order in which none is needed later. */
function fromHalf(
  operands: readonly Operand[],
  { upper, words }: NonNullable<VectorMeaning["halves"]>,
): string {
  const from = (slot: string) => `S[(${slot} + vk${upper ? " + 2" : ""}) | 0]`;
  const reads = operands.map(({ name, slot }) => `const v${name} = ${from(slot)}; `).join("");
  const [low, high] = words.map(rename);
  return `${
    upper
      ? "for (let vk = 0; vk < 2; vk = (vk + 1) | 0)"
      : "for (let vk = 1; vk >= 0; vk = (vk - 1) | 0)"
  } { ${reads}const vi = (x + vk + vk) | 0; S[vi] = ${low}; S[(vi + 1) | 0] = ${high}; } `;
}

/** A word of the result from two of both operands in a row, which are read before it is written. */
function fromPairs(text: string): string {
  const words = Array.from({ length: 8 }, (_, i) => {
    return `W[${64 + i}] = S[${plus(i < 4 ? "y" : "z", i % 4)}]; `;
  });
  return `${words.join("")}for (let vk = 0; vk < 4; vk = (vk + 1) | 0) { ${declare(
    [
      ["a", "W[(64 + vk + vk) | 0]"],
      ["b", "W[(65 + vk + vk) | 0]"],
    ],
    text,
  )}S[(x + vk) | 0] = ${rename(text)}; } `;
}

/** The case of an instruction; with `immediate` its scalar operand is the next word. */
function source({ params, vectorMeaning: vector }: Instruction, immediate = false): string {
  if (params === null || vector === null) throw new Error("no vector instruction");
  const { from, to, once, where, each, all, halves, pairs } = vector;
  const layout = new Layout();
  let code = "";
  const operands = params.map((type, i): Operand => {
    const name = NAMES[i];
    if (immediate && type === I32) {
      code += `const v${name} = ${layout.word()}; `;
      return { name, slot: "", isVector: false, isWide: false };
    }
    const slot = layout.slot();
    // A third operand and a fourth are found by a word.
    if (slot.length > 1) code += `const v${name}s = ${slot}; `;
    const isVector = type === V128;
    return {
      name,
      slot: slot.length > 1 ? `v${name}s` : slot,
      isVector,
      isWide: type === I64 || type === F64,
    };
  });
  const perLane = [...Object.values(where ?? {}), ...[each ?? []].flat()].join("; ");
  const text = [...Object.values(once ?? {}), perLane, ...(all ?? [])].join("; ");
  const vectors = operands.filter(({ isVector }) => isVector);
  for (const operand of operands) {
    if (!operand.isVector && operand.slot !== "") code += scalar(operand, text);
  }
  if (halves !== undefined) code += fromHalf(vectors, halves);
  else if (pairs !== undefined) code += fromPairs(pairs);
  else if (each === undefined) {
    for (const operand of vectors) code += lanes(operand, from, text);
    code += define(once) + writeAll(to, all ?? []);
  } else {
    code += define(once);
    code += `for (let vk = 0; vk < 4; vk = (vk + ${LANE_WORDS[from]}) | 0) { `;
    for (const operand of vectors) code += lane(operand, from, perLane);
    code += `${define(where) + writeLane(to, each)}} `;
  }
  return code + next(layout.words + 1);
}

/** What an instruction does: its case. Those of the same case are the same register instruction. */
const sources = new Map(
  INSTRUCTIONS.filter(({ vectorMeaning }) => vectorMeaning !== null).map((row) => [
    row.name,
    source(row),
  ]),
);

const firstOf = new Map([...sources].reverse().map(([name, text]) => [text, name]));

/** Instructions that do the same as another one before them, by name. */
export const SAME_LANES: Readonly<Record<string, string>> = Object.fromEntries(
  [...sources].flatMap(([name, text]) => {
    const first = firstOf.get(text) as string;
    return first === name ? [] : [[name, first]];
  }),
);

/** A form for each of the others, of some of the instructions. */
function formsOf(isWanted: (row: Instruction) => boolean): Form[] {
  return INSTRUCTIONS.filter(isWanted).flatMap(({ name }) => {
    const text = sources.get(name);
    if (text === undefined || name in SAME_LANES) return [];
    return [{ name, of: name, role: "registers", source: text }];
  });
}

const isWide = ({ feature }: Instruction) => feature === "wide-arithmetic";

/** Those of vectors, and of shifts by a constant. */
export const LANES: readonly Form[] = [
  ...formsOf((row) => !isWide(row)),
  ...INSTRUCTIONS.filter(({ params, vectorMeaning }) => {
    return vectorMeaning !== null && params?.[1] === I32;
  }).map((row): Form => {
    const name = `${row.name} imm`;
    return { name, of: row.name, role: "immediate", source: source(row, true) };
  }),
];

/** Two i64 as a result are what a v128 is; but these stand among scalar instructions. */
export const WIDE: readonly Form[] = formsOf(isWide);
