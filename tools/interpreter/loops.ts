// Which loops there are and what each knows. Beside its own instructions, the loop for vectors and
// the one for objects, which has wide arithmetic, too, know the scalar ones that are commonest
// around them, so that a hot loop of a program stays inside: to leave a loop and enter another
// takes 4 to 6 ns (docs/rationale.md, "Why are there several loops?"). Functions with more slots
// than the narrow form of instructions names have a loop, too: to decode both costs all others a
// twentieth.

import { CHAINS, type Form, OF_VECTORS, SCALARS } from "./forms.ts";
import { WIDE } from "./lanes.ts";
import { OBJECTS } from "./objects.ts";
import { COMMON } from "./order.ts";
import { CALL_RARE, isRare } from "./rare.ts";
import { RARE_ACCESSES, rareAccess } from "./vectors.ts";

/**
 * What a loop knows: all scalar instructions, in their narrow form only or in both, or those for
 * vectors or objects and common ones, in both.
 */
export type Knowledge = "scalars" | "wide" | "vectors" | "objects";

/** A loop, and the file of src/interpreter that it stands in. */
export interface LoopFile {
  readonly file: string;
  /** Name of the function. */
  readonly name: string;
  readonly knows: Knowledge;
  /** Whether its memories may be larger than 2^31 - 1 bytes. */
  readonly far: boolean;
}

/** All loops; the first one has the machine that they share. */
export const LOOPS: readonly LoopFile[] = [
  { file: "loop.generated.ts", name: "run", knows: "scalars", far: false },
  { file: "wide-loop.generated.ts", name: "runWide", knows: "wide", far: false },
  { file: "far-loop.generated.ts", name: "runFar", knows: "wide", far: true },
  { file: "vector-loop.generated.ts", name: "runVectors", knows: "vectors", far: false },
  { file: "far-vector-loop.generated.ts", name: "runFarVectors", knows: "vectors", far: true },
  { file: "object-loop.generated.ts", name: "runObjects", knows: "objects", far: false },
  { file: "far-object-loop.generated.ts", name: "runFarObjects", knows: "objects", far: true },
];

/** Calls, returns, branches on what was computed, moves, arithmetic of addresses and counters. */
const EVERYWHERE: readonly string[] = [
  "finish",
  "slow",
  "reserve references",
  "call",
  "call lazy",
  "call import",
  "call_indirect",
  "return",
  "return 32",
  "return 64",
  "return_call",
  "return_call lazy",
  "jump",
  "br_if",
  "br_unless",
  "br_table",
  "unreachable",
  "move 32",
  "move 64",
  "const 32",
  "const 64",
  "select 32",
  "global.get 32",
  "global.set 32",
  "i32.add",
  "i32.add imm",
  "i32.sub",
  "i32.mul",
  "i32.and",
  "i32.and imm",
  "i32.or",
  "i32.xor",
  "i32.shl imm",
  "i32.shr_s imm",
  "i32.shr_u imm",
  "i32.eqz",
  "br_if i32.eq",
  "br_if i32.ne",
  "br_if i32.eq imm",
  "br_if i32.ne imm",
  "br_if i32.lt_s",
  "br_if i32.ge_s",
  "br_if i32.lt_u",
  "br_if i32.ge_u",
  "br_if i32.le_u",
  "br_if i32.lt_u imm",
  "br_if i32.lt_s imm",
  "br_if i32.ge_u imm",
  "br_if i32.ge_s imm",
  "br_if not i32.and imm",
  "br_if i32.and imm",
  "count i32.add imm > br_if",
  "count i32.add imm > br_unless",
  "count i32.add imm > i32.ne imm",
  "count i32.add imm > i32.ne",
  "count i32.add imm > i32.lt_u",
  "count i32.add imm > i32.lt_s",
  "i64.add",
];

/** Of memory and of floats: what stands around vectors in compiled code. */
const AROUND_VECTORS: readonly string[] = [
  "address 64",
  "i32.load",
  "i32.load8_u",
  "i32.load8_s",
  "i32.load16_u",
  "i32.load16_s",
  "i32.store",
  "i32.store8",
  "i32.store16",
  "i64.load",
  "i64.store",
  "f32.add",
  "f32.mul",
  "i32.lt_u imm",
  "i32.lt_s imm",
  "i32.lt_u",
  "i32.lt_s",
  "i32.eq",
  "i32.ne",
  "br_if i32.gt_u",
  "br_if i32.gt_u imm",
  "br_if i32.gt_s",
  "count i32.add imm > i32.lt_u imm",
  "count i32.add imm > i32.lt_s imm",
  "count i32.add imm > i32.gt_u imm",
  "count i32.add imm > i32.gt_s imm",
  "count i32.add imm > i32.eq imm",
  "i32.add > i32.load",
  "i32.add imm > i32.load",
  "i32.shl imm > i32.add",
];

/** What programs with objects do without, mostly: memories and floats of 32 bits. */
const NOT_AROUND_OBJECTS = /load|store|memory|address|f32|i64\.(trunc|div|rem|mul)|nearest|wide/;

/** Of memory, what is in any program. */
const MEMORY_AROUND_OBJECTS: readonly string[] = [
  "i32.load",
  "i32.load8_u",
  "i32.store",
  "i32.store8",
];

/** What stands around wide arithmetic, which lives in the loop that has room for it. */
const AROUND_WIDE: readonly string[] = [
  "i64.and",
  "i64.or",
  "i64.xor",
  "i64.mul",
  "i64.shl imm",
  "i64.shr_u imm",
  "i64.load",
  "i64.store",
];

/** A case: the instructions that come to it, and what it does. */
export interface Case {
  readonly forms: readonly Form[];
  readonly source: string;
}

function formOf(name: string): Form {
  const form = SCALARS.find((item) => item.name === name);
  if (form === undefined) throw new Error(`there is no register instruction ${name}`);
  return form;
}

/** The commonest first; to V8 it is the same (docs/rationale.md). */
function inOrder(forms: readonly Form[]): Form[] {
  const common = COMMON.map(formOf).filter((form) => forms.includes(form));
  return [...common, ...forms.filter((form) => !common.includes(form))];
}

function partial(own: readonly Form[], names: readonly string[]): Case[] {
  const scalars = inOrder([...new Set([...EVERYWHERE, ...names])].map(formOf));
  const rare = own.filter(isRare);
  const accesses = RARE_ACCESSES.map((list) => own.filter(({ name }) => list.includes(name)));
  const left = new Set([...rare, ...accesses.flat()]);
  const cases = [...scalars, ...own.filter((form) => !left.has(form))].map((form) => {
    // Of a chain it does the first instruction and leaves the second.
    const chains = CHAINS.filter((chain) => chain.first === form.name && !own.includes(chain));
    return { forms: [form, ...chains], source: form.source };
  });
  for (const forms of accesses.filter((list) => list.length > 0)) {
    cases.push({ forms, source: rareAccess(forms[0].name).call });
  }
  return rare.length === 0 ? cases : [...cases, { forms: rare, source: CALL_RARE }];
}

const AROUND_OBJECTS = [
  ...SCALARS.map(({ name }) => name).filter((name) => {
    return !NOT_AROUND_OBJECTS.test(name) && !name.includes("=>");
  }),
  ...MEMORY_AROUND_OBJECTS,
];

// The first form is "wide", which is decoded in front of the switch.
const SCALAR_CASES = inOrder(SCALARS.slice(1)).map((form) => {
  return { forms: [form], source: form.source };
});

const CASES: Readonly<Record<Knowledge, readonly Case[]>> = {
  scalars: SCALAR_CASES,
  wide: SCALAR_CASES,
  vectors: partial(OF_VECTORS, AROUND_VECTORS),
  objects: partial([...OBJECTS, ...WIDE], [...AROUND_OBJECTS, ...AROUND_WIDE]),
};

/** The cases of a loop in the order in which they stand. */
export function casesOf(knows: Knowledge): readonly Case[] {
  return CASES[knows];
}

/** Names of the scalar instructions that a loop knows which does not know all. */
export function scalarsOf(knows: Knowledge): string[] {
  const known = CASES[knows].flatMap(({ forms }) => forms);
  return known.filter((form) => SCALARS.includes(form)).map(({ name }) => name);
}
