// Where the instructions of a function body are, for mutation, reduction and filters. Reads with
// src/binary, so it is no oracle: what it cannot read is left alone.

import { BLOCK_VALTYPE, InstructionReader } from "../../src/binary/instructions.ts";
import { parseFeatures } from "../../src/isa/features.ts";
import { instructionAt } from "../../src/isa/index.ts";
import type { Immediates } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { refType, type ValType } from "../../src/isa/types.ts";
import { ModuleError } from "../../src/module/errors.ts";
import { DEFAULT_LIMITS } from "../../src/module/limits.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import type { Random } from "./random.ts";

/** An instruction in a body: its range of bytes and its dense opcode. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly op: number;
}

const ALL = parseFeatures("all");

/**
 * Calls `visit` for each readable instruction of a body; the reader's fields describe it. Returns
 * the types of the locals.
 */
export function visitBody(
  body: Uint8Array,
  visit: (reader: InstructionReader) => void,
): readonly ValType[] {
  const reader = new InstructionReader(body, ALL, DEFAULT_LIMITS);
  let locals: readonly ValType[] = [];
  try {
    locals = reader.locals(0).map(({ type }) => type);
    while (!reader.atEnd) {
      reader.next();
      visit(reader);
    }
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
  }
  return locals;
}

/** The types in the immediates of the instruction that was just read; type indices aside. */
export function immediateTypes(reader: InstructionReader): readonly ValType[] {
  switch (reader.layout) {
    case "blocktype":
    case "blocktype catches":
      return reader.a === BLOCK_VALTYPE ? [reader.b] : [];
    case "valtypes":
      return reader.types;
    case "heaptype":
      return [refType(reader.a, true)];
    case "castflags label heaptype heaptype":
      return [refType(reader.c, true), refType(reader.d, true)];
    default:
      return [];
  }
}

/** The instructions of a body, as far as they can be read. */
export function instructionSpans(body: Uint8Array): Span[] {
  const spans: Span[] = [];
  visitBody(body, ({ start, pos, op }) => spans.push({ start, end: pos, op }));
  return spans;
}

interface Shape {
  readonly immediates: Immediates;
  readonly signature: string;
}

const SHAPES = new Map<number, Shape>(
  INSTRUCTIONS.map(({ opcode, immediates, params, results }) => [
    opcode,
    { immediates, signature: params === null ? "" : `${params}>${results}` },
  ]),
);

function groupBy(key: (shape: Shape) => string): ReadonlyMap<string, readonly number[]> {
  const groups = new Map<string, number[]>();
  for (const [opcode, shape] of SHAPES) {
    const name = key(shape);
    groups.set(name, [...(groups.get(name) ?? []), opcode]);
  }
  return groups;
}

const BY_LAYOUT = groupBy((shape) => shape.immediates);
const BY_TYPE = groupBy((shape) => `${shape.immediates} ${shape.signature}`);

/** Another opcode with the same immediates, and, where `sameType` is set, the same type. */
export function similarOpcode(random: Random, op: number, sameType: boolean): number {
  const shape = SHAPES.get(op);
  if (shape === undefined) return op;
  const { immediates, signature } = shape;
  const regular = sameType && signature !== "";
  const group = regular ? BY_TYPE.get(`${immediates} ${signature}`) : BY_LAYOUT.get(immediates);
  return random.pick(group ?? [op]);
}

/**
 * Whether a function waits. V8 11 goes on with wrong operands then, or ends the process, unless it
 * has optimised the code (`--no-liftoff` and V8 14 agree with us).
 */
export function waits({ bytes, bodyEnds, bodyStarts }: ModuleRecord): boolean {
  const kinds = bodyStarts.flatMap((start, i) =>
    instructionSpans(bytes.subarray(start, bodyEnds[i])).map(({ op }) => instructionAt(op)),
  );
  return kinds.some((row) => row?.access?.kind === "wait");
}
