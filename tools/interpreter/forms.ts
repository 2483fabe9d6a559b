// The register instructions: which there are and what each does, as the source text of its case in
// the interpreter loop. Those of plain Wasm instructions come from the rows of src/isa; the rest is
// written out here. Names inside a case:
//
//   x, y, z    Int32Array indices of the three slots      S, F, D   the frame as i32, f32, f64
//   C, pc      register code and position                 R         references, indexed by slot
//   k          set by a control transfer before `break`: the cost of the segment it enters
//
// A case ends with `next(words)`, or sets pc and k and breaks to the fuel check, or with `exit`.

import { INSTRUCTIONS } from "../../src/isa/index.ts";
import type { Instruction } from "../../src/isa/instruction.ts";
import { F32, F64, I32, I64, type ValType } from "../../src/isa/types.ts";

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

/** The word `n` after the first one. */
const word = (n: number) => `C[(pc + ${n}) | 0]`;
const next = (words: number) => `pc = (pc + ${words}) | 0; continue;`;
const exit = (status: string) => `status = ${status}; break loop;`;
const trap = (code: string) => `trap = ${code}; ${exit("TRAPPED")}`;
/** A control transfer: the fuel check follows the switch. */
const go = (target: string, cost: string) => `k = ${cost}; pc = ${target}; break;`;
const branch = (condition: string, at: number) =>
  `if (${condition}) { k = ${word(at + 1)}; pc = ${word(at)}; } ` +
  `else { k = ${word(at + 2)}; pc = (pc + ${at + 3}) | 0; } break;`;

const TRAP_CODES: Readonly<Record<string, string>> = {
  "integer divide by zero": "DIVIDE_BY_ZERO",
  "integer overflow": "INTEGER_OVERFLOW",
  "invalid conversion to integer": "INVALID_CONVERSION",
};

function isWide(type: ValType, bits: boolean): boolean {
  return type === I64 || (bits && type === F64);
}

/** Declares the operand `name` in the slot `slot`, as far as `text` uses it. */
function operand(name: string, slot: string, type: ValType, bits: boolean, text: string): string {
  const uses = (id: string) => new RegExp(`\\b${id}\\b`).test(text);
  if (isWide(type, bits)) {
    const low = uses(`${name}l`) ? `const ${name}l = S[${slot}]; ` : "";
    return low + (uses(`${name}h`) ? `const ${name}h = S[(${slot} + 1) | 0]; ` : "");
  }
  if (!uses(name)) return "";
  if (bits || type === I32) return `const ${name} = S[${slot}]; `;
  return type === F32 ? `const ${name} = F[${slot}]; ` : `const ${name} = D[${slot} >> 1]; `;
}

function immediate(type: ValType, text: string): string {
  if (type === I32) return `const b = ${word(1)}; `;
  const high = /\bbh\b/.test(text) ? "const bh = bl >> 31; " : "";
  return `const bl = ${word(1)}; ${high}`;
}

function textOf({ meaning }: Instruction): string {
  const { result = "", traps = [] } = meaning ?? {};
  return [...(typeof result === "string" ? [result] : result), ...traps.map(([when]) => when)].join(
    ";",
  );
}

function operands(row: Instruction, second: "register" | "immediate" | null): string {
  const text = textOf(row);
  const bits = row.meaning?.bits === true;
  const params = row.params ?? [];
  let source = operand("a", "y", params[0], bits, text);
  if (second === "register") source += operand("b", "z", params[1], bits, text);
  else if (second === "immediate") source += immediate(params[1], text);
  for (const [when, message] of row.meaning?.traps ?? []) {
    source += `if (${when}) { ${trap(TRAP_CODES[message])} } `;
  }
  return source;
}

function store(row: Instruction): string {
  const { meaning, results } = row;
  const result = meaning?.result ?? "";
  const bits = meaning?.bits === true;
  if (typeof result !== "string") {
    const [low, high] = result;
    const usesLow = /\blo\b/.test(high);
    const first = usesLow ? `const lo = ${low}; ` : "";
    // A helper's high half must be read after the low half was computed.
    return `${first}S[x] = ${usesLow ? "lo" : low}; S[(x + 1) | 0] = ${high};`;
  }
  if (meaning?.condition) return `S[x] = ${result} ? 1 : 0;`;
  if (bits || results[0] === I32) return `S[x] = ${result};`;
  return results[0] === F32 ? `F[x] = ${result};` : `D[x >> 1] = ${result};`;
}

/** Operations whose second operand is often a constant. */
const WITH_IMMEDIATE =
  /\.(add|sub|mul|and|or|xor|shl|shr_s|shr_u|rotl|eq|ne|[lg][te]_[su]|div_u|rem_u|div_s|rem_s)$/;

function plainForms(row: Instruction): Form[] {
  const { name, params, meaning } = row;
  if (meaning === null || params === null) return [];
  const binary = params.length === 2;
  const integer = params[0] === I32 || params[0] === I64;
  const of = name;
  const forms: Form[] = [];
  const body = (second: "register" | "immediate" | null, words: number) =>
    `${operands(row, second)}${store(row)} ${next(words)}`;
  forms.push({ name, of, role: "registers", source: body(binary ? "register" : null, 1) });
  const hasImmediate =
    binary && integer && WITH_IMMEDIATE.test(name) && !/64\.(div|rem)/.test(name);
  if (hasImmediate) {
    forms.push({ name: `${name} imm`, of, role: "immediate", source: body("immediate", 2) });
  }
  if (!meaning.condition) return forms;
  const condition = meaning.result as string;
  const jump = (second: "register" | "immediate" | null, test: string, at: number) =>
    `${operands(row, second)}${branch(test, at)}`;
  const second = binary ? "register" : null;
  forms.push({ name: `br_if ${name}`, of, role: "branchIf", source: jump(second, condition, 1) });
  // Comparisons of integers have their opposite among them; those of floats do not, because of NaN.
  if (!integer || !binary) {
    const source = jump(second, `!(${condition})`, 1);
    forms.push({ name: `br_if not ${name}`, of, role: "branchIfNot", source });
  }
  if (hasImmediate) {
    const source = jump("immediate", condition, 2);
    forms.push({ name: `br_if ${name} imm`, of, role: "branchIfImmediate", source });
  }
  return forms;
}

/** Reads or writes of memory 0; both check the bounds exactly, see `memoryForms`. */
const READS: Readonly<Record<string, string>> = {
  "1s": "mem.getInt8(ea)",
  "1u": "mem.getUint8(ea)",
  "2s": "mem.getInt16(ea, true)",
  "2u": "mem.getUint16(ea, true)",
  "4": "mem.getInt32(ea, true)",
};

/**
 * Word 1 is the offset, word 2 the offset plus the size of the access. `memLength` is at most
 * 2^31 - 1, so that everything is 32-bit arithmetic; an access that fails this check is looked at
 * again outside of the loop, where memories beyond 2 GiB are served and the others trap.
 */
function access(slot: string, body: string): string {
  const check = `if (i < 0 || i > ((memLength - ${word(2)}) | 0)) { ${exit("OUT_OF_BOUNDS")} } `;
  return `const i = S[${slot}]; ${check}const ea = (i + ${word(1)}) | 0; ${body} ${next(3)}`;
}

function memoryForms(row: Instruction): Form[] {
  const { access: touch, name } = row;
  if (touch === null || row.feature !== null || /^[fv]/.test(name)) return [];
  const of = name;
  const wide = name.startsWith("i64");
  if (touch.kind === "load") {
    const key = `${touch.bytes === 8 ? 4 : touch.bytes}${touch.extend && touch.bytes < 4 ? touch.extend : ""}`;
    let body = `S[x] = ${READS[key]};`;
    if (touch.bytes === 8) body += " S[(x + 1) | 0] = mem.getInt32((ea + 4) | 0, true);";
    else if (wide) body += ` S[(x + 1) | 0] = ${touch.extend === "s" ? "S[x] >> 31" : "0"};`;
    return [{ name, of, role: "registers", source: access("y", body) }];
  }
  // Narrow stores of an i64 write its low half, as those of an i32 do: see `SAME_AS`.
  if (wide && touch.bytes < 8) return [];
  let body = `mem.setInt${touch.bytes === 8 ? 32 : touch.bytes * 8}(ea, S[z]${touch.bytes > 1 ? ", true" : ""});`;
  if (touch.bytes === 8) body += " mem.setInt32((ea + 4) | 0, S[(z + 1) | 0], true);";
  return [{ name, of, role: "registers", source: access("y", body) }];
}

/** Enters the function at `entry`, whose frame begins `delta` words above this one. */
function enter(entry: string, delta: string, returnWords: number): string {
  return [
    `{ const e = ${entry}; const nf = (fp + ${delta}) | 0;`,
    "if (((nf + C[(e - 1) | 0]) | 0) > slotLimit || ksp >= controlLimit) {",
    exit("STACK_OVERFLOW"),
    "}",
    `K[ksp] = (pc + ${returnWords}) | 0; K[(ksp + 1) | 0] = ${delta}; ksp = (ksp + 2) | 0;`,
    zeroLocals("nf"),
    `fp = nf; ${go("e", "C[(e - 2) | 0]")} }`,
  ].join(" ");
}

const zeroLocals = (frame: string) =>
  `for (let i = (${frame} + C[(e - 4) | 0]) | 0, n = (i + C[(e - 3) | 0]) | 0; i < n; i = (i + 1) | 0) S[i] = 0;`;

/** Gives control back to the caller, whose next segment is paid by the word before it. */
const leave =
  "ksp = (ksp - 2) | 0; pc = K[ksp]; fp = (fp - K[(ksp + 1) | 0]) | 0; k = C[(pc - 1) | 0]; break;";

const HAND_WRITTEN: readonly Form[] = [
  { name: "jump", source: go(word(1), word(2)) },
  { name: "br_if", source: branch("S[y] !== 0", 1) },
  { name: "br_unless", source: branch("S[y] === 0", 1) },
  { name: "br_if null", source: branch("R[y >> 1] === null", 1) },
  { name: "br_unless null", source: branch("R[y >> 1] !== null", 1) },
  {
    name: "br_table",
    source: [
      "const i = S[y] >>> 0;",
      `const at = (pc + 2 + 2 * (i < ${word(1)} ? i : ${word(1)})) | 0;`,
      go("C[at]", "C[(at + 1) | 0]"),
    ].join(" "),
  },
  { name: "return", source: leave },
  { name: "return 32", source: `S[fp] = S[y]; ${leave}` },
  { name: "return 64", source: `S[fp] = S[y]; S[(fp + 1) | 0] = S[(y + 1) | 0]; ${leave}` },
  { name: "return ref", source: `R[fp >> 1] = R[y >> 1]; ${leave}` },
  { name: "call", source: enter(word(2), word(1), 4) },
  { name: "call lazy", source: exit("CALL_LAZY") },
  { name: "call import", source: exit("CALL_IMPORT") },
  {
    name: "call_indirect",
    source: [
      `const i = S[y] >>> 0; const t = (instance as ModuleInstance).tables[${word(4)}].elements;`,
      `if (i >= t.length) { ${trap("UNDEFINED_ELEMENT")} }`,
      "const f = t[i] as FunctionInstance | null;",
      `if (f === null) { ${trap("UNINITIALIZED_ELEMENT")} }`,
      `if (f.instance !== instance || f.typeId !== ${word(3)} || f.code.entry < 0) {`,
      `callee = f; ${exit("CALL_INDIRECT")} }`,
      enter("f.code.entry", word(1), 6),
    ].join(" "),
  },
  { name: "call_ref", source: exit("CALL_REF") },
  {
    name: "return_call",
    source: [
      `const e = ${word(1)};`,
      `if (((fp + C[(e - 1) | 0]) | 0) > slotLimit) { ${exit("STACK_OVERFLOW")} }`,
      `${zeroLocals("fp")} ${go("e", "C[(e - 2) | 0]")}`,
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
      `memoryIndex = ${word(1)};`,
      "const m = (instance as ModuleInstance).memories[memoryIndex];",
      `mem = m.view; memLength = m.fastLength; ${next(2)}`,
    ].join(" "),
  },
  {
    // No table has 2^32 - 1 elements, so that index stands for every larger one.
    name: "index 64",
    source: `S[x] = S[(y + 1) | 0] !== 0 ? -1 : S[y]; ${next(1)}`,
  },
  {
    // A 64-bit address beyond 4 GiB is out of bounds of every memory there can be.
    name: "address 64",
    source: `if (S[(y + 1) | 0] !== 0) { ${trap("MEMORY_OUT_OF_BOUNDS")} } S[x] = S[y]; ${next(1)}`,
  },
];

/**
 * Accesses that move the same bits as another one: floats as integers, narrow i64 stores as i32.
 */
export const SAME_AS: Readonly<Record<string, string>> = {
  "f32.load": "i32.load",
  "f64.load": "i64.load",
  "f32.store": "i32.store",
  "f64.store": "i64.store",
  "i64.store8": "i32.store8",
  "i64.store16": "i32.store16",
  "i64.store32": "i32.store",
};

/** All register instructions; the opcode of each is its index plus one. */
export const FORMS: readonly Form[] = [
  { name: "wide", source: "" },
  ...HAND_WRITTEN,
  ...INSTRUCTIONS.flatMap(plainForms),
  ...INSTRUCTIONS.flatMap(memoryForms),
];
