// Function bodies and constant expressions as text (spec: 6.5 Instructions), one instruction to a
// line, blocks indented. Nothing recurses: what is open is a stack of labels. Code that is
// malformed or invalid is printed as far as it can be read; what is wrong stands there as a
// comment.

import { InstructionReader } from "../binary/instructions.ts";
import { ModuleError } from "../module/errors.ts";
import type { DecodingLimits } from "../module/limits.ts";
import { type ConstExpr, funcTypeAt, type LocalRun, type ModuleRecord } from "../module/module.ts";
import type { IdentifierSpace, Identifiers } from "./identifiers.ts";
import { formatImmediates, mnemonicOf, type Scope } from "./immediates.ts";
import { indentation, type TextBuffer } from "./text.ts";
import { formatDeclarations, formatTypeUse } from "./types.ts";

/** What an instruction does to the block structure. */
export type Role = "plain" | "open" | "middle" | "close";

const ROLES = new Map<number, Role>([
  [0x02, "open"], // block
  [0x03, "open"], // loop
  [0x04, "open"], // if
  [0x06, "open"], // try
  [0x1f, "open"], // try_table
  [0x05, "middle"], // else
  [0x07, "middle"], // catch
  [0x19, "middle"], // catch_all
  [0x0b, "close"], // end
  [0x18, "close"], // delegate
]);

/** Instructions of a constant expression that `constantText` shows. */
const SHOWN_INSTRUCTIONS = 8;

/** The role of the instruction with this opcode. */
export function roleOf(op: number): Role {
  return ROLES.get(op) ?? "plain";
}

/** The types of the locals, run after run. */
export function* localTypes(runs: readonly LocalRun[]): Generator<number> {
  for (const { count, type } of runs) for (let i = 0; i < count; i++) yield type;
}

/** An instruction as it stands in the text, and the change it makes to the labels in `scope`. */
export function formatInstruction(reader: InstructionReader, role: Role, scope: Scope): string {
  const { labels } = scope;
  const mnemonic = mnemonicOf(reader);
  if (role === "open") {
    // Immediates first: the labels in catch clauses count from outside of the block.
    const immediates = formatImmediates(reader, scope);
    const id = labels.push() ?? `(;@${labels.depth};)`;
    return `${mnemonic} ${id}${immediates}`;
  }
  // A delegate's label counts from outside of its try.
  if (role === "close") labels.pop();
  return mnemonic + formatImmediates(reader, scope);
}

/** Prints the code of one module; finds out which functions are broken. */
export class CodePrinter {
  private readonly module: ModuleRecord;
  private readonly ids: Identifiers;
  private readonly out: TextBuffer;
  private readonly reader: InstructionReader;
  private readonly noLocals: IdentifierSpace;
  /** What was wrong with the first body that is broken, or null. */
  failure: ModuleError | null = null;

  constructor(module: ModuleRecord, ids: Identifiers, limits: DecodingLimits, out: TextBuffer) {
    this.module = module;
    this.ids = ids;
    this.out = out;
    this.reader = new InstructionReader(module.bytes, module.features, limits);
    this.noLocals = ids.locals(-1, 0);
  }

  /** The function with this index in the function index space. Yields complete chunks. */
  *function(index: number): Generator<string, void> {
    const { module, ids, out } = this;
    const defined = index - module.importedFunctions;
    const typeIndex = module.functions[index];
    const params = funcTypeAt(module, typeIndex)?.params.length ?? 0;
    this.reader.reset(module.bytes, module.bodyStarts[defined], module.bodyEnds[defined]);
    const runs = this.locals(index, params);
    const declared = runs?.reduce((sum, { count }) => sum + count, 0) ?? 0;
    const locals = ids.locals(index, params + declared);
    const head = formatTypeUse(module, typeIndex, ids, locals);
    out.line(1, `(func ${ids.functions.define(index)} ${head}`);
    if (runs === null) {
      this.reportFailure(2);
    } else {
      const types = localTypes(runs);
      const text = formatDeclarations("local", types, ids, locals, params);
      if (text !== "") out.line(2, text.trimStart());
      yield* this.code(index, { module, ids, locals, labels: ids.labels(index) });
    }
    out.write("  )\n");
  }

  private locals(index: number, params: number): LocalRun[] | null {
    try {
      return this.reader.locals(params);
    } catch (error) {
      this.fail(error, index);
      return null;
    }
  }

  private lastFailure = "";

  private fail(error: unknown, index: number): void {
    if (!(error instanceof ModuleError)) throw error;
    const located = error.within({ section: "code", funcIndex: index });
    this.failure ??= located;
    this.lastFailure = located.message;
  }

  private reportFailure(level: number): void {
    this.out.write(`${indentation(level)};; malformed: ${this.lastFailure}\n`);
  }

  private *code(index: number, scope: Scope): Generator<string, void> {
    const { reader, out } = this;
    const { labels } = scope;
    try {
      for (;;) {
        reader.next();
        const role = roleOf(reader.op);
        if (role === "close" && labels.depth === 0) break;
        const text = formatInstruction(reader, role, scope);
        const level = labels.depth + (role === "open" || role === "middle" ? 1 : 2);
        out.line(level, text);
        if (out.full) yield out.take();
      }
      this.checkEnd();
    } catch (error) {
      this.fail(error, index);
      this.reportFailure(labels.depth + 2);
    }
  }

  private checkEnd(): void {
    const { reader } = this;
    if (reader.op !== 0x0b) throw reader.error("unexpected delegate", "", reader.start);
    if (reader.atEnd) return;
    throw reader.error("section size mismatch", `${reader.end - reader.pos} bytes after the end`);
  }

  /** The instructions of a constant expression, without its `end`. */
  private *constant(start: number, end: number): Generator<string, void> {
    const { module, ids, reader } = this;
    const labels = ids.labels(null);
    const scope: Scope = { module, ids, locals: this.noLocals, labels };
    reader.reset(module.bytes, start, end);
    for (;;) {
      reader.next();
      const role = roleOf(reader.op);
      if (role === "close" && labels.depth === 0) return;
      yield formatInstruction(reader, role, scope);
    }
  }

  /**
   * A constant expression as it follows a keyword. One instruction gets parentheses, several stand
   * in a row within `(keyword …)`, or bare if there is no keyword.
   */
  *expression({ start, end }: ConstExpr, keyword = ""): Generator<string, void> {
    const { out } = this;
    const instructions = this.constant(start, end);
    const head: string[] = [];
    for (const text of instructions) {
      head.push(text);
      if (head.length > 1) break;
    }
    if (head.length === 1) {
      out.write(` (${head[0]})`);
      return;
    }
    out.write(keyword === "" ? "" : ` (${keyword}`);
    yield* out.list(2, this.constant(start, end));
    if (keyword !== "") out.write(")");
  }

  /** The instructions of a constant expression in a row; a long one breaks off with `…`. */
  constantText({ start, end }: ConstExpr): string {
    const texts: string[] = [];
    for (const text of this.constant(start, end)) {
      if (texts.length === SHOWN_INSTRUCTIONS) return `${texts.join(" ")} …`;
      texts.push(text);
    }
    return texts.join(" ");
  }

  /** The expressions of an element segment, each in parentheses. */
  *items(begins: Uint32Array): Generator<string, void> {
    for (let i = 0; i + 1 < begins.length; i++) {
      const texts = [...this.constant(begins[i], begins[i + 1])];
      yield texts.length === 1 ? `(${texts[0]})` : `(item ${texts.join(" ")})`;
    }
  }
}
