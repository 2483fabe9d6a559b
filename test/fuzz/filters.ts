// Differences between wasmeter and V8 that are known and justified. A filter is a predicate on the
// module as well as on both verdicts, so that it takes no more than the difference it names.
// Sections are those of the WebAssembly 3.0 specification.

import { BLOCK_TYPE_INDEX, type InstructionReader } from "../../src/binary/instructions.ts";
import { moduleDecode } from "../../src/embedding/module.ts";
import { parseFeatures } from "../../src/isa/features.ts";
import { instructionAt } from "../../src/isa/index.ts";
import {
  formatValType,
  HEAP_EXN,
  HEAP_NOEXN,
  heapOf,
  isAbstractHeap,
  isReference,
  nonNull,
  refType,
  type ValType,
} from "../../src/isa/types.ts";
import { ModuleError } from "../../src/module/errors.ts";
import { funcTypeAt, type Memory, type ModuleRecord } from "../../src/module/module.ts";
import { immediateTypes, visitBody } from "./instructions.ts";
import type { Verdict } from "./verdict.ts";
import { SECTION } from "./writer.ts";

/** Both verdicts on a module about which they differ. */
export interface Disagreement {
  readonly bytes: Uint8Array;
  readonly ours: Verdict;
  /** Message of the host where it refuses; null where it accepts. */
  readonly theirs: string | null;
}

export interface Filter {
  readonly name: string;
  /** Why the difference is right, with the section of the specification. */
  readonly reason: string;
  applies(disagreement: Disagreement): boolean;
}

/** The module if wasmeter accepts it and the host's refusal reads like this. */
function refusedByHost({ ours, theirs }: Disagreement, message: RegExp): ModuleRecord | null {
  return theirs !== null && message.test(theirs) ? ours.module : null;
}

/** The error if the host accepts the module and wasmeter calls it invalid. */
function acceptedByHost({ ours, theirs }: Disagreement) {
  return theirs === null && ours.kind === "invalid" ? ours.error : null;
}

function bodies({ bytes, bodyStarts, bodyEnds }: ModuleRecord): Uint8Array[] {
  return bodyStarts.map((start, index) => bytes.subarray(start, bodyEnds[index]));
}

/** Mnemonics that only one of the two exceptions proposals has. */
const LEGACY: ReadonlySet<string> = new Set(["try", "catch", "catch_all", "rethrow", "delegate"]);
const NEW: ReadonlySet<string> = new Set(["try_table", "throw_ref"]);

function isExn(type: ValType): boolean {
  return isReference(type) && (heapOf(type) === HEAP_EXN || heapOf(type) === HEAP_NOEXN);
}

/** V8 counts types of the new proposal in bodies as uses of it. */
function mixesExceptions(module: ModuleRecord): boolean {
  let legacy = false;
  let standard = false;
  for (const body of bodies(module)) {
    const locals = visitBody(body, (reader) => {
      const name = instructionAt(reader.op)?.name ?? "";
      legacy ||= LEGACY.has(name);
      standard ||= NEW.has(name) || immediateTypes(reader).some(isExn);
    });
    standard ||= locals.some(isExn);
  }
  return legacy && standard;
}

/** Bytes of the LEB128 integer at an offset. */
function integerLength(bytes: Uint8Array, offset: number): number {
  let length = 1;
  while (bytes[offset + length - 1] >= 0x80) length++;
  return length;
}

/** Id of the section that has this offset in its payload. */
function sectionAt({ sections }: ModuleRecord, offset: number): number | undefined {
  return sections.find(({ start, end }) => start <= offset && offset < end)?.id;
}

const LIMITS_SECTIONS: ReadonlySet<number> = new Set([
  SECTION.import,
  SECTION.table,
  SECTION.memory,
]);

/** Whether the host stumbled over an integer that only has room in a u64. */
function isLongInteger({ theirs }: Disagreement, module: ModuleRecord, inCode: boolean): boolean {
  const offset = Number(/@\+(\d+)$/.exec(theirs ?? "")?.[1]);
  const section = sectionAt(module, offset) ?? SECTION.custom;
  if (inCode ? section !== SECTION.code : !LIMITS_SECTIONS.has(section)) return false;
  // The host names the fifth byte of the integer.
  const five = module.bytes.subarray(offset - 4, offset + 1);
  return five.length === 5 && five.every((byte) => byte >= 0x80);
}

/** The signed integer at an offset, as the host reads it: padding does not matter. */
function signedAt(bytes: Uint8Array, offset: number): number {
  const length = integerLength(bytes, offset);
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 128 + (bytes[offset + i] & 0x7f);
  return value >= 128 ** length / 2 ? value - 128 ** length : value;
}

/** The module without validation; null if what follows the error is malformed. */
function decode(bytes: Uint8Array): ModuleRecord | null {
  try {
    return moduleDecode(bytes, { features: ALL });
  } catch (error) {
    if (error instanceof ModuleError) return null;
    throw error;
  }
}

/** The readable instructions before `offset` in the body around it, with the reader at each. */
function visitBefore(
  bytes: Uint8Array,
  offset: number,
  visit: (reader: InstructionReader, module: ModuleRecord) => void,
): void {
  const module = decode(bytes);
  const index = module?.bodyEnds.findIndex((end) => offset < end) ?? -1;
  if (module === null || index < 0) return;
  const start = module.bodyStarts[index];
  visitBody(bytes.subarray(start, module.bodyEnds[index]), (reader) => {
    if (start + reader.start < offset) visit(reader, module);
  });
}

/** Instructions after which operands may be of unknown type. */
const JUMPS: ReadonlySet<string> = new Set([
  "unreachable",
  "br",
  "br_table",
  "return",
  "return_call",
  "return_call_indirect",
  "return_call_ref",
  "throw",
  "throw_ref",
  "rethrow",
]);

function hasJumpBefore(bytes: Uint8Array, offset: number): boolean {
  let found = false;
  visitBefore(bytes, offset, ({ op }) => {
    found ||= JUMPS.has(instructionAt(op)?.name ?? "");
  });
  return found;
}

/**
 * Types that instructions before `offset` leave by their immediates, as text; also without null.
 */
function declaredBefore(
  bytes: Uint8Array,
  offset: number,
  typesOf: (reader: InstructionReader, module: ModuleRecord) => readonly ValType[],
): string[] {
  const found: string[] = [];
  visitBefore(bytes, offset, (reader, module) => {
    for (const type of typesOf(reader, module)) {
      // br_on_null and ref.as_non_null may come between.
      found.push(formatValType(type), formatValType(nonNull(type)));
    }
  });
  return found;
}

function loopResults(reader: InstructionReader, module: ModuleRecord): readonly ValType[] {
  if (instructionAt(reader.op)?.name !== "loop") return [];
  if (reader.a !== BLOCK_TYPE_INDEX) return immediateTypes(reader);
  return funcTypeAt(module, reader.b)?.results ?? [];
}

function castResults({ op, a: flags, d: heap }: InstructionReader): readonly ValType[] {
  return instructionAt(op)?.name === "br_on_cast_fail" ? [refType(heap, (flags & 2) !== 0)] : [];
}

/** V8's bound on the initial size of a table. */
const V8_TABLE_ELEMENTS = 10_000_000n;
/** V8's bound on the initial size of a memory with 64-bit addresses: 16 GiB. */
const V8_MEMORY64_PAGES = 262_144n;

const ALL = parseFeatures("all");

export const FILTERS: readonly Filter[] = [
  {
    name: "legacy and new exceptions",
    reason:
      "V8 refuses modules that use both. The legacy proposal is not part of the standard and " +
      "the standard forbids nothing beyond its own rules; wasmeter takes both. Where the uses " +
      "are in different functions, V8 refuses in validate and accepts in the constructor.",
    applies(disagreement) {
      const module = refusedByHost(disagreement, /^$|mix of legacy and new exception/);
      return module !== null && mixesExceptions(module);
    },
  },
  {
    name: "table size",
    reason:
      "An implementation limit of V8 (appendix, Implementation Limitations): 10,000,000 " +
      "elements; wasmeter has 2^32 - 1.",
    applies(disagreement) {
      const module = refusedByHost(disagreement, /table size .* larger than implementation limit/);
      return module?.tables.some(({ type }) => type.min > V8_TABLE_ELEMENTS) ?? false;
    },
  },
  {
    name: "memory size",
    reason:
      "An implementation limit of V8 (appendix, Implementation Limitations): 16 GiB; wasmeter " +
      "has the standard's 2^48 pages.",
    applies(disagreement) {
      const message = /memory size .* larger than implementation limit/;
      const module = refusedByHost(disagreement, message);
      const beyond = ({ type }: Memory) => (type.max ?? type.min) > V8_MEMORY64_PAGES;
      return module?.memories.some((memory) => memory.type.address64 && beyond(memory)) ?? false;
    },
  },
  {
    name: "long limits",
    reason:
      "Limits are u64 whatever the address type (Binary Format, Limits); V8 reads u32 for " +
      "32-bit memories and tables, so it refuses encodings of more than five bytes.",
    applies(disagreement) {
      const module = refusedByHost(disagreement, /length overflow|extra bits/);
      return module !== null && isLongInteger(disagreement, module, false);
    },
  },
  {
    name: "long memory offsets",
    reason:
      "The offset of a memory argument is a u64 whatever the address type (Binary Format, " +
      "Memory Instructions); V8 reads u32 for 32-bit memories.",
    applies(disagreement) {
      const module = refusedByHost(disagreement, /length overflow|extra bits/);
      return module !== null && isLongInteger(disagreement, module, true);
    },
  },
  {
    name: "tag attribute",
    reason:
      "The attribute of a tag is the byte 0 (Binary Format, Tag Types); V8 reads a u32, also a " +
      "padded one.",
    applies({ ours, theirs, bytes }) {
      if (theirs !== null || ours.error?.phrase !== "malformed tag attribute") return false;
      const at = ours.offset ?? 0;
      const length = integerLength(bytes, at);
      const value = bytes.subarray(at, at + length);
      return length > 1 && length <= 5 && value.every((byte) => (byte & 0x7f) === 0);
    },
  },
  {
    name: "type of element segment",
    reason:
      "The type of an element segment is a reference type (Binary Format, Element Section); V8 " +
      "does not mind a number type where the segment is not active and has no elements of " +
      "another type.",
    applies({ ours, theirs, bytes }) {
      if (theirs !== null || ours.error?.phrase !== "malformed reference type") return false;
      const type = bytes[ours.offset ?? 0];
      return ours.error.section === "element" && type >= 0x7b && type <= 0x7f;
    },
  },
  {
    name: "results of a loop",
    reason:
      "After the end of a loop the operands have its declared result types (Validation, loop); " +
      "V8 keeps the subtypes that they had inside, since no branch ends there.",
    applies(disagreement) {
      const error = acceptedByHost(disagreement);
      if (error?.phrase !== "type mismatch" || error.found === undefined) return false;
      const declared = declaredBefore(disagreement.bytes, error.offset ?? 0, loopResults);
      return declared.includes(error.found);
    },
  },
  {
    name: "result of br_on_cast_fail",
    reason:
      "Where it does not branch, the operand has the type it was cast to (Validation, " +
      "br_on_cast_fail); V8 keeps the type that the operand had if that is a subtype.",
    applies(disagreement) {
      const error = acceptedByHost(disagreement);
      if (error?.phrase !== "type mismatch" || error.found === undefined) return false;
      const declared = declaredBefore(disagreement.bytes, error.offset ?? 0, castResults);
      return declared.includes(error.found);
    },
  },
  {
    name: "bottom reference",
    reason:
      "ref.as_non_null and br_on_null leave a reference also where their operand is of unknown " +
      "type (Validation Algorithm, pop_ref); V8 takes it for a number if need be.",
    applies(disagreement) {
      const error = acceptedByHost(disagreement);
      return error?.phrase === "type mismatch" && /^\(ref bot\)/.test(error.found ?? "");
    },
  },
  {
    name: "label of br_on_non_null",
    reason:
      "The label must end in a reference type (Validation, br_on_non_null); V8 does not ask for" +
      " it where the label has no types at all.",
    applies(disagreement) {
      const error = acceptedByHost(disagreement);
      return error?.instruction === "br_on_non_null" && error.found === "[]";
    },
  },
  {
    name: "ref.eq beside an unknown operand",
    reason:
      "Both operands of ref.eq are eqref (Validation, ref.eq); V8 looks at neither if one of " +
      "them is of unknown type.",
    applies(disagreement) {
      const error = acceptedByHost(disagreement);
      if (error?.instruction !== "ref.eq" || error.expected !== "eqref") return false;
      return hasJumpBefore(disagreement.bytes, error.offset ?? 0);
    },
  },
  {
    name: "padded heap type",
    reason:
      "An abstract heap type is a single byte (Binary Format, Heap Types); V8 reads a padded " +
      "s33 as well.",
    applies({ ours, theirs, bytes }) {
      if (theirs !== null || ours.error?.phrase !== "malformed heap type") return false;
      const at = ours.offset ?? 0;
      const length = integerLength(bytes, at);
      return length > 1 && length <= 5 && isAbstractHeap(signedAt(bytes, at));
    },
  },
  {
    name: "padded empty block type",
    reason:
      "The empty block type is the byte 0x40 (Binary Format, Control Instructions); V8 takes any " +
      "negative integer whose low seven bits are 0x40.",
    applies({ ours, theirs, bytes }) {
      if (theirs !== null || ours.error?.phrase !== "malformed block type") return false;
      const at = ours.offset ?? 0;
      const length = integerLength(bytes, at);
      return length > 1 && length <= 5 && signedAt(bytes, at) < 0 && bytes[at] === 0xc0;
    },
  },
  {
    name: "atomic alignment",
    reason:
      "The alignment of an atomic access must be its natural one (threads proposal, validation " +
      "of atomic instructions); V8 up to 11.x accepts smaller ones.",
    applies(disagreement) {
      return acceptedByHost(disagreement)?.phrase === "atomic alignment must be natural";
    },
  },
];
