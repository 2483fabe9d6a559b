// Reads one instruction after the other: opcode and immediates, by the instruction table (spec:
// 5.4). The one reader for everybody: validator, printer, dump and tests. What an index refers to
// and whether it exists is not known here.

import { type FeatureSet, featureBit } from "../isa/features.ts";
import { instructionAt } from "../isa/index.ts";
import {
  IMMEDIATES,
  type Immediates,
  type Instruction,
  OPCODE_SPACE,
  opcodeOf,
  pageSize,
  prefixOf,
} from "../isa/instruction.ts";
import type { ValType } from "../isa/types.ts";
import { type DecodingLimits, limitOn } from "../module/limits.ts";
import type { LocalRun } from "../module/module.ts";
import { Cursor } from "./cursor.ts";
import { readHeapType, readValType, requireFeature } from "./types.ts";

/** Kinds of block types, in `InstructionReader.a`; `b` holds the value type or type index. */
export const BLOCK_EMPTY = 0;
export const BLOCK_VALTYPE = 1;
export const BLOCK_TYPE_INDEX = 2;

/** Kinds of catch clauses as in the binary format. */
export const CATCH = 0;
export const CATCH_REF = 1;
export const CATCH_ALL = 2;
export const CATCH_ALL_REF = 3;

/** Marks opcodes that have not been met yet, or are no instruction under these features. */
const UNKNOWN = IMMEDIATES.length;

const tables = new Map<FeatureSet, Uint8Array>();

/** Codes of the immediates of the opcodes that have been met under `features`. */
function immediatesTable(features: FeatureSet): Uint8Array {
  const known = tables.get(features);
  if (known !== undefined) return known;
  const table = new Uint8Array(OPCODE_SPACE).fill(UNKNOWN);
  tables.set(features, table);
  return table;
}

function isEnabled({ feature, name }: Instruction, features: FeatureSet): boolean {
  if (feature === null || (features & featureBit(feature)) !== 0) return true;
  // The legacy proposal has `throw` as well; its opcode is the same.
  return name === "throw" && (features & featureBit("legacy-exceptions")) !== 0;
}

/** Reader of the instructions in a range of bytes. After `next`, its fields describe one. */
export class InstructionReader extends Cursor {
  readonly features: FeatureSet;
  readonly limits: DecodingLimits;
  /** Dense opcode of the instruction and the offset where it begins. */
  op = 0;
  start = 0;
  /** Immediates in the order of the binary format; an unused one keeps an old value. */
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  /**
   * i64 and f64 constants, memory offsets: halves (signed 32-bit). i32 and f32 constants: `low`.
   * The bytes of v128 constants and shuffle lanes begin at `low`.
   */
  low = 0;
  /** br_table: the labels with the default last. try_table: kind, tag, label of each clause. */
  labels: Int32Array<ArrayBuffer> = new Int32Array(64);
  labelCount = 0;
  /** Operand types of `select t*`. */
  types: ValType[] = [];
  /** Local declarations, as far as they have been read. */
  runs: LocalRun[] = [];
  private groupsLeft = 0;
  private localCount = 0;
  private readonly immediates: Uint8Array;
  private readonly wideOffsets: boolean;

  constructor(bytes: Uint8Array, features: FeatureSet, limits: DecodingLimits) {
    super(bytes);
    this.features = features;
    this.limits = limits;
    this.immediates = immediatesTable(features);
    this.wideOffsets = (features & featureBit("memory64")) !== 0;
  }

  /** Layout of the immediates of the current instruction. */
  get layout(): Immediates {
    return IMMEDIATES[this.immediates[this.op]];
  }

  /** Reads the next instruction into the fields. */
  next(): void {
    const pos = this.pos;
    this.start = pos;
    if (pos >= this.end) throw this.truncated();
    let op = this.bytes[pos];
    this.pos = pos + 1;
    if (op >= 0xfb && op <= 0xfe) op = this.prefixed(op);
    this.op = op;
    // The labels are the indices in IMMEDIATES.
    switch (this.immediates[op]) {
      case 0: // none
        return;
      case 1: // blocktype
        this.blockType();
        return;
      case 2: // label
      case 4: // func
      case 6: // type
      case 8: // local
      case 9: // global
      case 10: // table
      case 28: // data
      case 29: // elem
      case 35: // tag
        this.a = this.u32();
        return;
      case 3: // labels label
        this.branchTable();
        return;
      case 11: // memory
        this.a = this.memoryIndex();
        return;
      case 12: // memarg
        this.memarg();
        return;
      case 14: // i32
        this.low = this.s32();
        return;
      case 15: // i64
        this.low = this.s64();
        return;
      case 16: // f32
        this.low = this.bits32();
        return;
      case 17: // f64
        this.low = this.bits32();
        this.high = this.bits32();
        return;
      default:
        this.rare(this.immediates[op]);
    }
  }

  private rare(layout: number): void {
    switch (layout) {
      case 5: // type table
        this.a = this.u32();
        this.b = this.tableIndex();
        return;
      case 7: // valtypes
        this.selectTypes();
        return;
      case 13: // memarg lane
        this.memarg();
        this.c = this.u8();
        return;
      case 18: // v128
      case 20: // lanes
        this.low = this.pos;
        this.skip(16, "a 16-byte immediate");
        return;
      case 19: // lane
        this.a = this.u8();
        return;
      case 21: // heaptype
        this.a = readHeapType(this, this.features);
        return;
      case 22: // type field
      case 23: // type count
      case 24: // type data
      case 25: // type elem
      case 26: // type type
      case 30: // elem table
      case 31: // table table
      case 32: // memory memory
        this.a = layout === 32 ? this.memoryIndex() : this.u32();
        this.b = layout === 32 ? this.memoryIndex() : this.u32();
        return;
      case 27: // data memory
        this.a = this.u32();
        this.b = this.memoryIndex();
        return;
      case 33: // blocktype catches
        this.blockType();
        this.catches();
        return;
      case 34: // castflags label heaptype heaptype
        this.castFlags();
        this.b = this.u32();
        this.c = readHeapType(this, this.features);
        this.d = readHeapType(this, this.features);
        return;
      case 36: // zero
        this.zero();
        return;
      default:
        this.learn();
        this.pos = this.start;
        this.next();
    }
  }

  /** Notes what the immediates of an opcode are that has not been met before. */
  private learn(): void {
    const row = instructionAt(this.op);
    if (row === undefined || !isEnabled(row, this.features)) throw this.illegal(row);
    this.immediates[this.op] = IMMEDIATES.indexOf(row.immediates);
  }

  /** The words of the 16 bytes of a v128 constant or of shuffle lanes. */
  vectorWords(): [number, number, number, number] {
    const { low } = this;
    return [this.wordAt(low), this.wordAt(low + 4), this.wordAt(low + 8), this.wordAt(low + 12)];
  }

  private truncated() {
    const phrase = "unexpected end of section or function";
    return this.error(phrase, "END opcode expected", this.pos);
  }

  private prefixed(prefix: number): number {
    const sub = this.u32();
    if (sub >= pageSize(prefix)) throw this.illegalOpcode(prefix, sub, "");
    return opcodeOf(prefix, sub);
  }

  private illegal(row: Instruction | undefined) {
    const why =
      row === undefined ? "" : `${row.name} needs the feature ${row.feature}, which is off`;
    const prefix = prefixOf(this.op);
    return prefix === 0
      ? this.illegalOpcode(this.op, null, why)
      : this.illegalOpcode(prefix, this.op - opcodeOf(prefix, 0), why);
  }

  /** `illegal opcode ff`, `illegal opcode fb 31`: the first byte, and the number behind it. */
  private illegalOpcode(first: number, sub: number | null, why: string) {
    const byte = first.toString(16).padStart(2, "0");
    return this.error(`illegal opcode ${byte}${sub === null ? "" : ` ${sub}`}`, why, this.start);
  }

  /** Without multi-memory the byte must be zero; a padded zero is no zero byte. */
  private memoryIndex(): number {
    return this.zeroUnless("multi-memory");
  }

  private tableIndex(): number {
    return this.zeroUnless("reference-types");
  }

  private zeroUnless(feature: "multi-memory" | "reference-types"): number {
    if ((this.features & featureBit(feature)) !== 0) return this.u32();
    this.zero();
    return 0;
  }

  private blockType(): void {
    const offset = this.pos;
    const code = offset < this.end ? this.bytes[offset] : 0;
    if (code === 0x40) {
      this.pos++;
      this.a = BLOCK_EMPTY;
    } else if (code > 0x40 && code < 0x80) {
      this.a = BLOCK_VALTYPE;
      this.b = readValType(this, this.features);
    } else {
      this.b = this.s33();
      this.a = BLOCK_TYPE_INDEX;
      if (this.b < 0) throw this.error("malformed block type", String(this.b), offset);
      const what = "a type index as block type";
      const phrase = "malformed block type";
      requireFeature(this, this.features, "multi-value", phrase, what, offset);
    }
  }

  private memarg(): void {
    const offset = this.pos;
    let flags = this.u32();
    this.b = 0;
    if (flags >= 64) {
      if (flags >= 128) throw this.error("malformed memop flags", String(flags), offset);
      const what = "a memory index";
      requireFeature(this, this.features, "multi-memory", "malformed memop flags", what, offset);
      flags -= 64;
      this.b = this.u32();
    }
    this.a = flags;
    const at = this.pos;
    if (at < this.end && this.bytes[at] < 0x80) {
      this.pos = at + 1;
      this.low = this.bytes[at];
      this.high = 0;
    } else if (this.wideOffsets) {
      this.low = this.u64();
    } else {
      this.low = this.u32() | 0;
      this.high = 0;
    }
  }

  private reserveLabels(count: number): void {
    if (this.labels.length >= count) return;
    this.labels = new Int32Array(Math.max(count, this.labels.length * 2));
  }

  /** A list has at least a byte for each entry. */
  private requireBytes(count: number, offset: number): void {
    const left = this.end - this.pos;
    if (count <= left) return;
    throw this.error("length out of bounds", `${count} entries in ${left} bytes`, offset);
  }

  private branchTable(): void {
    const offset = this.pos;
    const count = this.u32() + 1;
    limitOn(this.limits, "branchTargets", count, offset);
    this.requireBytes(count, offset);
    this.reserveLabels(count);
    for (let i = 0; i < count; i++) this.labels[i] = this.u32();
    this.labelCount = count;
  }

  private catches(): void {
    const offset = this.pos;
    const count = this.u32();
    limitOn(this.limits, "catches", count, offset);
    this.requireBytes(count, offset);
    this.reserveLabels(count * 3);
    for (let i = 0; i < count; i++) {
      const at = this.pos;
      const kind = this.u8();
      if (kind > CATCH_ALL_REF) throw this.error("malformed catch clause", String(kind), at);
      this.labels[i * 3] = kind;
      this.labels[i * 3 + 1] = kind < CATCH_ALL ? this.u32() : 0;
      this.labels[i * 3 + 2] = this.u32();
    }
    this.labelCount = count;
  }

  private castFlags(): void {
    const offset = this.pos;
    this.a = this.u8();
    if (this.a > 3) throw this.error("malformed br_on_cast flags", String(this.a), offset);
  }

  private selectTypes(): void {
    const offset = this.pos;
    const count = this.u32();
    limitOn(this.limits, "results", count, offset);
    this.types = [];
    for (let i = 0; i < count; i++) this.types.push(readValType(this, this.features));
  }

  /** The local declarations at the start of a body, at one go. */
  locals(params: number): LocalRun[] {
    this.beginLocals(params);
    this.readLocals(Number.POSITIVE_INFINITY);
    return this.runs;
  }

  /** Begins with the local declarations of a body; `params` count towards the limit. */
  beginLocals(params: number): void {
    const offset = this.pos;
    this.runs = [];
    this.localCount = params;
    this.groupsLeft = this.u32();
    // Groups of no locals are free, but not as many as there is room for.
    limitOn(this.limits, "locals", this.groupsLeft, offset);
  }

  /** Reads so many groups of local declarations, at most; true if these were the last. */
  readLocals(groups: number): boolean {
    const { runs } = this;
    for (let left = groups; this.groupsLeft > 0; left--) {
      if (left === 0) return false;
      const offset = this.pos;
      const count = this.u32();
      this.localCount += count;
      // 2^32 is the format's own bound, in the suite's words; the other one is ours.
      if (this.localCount >= 2 ** 32) {
        throw this.error("too many locals", String(this.localCount), offset);
      }
      limitOn(this.limits, "locals", this.localCount, offset);
      const type = readValType(this, this.features);
      if (count > 0) runs.push({ count, type });
      this.groupsLeft--;
    }
    return true;
  }
}
