// What the host tier finds out about the host's engine.

import { expect, it } from "vitest";
import { hostFeatures } from "../../src/compiler/features.ts";
import { FEATURES, featureBit } from "../../src/isa/features.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures as probedFeatures } from "../fuzz/probe.ts";

it.skipIf(localHost() === null)("knows the features of the host's engine", async () => {
  const probed = await probedFeatures(localHost() as NonNullable<ReturnType<typeof localHost>>);
  const names = (set: number) => FEATURES.filter((name) => (set & featureBit(name)) !== 0);
  expect(names(hostFeatures())).toEqual(names(probed));
  expect(names(hostFeatures())).toContain("simd");
});
