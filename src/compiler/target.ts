// What a function is written for: the module, what its instructions cost, what the host knows, and
// what the host's module imports and defines.

import { type Feature, type FeatureSet, featureBit } from "../isa/features.ts";
import type { PriceTable } from "../isa/prices.ts";
import { DEFAULT_PAGE_LOG2, type Limits, type ModuleRecord } from "../module/module.ts";
import type { RunRules } from "../validation/runs.ts";
import type { Adapters } from "./adapters.ts";
import type { FirstCalls } from "./first-calls.ts";
import type { GlobalAccess, HostGlobals } from "./globals.ts";
import type { HostImports } from "./imports.ts";
import type { HostTables } from "./tables.ts";

export interface HostTarget {
  readonly module: ModuleRecord;
  readonly prices: PriceTable;
  readonly rules: RunRules;
  /** What the host's engine knows. */
  readonly features: FeatureSet;
  readonly imports: HostImports;
  readonly firstCalls: FirstCalls;
  /** The index that one of the module's types has in the host's module. */
  readonly typeIndex: (index: number) => number;
  /** The index of a type that the host's module has besides, by codes of the binary format. */
  readonly addedType: (params: readonly number[], results: readonly number[]) => number;
  /** Functions that the module's host module has besides. */
  readonly adapters: Adapters;
  readonly tables: HostTables;
  /** How many of the memories the host's module has: the first ones. */
  readonly memories: number;
  /** Those of the module's host module. */
  readonly globals: HostGlobals;
  /** How the code that is written gets at them. */
  readonly access: GlobalAccess;
}

/** How many of the module's memories a host with these features can have. */
export function sharedMemories(module: ModuleRecord, features: FeatureSet): number {
  const has = (feature: Feature) => (features & featureBit(feature)) !== 0;
  const fits = ({ address64 }: Limits) => !address64 || has("memory64");
  const many = has("multi-memory") ? module.memories.length : 1;
  const memories = module.memories
    .slice(0, many)
    .findIndex(({ type }) => !fits(type) || type.pageSizeLog2 !== DEFAULT_PAGE_LOG2);
  return memories < 0 ? Math.min(many, module.memories.length) : memories;
}
