// What a snapshot says, as data: entities by their numbers, nothing of this process. Numbers count
// instances, and in each space of their own memories, tables, globals and tags: first the loose
// ones, which no instance of the snapshot defines, then those that the first instance defines, and
// so on. docs/snapshot-format.md has the bytes.

import type { MemoryType } from "../module/module.ts";
import type { Bits64 } from "../runtime/instances.ts";
import type { RuntimeLimits } from "../runtime/store.ts";

/** A reference that is not null. */
export type ReferenceState =
  /** A function that an instance defines, by its index there. */
  | { readonly kind: "func"; readonly instance: number; readonly index: number }
  /** A function of the host's: what it gives for an import. */
  | { readonly kind: "grant"; readonly index: number }
  /** A struct, an array or an exception. */
  | { readonly kind: "object"; readonly index: number }
  /** A struct or array as the host sees it. */
  | { readonly kind: "exported"; readonly index: number }
  /** Something of the host's that it has named. */
  | { readonly kind: "named"; readonly index: number }
  /** What the host has given besides, told as it is; a number is an i31 where that can be. */
  | { readonly kind: "undefined" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string };

/** The bits of a value, without those that its type has not; or a reference. */
export interface ValueState {
  readonly low: number;
  readonly high: number;
  readonly upper?: Bits64;
  readonly reference: ReferenceState | null;
}

/** A value type: a number of isa/types.ts as long as it mentions no type of a module. */
export type TypeState =
  | number
  | { readonly module: number; readonly index: number; readonly nullable: boolean };

export interface UsageState {
  readonly fuel: number;
  readonly peakMemoryBytes: number;
  readonly hostCalls: number;
}

/** The accounts of a store. */
export interface AccountsState extends UsageState {
  /** What is left. */
  readonly fuelLeft: number;
  readonly limits: Partial<RuntimeLimits>;
  /** Version of the price table. */
  readonly prices: string;
}

/** Elements of a segment: none, those that the module lists, or values. */
export type SegmentState = "dropped" | "whole" | readonly (ReferenceState | null)[];

/** What an import is: a function, or a number in the space of its kind. */
export type ImportState = ReferenceState | number;

export interface InstanceState {
  readonly module: number;
  readonly imports: readonly ImportState[];
  readonly elements: readonly SegmentState[];
  /** Which data segments have been dropped. */
  readonly droppedData: readonly boolean[];
}

/** Pages of a memory that are alike: all zero, as its module begins it, or one of those stored. */
export interface PageRun {
  readonly count: number;
  readonly page: "zero" | "initial" | number;
}

export interface MemoryState {
  /** In pages of its type. */
  readonly size: number;
  readonly runs: readonly PageRun[];
}

/** References that are alike. */
export interface ReferenceRun {
  readonly count: number;
  readonly reference: ReferenceState | null;
}

/** Sizes of a table, and what its type was made with. */
export interface LooseTable {
  readonly min: bigint;
  readonly max: bigint | null;
  readonly address64: boolean;
  readonly element: TypeState;
}

export interface LooseGlobal {
  readonly type: TypeState;
  readonly mutable: boolean;
}

/** A tag: what the host gives for an import, or one of a function type of a module's. */
export type LooseTag =
  | { readonly kind: "grant"; readonly index: number }
  | { readonly kind: "type"; readonly module: number; readonly index: number };

/** An import that the host gives again: of an instance, by its number among those. */
export interface GrantState {
  readonly instance: number;
  readonly index: number;
}

/** A type of structs or arrays, as an instance has it. */
export interface ObjectTypeState {
  readonly instance: number;
  readonly index: number;
}

export type ObjectState =
  | ({ readonly kind: "struct"; readonly fields: readonly ValueState[] } & ObjectTypeState)
  /** Words of the elements, those that are packed one each. */
  | ({ readonly kind: "numbers"; readonly words: Int32Array } & ObjectTypeState)
  | ({
      readonly kind: "references";
      readonly elements: readonly ReferenceRun[];
    } & ObjectTypeState)
  | { readonly kind: "exception"; readonly tag: number; readonly values: readonly ValueState[] };

export interface FrameState {
  readonly instance: number;
  readonly funcIndex: number;
  readonly kind: number;
  readonly offset: number;
  readonly locals: readonly ValueState[];
  readonly operands: readonly ValueState[];
}

export type DoingState =
  | {
      readonly kind: "call";
      readonly callee: ReferenceState;
      readonly args: readonly ValueState[];
    }
  | { readonly kind: "throw"; readonly exception: number; readonly searched: number }
  | { readonly kind: "grown"; readonly result: number }
  | { readonly kind: "made"; readonly object: number };

export interface ExecutionState {
  readonly name: string;
  readonly callee: ReferenceState;
  readonly frames: readonly FrameState[];
  readonly isPaid: boolean;
  readonly doing: DoingState | null;
  readonly usage: UsageState;
}

/** Whose numbers they are. */
export type Space = "memory" | "table" | "global" | "tag";

/** What a name of the embedder's stands for. */
export type NamedState =
  | { readonly kind: "func"; readonly func: ReferenceState }
  | { readonly kind: "extern"; readonly space: Space; readonly index: number }
  | { readonly kind: "object"; readonly index: number }
  /** It is the host's, which gives it again. */
  | { readonly kind: "host" };

export interface StoreState {
  readonly accounts: AccountsState;
  /** SHA-256 of each. */
  readonly modules: readonly Uint8Array[];
  readonly instances: readonly InstanceState[];
  readonly grants: readonly GrantState[];
  readonly looseMemories: readonly MemoryType[];
  readonly looseTables: readonly LooseTable[];
  readonly looseGlobals: readonly LooseGlobal[];
  readonly looseTags: readonly LooseTag[];
  readonly memories: readonly MemoryState[];
  readonly tables: readonly (readonly ReferenceRun[])[];
  readonly globals: readonly ValueState[];
  readonly objects: readonly ObjectState[];
  readonly executions: readonly ExecutionState[];
  readonly instanceNames: readonly (readonly [name: string, instance: number])[];
  readonly refNames: readonly (readonly [name: string, what: NamedState])[];
  /** 64 KiB each, but the last of a memory may be shorter. */
  readonly pages: readonly Uint8Array[];
}
