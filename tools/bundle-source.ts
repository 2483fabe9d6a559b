// Bundles a module of src/ into one file in the system's folder for temporary files, straight from
// the TypeScript: tests and benchmarks that start many processes need no build and no loader. What
// the package ships is made by tools/bundle.mjs.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { DEFAULT_TIER } from "../src/runtime/tier.ts";
import { defaultTier } from "./default-tier.ts";

/** A bundle on disk. */
export interface SourceBundle {
  /** Absolute path of the file, an ES module. */
  readonly path: string;
  /** Removes the file. */
  remove(): void;
}

/**
 * Bundles `module`, a path below src/, for Node's `--import`. What tests find as the default of the
 * option `tier` (test/tiers) is that of the bundle, too.
 *
 * Throws what rolldown reports if the module or one that it imports is missing.
 */
export async function bundleSource(module: string): Promise<SourceBundle> {
  const folder = mkdtempSync(join(tmpdir(), "wasmeter-"));
  const path = join(folder, "bundle.mjs");
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`../src/${module}`, import.meta.url)),
    external: [/^node:/, "wabt"],
    platform: "neutral",
    treeshake: { moduleSideEffects: true },
    plugins: [defaultTier(DEFAULT_TIER)],
  });
  // Declarations stay as they are, as in the shipped bundle: the loop's arrays must be constants.
  await bundle.write({
    file: path,
    format: "esm",
    codeSplitting: false,
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
