// The register instructions: which there are and what each does, as the source text of its case in
// the interpreter loop. Those of plain Wasm instructions come from the rows of src/isa; the rest is
// written out here. Names inside a case:
//
//   x, y, z    Int32Array indices of the three slots      S, F, D   the frame as i32, f32, f64
//   C, pc      register code and position                 R         references, indexed by slot
//   w          set by a control transfer before `break`: where its pair of position and cost lies
//
// A case ends with `next(words)`, or sets w and breaks to the fuel check, or with `exit`.

import type { Instruction } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { I32, I64 } from "../../src/isa/types.ts";
import { type Chain, chainsOf, vectorChainsOf } from "./chains.ts";
import { FUSED } from "./fused.ts";
import { FUSED_VECTORS } from "./fused-vectors.ts";
import { WIDE } from "./lanes.ts";
import { OBJECTS } from "./objects.ts";
import {
  at,
  branch,
  compute,
  condition,
  enter,
  exit,
  go,
  Layout,
  leave,
  next,
  operands,
  operation,
  storeConstant,
  storeTo,
  trap,
  word,
  write,
  zeroLocals,
} from "./operations.ts";
import { SAME_VECTORS, VECTORS } from "./vectors.ts";

/** A register instruction. `source` is the body of its case. */
export interface Form {
  readonly name: string;
  readonly source: string;
  /** Mnemonic of the Wasm instruction it stands for, and in which way. */
  readonly of?: string;
  readonly role?: Role;
}

/** How the emitter finds a form by the Wasm opcode. */
export type Role =
  | "registers"
  | "immediate"
  | "branchIf"
  | "branchIfNot"
  | "branchIfImmediate"
  | "branchIfNotImmediate";

/** Operations whose second operand is often a constant. */
const WITH_IMMEDIATE =
  /\.(add|sub|mul|and|or|xor|shl|shr_s|shr_u|rotl|eq|ne|[lg][te]_[su]|div_u|rem_u|div_s|rem_s)$/;

/** Of those, what is rare or, like subtracting a constant from an i32, is done by another one. */
const WITHOUT_IMMEDIATE = /64\.(div|rem)|i32\.sub/;

function valueForm(name: string, role: Role): Form {
  const layout = new Layout();
  const value = compute(operation(name), layout, "p");
  const source = `${value.code}${write(value)}${next(layout.words + 1)}`;
  return { name, of: operation(name).row.name, role, source };
}

function branchForm(name: string, holds: boolean, role: Role): Form {
  const layout = new Layout();
  const what = operation(name);
  const code = operands(what, layout, "p");
  // An `and` tests bits; a comparison holds or not.
  const test = condition(what, "p");
  const comparison = what.row.meaning?.condition === true ? test : `(${test}) !== 0`;
  const source = code + branch(holds ? comparison : `!(${comparison})`, layout.words + 1);
  return { name: `br_if ${holds ? "" : "not "}${name}`, of: what.row.name, role, source };
}

/** Instructions besides comparisons that a branch takes over: tests of bits. */
const BIT_TESTS: ReadonlySet<string> = new Set(["i32.and"]);

function plainForms(row: Instruction): Form[] {
  const { laws, name, params, meaning } = row;
  if (meaning === null || params === null) return [];
  const binary = params.length === 2;
  const integer = params[0] === I32 || params[0] === I64;
  const hasImmediate =
    binary && integer && WITH_IMMEDIATE.test(name) && !WITHOUT_IMMEDIATE.test(name);
  const forms = [valueForm(name, "registers")];
  if (hasImmediate) forms.push(valueForm(`${name} imm`, "immediate"));
  if (!meaning.condition && !BIT_TESTS.has(name)) return forms;
  // Comparisons of integers have their opposite among them; those of floats do not, because of NaN.
  const hasOpposite = laws?.opposite !== undefined;
  forms.push(branchForm(name, true, "branchIf"));
  if (!hasOpposite) forms.push(branchForm(name, false, "branchIfNot"));
  if (hasImmediate) forms.push(branchForm(`${name} imm`, true, "branchIfImmediate"));
  if (hasImmediate && !hasOpposite) {
    forms.push(branchForm(`${name} imm`, false, "branchIfNotImmediate"));
  }
  return forms;
}

/** Stores whose value is often a constant. */
const WITH_CONSTANT: ReadonlySet<string> = new Set(["i32.store", "i32.store8"]);

function memoryForms(row: Instruction): Form[] {
  const { access, name } = row;
  if (access === null || row.feature !== null || name in SAME_AS || name.startsWith("v")) return [];
  if (access.kind === "load") return [valueForm(name, "registers")];
  const layout = new Layout();
  const source = storeTo(row, layout) + next(layout.words + 1);
  const forms: Form[] = [{ name, of: name, role: "registers", source }];
  if (WITH_CONSTANT.has(name)) {
    const withConstant = new Layout();
    const store = storeConstant(row, withConstant, null) + next(withConstant.words + 1);
    forms.push({ name: `${name} imm`, of: name, role: "immediate", source: store });
  }
  return forms;
}

/** The window of a huge memory that an address is in becomes what accesses see. */
const HUGE_ADDRESS = [
  "const m = (instance as ModuleInstance).memories[(z - fp) >> 1];",
  "if (m.isHuge) { S[x] = m.lookAt((S[(y + 1) | 0] >>> 0) * 4294967296 + (S[y] >>> 0));",
  `mem = m.window; memLength = m.windowLength; ${next(1)} }`,
].join(" ");

const HAND_WRITTEN: readonly Form[] = [
  { name: "jump", source: go(at(1)) },
  { name: "br_if", source: branch("S[y] !== 0", 1) },
  { name: "br_unless", source: branch("S[y] === 0", 1) },
  { name: "br_if null", source: branch("R[y >> 1] === null", 1) },
  { name: "br_unless null", source: branch("R[y >> 1] !== null", 1) },
  {
    name: "br_table",
    source: [
      "const i = S[y] >>> 0;",
      `const at = (pc + 1 + 2 * (i < ${word(1)} ? i : ${word(1)})) | 0;`,
      go("at"),
    ].join(" "),
  },
  { name: "return", source: leave },
  { name: "return 32", source: `S[fp] = S[y]; ${leave}` },
  { name: "return 64", source: `S[fp] = S[y]; S[(fp + 1) | 0] = S[(y + 1) | 0]; ${leave}` },
  { name: "return ref", source: `R[fp >> 1] = R[y >> 1]; ${leave}` },
  { name: "call", source: enter(word(2), word(1), 5) },
  { name: "call lazy", source: exit("CALL_LAZY") },
  { name: "call import", source: exit("CALL_IMPORT") },
  {
    name: "call_indirect",
    source: [
      `const i = S[y] >>> 0; const t = (instance as ModuleInstance).tables[${word(4)}].head;`,
      `if (i >= t.length) { ${trap("UNDEFINED_ELEMENT")} }`,
      "const f = t[i] as FunctionInstance | null;",
      `if (f === null) { ${trap("UNINITIALIZED_ELEMENT")} }`,
      `if (f.instance !== instance || f.typeId !== ${word(3)} || f.code.entry < 0) {`,
      `callee = f; ${exit("CALL_INDIRECT")} }`,
      enter("f.code.entry", word(1), 7),
    ].join(" "),
  },
  {
    name: "return_call",
    source: [
      `const e = ${word(1)};`,
      `if (((fp + C[(e - 1) | 0]) | 0) > slotLimit) { ${exit("STACK_OVERFLOW")} }`,
      `${zeroLocals("fp")} ${go("(e - 3) | 0")}`,
    ].join(" "),
  },
  { name: "return_call lazy", source: exit("RETURN_CALL_LAZY") },
  { name: "return_call import", source: exit("RETURN_CALL_IMPORT") },
  { name: "return_call_indirect", source: exit("RETURN_CALL_INDIRECT") },
  { name: "return_call_ref", source: exit("RETURN_CALL_REF") },
  { name: "unreachable", source: trap("UNREACHABLE") },
  { name: "finish", source: exit("FINISHED") },
  {
    // Entered in front of functions that handle references: their slots must be there.
    name: "reserve references",
    source: `if (R.length < (((fp >> 1) + ${word(1)}) | 0)) { ${exit("REFERENCES_SHORT")} } ${next(2)}`,
  },
  { name: "slow", source: exit("SLOW") },
  { name: "move 32", source: `S[x] = S[y]; ${next(1)}` },
  { name: "move 64", source: `S[x] = S[y]; S[(x + 1) | 0] = S[(y + 1) | 0]; ${next(1)}` },
  { name: "move ref", source: `R[x >> 1] = R[y >> 1]; ${next(1)}` },
  { name: "const 32", source: `S[x] = ${word(1)}; ${next(2)}` },
  { name: "const 64", source: `S[x] = ${word(1)}; S[(x + 1) | 0] = ${word(2)}; ${next(3)}` },
  { name: "const null", source: `R[x >> 1] = null; ${next(1)}` },
  { name: "select 32", source: `S[x] = S[(fp + ${word(1)}) | 0] !== 0 ? S[y] : S[z]; ${next(2)}` },
  {
    name: "select 64",
    source: [
      `const from = S[(fp + ${word(1)}) | 0] !== 0 ? y : z; const high = S[(from + 1) | 0];`,
      `S[x] = S[from]; S[(x + 1) | 0] = high; ${next(2)}`,
    ].join(" "),
  },
  {
    name: "select ref",
    source: `R[x >> 1] = R[(S[(fp + ${word(1)}) | 0] !== 0 ? y : z) >> 1]; ${next(2)}`,
  },
  { name: "ref.is_null", source: `S[x] = R[y >> 1] === null ? 1 : 0; ${next(1)}` },
  {
    name: "ref.as_non_null",
    source: `if (R[y >> 1] === null) { ${trap("NULL_REFERENCE")} } R[x >> 1] = R[y >> 1]; ${next(1)}`,
  },
  { name: "global.get 32", source: `S[x] = G[${word(1)}]; ${next(2)}` },
  {
    name: "global.get 64",
    source: `const i = ${word(1)}; S[x] = G[i]; S[(x + 1) | 0] = G[(i + 1) | 0]; ${next(2)}`,
  },
  { name: "global.set 32", source: `G[${word(1)}] = S[y]; ${next(2)}` },
  {
    name: "global.set 64",
    source: `const i = ${word(1)}; G[i] = S[y]; G[(i + 1) | 0] = S[(y + 1) | 0]; ${next(2)}`,
  },
  {
    // Another memory than 0 is selected for one access, and 0 again after it.
    name: "memory",
    source: [
      `const m = (instance as ModuleInstance).memories[${word(1)}];`,
      `mem = @view m@; memLength = @length m@; ${next(2)}`,
    ].join(" "),
  },
  {
    // No table has 2^32 - 1 elements, so that index stands for every larger one.
    name: "index 64",
    source: `S[x] = S[(y + 1) | 0] !== 0 ? -1 : S[y]; ${next(1)}`,
  },
  {
    // Of the memory whose index z is. What begins above 4 GiB is in bounds of a huge one alone, and
    // those are the far loops' business.
    name: "address 64",
    source: [
      `@huge ${HUGE_ADDRESS}@if (S[(y + 1) | 0] !== 0) { ${trap("MEMORY_OUT_OF_BOUNDS")} }`,
      `S[x] = S[y]; ${next(1)}`,
    ].join(" "),
  },
];

/**
 * Instructions that do the same as another one: f32 moves as i32, narrow i64 stores as i32, relaxed
 * vector instructions as those that they may be like.
 */
export const SAME_AS: Readonly<Record<string, string>> = {
  "f32.load": "i32.load",
  "f32.store": "i32.store",
  "i64.store8": "i32.store8",
  "i64.store16": "i32.store16",
  "i64.store32": "i32.store",
  ...SAME_VECTORS,
};

/** Register instructions that do one thing. */
const SINGLE_FORMS: readonly Form[] = [
  { name: "wide", source: "" },
  ...HAND_WRITTEN,
  ...INSTRUCTIONS.flatMap(plainForms),
  ...INSTRUCTIONS.flatMap(memoryForms),
  ...FUSED,
];

const SCALAR_CHAINS = chainsOf(SINGLE_FORMS);

/** Register instructions of the loop for scalars. */
export const SCALARS: readonly Form[] = [...SINGLE_FORMS, ...SCALAR_CHAINS];

const SINGLE_VECTORS = [...VECTORS, ...FUSED_VECTORS];
const VECTOR_CHAINS = vectorChainsOf([...SINGLE_FORMS, ...SINGLE_VECTORS]);

/** What only the loop for vectors knows, in the order of the opcodes. */
export const OF_VECTORS: readonly Form[] = [...SINGLE_VECTORS, ...VECTOR_CHAINS];

/** Two instructions in a row as one. */
export const CHAINS: readonly Chain[] = [...SCALAR_CHAINS, ...VECTOR_CHAINS];

/** All register instructions; the opcode of each is its index plus one. */
export const FORMS: readonly Form[] = [...SCALARS, ...OF_VECTORS, ...OBJECTS, ...WIDE];

/** Register opcodes by name. */
export const OPCODES: ReadonlyMap<string, number> = new Map(
  FORMS.map(({ name }, index) => [name, index + 1]),
);
