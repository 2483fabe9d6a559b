// Entry point of the package: the embedder API.

export { warmUp } from "../embedding/warm-up.ts";
export { FEATURES, type Feature, type FeatureSwitches } from "../isa/features.ts";
export { PRICE_TABLE_2, type PriceTable, priceTable } from "../isa/prices.ts";
export { CodeLimitError, InvalidError, MalformedError, ModuleError } from "../module/errors.ts";
export { DEFAULT_LIMITS, type DecodingLimits } from "../module/limits.ts";
export { DEFAULT_RUNTIME_LIMITS, type RuntimeLimits } from "../runtime/store.ts";
export type { Tier } from "../runtime/tier.ts";
export {
  type Backtrace,
  type BacktraceFrame,
  Exhaustion,
  type ExhaustionKind,
  LinkError,
  Trap,
  WasmException,
} from "../runtime/trap.ts";
export { SnapshotError } from "../state/errors.ts";
export { Epoch } from "./epoch.ts";
export {
  Execution,
  type ExecutionStatus,
  type Outcome,
  type RunOptions,
  type SuspendReason,
  type Usage,
} from "./execution.ts";
export {
  Global,
  type GlobalOptions,
  type LimitsOptions,
  Memory,
  type MemoryOptions,
  type SharedMemory,
  Table,
  type TableOptions,
  Tag,
} from "./externs.ts";
export { type CallOptions, type ExportedFunction, Func } from "./func.ts";
export { type Caller, type HostFunction, hostFunc } from "./host.ts";
export type { AbortSignalLike } from "./host-loop.ts";
export type { ImportMap } from "./imports.ts";
export { type DefaultExports, Instance } from "./instance.ts";
export {
  type AsyncLoadOptions,
  type ByteStream,
  type Bytes,
  type ExportDescription,
  type ImportDescription,
  type LoadOptions,
  Module,
  ModuleDecoder,
  type ModuleOptions,
} from "./module.ts";
export type { Restored, RestoreOptions, SnapshotContents } from "./snapshot.ts";
export { Store, type StoreOptions } from "./store.ts";
export type { ExternDescription, LimitsDescription } from "./types.ts";
export type { Value } from "./values.ts";
