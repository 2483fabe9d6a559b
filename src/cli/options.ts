// Options that several commands have.

import type { DecodeSettings } from "../embedding/module.ts";
import { type FeatureSet, parseFeatures } from "../isa/features.ts";
import { TIERS, type Tier } from "../runtime/tier.ts";
import { type Arguments, UsageError } from "./command.ts";

/** The feature set that `--features` describes. */
export function featuresOption(args: Arguments): DecodeSettings {
  const text = args.values.features;
  if (typeof text !== "string") return {};
  try {
    return { features: parseFeatures(text) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The same for tools that only show a module: without the option every feature is on. */
export function lenientFeaturesOption(args: Arguments): FeatureSet {
  return featuresOption(args).features ?? parseFeatures("all");
}

/** Who is to execute guests; undefined: `--tier` is absent. */
export function tierOption({ values: { tier } }: Arguments): Tier | undefined {
  const found = TIERS.find((name) => name === tier);
  if (tier === undefined || found !== undefined) return found;
  throw new UsageError(`--tier takes ${TIERS.join(", ")}, not "${tier}"`);
}

/** The single FILE of a command that takes one. */
export function fileArgument(args: Arguments): string {
  const [file, ...more] = args.positionals;
  if (file === undefined) throw new UsageError("no file");
  if (more.length > 0) throw new UsageError(`one file at a time, not ${more.length + 1}`);
  return file;
}
