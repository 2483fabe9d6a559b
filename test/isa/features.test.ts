// Sets of features from switches: what they mean does not depend on the order of their names.

import { describe, expect, it } from "vitest";
import {
  DEFAULT_FEATURES,
  FEATURES,
  type FeatureSwitches,
  featureNames,
  featureSet,
} from "../../src/isa/features.ts";

describe("feature switches", () => {
  it("mean the same in every order", () => {
    const contradictions: FeatureSwitches[] = [
      { "reference-types": false, gc: true },
      { simd: false, "relaxed-simd": true },
      { "function-references": false, gc: true, exceptions: true },
      { "wide-arithmetic": true, threads: false, gc: false },
    ];
    for (const switches of contradictions) {
      const backwards = Object.fromEntries(Object.entries(switches).reverse());
      expect(featureSet(backwards)).toBe(featureSet(switches));
    }
  });

  it("take away what builds on a feature that is off, also where it is switched on", () => {
    const names = featureNames(featureSet({ gc: true, "reference-types": false }));
    for (const name of ["reference-types", "function-references", "gc", "exceptions"] as const) {
      expect(names).not.toContain(name);
    }
  });

  it("bring what a feature builds on", () => {
    const off = Object.fromEntries(FEATURES.map((name) => [name, false]));
    expect(featureSet(off)).toBe(0);
    expect(featureSet()).toBe(DEFAULT_FEATURES);
  });
});
