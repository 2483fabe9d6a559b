// Feature switches, one per proposal (names as in the conformance suite's manifest). A set of
// features is one integer, a bit each, so that a check is one `&`.

/** Proposals in the order of their bits, each with the features it builds on. */
const PROPOSALS = [
  ["mutable-globals"],
  ["multi-value"],
  ["sign-extension"],
  ["sat-float-to-int"],
  ["reference-types"],
  ["bulk-memory"],
  ["simd"],
  ["relaxed-simd", "simd"],
  ["tail-call"],
  ["extended-const"],
  ["multi-memory"],
  ["memory64"],
  ["exceptions", "reference-types"],
  ["function-references", "reference-types"],
  ["gc", "function-references"],
  ["threads"],
  ["legacy-exceptions"],
  ["wide-arithmetic"],
  ["custom-page-sizes"],
  ["compact-imports"],
] as const;

/** Name of a proposal that can be switched on or off. */
export type Feature = (typeof PROPOSALS)[number][0];

/** A set of features, one bit each; made by `featureSet`. */
export type FeatureSet = number;

/** All feature names, oldest first. */
export const FEATURES: readonly Feature[] = PROPOSALS.map(([name]) => name);

const BITS = new Map<string, number>(FEATURES.map((name, bit) => [name, 1 << bit]));

/** The bit of one feature. */
export function featureBit(name: Feature): FeatureSet {
  return BITS.get(name) as number;
}

function without(set: FeatureSet, names: readonly Feature[]): FeatureSet {
  return names.reduce((left, name) => left & ~featureBit(name), set);
}

const OFF_BY_DEFAULT: readonly Feature[] = ["custom-page-sizes"];
const ALL = (1 << FEATURES.length) - 1;

/** Wasm 3.0, threads, legacy exceptions, wide arithmetic and compact import sections. */
export const DEFAULT_FEATURES: FeatureSet = without(ALL, OFF_BY_DEFAULT);

const BEYOND_3: readonly Feature[] = [
  "threads",
  "legacy-exceptions",
  "wide-arithmetic",
  "compact-imports",
];

/** Named starting points for `parseFeatures`. */
const PRESETS = new Map<string, FeatureSet>([
  ["all", ALL],
  ["default", DEFAULT_FEATURES],
  ["wasm1", featureBit("mutable-globals")],
  ["wasm2", featureBit("relaxed-simd") - 1],
  ["wasm3", without(DEFAULT_FEATURES, BEYOND_3)],
]);

/** Which features are on, by name; a name that is absent keeps its default. */
export type FeatureSwitches = { readonly [name in Feature]?: boolean };

function switchFeature(set: FeatureSet, name: Feature, on: boolean): FeatureSet {
  if (!on) {
    // What builds on a feature goes off with it.
    return PROPOSALS.reduce(
      (rest, [other, ...needs]) =>
        (needs as readonly Feature[]).includes(name) ? switchFeature(rest, other, false) : rest,
      set & ~featureBit(name),
    );
  }
  const [, ...needs] = PROPOSALS[FEATURES.indexOf(name)];
  return (needs as readonly Feature[]).reduce(
    (rest, other) => switchFeature(rest, other, true),
    set | featureBit(name),
  );
}

/**
 * The feature set that `switches` describes, starting from the default. Switching a feature on
 * brings what it builds on; switching it off takes away what builds on it, even if that is on.
 * @throws RangeError for a name that is no feature
 */
export function featureSet(switches: FeatureSwitches = {}): FeatureSet {
  let set = DEFAULT_FEATURES;
  // First what is on, then what is off: the order of the names means nothing.
  for (const wanted of [true, false]) {
    for (const [name, on] of Object.entries(switches)) {
      if (!BITS.has(name)) throw new RangeError(unknownFeature(name));
      if (on === wanted) set = switchFeature(set, name as Feature, on);
    }
  }
  return set;
}

/**
 * Parses `"wasm2,simd,-threads"`: names and presets (`all`, `default`, `wasm1`, `wasm2`, `wasm3`)
 * from left to right, `-` before a name switches it off. A list without a preset starts from the
 * default.
 * @throws RangeError for a name that is neither
 */
export function parseFeatures(text: string): FeatureSet {
  let set = DEFAULT_FEATURES;
  for (const part of text.split(",").map((item) => item.trim())) {
    if (part === "") continue;
    const name = part.replace(/^[-+]/, "");
    const preset = PRESETS.get(name);
    if (preset !== undefined) set = part.startsWith("-") ? set & ~preset : preset;
    else if (!BITS.has(name)) throw new RangeError(unknownFeature(name));
    else set = switchFeature(set, name as Feature, !part.startsWith("-"));
  }
  return set;
}

/** The names in a feature set. */
export function featureNames(set: FeatureSet): Feature[] {
  return FEATURES.filter((name) => (set & featureBit(name)) !== 0);
}

function unknownFeature(name: string): string {
  const known = [...PRESETS.keys(), ...FEATURES].join(", ");
  return `unknown feature "${name}"; known: ${known}`;
}
