// Describes a decoded module line by line, so that two modules can be compared: everything but what
// the text format cannot say (section sizes, padded integers, data count, custom sections). It
// shares no code with the printer but the instruction reader.

import { BLOCK_EMPTY, BLOCK_TYPE_INDEX, InstructionReader } from "../../src/binary/instructions.ts";
import { instructionAt } from "../../src/isa/index.ts";
import type { Immediates } from "../../src/isa/instruction.ts";
import { FUNCREF } from "../../src/isa/types.ts";
import { DEFAULT_LIMITS } from "../../src/module/limits.ts";
import { type ElementSegment, funcTypeAt, type ModuleRecord } from "../../src/module/module.ts";

/** What an assembler is free to encode otherwise than the original. */
export interface Freedom {
  /** `(type 0)` as block type may become the inline form of the same signature. */
  readonly inlineBlockTypes?: boolean;
  /** A list of `ref.func` expressions may become a list of functions. */
  readonly functionLists?: boolean;
}

/** Fields of the reader that hold the immediates of each layout. */
const FIELDS: Readonly<Record<Immediates, string>> = {
  none: "",
  blocktype: "block",
  label: "a",
  "labels label": "labels",
  func: "a",
  "type table": "a b",
  type: "a",
  valtypes: "types",
  local: "a",
  global: "a",
  table: "a",
  memory: "a",
  memarg: "a b low high",
  "memarg lane": "a b low high c",
  i32: "low",
  i64: "low high",
  f32: "low",
  f64: "low high",
  v128: "bytes",
  lane: "a",
  lanes: "bytes",
  heaptype: "a",
  "type field": "a b",
  "type count": "a b",
  "type data": "a b",
  "type elem": "a b",
  "type type": "a b",
  "data memory": "a b",
  data: "a",
  elem: "a",
  "elem table": "a b",
  "table table": "a b",
  "memory memory": "a b",
  "blocktype catches": "block clauses",
  "castflags label heaptype heaptype": "a b c d",
  tag: "a",
  zero: "",
};

class Describer {
  private readonly module: ModuleRecord;
  private readonly freedom: Freedom;
  private readonly reader: InstructionReader;

  constructor(module: ModuleRecord, freedom: Freedom) {
    this.module = module;
    this.freedom = freedom;
    this.reader = new InstructionReader(module.bytes, module.features, DEFAULT_LIMITS);
  }

  private blockType(): string {
    const { a, b } = this.reader;
    if (a !== BLOCK_TYPE_INDEX) return a === BLOCK_EMPTY ? "->" : `->${b}`;
    const type = funcTypeAt(this.module, b);
    const trivial = type !== undefined && type.params.length === 0 && type.results.length < 2;
    if (trivial && this.freedom.inlineBlockTypes) return `->${type.results.join()}`;
    return `type ${b}`;
  }

  private field(name: string): string {
    const { reader } = this;
    const { low, labels, labelCount } = reader;
    switch (name) {
      case "block":
        return this.blockType();
      case "labels":
        return `[${labels.subarray(0, labelCount).join()}]`;
      case "clauses":
        return `[${labels.subarray(0, labelCount * 3).join()}]`;
      case "types":
        return `[${reader.types.join()}]`;
      case "bytes":
        return `[${reader.bytes.subarray(low, low + 16).join()}]`;
      case "a":
      case "b":
      case "c":
      case "d":
      case "low":
      case "high":
        return String(reader[name]);
      default:
        throw new Error(`no field "${name}"`);
    }
  }

  /** The instructions up to `end`, with opcodes, because names are not unique. */
  private *instructions(end: number): Generator<string> {
    const { reader } = this;
    while (reader.pos < end) {
      reader.next();
      const names = FIELDS[reader.layout].split(" ").filter((name) => name !== "");
      const values = names.map((name) => this.field(name));
      yield [reader.op.toString(16), instructionAt(reader.op)?.name, ...values].join(" ");
    }
  }

  expression(span: { readonly start: number; readonly end: number } | null): string {
    if (span === null) return "none";
    this.reader.reset(this.module.bytes, span.start, span.end);
    return [...this.instructions(span.end)].join("; ");
  }

  elements(segment: ElementSegment): string {
    const { mode, table, at, type, functions, expressions } = segment;
    const head = `${mode} table ${table} at ${this.expression(at)}`;
    if (functions !== null) return `${head} ${FUNCTIONS} ${functions.join(" ")}`;
    const list = expressions ?? new Uint32Array(1);
    const texts = Array.from(list.subarray(1), (end, i) =>
      this.expression({ start: list[i], end }),
    );
    const indices = texts.map((text) => /^d2 ref\.func (\d+); b end$/.exec(text)?.[1]);
    if (this.freedom.functionLists && type === FUNCREF && !indices.includes(undefined)) {
      return `${head} ${FUNCTIONS} ${indices.join(" ")}`;
    }
    return `${head} type ${type} ${texts.join(" | ")}`;
  }

  *body(index: number): Generator<string> {
    const { module, reader } = this;
    const end = module.bodyEnds[index];
    reader.reset(module.bytes, module.bodyStarts[index], end);
    const runs = reader.locals(0).map((run) => ({ ...run }));
    for (let i = runs.length - 1; i > 0; i--) {
      if (runs[i].type !== runs[i - 1].type) continue;
      runs[i - 1].count += runs[i].count;
      runs.splice(i, 1);
    }
    yield `body ${index} locals ${runs.map(({ count, type }) => `${count}*${type}`).join()}`;
    for (const text of this.instructions(end)) yield `body ${index} ${text}`;
  }
}

const FUNCTIONS = "functions";

function json(value: unknown): string {
  return JSON.stringify(value, (key, item) => {
    if (key === "offset") return undefined;
    return typeof item === "bigint" ? String(item) : item;
  });
}

/** Everything about a module that the text format can say, names left out. */
export function* describeModule(module: ModuleRecord, freedom: Freedom = {}): Generator<string> {
  const describer = new Describer(module, freedom);
  for (const type of module.types) yield `type ${json(type)}`;
  for (const item of module.imports) yield `import ${json(item)}`;
  yield `functions ${json(module.functions)}`;
  for (const { type, init } of module.tables) {
    yield `table ${json(type)} ${describer.expression(init)}`;
  }
  for (const { type } of module.memories) yield `memory ${json(type)}`;
  yield `tags ${json(module.tags)}`;
  for (const { type, init } of module.globals) {
    yield `global ${json(type)} ${describer.expression(init)}`;
  }
  for (const item of module.exports) yield `export ${json(item)}`;
  yield `start ${module.start}`;
  for (const segment of module.elements) yield `elem ${describer.elements(segment)}`;
  for (const { mode, memory, at, start, end } of module.data) {
    const bytes = Buffer.from(module.bytes.subarray(start, end)).toString("hex");
    yield `data ${mode} memory ${memory} at ${describer.expression(at)} ${bytes}`;
  }
  for (let i = 0; i < module.bodyStarts.length; i++) yield* describer.body(i);
}

/** The first difference between two descriptions, or null. */
export function firstDifference(a: Iterable<string>, b: Iterable<string>): string | null {
  const other = b[Symbol.iterator]();
  for (const line of a) {
    const { value, done } = other.next();
    if (done) return `missing: ${line}`;
    if (value !== line) return `${line}\n  became ${value}`;
  }
  const rest = other.next();
  return rest.done ? null : `too much: ${rest.value}`;
}
