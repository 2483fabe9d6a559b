// The register instructions of the loop for vectors: a v128 is two neighbouring slots, four words
// (docs/rationale.md, "Why four words?"). Here are those whose meaning is not in their row (it is in
// lanes.ts what becomes of the others): moves, single lanes, bytes by index, memory. Their names are
// those of forms.ts; B and W are the bytes and words of a table for bytes that are looked up.

import type { Instruction } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { extendedBytes, halves } from "../../src/isa/rows/vector-meaning.ts";
import type { Form } from "./forms.ts";
import { LANES, plus, SAME_LANES } from "./lanes.ts";
import { bounds, branch, Layout, leave, next, word } from "./operations.ts";

const slot = (at: string) => (n: number) => `S[${plus(at, n)}]`;
const cell = (at: string) => (n: number) => `G[${plus(at, n)}]`;

type Words = (n: number) => string;

/** Copies four words in ascending order: the target may begin below the source and overlap it. */
function copy(to: Words, from: Words): string {
  return [0, 1, 2, 3].map((n) => `${to(n)} = ${from(n)}; `).join("");
}

/** The same where it need not be as fast. */
const copyInLoop = (from: string) =>
  `for (let vi = 0; vi < 4; vi = (vi + 1) | 0) S[(x + vi) | 0] = S[(${from} + vi) | 0]; `;

const MOVES: readonly Form[] = [
  { name: "move 128", source: copy(slot("x"), slot("y")) + next(1) },
  { name: "const 128", source: copy(slot("x"), (n) => word(n + 1)) + next(5) },
  {
    name: "select 128",
    source: [
      `const from = S[(fp + ${word(1)}) | 0] !== 0 ? y : z;`,
      copy(slot("x"), slot("from")) + next(2),
    ].join(" "),
  },
  {
    name: "global.get 128",
    source: `const i = ${word(1)}; ${copy(slot("x"), cell("i"))}${next(2)}`,
  },
  {
    name: "global.set 128",
    source: `const i = ${word(1)}; ${copy(cell("i"), slot("y"))}${next(2)}`,
  },
  {
    // As "memory", which is left to the loop for scalars together with their accesses: what it
    // selects does not outlive the loop.
    name: "memory 128",
    source: [
      `const m = (instance as ModuleInstance).memories[${word(1)}];`,
      `mem = @view m@; memLength = @length m@; ${next(2)}`,
    ].join(" "),
  },
  { name: "return 128", source: `${copy(slot("fp"), slot("y"))}${leave}` },
];

// Single lanes: the immediate vk, in a word of the value `at`, so many bits up

export const LANE_BITS: Readonly<Record<string, 8 | 16 | 32 | 64>> = {
  i8x16: 8,
  i16x8: 16,
  i32x4: 32,
  f32x4: 32,
  i64x2: 64,
  f64x2: 64,
};

const MASKS = { 8: 255, 16: 65535 } as const;

function laneOf(bits: 8 | 16 | 32 | 64, at: string): { index: string; shift: string } {
  if (bits === 8) return { index: `(${at} + (vk >> 2)) | 0`, shift: "((vk & 3) << 3)" };
  if (bits === 16) return { index: `(${at} + (vk >> 1)) | 0`, shift: "((vk & 1) << 4)" };
  return { index: bits === 32 ? `(${at} + vk) | 0` : `(${at} + 2 * vk) | 0`, shift: "0" };
}

/** Puts `low` and `high` into lane vk of the result. */
function insert(bits: 8 | 16 | 32 | 64, low: string, high: string): string {
  const { index, shift } = laneOf(bits, "x");
  const at = `const vi = ${index}; `;
  if (bits === 32) return `${at}S[vi] = ${low}; `;
  if (bits === 64) return `${at}S[vi] = ${low}; S[(vi + 1) | 0] = ${high}; `;
  const mask = MASKS[bits];
  const value = `(S[vi] & ~(${mask} << vn)) | ((${low} & ${mask}) << vn)`;
  return `const vn = ${shift}; ${at}S[vi] = ${value}; `;
}

function extractLane(name: string): string {
  const bits = LANE_BITS[name.split(".")[0]];
  const { index, shift } = laneOf(bits, "y");
  let code = `const vk = ${word(1)}; `;
  if (bits === 32) code += `S[x] = S[${index}]; `;
  else if (bits === 64) {
    code += `const vi = ${index}; const va = S[(vi + 1) | 0]; S[x] = S[vi]; S[(x + 1) | 0] = va; `;
  } else if (name.endsWith("_u")) code += `S[x] = (S[${index}] >>> ${shift}) & ${MASKS[bits]}; `;
  else code += `S[x] = (S[${index}] << (${32 - bits} - ${shift})) >> ${32 - bits}; `;
  return code + next(2);
}

function replaceLane(name: string): string {
  const bits = LANE_BITS[name.split(".")[0]];
  const read = `const val = S[z]; ${bits === 64 ? "const vah = S[(z + 1) | 0]; " : ""}`;
  return `const vk = ${word(1)}; ${read}${copyInLoop("y")}${insert(bits, "val", "vah")}${next(2)}`;
}

// Bytes by index

/** Word vl of indices as a word of the bytes they stand for, of those that begin at `from`. */
function lookedUp(from: number): string {
  const indices = ["vl & 255", "(vl >>> 8) & 255", "(vl >>> 16) & 255", "vl >>> 24"];
  const bytes = indices.map((index, i) => {
    const byte = `B[${from === 0 ? index : `${from} | (${index})`}]`;
    return i === 0 ? byte : `(${byte} << ${8 * i})`;
  });
  return bytes.join(" | ");
}

const intoTable = (at: number, from: string) => copy((n) => `W[${at / 4 + n}]`, slot(from));

/** What is beyond the 16 bytes of `from` is zero, and so is the table there. */
function swizzle(from: Words, indices: string, words: number): string {
  return [
    copy((n) => `W[${n}]`, from),
    `for (let vk = 0; vk < 4; vk = (vk + 1) | 0) { const vl = S[(${indices} + vk) | 0];`,
    `S[(x + vk) | 0] = ${lookedUp(0)}; }`,
    next(words),
  ].join(" ");
}

const SWIZZLE = swizzle(slot("y"), "z", 1);
/** Of bytes that stand in the code. */
export const SWIZZLE_CONSTANT = swizzle((n) => word(n + 1), "y", 5);

const SHUFFLE = [
  intoTable(256, "y") + intoTable(272, "z"),
  "for (let vk = 0; vk < 4; vk = (vk + 1) | 0) { const vl = C[(pc + vk) | 0];",
  `S[(x + vk) | 0] = ${lookedUp(256)}; }`,
  next(5),
].join(" ");

/** Where the words of a shuffle are, by the word that says so. */
export function shuffledWords(name: string): string[] {
  return [`${name} & 255`, `(${name} >>> 8) & 255`, `(${name} >>> 16) & 255`, `${name} >>> 24`].map(
    (index) => `(fp + (${index})) | 0`,
  );
}

/** A shuffle of words: where they are, from the frame's begin, in a byte each of the next word. */
const SHUFFLE_WORDS = [
  `const vl = ${word(1)}; `,
  ...shuffledWords("vl").map((at, n) => `const va${n} = S[${at}]; `),
  ...[0, 1, 2, 3].map((n) => `${slot("x")(n)} = va${n}; `),
  next(2),
].join("");

/** A shuffle that rotates each word. */
const ROTATE_WORDS = [
  `const vs = ${word(1)}; for (let vk = 0; vk < 4; vk = (vk + 1) | 0) {`,
  "const va = S[(y + vk) | 0]; S[(x + vk) | 0] = (va << vs) | (va >>> (32 - vs)); }",
  next(2),
].join(" ");

const BY_INDEX: readonly Form[] = [
  { name: "rotate words", source: ROTATE_WORDS },
  { name: "shuffle words", source: SHUFFLE_WORDS },
  { name: "i8x16.swizzle", of: "i8x16.swizzle", role: "registers", source: SWIZZLE },
  { name: "i8x16.shuffle", of: "i8x16.shuffle", role: "registers", source: SHUFFLE },
];

// Branches

const ANY = `(${[0, 1, 2, 3].map(slot("y")).join(" | ")})`;
const ON_ANY = { of: "v128.any_true" } as const;

const BRANCHES: readonly Form[] = [
  {
    ...ON_ANY,
    name: "br_if v128.any_true",
    role: "branchIf",
    source: branch(`${ANY} !== 0`, 1),
  },
  {
    ...ON_ANY,
    name: "br_if not v128.any_true",
    role: "branchIfNot",
    source: branch(`${ANY} === 0`, 1),
  },
];

// Memory: the address in y, bytes of it at qea

const READ: Readonly<Record<number, string>> = {
  1: "mem.getUint8(qea)",
  2: "mem.getUint16(qea, true)",
  4: "mem.getInt32(qea, true)",
  8: "mem.getInt32(qea, true)",
};

/** What makes a word of a byte or two, by multiplication. */
const SPREAD: Readonly<Record<number, string>> = { 1: "0x01010101", 2: "0x00010001" };

const READ_SECOND = "mem.getInt32(@second qea@, true)";
/** Address of word `n` of what is accessed. */
export const place = (n: number) => (n === 0 ? "qea" : `@plus qea ${4 * n}@`);

/** The four words that a load makes of vl, and of vh behind it. */
function loadedWords(name: string): readonly string[] {
  const [, source, sign, kind] = /load(\d+)(?:x\d)?(_[su]\b)?(_splat|_zero)?/.exec(name) ?? [];
  if (kind === "_zero") return ["vl", source === "64" ? "vh" : "0", "0", "0"];
  if (kind === "_splat" && source === "64") return ["vl", "vh", "vl", "vh"];
  if (kind === "_splat") return ["vl", "vl", "vl", "vl"];
  const s = sign === "_s" ? "s" : "u";
  if (source === "8") return [...extendedBytes("vl", s), ...extendedBytes("vh", s)];
  if (source === "16") return [...halves("vl", s), ...halves("vh", s)];
  return s === "s" ? ["vl", "vl >> 31", "vh", "vh >> 31"] : ["vl", "0", "vh", "0"];
}

/** A load or store. */
function access(row: Instruction): string {
  const layout = new Layout();
  return accessAt(row, layout, `const qi = S[${layout.slot()}]; `);
}

/** The same where `base` has the address as qi. */
export function accessAt(row: Instruction, layout: Layout, base: string): string {
  const { check, code } = accessParts(row, layout, base);
  return check + code + next(layout.words + 1);
}

/** The check, which leaves the lane as vk and the effective address as qea, and what comes then. */
function accessParts(
  row: Instruction,
  layout: Layout,
  base: string,
): { readonly check: string; readonly code: string } {
  const { access, immediates, name } = row;
  if (access === null) throw new Error(`${name} accesses no memory`);
  const { bytes } = access;
  const isLane = immediates === "memarg lane";
  const isLoad = access.kind === "load";
  if (isLane || !isLoad) layout.slot();
  const head = isLane ? `const vk = ${layout.word()}; ` : "";
  const check = `${head}${base}${bounds(layout, "q")}`;
  const words = [0, 1, 2, 3];
  let code: string;
  if (bytes === 16) {
    code = isLoad
      ? words.map((n) => `${slot("x")(n)} = mem.getInt32(${place(n)}, true); `).join("")
      : words.map((n) => `mem.setInt32(${place(n)}, ${slot("z")(n)}, true); `).join("");
  } else if (isLoad) {
    const spread = name.endsWith("_splat") ? SPREAD[bytes] : undefined;
    const value = spread === undefined ? READ[bytes] : `Math.imul(${READ[bytes]}, ${spread})`;
    code = `const vl = ${value}; ${bytes === 8 ? `const vh = ${READ_SECOND}; ` : ""}`;
    if (isLane) code += copyInLoop("z") + insert((8 * bytes) as 8, "vl", "vh");
    else {
      const loaded = loadedWords(name);
      code += loaded.map((text, n) => `${slot("x")(n)} = ${text}; `).join("");
    }
  } else {
    const bits = (8 * bytes) as 8 | 16 | 32 | 64;
    const { index, shift } = laneOf(bits, "z");
    code = `const vi = ${index}; `;
    if (bits === 64) {
      code += "mem.setInt32(qea, S[vi], true); mem.setInt32(@second qea@, S[(vi + 1) | 0], true); ";
    } else {
      const value = bits === 32 ? "S[vi]" : `S[vi] >> ${shift}`;
      code += `mem.setInt${bits}(qea, ${value}${bits > 8 ? ", true" : ""}); `;
    }
  }
  return { check, code };
}

/** Accesses that are left to a function, once they are checked; those in a list alike. */
export const RARE_ACCESSES: readonly (readonly string[])[] = [
  INSTRUCTIONS.filter(({ immediates }) => immediates === "memarg lane").map(({ name }) => name),
  [
    ...["v128.load8x8_s", "v128.load16x4_s", "v128.load16x4_u"],
    ...["v128.load32x2_s", "v128.load32x2_u", "v128.load16_splat"],
  ],
];

/** What such an access does behind its check, and what the loop does for all of its list. */
export function rareAccess(name: string): { readonly code: string; readonly call: string } {
  const row = INSTRUCTIONS.find((item) => item.name === name) as Instruction;
  const layout = new Layout();
  const { check, code } = accessParts(row, layout, `const qi = S[${layout.slot()}]; `);
  const lane = row.immediates === "memarg lane" ? "vk" : "0";
  const call = `rareAccess(w, x, z, ${lane}, mem, qea); `;
  return { code, call: check + call + next(layout.words + 1) };
}

const ROWS = INSTRUCTIONS.filter(({ feature }) => feature === "simd");

/** Instructions that do the same as another one, by name. */
export const SAME_VECTORS: Readonly<Record<string, string>> = {
  ...SAME_LANES,
  "i8x16.relaxed_swizzle": "i8x16.swizzle",
  "f32x4.extract_lane": "i32x4.extract_lane",
  "f64x2.extract_lane": "i64x2.extract_lane",
  "f32x4.replace_lane": "i32x4.replace_lane",
  "f64x2.replace_lane": "i64x2.replace_lane",
};

function singles(name: RegExp, source: (row: Instruction) => string): Form[] {
  return ROWS.filter((row) => name.test(row.name) && !(row.name in SAME_VECTORS)).map((row) => {
    return { name: row.name, of: row.name, role: "registers", source: source(row) };
  });
}

/** Register instructions that only the loop for vectors knows. */
export const VECTORS: readonly Form[] = [
  ...MOVES,
  ...singles(/\.extract_lane/, ({ name }) => extractLane(name)),
  ...singles(/\.replace_lane/, ({ name }) => replaceLane(name)),
  ...BY_INDEX,
  ...BRANCHES,
  ...singles(/^v128\.(load|store)/, access),
  ...LANES,
];
