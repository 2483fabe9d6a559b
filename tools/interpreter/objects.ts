// The register instructions of the loop for objects: references to structs, arrays and i31. Their
// names are those of forms.ts; besides, T are the headers of the instance's types, Q the
// references among its globals, and ROOM[0] the bytes that may be made before objects are counted.

import { AGGREGATE_BYTES } from "../../src/code/layout.ts";
import type { Form } from "./forms.ts";
import { at, branch, enter, exit, next, trap, word } from "./operations.ts";

/** Words that a new object has at most where each of its lengths has a case. */
const MOST_WORDS = 8;

/** Reads a reference, which is not null. */
const object = (slot: string, code: string) =>
  `const obj = R[${slot} >> 1] as Aggregate | null; if (obj === null) { ${trap(code)} }`;
const struct = object("y", "NULL_STRUCTURE_REFERENCE");
const array = object("y", "NULL_ARRAY_REFERENCE");

/**
 * What a field of a new object is: a word of the frame, or below 0 the reference in the slot whose
 * complement it is.
 */
const source = (n: number) =>
  `C[${at(n)}] >= 0 ? S[(fp + C[${at(n)}]) | 0] : R[((fp >> 1) + ~C[${at(n)}]) | 0]`;

/**
 * What an instruction that makes an object begins with: words are as those of "slow", `PREPARE`, the
 * type and the bytes. If the type is not there yet, or no room, the driver sees to it.
 */
const prepare = [
  `const header = T[${word(2)}];`,
  `if (header === null || ROOM[0] < ${word(3)}) { ${exit("SLOW")} }`,
  `ROOM[0] -= ${word(3)};`,
].join(" ");

/** A new struct or short array of so many words. */
function newObject(words: number): Form {
  const list = Array.from({ length: words }, (_, i) => `, ${source(4 + i)}`).join("");
  const code = `${prepare} R[x >> 1] = [header${list}]; ${next(4 + words)}`;
  return { name: `new ${words}`, source: code };
}

const NEW: readonly Form[] = [
  ...Array.from({ length: MOST_WORDS + 1 }, (_, words) => newObject(words)),
  {
    // A struct of more words: word 4 is their number.
    name: "new many",
    source: [
      `${prepare} const obj = header.type.template.slice() as Aggregate; const vn = ${word(4)};`,
      `for (let i = 1; i <= vn; i = (i + 1) | 0) { const s = C[(pc + 3 + i) | 0];`,
      "obj[i] = s >= 0 ? S[(fp + s) | 0] : R[((fp >> 1) + ~s) | 0]; }",
      `R[x >> 1] = obj; pc = (pc + 4 + vn) | 0; continue;`,
    ].join(" "),
  },
  {
    name: "new default",
    source: `${prepare} R[x >> 1] = header.type.template.slice() as Aggregate; ${next(4)}`,
  },
];

// Fields: word 1 is the position in the object, word 2 of packed ones the bits that are not theirs.

const FIELDS: readonly Form[] = [
  { name: "struct.get 32", source: `${struct} S[x] = obj[${word(1)}] as number; ${next(2)}` },
  {
    name: "struct.get 64",
    source: [
      `${struct} const vk = ${word(1)}; S[x] = obj[vk] as number;`,
      `S[(x + 1) | 0] = obj[(vk + 1) | 0] as number; ${next(2)}`,
    ].join(" "),
  },
  { name: "struct.get ref", source: `${struct} R[x >> 1] = obj[${word(1)}]; ${next(2)}` },
  {
    name: "struct.get signed",
    source: `${struct} S[x] = ((obj[${word(1)}] as number) << ${word(2)}) >> ${word(2)}; ${next(3)}`,
  },
  {
    name: "struct.get unsigned",
    source: `${struct} S[x] = ((obj[${word(1)}] as number) << ${word(2)}) >>> ${word(2)}; ${next(3)}`,
  },
  { name: "struct.set 32", source: `${struct} obj[${word(1)}] = S[z]; ${next(2)}` },
  {
    name: "struct.set 64",
    source: `${struct} const vk = ${word(1)}; obj[vk] = S[z]; obj[(vk + 1) | 0] = S[(z + 1) | 0]; ${next(2)}`,
  },
  { name: "struct.set ref", source: `${struct} obj[${word(1)}] = R[z >> 1]; ${next(2)}` },
];

// Elements

/** Runs one piece of code for long arrays and another for the others, both with the index `vi`. */
function element(
  words: number,
  long: { readonly data: string; readonly length: string; readonly code: string },
  code: string,
): string {
  const outside = trap("ARRAY_OUT_OF_BOUNDS");
  const length = words === 1 ? "obj.length - 1" : "(obj.length - 1) >> 1";
  return [
    `${array} const vi = S[z] >>> 0;`,
    `if (obj[0].isLong) { const d = obj[1] as ${long.data};`,
    `if (vi >= ${long.length}) { ${outside} } ${long.code} }`,
    `else { if (vi >= ${length}) { ${outside} } ${code} }`,
  ].join(" ");
}

const NUMBERS = { data: "Int32Array", length: "d.length" };
const PAIRS = { data: "Int32Array", length: "d.length >> 1" };
const PACKED = { data: "Int8Array | Int16Array", length: "d.length" };
const LONG_REFERENCES = { data: "Elements", length: "d.length" };

/** An element of packed numbers; word 1 is the bits that are not theirs. */
function packedGet(shift: string): string {
  const value = (text: string) => `S[x] = (${text} << ${word(1)}) ${shift} ${word(1)};`;
  const code = element(1, { ...PACKED, code: value("d[vi]") }, value("(obj[vi + 1] as number)"));
  return `${code} ${next(2)}`;
}

/** Sets an element; the value is in the slot that word 1 names. */
const from = `const vv = (fp + ${word(1)}) | 0;`;
const setNumber = (long: typeof NUMBERS) =>
  `${from} ${element(1, { ...long, code: "d[vi] = S[vv];" }, "obj[vi + 1] = S[vv];")} ${next(2)}`;

const ELEMENTS: readonly Form[] = [
  {
    name: "array.get 32",
    source: `${element(1, { ...NUMBERS, code: "S[x] = d[vi];" }, "S[x] = obj[vi + 1] as number;")} ${next(1)}`,
  },
  {
    name: "array.get 64",
    source: `${element(
      2,
      { ...PAIRS, code: "S[x] = d[vi << 1]; S[(x + 1) | 0] = d[(vi << 1) + 1];" },
      "S[x] = obj[(vi << 1) + 1] as number; S[(x + 1) | 0] = obj[(vi << 1) + 2] as number;",
    )} ${next(1)}`,
  },
  {
    name: "array.get ref",
    source: `${element(
      1,
      { ...LONG_REFERENCES, code: "R[x >> 1] = d.get(vi);" },
      "R[x >> 1] = obj[vi + 1];",
    )} ${next(1)}`,
  },
  { name: "array.get signed", source: packedGet(">>") },
  { name: "array.get unsigned", source: packedGet(">>>") },
  { name: "array.set 32", source: setNumber(NUMBERS) },
  { name: "array.set packed", source: setNumber(PACKED) },
  {
    name: "array.set 64",
    source: `${from} ${element(
      2,
      { ...PAIRS, code: "d[vi << 1] = S[vv]; d[(vi << 1) + 1] = S[(vv + 1) | 0];" },
      "obj[(vi << 1) + 1] = S[vv]; obj[(vi << 1) + 2] = S[(vv + 1) | 0];",
    )} ${next(2)}`,
  },
  {
    name: "array.set ref",
    source: `${from} ${element(
      1,
      { ...LONG_REFERENCES, code: "d.set(vi, R[vv >> 1]);" },
      "obj[vi + 1] = R[vv >> 1];",
    )} ${next(2)}`,
  },
  {
    name: "array.len",
    source: `${array} S[x] = obj[0].isLong ? (obj[2] as number) : (obj.length - 1) >> obj[0].shift; ${next(1)}`,
  },
];

/**
 * New arrays. Their words are those of "slow", which does what is too long or cannot be counted or
 * paid here: words 3 to 5 are the words of an element, the most elements, and how many elements pay
 * one unit. The length is in the slot behind `skip` words.
 */
function newArray(skip: number, template: string, fill: string): string {
  return [
    `const header = T[${word(2)}]; const vn = S[(x + ${skip}) | 0] >>> 0;`,
    `if (header === null || vn > ${word(4)}) { ${exit("SLOW")} }`,
    `const vm = Math.imul(vn, ${word(3)}); const vk = ((vn + ${word(5)} - 1) / ${word(5)}) | 0;`,
    `const vbytes = ${AGGREGATE_BYTES} + 8 * vm;`,
    `if (ROOM[0] < vbytes || budget < vk) { ${exit("SLOW")} }`,
    `ROOM[0] -= vbytes; budget = (budget - vk) | 0;`,
    `const obj = ${template}.slice(0, vm + 1) as Aggregate; obj[0] = header; ${fill}`,
    `R[x >> 1] = obj; ${next(6)}`,
  ].join(" ");
}

const each = (code: string, step: number) =>
  `for (let i = 1; i <= vm; i = (i + ${step}) | 0) { ${code} }`;

const NEW_ARRAYS: readonly Form[] = [
  {
    name: "array.new 32",
    source: newArray(2, "ZEROS", `const vv = S[x]; if (vv !== 0) ${each("obj[i] = vv;", 1)}`),
  },
  {
    name: "array.new 64",
    source: newArray(
      2,
      "ZEROS",
      `const vv = S[x]; const vh = S[(x + 1) | 0]; ${each("obj[i] = vv; obj[i + 1] = vh;", 2)}`,
    ),
  },
  {
    name: "array.new ref",
    source: newArray(
      2,
      "NULLS",
      `const made = R[x >> 1]; if (made !== null) ${each("obj[i] = made;", 1)}`,
    ),
  },
  { name: "array.new_default numbers", source: newArray(0, "ZEROS", "") },
  { name: "array.new_default ref", source: newArray(0, "NULLS", "") },
];

// Casts. A test tells whether the reference in y has a type; the last word is what null has.

const display = `const list = obj[0].display; const vc = ${word(1)};`;
const has = `vc < list.length && list[vc] === ${word(2)}`;

interface Test {
  readonly name: string;
  /** Sets `holds`, if the reference is `obj`, which is not null. */
  readonly code: string;
  readonly words: number;
}

const TESTS: readonly Test[] = [
  // Of a reference that is an object anyway: the depth of a type, and its id.
  { name: "object", code: `${display} holds = ${has};`, words: 2 },
  // Of any reference of the hierarchy of any.
  { name: "any", code: `if (Array.isArray(obj)) { ${display} holds = ${has}; }`, words: 2 },
  // Against an abstract type.
  { name: "heap", code: `holds = matchesHeap(obj, ${word(1)});`, words: 1 },
];

function testForms({ code, name, words }: Test): Form[] {
  const test = [
    "const obj = R[y >> 1] as Aggregate | null; let holds = false;",
    `if (obj === null) holds = ${word(words + 1)} !== 0; else { ${code} }`,
  ].join(" ");
  return [
    { name: `ref.test ${name}`, source: `${test} S[x] = holds ? 1 : 0; ${next(words + 2)}` },
    {
      name: `ref.cast ${name}`,
      source: `${test} if (!holds) { ${trap("CAST_FAILURE")} } ${next(words + 2)}`,
    },
    { name: `br_if ${name}`, source: `${test} ${branch("holds", words + 2)}` },
    { name: `br_unless ${name}`, source: `${test} ${branch("!holds", words + 2)}` },
  ];
}

const i31 = `const small = R[y >> 1] as number | null; if (small === null) { ${trap("NULL_I31_REFERENCE")} }`;

/** Register instructions that only the loop for objects knows. */
export const OBJECTS: readonly Form[] = [
  {
    name: "ref.eq",
    of: "ref.eq",
    role: "registers",
    source: `S[x] = R[y >> 1] === R[z >> 1] ? 1 : 0; ${next(1)}`,
  },
  {
    // Words 1 to 5 are as those of "slow", which makes the function if it has not been asked for.
    name: "ref.func",
    source: [
      `const f = (instance as ModuleInstance).functions[${word(2)}];`,
      `if (f === undefined) { ${exit("SLOW")} } R[x >> 1] = f; ${next(6)}`,
    ].join(" "),
  },
  {
    name: "call_ref",
    source: [
      "const f = R[y >> 1] as FunctionInstance | null;",
      `if (f === null || f.instance !== instance || f.code.entry < 0) { ${exit("CALL_REF")} }`,
      enter("f.code.entry", word(1), 5),
    ].join(" "),
  },
  { name: "ref.i31", source: `R[x >> 1] = (S[y] << 1) >> 1; ${next(1)}` },
  { name: "i31.get_s", source: `${i31} S[x] = small; ${next(1)}` },
  { name: "i31.get_u", source: `${i31} S[x] = small & 0x7fffffff; ${next(1)}` },
  { name: "global.get ref", source: `R[x >> 1] = Q[${word(1)}]; ${next(2)}` },
  { name: "global.set ref", source: `Q[${word(1)}] = R[y >> 1]; ${next(2)}` },
  ...NEW,
  ...FIELDS,
  ...ELEMENTS,
  ...NEW_ARRAYS,
  ...TESTS.flatMap(testForms),
];
