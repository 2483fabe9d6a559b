// How the data of a snapshot (store-state.ts) lies in its chunks (docs/snapshot-format.md).

import {
  heapOf,
  I32,
  isAbstractHeap,
  isNullable,
  isReference,
  refType,
  V128,
} from "../isa/types.ts";
import type { MemoryType } from "../module/module.ts";
import { DEFAULT_RUNTIME_LIMITS, type RuntimeLimits } from "../runtime/store.ts";
import {
  as,
  byKind,
  type Codec,
  choice,
  count,
  double,
  flag,
  list,
  nullable,
  pair,
  record,
  text,
} from "./codec.ts";
import type {
  AccountsState,
  DoingState,
  ExecutionState,
  FrameState,
  GrantState,
  ImportState,
  InstanceState,
  LooseGlobal,
  LooseTable,
  LooseTag,
  MemoryState,
  NamedState,
  ObjectState,
  PageRun,
  ReferenceRun,
  ReferenceState,
  SegmentState,
  StoreState,
  TypeState,
  UsageState,
  ValueState,
} from "./store-state.ts";

// Numbers

/** 32 bits, the low byte first. */
const word: Codec<number> = {
  write: (out, value) => out.u32(value >>> 0),
  read: (input) => input.u32() | 0,
};

const words: Codec<Int32Array> = as(
  list(word),
  (value) => Array.from(value),
  (value) => Int32Array.from(value),
);

/** 64 bits without sign, the low half first. */
const u64: Codec<bigint> = as(
  pair(word, word),
  (value) => [Number(value & 0xffff_ffffn), Number(value >> 32n)] as const,
  ([low, high]) => BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n),
);

/** A double that is no less than 0. */
const amount: Codec<number> = as(
  double,
  (value) => value,
  (value, input) => {
    if (value >= 0) return value;
    throw input.error(`${value} is no amount`);
  },
);

/** 0 for -1, and so on. */
const size: Codec<number> = as(
  count,
  (value) => value + 1,
  (value) => value - 1,
);

// References and values

export const reference: Codec<ReferenceState> = byKind<ReferenceState>({
  func: record({ instance: count, index: count }),
  grant: record({ index: count }),
  object: record({ index: count }),
  exported: record({ index: count }),
  named: record({ index: count }),
  undefined: record({}),
  boolean: record({ value: flag }),
  number: record({ value: double }),
  string: record({ value: text }),
});

const orNull = nullable(reference);

/** As many words as the last that is not zero, at most four; or 5 and a reference. */
const REFERENCE = 5;

const value: Codec<ValueState> = {
  write(out, { high, low, reference: refers, upper }) {
    if (refers !== null) {
      out.u8(REFERENCE);
      reference.write(out, refers);
      return;
    }
    const all = [low, high, upper?.low ?? 0, upper?.high ?? 0];
    while (all.at(-1) === 0) all.pop();
    out.u8(all.length);
    for (const one of all) word.write(out, one);
  },
  read(input) {
    const length = input.u8();
    if (length > REFERENCE) throw input.error(`no value has ${length} words`);
    if (length === REFERENCE) return { low: 0, high: 0, reference: reference.read(input) };
    const all = [0, 0, 0, 0];
    for (let i = 0; i < length; i++) all[i] = word.read(input);
    if (length > 0 && all[length - 1] === 0) throw input.error("a value is longer than it need be");
    const [low, high, low2, high2] = all;
    const upper = length > 2 ? { upper: { low: low2, high: high2 } } : {};
    return { low, high, reference: null, ...upper };
  },
};

const values = list(value);

const referenceRuns: Codec<readonly ReferenceRun[]> = list(
  record<ReferenceRun>({ count, reference: orNull }),
);

// Types

// Bits of a byte that is none of the numbers of isa/types.ts for numeric types and v128: a
// reference to a type of a module, or to an abstract heap type; and whether it may be null.
const CONCRETE = 0x80;
const ABSTRACT = 0x40;
const NULLABLE = 1;

const valueType: Codec<TypeState> = {
  write(out, state) {
    if (typeof state !== "number") {
      out.u8(CONCRETE | (state.nullable ? NULLABLE : 0));
      count.write(out, state.module);
      count.write(out, state.index);
    } else if (isReference(state)) {
      out.u8(ABSTRACT | (isNullable(state) ? NULLABLE : 0));
      count.write(out, -heapOf(state));
    } else out.u8(state);
  },
  read(input) {
    const byte = input.u8();
    const isNull = (byte & NULLABLE) !== 0;
    if ((byte & ~NULLABLE) === CONCRETE) {
      return { module: count.read(input), index: count.read(input), nullable: isNull };
    }
    if ((byte & ~NULLABLE) === ABSTRACT) {
      const heap = count.read(input);
      if (!isAbstractHeap(-heap)) throw input.error(`there is no heap type ${heap}`);
      return refType(-heap, isNull);
    }
    if (byte < I32 || byte > V128) throw input.error(`there is no value type ${byte}`);
    return byte;
  },
};

const memoryType: Codec<MemoryType> = record<MemoryType>({
  min: u64,
  max: nullable(u64),
  address64: flag,
  shared: flag,
  pageSizeLog2: count,
});

// What there is in a store

const usage: Codec<UsageState> = record<UsageState>({
  fuel: amount,
  peakMemoryBytes: amount,
  hostCalls: amount,
});

const LIMITS = Object.keys(DEFAULT_RUNTIME_LIMITS) as (keyof RuntimeLimits)[];

const limits: Codec<Partial<RuntimeLimits>> = as(
  list(pair(text, amount)),
  (all) =>
    LIMITS.flatMap((name) => (all[name] === undefined ? [] : ([[name, all[name]]] as const))),
  (all, input) => {
    const found: Partial<Record<keyof RuntimeLimits, number>> = {};
    for (const [name, limit] of all) {
      const known = LIMITS.find((one) => one === name);
      if (known === undefined) throw input.error(`there is no limit "${name}"`);
      found[known] = limit;
    }
    return found;
  },
);

const accounts: Codec<AccountsState> = record<AccountsState>({
  fuelLeft: amount,
  limits,
  prices: text,
  fuel: amount,
  peakMemoryBytes: amount,
  hostCalls: amount,
});

/** 0: dropped, 1: as the module lists them, 2: values. */
const segment: Codec<SegmentState> = {
  write(out, state) {
    if (typeof state === "string") out.u8(state === "dropped" ? 0 : 1);
    else {
      out.u8(2);
      list(orNull).write(out, state);
    }
  },
  read(input) {
    const kind = input.u8();
    if (kind > 2) throw input.error(`no segment is of kind ${kind}`);
    if (kind === 2) return list(orNull).read(input);
    return kind === 0 ? "dropped" : "whole";
  },
};

/** 0 and a reference, or a number + 1. */
const importState: Codec<ImportState> = {
  write(out, state) {
    count.write(out, typeof state === "number" ? state + 1 : 0);
    if (typeof state !== "number") reference.write(out, state);
  },
  read(input) {
    const number = count.read(input);
    return number === 0 ? reference.read(input) : number - 1;
  },
};

const instance: Codec<InstanceState> = record<InstanceState>({
  module: count,
  imports: list(importState),
  elements: list(segment),
  droppedData: list(flag),
});

const grant: Codec<GrantState> = record<GrantState>({ instance: count, index: count });

const looseTable: Codec<LooseTable> = record<LooseTable>({
  min: u64,
  max: nullable(u64),
  address64: flag,
  element: valueType,
});

const looseGlobal: Codec<LooseGlobal> = record<LooseGlobal>({ type: valueType, mutable: flag });

const looseTag: Codec<LooseTag> = byKind<LooseTag>({
  grant: record({ index: count }),
  type: record({ module: count, index: count }),
});

/** 0: zero, 1: as the module begins it, else the number of a stored one + 2. */
const page: Codec<PageRun["page"]> = as(
  count,
  (what) => (what === "zero" ? 0 : what === "initial" ? 1 : what + 2),
  (number) => (number === 0 ? "zero" : number === 1 ? "initial" : number - 2),
);

const memory: Codec<MemoryState> = record<MemoryState>({
  size: count,
  runs: list(record<PageRun>({ count, page })),
});

const object: Codec<ObjectState> = byKind<ObjectState>({
  struct: record({ instance: count, index: count, fields: values }),
  numbers: record({ instance: count, index: count, words }),
  references: record({ instance: count, index: count, elements: referenceRuns }),
  exception: record({ tag: count, values }),
});

const frame: Codec<FrameState> = record<FrameState>({
  instance: count,
  funcIndex: count,
  kind: count,
  offset: count,
  locals: values,
  operands: values,
});

const doing: Codec<DoingState> = byKind<DoingState>({
  call: record({ callee: reference, args: values }),
  throw: record({ exception: count, searched: count }),
  grown: record({ result: size }),
  made: record({ object: count }),
});

const execution: Codec<ExecutionState> = record<ExecutionState>({
  name: text,
  callee: reference,
  frames: list(frame),
  isPaid: flag,
  doing: nullable(doing),
  usage,
});

const named: Codec<NamedState> = byKind<NamedState>({
  func: record({ func: reference }),
  extern: record({ space: choice("memory", "table", "global", "tag"), index: count }),
  object: record({ index: count }),
  host: record({}),
});

const DIGEST_BYTES = 32;

const digest: Codec<Uint8Array> = {
  write: (out, value) => out.bytes(value),
  read: (input) => input.bytes(DIGEST_BYTES),
};

const bytes: Codec<Uint8Array> = {
  write(out, value) {
    count.write(out, value.length);
    out.bytes(value);
  },
  read: (input) => input.bytes(count.read(input)),
};

/** The chunks, by their names, in their order; a name of capitals must be known to the reader. */
export const CHUNKS: { readonly [K in keyof StoreState]: Chunk<StoreState[K]> } = {
  accounts: { name: "ACCT", codec: accounts },
  modules: { name: "MODS", codec: list(digest) },
  grants: { name: "GRNT", codec: list(grant) },
  looseMemories: { name: "LMEM", codec: list(memoryType) },
  looseTables: { name: "LTAB", codec: list(looseTable) },
  looseGlobals: { name: "LGLO", codec: list(looseGlobal) },
  looseTags: { name: "LTAG", codec: list(looseTag) },
  instances: { name: "INST", codec: list(instance) },
  objects: { name: "OBJS", codec: list(object) },
  memories: { name: "MEMS", codec: list(memory) },
  tables: { name: "TABS", codec: list(referenceRuns) },
  globals: { name: "GLOB", codec: values },
  executions: { name: "EXEC", codec: list(execution) },
  instanceNames: { name: "NAMI", codec: list(pair(text, count)) },
  refNames: { name: "NAMR", codec: list(pair(text, named)) },
  pages: { name: "PAGE", codec: list(bytes) },
};

/** A part of the data, and how it lies in a file. */
export interface Chunk<T> {
  readonly name: string;
  readonly codec: Codec<T>;
}
