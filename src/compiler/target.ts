// What a function is written for: the module, what its instructions cost, what the host knows, and
// what the host's module imports and defines.

import { type Feature, type FeatureSet, featureBit } from "../isa/features.ts";
import type { PriceTable } from "../isa/prices.ts";
import { DEFAULT_PAGE_LOG2, type Limits, type ModuleRecord } from "../module/module.ts";
import type { HostImports } from "./imports.ts";
import { canHold } from "./values.ts";

export interface HostTarget {
  readonly module: ModuleRecord;
  readonly prices: PriceTable;
  /** What the host's engine knows. */
  readonly features: FeatureSet;
  readonly imports: HostImports;
  /** The index that one of the module's types has in the host's module. */
  readonly typeIndex: (index: number) => number;
  /** How many of the memories and tables the host's module has: the first ones. */
  readonly memories: number;
  readonly tables: number;
}

/** How many of the module's memories and tables a host with these features can have. */
export function sharedWith(module: ModuleRecord, features: FeatureSet) {
  const has = (feature: Feature) => (features & featureBit(feature)) !== 0;
  const fits = ({ address64 }: Limits) => !address64 || has("memory64");
  const many = has("multi-memory") ? module.memories.length : 1;
  const memories = module.memories
    .slice(0, many)
    .findIndex(({ type }) => !fits(type) || type.pageSizeLog2 !== DEFAULT_PAGE_LOG2);
  const tables = module.tables.findIndex(({ type }) => !fits(type) || !canHold(type.element));
  return {
    memories: memories < 0 ? Math.min(many, module.memories.length) : memories,
    tables: tables < 0 ? module.tables.length : tables,
  };
}
