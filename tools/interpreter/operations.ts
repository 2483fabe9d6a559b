// The source text of what an instruction computes: reading operands, traps, the value, writing it.
// Forms of one instruction and of fused pairs are put together from these pieces, so that an
// instruction means the same wherever it occurs.

import type { Instruction } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { F32, F64, I32, I64, type ValType } from "../../src/isa/types.ts";

/** Position `n` words behind the head of the instruction; pc is at 1. */
export const at = (n: number) => (n === 1 ? "pc" : `(pc + ${n - 1}) | 0`);
/** The extra word `n` of the current instruction. */
export const word = (n: number) => `C[${at(n)}]`;
/** The end of a case whose instruction has `words` words. */
export const next = (words: number) => `${words === 1 ? "" : `pc = ${at(words)}; `}continue;`;
export const exit = (status: string) => `status = ${status}; break loop;`;
export const trap = (code: string) => `trap = ${code}; ${exit("TRAPPED")}`;

/** Goes to the pair of words at `at` if the condition holds, else to the pair behind it. */
export const branch = (holds: string, words: number) =>
  `w = ${holds} ? ${at(words)} : ${at(words + 2)}; break;`;

/**
 * A control transfer: w is where the pair of position and cost lies that control goes to. What
 * follows the switch reads it and pays.
 */
export const go = (pair: string) => `w = ${pair}; break;`;

/** Enters the function at `entry`, whose frame begins `delta` words above this one. */
export function enter(entry: string, delta: string, returnWords: number): string {
  return [
    `{ const e = ${entry}; const nf = (fp + ${delta}) | 0;`,
    "if (((nf + C[(e - 1) | 0]) | 0) > slotLimit || ksp >= controlLimit) {",
    exit("STACK_OVERFLOW"),
    "}",
    `K[ksp] = ${at(returnWords - 2)}; K[(ksp + 1) | 0] = ${delta}; ksp = (ksp + 2) | 0;`,
    zeroLocals("nf"),
    `fp = nf; ${go("(e - 3) | 0")} }`,
  ].join(" ");
}

export const zeroLocals = (frame: string) =>
  `for (let i = (${frame} + C[(e - 5) | 0]) | 0, n = (i + C[(e - 4) | 0]) | 0; i < n; i = (i + 1) | 0) S[i] = 0;`;

/** Gives control back to the caller, whose next segment is paid by the word before it. */
export const leave = "ksp = (ksp - 2) | 0; fp = (fp - K[(ksp + 1) | 0]) | 0; w = K[ksp]; break;";

const TRAP_CODES: Readonly<Record<string, string>> = {
  "integer divide by zero": "DIVIDE_BY_ZERO",
  "integer overflow": "INTEGER_OVERFLOW",
  "invalid conversion to integer": "INVALID_CONVERSION",
};

/** Hands out the operand slots and extra words of a form, in the order the emitter writes them. */
export class Layout {
  private slots = 0;
  words = 0;

  slot(): string {
    this.slots++;
    if (this.slots <= 2) return this.slots === 1 ? "y" : "z";
    return `((fp + ${this.word()}) | 0)`;
  }

  word(): string {
    this.words++;
    return word(this.words);
  }
}

/** A computed value: one variable, or two halves. */
export interface Computed {
  readonly code: string;
  readonly name: string;
  readonly kind: "i32" | "f32" | "f64" | "wide";
  /** Code that writes the bits of an f64 that has been loaded and is NaN. */
  readonly exact?: string;
}

/** An instruction by mnemonic; `i32.add imm` takes its second operand from the code. */
export interface Operation {
  readonly row: Instruction;
  readonly immediate: boolean;
}

export function operation(name: string): Operation {
  const mnemonic = name.replace(/ imm$/, "");
  const row = INSTRUCTIONS.find((item) => item.name === mnemonic);
  if (row === undefined) throw new Error(`there is no instruction ${mnemonic}`);
  return { row, immediate: name !== mnemonic };
}

function kindOf(type: ValType, bits: boolean): Computed["kind"] {
  if (type === I64 || (bits && type === F64)) return "wide";
  if (type === I32 || bits) return "i32";
  return type === F32 ? "f32" : "f64";
}

/** Declares operand `name` (`a` or `b`) under `prefix`, as far as `text` uses it. */
function declare(
  name: string,
  prefix: string,
  kind: Computed["kind"],
  slot: string,
  text: string,
): string {
  const uses = (id: string) => new RegExp(`\\b${id}\\b`).test(text);
  const id = `${prefix}_${name}`;
  switch (kind) {
    case "wide": {
      const at = slot.length > 1 ? `${id}s` : slot;
      const first = slot.length > 1 ? `const ${at} = ${slot}; ` : "";
      const low = uses(`${name}l`) ? `const ${id}l = S[${at}]; ` : "";
      return first + low + (uses(`${name}h`) ? `const ${id}h = S[(${at} + 1) | 0]; ` : "");
    }
    case "i32":
      return uses(name) ? `const ${id} = S[${slot}]; ` : "";
    case "f32":
      return uses(name) ? `const ${id} = F[${slot}]; ` : "";
    default:
      return uses(name) ? `const ${id} = D[${slot} >> 1]; ` : "";
  }
}

function declareImmediate(
  prefix: string,
  kind: Computed["kind"],
  layout: Layout,
  text: string,
): string {
  if (kind !== "wide") return `const ${prefix}_b = ${layout.word()}; `;
  const low = `const ${prefix}_bl = ${layout.word()}; `;
  const high = `const ${prefix}_bh = ${layout.word()}; `;
  // The word is there whether it is used or not.
  return low + (/\bbh\b/.test(text) ? high : "");
}

/** Replaces the operand names of a meaning by those that were declared. */
function rename(text: string, prefix: string, given: Given | null): string {
  return text.replace(/\b([ab])([lh]?)\b/g, (_, name: string, half: string) => {
    if (given?.position === name) return `${given.value.name}${half}`;
    return `${prefix}_${name}${half}`;
  });
}

/** An operand that has been computed already. */
export interface Given {
  readonly position: "a" | "b";
  readonly value: Computed;
}

function textOf({ meaning }: Instruction): string {
  const { result = "", traps = [] } = meaning ?? {};
  const results = typeof result === "string" ? [result] : result;
  return [...results, ...traps.map(([when]) => when)].join(";");
}

/** Reads the operands of a plain instruction and checks for traps. */
export function operands(
  { row, immediate }: Operation,
  layout: Layout,
  prefix: string,
  given: Given | null = null,
): string {
  const { meaning, params } = row;
  if (meaning === null || params === null) throw new Error(`${row.name} has no meaning`);
  const text = textOf(row);
  const bits = meaning.bits === true;
  let code = "";
  for (const [i, name] of (["a", "b"] as const).slice(0, params.length).entries()) {
    if (given?.position === name) continue;
    const kind = kindOf(params[i], bits);
    code +=
      name === "b" && immediate
        ? declareImmediate(prefix, kind, layout, text)
        : declare(name, prefix, kind, layout.slot(), text);
  }
  for (const [when, message] of meaning.traps ?? []) {
    code += `if (${rename(when, prefix, given)}) { ${trap(TRAP_CODES[message])} } `;
  }
  return code;
}

/** The condition of a comparison, after `operands`. */
export function condition({ row }: Operation, prefix: string, given: Given | null = null): string {
  return rename(row.meaning?.result as string, prefix, given);
}

/** Computes a plain instruction into variables named `prefix`. */
export function compute(
  what: Operation,
  layout: Layout,
  prefix: string,
  given: Given | null = null,
): Computed {
  const { row } = what;
  if (row.access !== null) return load(row, layout, prefix, given);
  const code = operands(what, layout, prefix, given);
  const { result, bits = false, condition: isCondition } = row.meaning ?? { result: "" };
  const kind = kindOf(row.results[0], bits);
  if (typeof result !== "string") {
    const [low, high] = result.map((text) => rename(text, prefix, given));
    const upper = high.replace(/\blo\b/g, `${prefix}l`);
    // A helper's high half must be read after the low half was computed.
    return {
      code: `${code}const ${prefix}l = ${low}; const ${prefix}h = ${upper}; `,
      name: prefix,
      kind,
    };
  }
  const value = rename(result, prefix, given);
  const text = isCondition ? `${value} ? 1 : 0` : value;
  return { code: `${code}const ${prefix} = ${text}; `, name: prefix, kind };
}

/** Writes a value to the destination; a loaded f64 with all its bits. */
export function write({ name, kind, exact }: Computed): string {
  switch (kind) {
    case "wide":
      return `S[x] = ${name}l; S[(x + 1) | 0] = ${name}h; `;
    case "i32":
      return `S[x] = ${name}; `;
    case "f32":
      return `F[x] = ${name}; `;
    default:
      if (exact === undefined) return `D[x >> 1] = ${name}; `;
      // One write instead of two is what the next read of it wants; a NaN would lose its payload.
      return `if (${name} === ${name}) { D[x >> 1] = ${name}; } else { ${exact} } `;
  }
}

/**
 * The effective address of an access as `{prefix}ea`, in bounds. Its words are the offset, and the
 * offset plus the size; `expandAccesses` writes the check.
 */
function address(layout: Layout, prefix: string, given: Given | null): string {
  const base = given?.position === "a" ? given.value.name : `S[${layout.slot()}]`;
  return `const ${prefix}i = ${base}; ${bounds(layout, prefix)}`;
}

/** Makes `{prefix}ea` of `{prefix}i`, if the access is in bounds. */
export function bounds(layout: Layout, prefix: string): string {
  return `@bounds ${prefix} ${layout.word()} ${layout.word()}@ `;
}

/**
 * Writes out the bounds checks and second halves of accesses. Near, memories are at most 2^31 - 1
 * bytes and everything is 32-bit arithmetic; far, addresses are unsigned, and of a memory beyond
 * 2^32 bytes there is a window, so that they still have 32 bits.
 */
export function expandAccesses(source: string, far: boolean): string {
  return source
    .replace(/@bounds (\w+) (C\[.*?\]) (C\[.*?\])@/g, (_, prefix, offset, beyond) => {
      const i = `${prefix}i`;
      const outside = far
        ? `(${i} >>> 0) + ${beyond} > memLength`
        : `${i} < 0 || ${i} > ((memLength - ${beyond}) | 0)`;
      const ea = `const ${prefix}ea = (${i} + ${offset}) ${far ? ">>> 0" : "| 0"};`;
      return `if (${outside}) { ${exit("OUT_OF_BOUNDS")} } ${ea}`;
    })
    .replace(/@view (\w+)@/g, (_, memory) => `${memory}.${far ? "window" : "view"}`)
    .replace(/@length (\w+)@/g, (_, memory) => `${memory}.${far ? "windowLength" : "fastLength"}`)
    .replace(/@huge (.*?)@/g, (_, code) => (far ? code : ""))
    .replace(/@second (\w+)@/g, "@plus $1 4@")
    .replace(/@lane (\w+) (\w+)@/g, (_, ea, k) => `(${ea} + (${k} << 2)) ${far ? ">>> 0" : "| 0"}`)
    .replace(/@plus (\w+) (\d+)@/g, (_, ea, n) => `(${ea} + ${n}) ${far ? ">>> 0" : "| 0"}`);
}

const READS: Readonly<Record<string, string>> = {
  "1s": "getInt8(EA)",
  "1u": "getUint8(EA)",
  "2s": "getInt16(EA, true)",
  "2u": "getUint16(EA, true)",
  "4": "getInt32(EA, true)",
};

function load(row: Instruction, layout: Layout, prefix: string, given: Given | null): Computed {
  const { bytes = 4, extend = "u" } = row.access ?? {};
  const type = row.results[0];
  const code = address(layout, prefix, given);
  const ea = `${prefix}ea`;
  if (type === F64) {
    const exact = `S[x] = mem.getInt32(${ea}, true); S[(x + 1) | 0] = mem.getInt32(@second ${ea}@, true);`;
    const value = `const ${prefix} = mem.getFloat64(${ea}, true); `;
    return { code: code + value, name: prefix, kind: "f64", exact };
  }
  if (type === F32) {
    return {
      code: `${code}const ${prefix} = mem.getFloat32(${ea}, true); `,
      name: prefix,
      kind: "f32",
    };
  }
  const key = bytes >= 4 ? "4" : `${bytes}${extend}`;
  const low = `mem.${READS[key].replace("EA", ea)}`;
  if (type === I32) return { code: `${code}const ${prefix} = ${low}; `, name: prefix, kind: "i32" };
  const upper =
    bytes === 8 ? `mem.getInt32(@second ${ea}@, true)` : extend === "s" ? `${prefix}l >> 31` : "0";
  const wide = `const ${prefix}l = ${low}; const ${prefix}h = ${upper}; `;
  return { code: code + wide, name: prefix, kind: "wide" };
}

/** A store of a constant that stands in the code, in front of offset and size. */
export function storeConstant(row: Instruction, layout: Layout, address: Given | null): string {
  const value: Computed = { code: "", name: layout.word(), kind: "i32" };
  const at = address === null ? `S[${layout.slot()}]` : address.value.name;
  return storeAt(row, layout, at, { position: "b", value });
}

/** A store. Its address or its value may have been computed already. */
export function storeTo(row: Instruction, layout: Layout, given: Given | null = null): string {
  const at = given?.position === "a" ? given.value.name : `S[${layout.slot()}]`;
  return storeAt(row, layout, at, given);
}

function storeAt(row: Instruction, layout: Layout, at: string, given: Given | null): string {
  const { bytes = 4 } = row.access ?? {};
  const valueSlot = given?.position === "b" ? "" : layout.slot();
  const from = valueSlot.length > 1 ? `const from = ${valueSlot}; ` : "";
  const slot = valueSlot.length > 1 ? "from" : valueSlot;
  const wide = given?.value.kind === "wide";
  const low = given?.position === "b" ? `${given.value.name}${wide ? "l" : ""}` : `S[${slot}]`;
  const high = given?.position === "b" ? `${given.value.name}h` : `S[(${slot} + 1) | 0]`;
  const check = `const qi = ${at}; ${bounds(layout, "q")}`;
  if (row.name === "f64.store" && given === null) {
    const second = "mem.setInt32(@second qea@, S[(z + 1) | 0], true);";
    const exact = `mem.setInt32(qea, S[z], true); ${second}`;
    return `${check}const q = D[z >> 1]; if (q === q) mem.setFloat64(qea, q, true); else { ${exact} } `;
  }
  const size = bytes === 8 ? 32 : bytes * 8;
  const endian = bytes > 1 ? ", true" : "";
  const first = `mem.setInt${size}(qea, ${low}${endian}); `;
  const second = bytes === 8 ? `mem.setInt32(@second qea@, ${high}, true); ` : "";
  return from + check + first + second;
}
