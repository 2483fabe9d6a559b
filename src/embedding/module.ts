// The module operations of the specification's embedding appendix (spec: 7.1.3). Decoding and
// validation run interleaved, as bytes arrive; `moduleDecode` alone leaves validation out.

import { Decoder } from "../binary/decoder.ts";
import { type FeatureSet, featureSet } from "../isa/features.ts";
import { type DecodingLimits, decodingLimits } from "../module/limits.ts";
import type { ExternType, ModuleRecord } from "../module/module.ts";
import { validatingDecoder } from "../validation/module.ts";

/** What decoding depends on besides the bytes. */
export interface DecodeSettings {
  /** Default: `featureSet()`, Wasm 3.0 and the finished proposals beside it. */
  readonly features?: FeatureSet;
  readonly limits?: Partial<DecodingLimits>;
}

/** A push decoder that validates too: `push` the bytes, `end` gives the module. */
export function moduleDecoder(settings: DecodeSettings = {}): Decoder {
  return validatingDecoder(settings.features ?? featureSet(), decodingLimits(settings.limits));
}

/**
 * `module_decode` without validation: for tools that look at modules which may be invalid.
 * @throws MalformedError
 */
export function moduleDecode(bytes: Uint8Array, settings: DecodeSettings = {}): ModuleRecord {
  const features = settings.features ?? featureSet();
  const decoder = new Decoder(features, decodingLimits(settings.limits));
  decoder.push(bytes);
  return decoder.end();
}

/**
 * `module_decode` and `module_validate` in one pass.
 * @throws MalformedError, InvalidError
 */
export function moduleLoad(bytes: Uint8Array, settings: DecodeSettings = {}): ModuleRecord {
  const decoder = moduleDecoder(settings);
  decoder.push(bytes);
  return decoder.end();
}

/** `module_imports`: module name, item name and type of each import. */
export function moduleImports(
  module: ModuleRecord,
): (readonly [module: string, name: string, type: ExternType])[] {
  return module.imports.map((item) => [item.module, item.name, item.type]);
}

/** `module_exports`: name and type of each export. */
export function moduleExports(module: ModuleRecord): (readonly [name: string, type: ExternType])[] {
  return module.exports.map(({ name, kind, index }) => {
    switch (kind) {
      case "func":
        return [name, { kind, typeIndex: module.functions[index] }];
      case "table":
        return [name, { kind, table: module.tables[index].type }];
      case "memory":
        return [name, { kind, memory: module.memories[index].type }];
      case "global":
        return [name, { kind, global: module.globals[index].type }];
      case "tag":
        return [name, { kind, typeIndex: module.tags[index] }];
    }
  });
}
