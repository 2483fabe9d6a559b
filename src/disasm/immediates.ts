// The immediates of one instruction as text (spec: 6.5 Instructions), by the layout in its row of
// the instruction table. Where the text format orders them otherwise than the binary format, the
// layout's formatter says so. Blocks and indentation are for body.ts.

import {
  BLOCK_EMPTY,
  BLOCK_TYPE_INDEX,
  CATCH_ALL,
  type InstructionReader,
} from "../binary/instructions.ts";
import { instructionAt } from "../isa/index.ts";
import { type Immediates, type Instruction, OPCODE_SPACE } from "../isa/instruction.ts";
import { formatHeapType, formatValType, refType } from "../isa/types.ts";
import { funcTypeAt, type ModuleRecord } from "../module/module.ts";
import type { IdentifierSpace, Identifiers, Labels } from "./identifiers.ts";
import { formatF32, formatF64, formatI64, formatU64, formatV128 } from "./literals.ts";
import { formatSignature } from "./types.ts";

/** What the indices in an instruction mean where it stands. */
export interface Scope {
  readonly module: ModuleRecord;
  readonly ids: Identifiers;
  readonly locals: IdentifierSpace;
  readonly labels: Labels;
}

/** The text after the mnemonic, a space before each part; "" if there is none. */
type Formatter = (reader: InstructionReader, scope: Scope, row: Instruction) => string;

/** A memory or table that the text format leaves out when it is the first. */
function unlessFirst(space: IdentifierSpace, index: number): string {
  return index === 0 ? "" : ` ${space.ref(index)}`;
}

/**
 * `null` after the mnemonic belongs to the type: `ref.test null` is written `ref.test (ref null
 * t)`.
 */
const NULL_SUFFIX = " null";

function formatBlockType(reader: InstructionReader, { module, ids }: Scope): string {
  if (reader.a === BLOCK_EMPTY) return "";
  if (reader.a === BLOCK_TYPE_INDEX) {
    const signature = formatSignature(funcTypeAt(module, reader.b), ids);
    return ` (type ${ids.types.ref(reader.b)})${signature}`;
  }
  return ` (result ${formatValType(reader.b, ids.typeName)})`;
}

function formatMemarg(reader: InstructionReader, scope: Scope, row: Instruction): string {
  let text = unlessFirst(scope.ids.memories, reader.b);
  if (reader.low !== 0 || reader.high !== 0) {
    text += ` offset=${formatU64(reader.low, reader.high)}`;
  }
  const natural = Math.log2(row.access?.bytes ?? 1);
  if (reader.a !== natural) text += ` align=${2n ** BigInt(reader.a)}`;
  return text;
}

function formatLabels(reader: InstructionReader, { labels }: Scope): string {
  let text = "";
  for (let i = 0; i < reader.labelCount; i++) text += ` ${labels.ref(reader.labels[i] >>> 0)}`;
  return text;
}

const CATCH_WORDS = ["catch", "catch_ref", "catch_all", "catch_all_ref"];

/**
 * The clauses' labels count from outside of the block, so this comes before its label is pushed.
 */
function formatCatches(reader: InstructionReader, { ids, labels }: Scope): string {
  let text = "";
  for (let i = 0; i < reader.labelCount; i++) {
    const kind = reader.labels[i * 3];
    const tag = kind < CATCH_ALL ? ` ${ids.tags.ref(reader.labels[i * 3 + 1] >>> 0)}` : "";
    text += ` (${CATCH_WORDS[kind]}${tag} ${labels.ref(reader.labels[i * 3 + 2] >>> 0)})`;
  }
  return text;
}

function formatHeap(reader: InstructionReader, { ids }: Scope, row: Instruction): string {
  if (row.name === "ref.null") return ` ${formatHeapType(reader.a, ids.typeName)}`;
  return ` ${formatReference(reader.a, row.name.endsWith(NULL_SUFFIX), ids)}`;
}

/** Always the long form: `(ref null any)`, never `anyref`. */
function formatReference(heap: number, nullable: boolean, ids: Identifiers): string {
  const text = formatValType(refType(heap, false), ids.typeName);
  return nullable ? text.replace("(ref ", "(ref null ") : text;
}

function formatCast(reader: InstructionReader, { ids, labels }: Scope): string {
  const from = formatReference(reader.c, (reader.a & 1) !== 0, ids);
  const to = formatReference(reader.d, (reader.a & 2) !== 0, ids);
  return ` ${labels.ref(reader.b)} ${from} ${to}`;
}

function formatLanes(reader: InstructionReader): string {
  return ` ${reader.bytes.subarray(reader.low, reader.low + 16).join(" ")}`;
}

const FORMATTERS: Readonly<Record<Immediates, Formatter>> = {
  none: () => "",
  zero: () => "",
  blocktype: formatBlockType,
  "blocktype catches": (reader, scope) =>
    formatBlockType(reader, scope) + formatCatches(reader, scope),
  label: (reader, { labels }) => ` ${labels.ref(reader.a)}`,
  "labels label": formatLabels,
  func: (reader, { ids }) => ` ${ids.functions.ref(reader.a)}`,
  "type table": (reader, { ids }) =>
    `${unlessFirst(ids.tables, reader.b)} (type ${ids.types.ref(reader.a)})`,
  type: (reader, { ids }) => ` ${ids.types.ref(reader.a)}`,
  valtypes: (reader, { ids }) =>
    ` (result${reader.types.map((type) => ` ${formatValType(type, ids.typeName)}`).join("")})`,
  local: (reader, { locals }) => ` ${locals.ref(reader.a)}`,
  global: (reader, { ids }) => ` ${ids.globals.ref(reader.a)}`,
  table: (reader, { ids }) => ` ${ids.tables.ref(reader.a)}`,
  memory: (reader, { ids }) => unlessFirst(ids.memories, reader.a),
  memarg: formatMemarg,
  "memarg lane": (reader, scope, row) => `${formatMemarg(reader, scope, row)} ${reader.c}`,
  i32: (reader) => ` ${reader.low}`,
  i64: (reader) => ` ${formatI64(reader.low, reader.high)}`,
  f32: (reader) => ` ${formatF32(reader.low)}`,
  f64: (reader) => ` ${formatF64(reader.low, reader.high)}`,
  v128: (reader) => ` ${formatV128(reader.bytes, reader.low)}`,
  lane: (reader) => ` ${reader.a}`,
  lanes: formatLanes,
  heaptype: formatHeap,
  "type field": (reader, { ids }) =>
    ` ${ids.types.ref(reader.a)} ${ids.fields(reader.a).ref(reader.b)}`,
  "type count": (reader, { ids }) => ` ${ids.types.ref(reader.a)} ${reader.b}`,
  "type data": (reader, { ids }) => ` ${ids.types.ref(reader.a)} ${ids.data.ref(reader.b)}`,
  "type elem": (reader, { ids }) => ` ${ids.types.ref(reader.a)} ${ids.elements.ref(reader.b)}`,
  "type type": (reader, { ids }) => ` ${ids.types.ref(reader.a)} ${ids.types.ref(reader.b)}`,
  "data memory": (reader, { ids }) =>
    `${unlessFirst(ids.memories, reader.b)} ${ids.data.ref(reader.a)}`,
  data: (reader, { ids }) => ` ${ids.data.ref(reader.a)}`,
  elem: (reader, { ids }) => ` ${ids.elements.ref(reader.a)}`,
  "elem table": (reader, { ids }) =>
    `${unlessFirst(ids.tables, reader.b)} ${ids.elements.ref(reader.a)}`,
  "table table": (reader, { ids }) => ` ${ids.tables.ref(reader.a)} ${ids.tables.ref(reader.b)}`,
  "memory memory": (reader, { ids }) =>
    reader.a === 0 && reader.b === 0
      ? ""
      : ` ${ids.memories.ref(reader.a)} ${ids.memories.ref(reader.b)}`,
  "castflags label heaptype heaptype": formatCast,
  tag: (reader, { ids }) => ` ${ids.tags.ref(reader.a)}`,
};

/** Mnemonic and formatter of every opcode, so that printing looks nothing up by name. */
const BY_OP = Array.from({ length: OPCODE_SPACE }, (_, opcode) => {
  const row = instructionAt(opcode);
  if (row === undefined) return null;
  const isNullForm = row.name.endsWith(NULL_SUFFIX);
  const mnemonic = isNullForm ? row.name.slice(0, -NULL_SUFFIX.length) : row.name;
  return { row, mnemonic, format: FORMATTERS[row.immediates] };
});

/** The mnemonic of the instruction that `reader` has just read. */
export function mnemonicOf(reader: InstructionReader): string {
  return BY_OP[reader.op]?.mnemonic ?? "";
}

/** Its immediates, a space before each; "" if it has none. */
export function formatImmediates(reader: InstructionReader, scope: Scope): string {
  const entry = BY_OP[reader.op];
  return entry === null ? "" : entry.format(reader, scope, entry.row);
}
