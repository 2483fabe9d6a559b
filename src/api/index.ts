// Entry point of the package: the embedder API.

export { FEATURES, type Feature, type FeatureSwitches } from "../isa/features.ts";
export { InvalidError, MalformedError, ModuleError } from "../module/errors.ts";
export { DEFAULT_LIMITS, type DecodingLimits } from "../module/limits.ts";
export {
  type ByteStream,
  type Bytes,
  type ExportDescription,
  type ImportDescription,
  Module,
  ModuleDecoder,
  type ModuleOptions,
} from "./module.ts";
export type { ExternDescription, LimitsDescription } from "./types.ts";
