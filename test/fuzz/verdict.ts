// What wasmeter says about a module, for comparison: with other engines (accepted or not) and with
// itself under other chunkings (the same error to the letter).

import { moduleDecoder } from "../../src/embedding/module.ts";
import type { FeatureSet } from "../../src/isa/features.ts";
import { InvalidError, MalformedError, type ModuleError } from "../../src/module/errors.ts";
import type { DecodingLimits } from "../../src/module/limits.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import type { Random } from "./random.ts";

/** `defect`: something escaped that is neither a MalformedError nor an InvalidError. */
export type VerdictKind = "valid" | "malformed" | "invalid" | "defect";

export interface Verdict {
  readonly kind: VerdictKind;
  /** Message and offset of the error; empty if there is none. */
  readonly message: string;
  readonly offset: number | undefined;
  readonly error: ModuleError | null;
  readonly module: ModuleRecord | null;
}

/** Decodes and validates `bytes`, handed over in pieces that end at `cuts`. */
export function judge(
  bytes: Uint8Array,
  features: FeatureSet,
  limits: Partial<DecodingLimits> = {},
  cuts: readonly number[] = [],
): Verdict {
  try {
    const decoder = moduleDecoder({ features, limits });
    let start = 0;
    for (const end of cuts) {
      decoder.push(bytes.subarray(start, end));
      start = end;
    }
    decoder.push(bytes.subarray(start));
    const module = decoder.end();
    return { kind: "valid", message: "", offset: undefined, error: null, module };
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): Verdict {
  if (error instanceof MalformedError || error instanceof InvalidError) {
    const kind = error instanceof MalformedError ? "malformed" : "invalid";
    return { kind, message: error.message, offset: error.offset, error, module: null };
  }
  const message = error instanceof Error ? `${error.stack}` : String(error);
  return { kind: "defect", message, offset: undefined, error: null, module: null };
}

/** Increasing offsets at which to cut `length` bytes: few or many, sometimes every byte. */
export function randomCuts(random: Random, length: number): number[] {
  if (length <= 256 && random.oneIn(4)) return random.times(length, (index) => index);
  const cuts = random.times(random.between(1, 12), () => random.below(length + 1));
  return cuts.sort((a, b) => a - b);
}

/** How a verdict under some chunking differs from the one-shot verdict; null if it does not. */
export function chunkingDifference(whole: Verdict, chunked: Verdict): string | null {
  const same =
    whole.kind === chunked.kind &&
    whole.message === chunked.message &&
    whole.offset === chunked.offset;
  if (same) return null;
  return `whole: ${whole.kind} ${whole.message}; in chunks: ${chunked.kind} ${chunked.message}`;
}
