// Where the conformance suite is, and what its manifest says. The suite is not part of the
// repository: README.md tells how to get it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The suite's folder: `$WASMETER_SPEC_SUITE`, by default `../shared/spec` beside the checkout. */
export const SUITE =
  process.env.WASMETER_SPEC_SUITE ?? fileURLToPath(new URL("../../shared/spec", import.meta.url));

const MANIFEST = join(SUITE, "json", "manifest.json");

export const SUITE_IS_THERE = existsSync(MANIFEST);

/** Says, once and in one line, that a part of the tests does not run. */
export function warnOfAbsentSuite(): void {
  const hint = "set WASMETER_SPEC_SUITE; see spec-tests/README.md";
  console.warn(`*** CONFORMANCE SUITE NOT FOUND at ${SUITE}: NOTHING IS JUDGED (${hint}) ***`);
}

/** What the tests read of a script's entry in the manifest. */
export interface ManifestEntry {
  readonly group: string;
  readonly name: string;
  readonly json: string;
  readonly commands: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Commands whose module is text only. */
  readonly skippable_text: number;
  /** Modules that must decode and validate. */
  readonly valid_modules: number;
}

export function readManifest(): ManifestEntry[] {
  return JSON.parse(readFileSync(MANIFEST, "utf8")) as ManifestEntry[];
}
