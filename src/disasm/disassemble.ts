// The code section instruction by instruction: offset, bytes in hexadecimal, mnemonic. For `dump`;
// the text is for people, not for assemblers. A body that is malformed is shown up to the damage,
// and the next one from its beginning.

import { InstructionReader } from "../binary/instructions.ts";
import { ModuleError } from "../module/errors.ts";
import { type DecodingLimits, decodingLimits } from "../module/limits.ts";
import { funcTypeAt, type ModuleRecord } from "../module/module.ts";
import { formatInstruction, localTypes, roleOf } from "./body.ts";
import { type IdentifierSpace, Identifiers } from "./identifiers.ts";
import { formatName, formatOffset, hexByte } from "./literals.ts";
import { indentation, TextBuffer } from "./text.ts";
import { formatDeclarations, formatTypeUse } from "./types.ts";

const BYTES_PER_LINE = 9;
const BYTES_WIDTH = BYTES_PER_LINE * 3 - 1;
/** Columns of the instructions. */
const TEXT_WIDTH = 72;

/**
 * Disassembles all function bodies, in chunks of text. The generator's return value is the first
 * error in a body, or null.
 */
export function* disassemble(
  module: ModuleRecord,
  limits: Partial<DecodingLimits> = {},
): Generator<string, ModuleError | null> {
  const disassembler = new Disassembler(module, decodingLimits(limits));
  yield* disassembler.bodies();
  return disassembler.failure;
}

class Disassembler {
  private readonly module: ModuleRecord;
  private readonly ids: Identifiers;
  private readonly reader: InstructionReader;
  private readonly out = new TextBuffer();
  failure: ModuleError | null = null;

  constructor(module: ModuleRecord, limits: DecodingLimits) {
    this.module = module;
    this.ids = new Identifiers(module);
    this.reader = new InstructionReader(module.bytes, module.features, limits);
  }

  *bodies(): Generator<string, void> {
    const { module, out } = this;
    for (let i = 0; i < module.bodyStarts.length; i++) {
      // The last body of a module that breaks off may not be there completely.
      const end = Math.min(module.bodyEnds[i], module.bytes.length);
      yield* this.body(module.importedFunctions + i, module.bodyStarts[i], end);
      if (out.full) yield out.take();
    }
    yield out.take();
  }

  private *body(index: number, start: number, end: number): Generator<string, void> {
    const { module, ids, reader, out } = this;
    const typeIndex = module.functions[index];
    const name = module.names.functions.get(index);
    out.write(`\n${formatOffset(start)} func[${index}]`);
    if (name !== undefined) out.write(` ${formatName(name)}`);
    out.write(` ${formatTypeUse(module, typeIndex, ids)}:\n`);
    reader.reset(module.bytes, start, end);
    try {
      const params = funcTypeAt(module, typeIndex)?.params.length ?? 0;
      const locals = this.locals(index, params, start);
      yield* this.instructions(index, locals);
    } catch (error) {
      if (!(error instanceof ModuleError)) throw error;
      const located = error.within({ section: "code", funcIndex: index });
      this.failure ??= located;
      const from = Math.min(reader.start, end);
      this.row(from, Math.min(end, from + BYTES_PER_LINE), 0, `error: ${located.message}`);
    }
  }

  /** Shows the local declarations; the identifiers of parameters and locals. */
  private locals(index: number, params: number, start: number): IdentifierSpace {
    const { ids, reader } = this;
    // Where an error is shown that comes before the first instruction.
    reader.start = start;
    const runs = reader.locals(params);
    const count = runs.reduce((sum, run) => sum + run.count, params);
    const locals = ids.locals(index, count);
    const text = formatDeclarations("local", localTypes(runs), ids, locals, params);
    this.row(start, reader.pos, 0, text === "" ? "(local)" : text.trimStart());
    return locals;
  }

  private *instructions(index: number, locals: IdentifierSpace): Generator<string, void> {
    const { module, ids, reader, out } = this;
    const labels = ids.labels(index);
    const scope = { module, ids, locals, labels };
    for (;;) {
      reader.next();
      const role = roleOf(reader.op);
      const last = role === "close" && labels.depth === 0;
      const text = formatInstruction(reader, role, scope);
      const level = labels.depth - (role === "open" || role === "middle" ? 1 : 0);
      this.row(reader.start, reader.pos, Math.max(level, 0), text);
      if (last) break;
      if (out.full) yield out.take();
    }
    if (reader.atEnd) return;
    reader.start = reader.pos;
    throw reader.error("section size mismatch", `${reader.end - reader.pos} bytes after the end`);
  }

  /** One instruction: as many lines as its bytes and its text need. */
  private row(start: number, end: number, level: number, text: string): void {
    const indent = indentation(level);
    let rest = text;
    let at = start;
    do {
      const next = Math.min(at + BYTES_PER_LINE, end);
      const bytes = this.hex(at, next).padEnd(BYTES_WIDTH);
      const cut = rest.length <= TEXT_WIDTH ? rest.length : breakAt(rest);
      const line = ` ${formatOffset(at)}: ${bytes} | ${indent}${rest.slice(0, cut)}`;
      this.out.write(`${line.trimEnd()}\n`);
      rest = rest.slice(cut).trimStart();
      at = next;
    } while (at < end || rest !== "");
  }

  private hex(start: number, end: number): string {
    let text = "";
    for (let i = start; i < end; i++) text += i > start ? ` ${this.byte(i)}` : this.byte(i);
    return text;
  }

  private byte(at: number): string {
    return hexByte(this.module.bytes[at]);
  }
}

/** Where to break a text that is too long: a space near the right margin. */
function breakAt(text: string): number {
  const before = text.lastIndexOf(" ", TEXT_WIDTH);
  if (before > 0) return before;
  const after = text.indexOf(" ", TEXT_WIDTH);
  return after < 0 ? text.length : after;
}
