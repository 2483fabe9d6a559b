// Mutates modules. Raw mutations work on any bytes; deep ones know sections, bodies and
// instructions and correct the sizes around them, so that most mutants reach validation.

import { instructionSpans, type Span, similarOpcode } from "./instructions.ts";
import {
  joinBodies,
  joinSections,
  type Part,
  spliceBytes,
  splitBodies,
  splitSections,
} from "./parts.ts";
import type { Random } from "./random.ts";
import { ByteWriter, SECTION } from "./writer.ts";

/** What kind of mutation made an input, for the statistics. */
export type MutationKind = "raw" | "section" | "deep";

export interface Mutant {
  readonly kind: MutationKind;
  readonly bytes: Uint8Array;
}

type Mutation<T> = (random: Random, input: T, donor: T) => T;

/** Bytes that mean something in many places: types, opcodes, limits of LEB128. */
const TELLING = [
  0, 1, 2, 3, 4, 5, 7, 0x0b, 0x0f, 0x1a, 0x20, 0x3f, 0x40, 0x41, 0x60, 0x63, 0x64, 0x69, 0x6b, 0x6e,
  0x6f, 0x70, 0x77, 0x7b, 0x7e, 0x7f, 0x80, 0xd0, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
];

// Raw mutations

function replaceByte(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length);
  const old = bytes[at] ?? 0;
  const flipped = old ^ (1 << random.below(8));
  const stepped = (old + random.pick([1, 255])) & 255;
  return spliceBytes(bytes, at, bytes.length === 0 ? 0 : 1, [
    random.pick([flipped, flipped, stepped, random.pick(TELLING), random.below(256)]),
  ]);
}

/** Codes that may stand for each other: types, abstract heap types, mutability, finality. */
const KINDRED: readonly (readonly number[])[] = [
  [0x7f, 0x7e, 0x7d, 0x7c, 0x7b],
  [0x63, 0x64],
  [0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74],
  [0x77, 0x78],
  [0x4f, 0x50],
  [0x5e, 0x5f, 0x60],
  [0, 1, 2, 3],
  [3, 4, 5, 6, 7],
];

/** Replaces a byte by one that can mean something similar. */
function replaceKindred(random: Random, bytes: Uint8Array): Uint8Array {
  for (let attempt = 0; attempt < 8; attempt++) {
    const at = random.below(bytes.length);
    const groups = KINDRED.filter((group) => group.includes(bytes[at]));
    const group = random.pickFrom(groups);
    if (group !== undefined) return spliceBytes(bytes, at, 1, [random.pick(group)]);
  }
  return replaceByte(random, bytes);
}

function insertBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const added = random.times(random.between(1, 3), () => random.pick(TELLING));
  return spliceBytes(bytes, random.below(bytes.length + 1), 0, added);
}

/** A random range: usually short. */
function range(random: Random, bytes: Uint8Array): [start: number, length: number] {
  const start = random.below(bytes.length);
  const longest = random.oneIn(4) ? bytes.length : 8;
  return [start, Math.min(random.between(1, longest), bytes.length - start)];
}

function deleteBytes(random: Random, bytes: Uint8Array): Uint8Array {
  return spliceBytes(bytes, ...range(random, bytes));
}

function duplicateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const [start, length] = range(random, bytes);
  return spliceBytes(bytes, start, 0, bytes.slice(start, start + length));
}

function spliceDonor(random: Random, bytes: Uint8Array, donor: Uint8Array): Uint8Array {
  const [start, length] = range(random, donor);
  const [at, deleted] = range(random, bytes);
  const piece = donor.subarray(start, start + length);
  return spliceBytes(bytes, at, random.oneIn(2) ? deleted : 0, piece);
}

/** Pads a LEB128 integer, or what might be one, by a byte. */
function padInteger(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length);
  const last = bytes[at] ?? 0;
  const fill = random.oneIn(2) && (last & 0x40) !== 0 ? 0x7f : 0;
  const padding = random.times(random.pick([0, 0, 1, 3, 4]), () => 0x80 | fill);
  return spliceBytes(bytes, at, bytes.length === 0 ? 0 : 1, [last | 0x80, ...padding, fill]);
}

const RAW: readonly Mutation<Uint8Array>[] = [
  replaceByte,
  replaceByte,
  replaceByte,
  replaceByte,
  insertBytes,
  deleteBytes,
  duplicateBytes,
  spliceDonor,
  padInteger,
];

function mutateRaw(random: Random, bytes: Uint8Array, donor: Uint8Array): Uint8Array {
  return random.pick(RAW)(random, bytes, donor);
}

// Mutations of sections

function shuffleSections(random: Random, parts: Part[], donor: Part[]): Part[] {
  if (parts.length === 0) return parts;
  const at = random.below(parts.length);
  const other = random.below(parts.length);
  const copy = [...parts];
  switch (random.below(4)) {
    case 0:
      copy[at] = parts[other];
      copy[other] = parts[at];
      return copy;
    case 1:
      copy.splice(at, 1);
      return copy;
    case 2:
      copy.splice(other, 0, parts[at]);
      return copy;
    default: {
      const foreign = random.pickFrom(donor);
      if (foreign === undefined) return copy;
      const same = parts.findIndex(({ id }) => id === foreign.id);
      copy.splice(same < 0 ? other : same, same < 0 ? 0 : 1, foreign);
      return copy;
    }
  }
}

/** Mutates the payload of a section that is not code, and corrects its size. */
function mutatePayload(random: Random, parts: Part[], donor: Part[]): Part[] {
  const candidates = parts.filter(({ id }) => id !== SECTION.code && id !== SECTION.custom);
  const part = random.pickFrom(candidates);
  if (part === undefined) return parts;
  const foreign = donor.find(({ id }) => id === part.id) ?? part;
  const mutate = random.pick([random.pick(RAW), replaceByte, replaceKindred, replaceKindred]);
  const payload = mutate(random, part.payload, foreign.payload);
  return parts.map((old) => (old === part ? { id: part.id, payload } : old));
}

// Mutations of instructions

/** The bytes of an instruction with another opcode, or null if its opcode cannot be exchanged. */
function withOpcode(body: Uint8Array, { start, end, op }: Span, opcode: number): Uint8Array {
  const old = new ByteWriter().opcode(op).length;
  return new ByteWriter()
    .opcode(opcode)
    .bytes(body.subarray(start + old, end))
    .finish();
}

function exchangeOpcode(random: Random, body: Uint8Array, span: Span): Uint8Array {
  const opcode = similarOpcode(random, span.op, random.oneIn(2));
  return spliceBytes(body, span.start, span.end - span.start, withOpcode(body, span, opcode));
}

function tweakImmediate(random: Random, body: Uint8Array, span: Span): Uint8Array {
  const opcodeLength = new ByteWriter().opcode(span.op).length;
  const immediates = body.slice(span.start + opcodeLength, span.end);
  if (immediates.length === 0) return exchangeOpcode(random, body, span);
  const at = random.below(immediates.length);
  const step = random.oneIn(2) ? random.pick([1, 127]) : random.below(128);
  immediates[at] = (immediates[at] & 0x80) | ((immediates[at] + step) & 0x7f);
  return spliceBytes(body, span.start + opcodeLength, immediates.length, immediates);
}

/** Replaces an instruction, its length kept, by something that makes the rest unreachable. */
function cutShort(random: Random, body: Uint8Array, { start, end }: Span): Uint8Array {
  const code = new Array<number>(end - start).fill(0x01); // nop
  code[0] = random.pick([0x00, 0x00, 0x1a, 0x01, 0x0f]); // unreachable, drop, nop, return
  return spliceBytes(body, start, end - start, code);
}

/** Short pieces of code that often fit, or often do not. */
const SNIPPETS: readonly (readonly number[])[] = [
  [0x00],
  [0x01],
  [0x1a],
  [0x1b],
  [0x41, 0],
  [0x42, 0],
  [0x41, 0, 0x1a],
  [0x20, 0],
  [0x22, 0],
  [0x0c, 0],
  [0x0d, 0],
  [0x0f],
  [0x02, 0x40, 0x0b],
  [0x02, 0x40],
  [0x0b],
  [0x05],
  [0xd0, 0x70],
  [0xd0, 0x6e],
  [0xd1],
  [0xd4],
  [0xd5, 0],
  [0xd6, 0],
  [0x10, 0],
  [0x12, 0],
  [0x0a],
];

function insertSnippet(random: Random, body: Uint8Array, { start }: Span): Uint8Array {
  return spliceBytes(body, start, 0, random.pick(SNIPPETS));
}

function deleteInstruction(_: Random, body: Uint8Array, { start, end }: Span): Uint8Array {
  return spliceBytes(body, start, end - start);
}

type BodyMutation = (random: Random, body: Uint8Array, span: Span) => Uint8Array;

const BODY_MUTATIONS: readonly BodyMutation[] = [
  exchangeOpcode,
  exchangeOpcode,
  exchangeOpcode,
  tweakImmediate,
  tweakImmediate,
  tweakImmediate,
  cutShort,
  cutShort,
  insertSnippet,
  insertSnippet,
  deleteInstruction,
];

/** Swaps two neighbouring instructions, or copies a run of instructions from another body. */
function moveInstructions(random: Random, body: Uint8Array, donor: Uint8Array): Uint8Array {
  const spans = instructionSpans(body);
  const at = random.below(spans.length - 1);
  const [first, second] = [spans[at], spans[at + 1]];
  if (first === undefined || second === undefined) return body;
  if (random.oneIn(2)) {
    const swapped = [
      ...body.subarray(second.start, second.end),
      ...body.subarray(first.start, first.end),
    ];
    return spliceBytes(body, first.start, second.end - first.start, swapped);
  }
  const foreign = instructionSpans(donor);
  const from = random.below(foreign.length);
  const to = Math.min(from + random.below(6), foreign.length - 1);
  if (to < 0) return body;
  const run = donor.subarray(foreign[from].start, foreign[to].end);
  return spliceBytes(body, first.start, random.oneIn(2) ? first.end - first.start : 0, run);
}

/** Mutates one body. */
function mutateBody(random: Random, body: Uint8Array, donor: Uint8Array): Uint8Array {
  if (random.oneIn(8)) return moveInstructions(random, body, donor);
  if (random.oneIn(24)) return mutateRaw(random, body, donor);
  if (random.oneIn(10)) return replaceKindred(random, body);
  const span = random.pickFrom(instructionSpans(body));
  if (span === undefined) return mutateRaw(random, body, donor);
  return random.pick(BODY_MUTATIONS)(random, body, span);
}

function mutateCode(random: Random, parts: Part[], donor: Part[]): Part[] {
  const code = parts.find(({ id }) => id === SECTION.code);
  const bodies = code === undefined ? null : splitBodies(code.payload);
  if (bodies === null || bodies.length === 0) return mutatePayload(random, parts, donor);
  const foreignCode = donor.find(({ id }) => id === SECTION.code);
  const foreign = foreignCode === undefined ? null : splitBodies(foreignCode.payload);
  const index = random.below(bodies.length);
  const source = random.pickFrom(foreign ?? bodies) ?? bodies[index];
  bodies[index] = mutateBody(random, bodies[index], source);
  const payload = joinBodies(bodies);
  return parts.map((part) => (part === code ? { id: part.id, payload } : part));
}

const KIND_MUTATIONS = {
  section: (random: Random, parts: Part[], donor: Part[]) =>
    random.oneIn(4) ? shuffleSections(random, parts, donor) : mutatePayload(random, parts, donor),
  deep: mutateCode,
};

/** A mutant of `seed`; `donor` is another module to take pieces from. */
export function mutate(random: Random, seed: Uint8Array, donor: Uint8Array): Mutant {
  const kind = random.pick(["raw", "section", "deep", "deep", "deep"] as const);
  const parts = kind === "raw" ? null : splitSections(seed);
  const count = random.pick([1, 1, 1, 1, 2, 3]);
  if (kind === "raw" || parts === null) {
    let bytes = seed;
    for (let i = 0; i < count; i++) bytes = mutateRaw(random, bytes, donor);
    return { kind: "raw", bytes };
  }
  let mutated = parts;
  const donorParts = splitSections(donor) ?? parts;
  for (let i = 0; i < count; i++) mutated = KIND_MUTATIONS[kind](random, mutated, donorParts);
  return { kind, bytes: joinSections(mutated) };
}
