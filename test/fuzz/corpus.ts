// Modules to mutate: those of the specification suite beside the checkout, functions cut from npm
// modules, and generated ones. What is absent is left out; the caller says so.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FeatureSet } from "../../src/isa/features.ts";
import type { Source } from "./campaign.ts";
import { generateModule, randomFeatures } from "./generate/module.ts";
import { cutModule } from "./parts.ts";
import { Random } from "./random.ts";

/** Larger modules cost more time than they are worth. */
const MAX_BYTES = 8192;

const SUITE =
  process.env.WASMETER_SPEC_SUITE ??
  fileURLToPath(new URL("../../../shared/spec", import.meta.url));

/** The small modules of the specification suite, in a fixed order; empty where it is absent. */
export function suiteModules(): Uint8Array[] {
  const root = join(SUITE, "json");
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { recursive: true }).map(String);
  const paths = files.filter((path) => path.endsWith(".wasm")).sort();
  const modules = paths.map((path) => new Uint8Array(readFileSync(join(root, path))));
  return modules.filter((bytes) => bytes.length <= MAX_BYTES);
}

/** Where the suite is looked for. */
export function suiteLocation(): string {
  return SUITE;
}

/** Modules of the development dependencies, those whose functions are cut out. */
const PACKAGED = [
  "sql.js/dist/sql-wasm.wasm",
  "@jitl/quickjs-wasmfile-release-sync/wasm",
  "tiktoken/tiktoken_bg.wasm",
];

/** Modules with a few functions of large real modules each. */
export function packagedModules(random: Random): Uint8Array[] {
  const require = createRequire(import.meta.url);
  return PACKAGED.flatMap((specifier) => {
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(readFileSync(require.resolve(specifier)));
    } catch {
      return [];
    }
    const cuts = random.times(12, () => {
      const part = random.below(64);
      return cutModule(bytes, (body, index) => body.length < 600 && (index * 31) % 64 === part);
    });
    return cuts.filter((module) => module !== null);
  });
}

/** `count` generated modules. */
export function generatedModules(seed: number, count: number, features: FeatureSet) {
  return Array.from({ length: count }, (_, index) => {
    const random = Random.of(seed, index);
    return generateModule(random, { features: randomFeatures(random, features) });
  });
}

/** All that campaigns start from; generated modules count most, cut ones are large and slow. */
export function campaignSources(seed: number, features: FeatureSet): Source[] {
  const sources = [
    { name: "suite", weight: 4, modules: suiteModules() },
    { name: "npm", weight: 1, modules: packagedModules(new Random(seed)) },
    { name: "generated", weight: 5, modules: generatedModules(seed, 300, features) },
  ];
  return sources.filter(({ modules }) => modules.length > 0);
}
