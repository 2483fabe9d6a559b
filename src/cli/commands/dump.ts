// `wasmeter dump`: the sections of a module and its code, with the letters of objdump.

import {
  decodePartly,
  disassemble,
  formatName,
  formatOffset,
  type Item,
  type PartialModule,
  SectionDetails,
  type SectionHeader,
  sectionHeaders,
} from "../../disasm/index.ts";
import type { ModuleError } from "../../module/errors.ts";
import { type Arguments, type Command, EXIT, type Io, UsageError } from "../command.ts";
import { readModuleBytes } from "../input.ts";
import { fileArgument, lenientFeaturesOption } from "../options.ts";

const HELP = `usage: wasmeter dump [-h] [-x] [-d] [--features LIST] [--json] FILE

Shows what is in FILE (.wasm, .wat through wabt, or - for standard input). At least one of:

  -h, --headers      the sections: id, name, where they are, how many entries
  -x, --details      every entry of every section
  -d, --disassemble  the code: offset, bytes, instruction

  --features LIST    see \`wasmeter validate --help\`; default: all
  --json             one JSON object; for -h and -x

The module is not validated. A broken one is shown as far as it can be read.
Exit code: 0 all was shown, 1 the file cannot be read, 6 the module is malformed.
`;

/** The fields of an item that are names, and get quotes. */
const NAMES = new Set(["name", "from", "field", "as"]);

function itemText(item: Item): string {
  const fields = Object.entries(item).map(([key, value]) => {
    if (key === "item") return value;
    if (key === "offset") return `@ ${formatOffset(Number(value))}`;
    return `${key}=${NAMES.has(key) ? formatName(String(value)) : value}`;
  });
  return `  ${fields.join("  ")}`;
}

function headerTitle({ section, name }: SectionHeader): string {
  return name === null ? section : `${section} ${formatName(name)}`;
}

function headerLine(cells: readonly string[], name: string): string {
  const [id, section, start, end, size, count] = cells;
  const left = `${id.padStart(2)}  ${section.padEnd(10)}  ${start.padEnd(6)}  ${end.padEnd(6)}`;
  return `${left}  ${size.padStart(10)}  ${count.padStart(8)}  ${name}`.trimEnd();
}

function headersText(headers: readonly SectionHeader[]): string {
  const lines = headers.map(({ id, section, start, end, size, count, name }) => {
    const cells = [String(id), section, formatOffset(start), formatOffset(end), String(size)];
    return headerLine([...cells, String(count ?? "")], name === null ? "" : formatName(name));
  });
  return [headerLine(["id", "section", "start", "end", "size", "count"], ""), ...lines, ""].join(
    "\n",
  );
}

function* detailsText(part: PartialModule): Generator<string> {
  const details = new SectionDetails(part.module);
  const headers = sectionHeaders(part.module);
  for (const [i, section] of part.module.sections.entries()) {
    yield `\n${headerTitle(headers[i])}:\n`;
    for (const item of details.items(section)) yield `${itemText(item)}\n`;
  }
}

function toJson(file: string, part: PartialModule, withItems: boolean): string {
  const { module, error } = part;
  const details = new SectionDetails(module);
  const headers = sectionHeaders(module);
  const sections = module.sections.map((section, i) =>
    withItems ? { ...headers[i], items: [...details.items(section)] } : headers[i],
  );
  const failure = error === null ? {} : { error: error.message, errorOffset: error.offset };
  return `${JSON.stringify({ file, bytes: module.bytes.length, sections, ...failure })}\n`;
}

/** The letters that were given. */
function letters({ values }: Arguments) {
  const { headers, details, disassemble: code, json } = values;
  if (!headers && !details && !code) throw new UsageError("say what to show: -h, -x or -d");
  if (json && code) throw new UsageError("--json is for -h and -x, not for -d");
  return { headers, details, code, json };
}

/** Collects small pieces, so that not every line is a write of its own. */
class Writer {
  private readonly io: Io;
  private pending = "";

  constructor(io: Io) {
    this.io = io;
  }

  write(text: string): void {
    this.pending += text;
  }

  /** Hands on what is collected, if it is much. */
  async pass(): Promise<void> {
    if (this.pending.length < 1 << 16) return;
    this.flush();
    await this.io.drained?.();
  }

  flush(): void {
    this.io.out(this.pending);
    this.pending = "";
  }
}

/** Writes the disassembly; the first error in a body. */
async function writeCode(part: PartialModule, out: Writer): Promise<ModuleError | null> {
  const text = disassemble(part.module);
  let chunk = text.next();
  for (; !chunk.done; chunk = text.next()) {
    out.write(chunk.value);
    await out.pass();
  }
  return chunk.value;
}

export const dump: Command = {
  name: "dump",
  summary: "show the sections of a module, its entries, its code",
  help: HELP,
  options: {
    headers: { type: "boolean", short: "h" },
    details: { type: "boolean", short: "x" },
    disassemble: { type: "boolean", short: "d" },
    features: { type: "string" },
    json: { type: "boolean" },
  },
  async run(args, io) {
    const show = letters(args);
    const file = fileArgument(args);
    const features = lenientFeaturesOption(args);
    const part = decodePartly(await readModuleBytes(file, io), features);
    let { error } = part;
    if (show.json) {
      io.out(toJson(file, part, show.details === true));
    } else {
      const out = new Writer(io);
      const { module } = part;
      out.write(`${file}: ${module.bytes.length} bytes, ${module.sections.length} sections\n`);
      if (show.headers) out.write(`\n${headersText(sectionHeaders(module))}`);
      for (const text of show.details ? detailsText(part) : []) {
        out.write(text);
        await out.pass();
      }
      const bodyError = show.code ? await writeCode(part, out) : null;
      error ??= bodyError;
      out.flush();
    }
    if (error !== null) throw error;
    return EXIT.ok;
  },
};
