// Suites of finished proposals that the conformance suite does not hold yet: no command of them
// fails, at one go and in 1-byte chunks and the smallest slices.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runScript, summarize } from "../src/cli/spec/runner.ts";
import { findScripts, readScript } from "../src/cli/spec/script.ts";
import type { RunSettings } from "../src/cli/spec/state.ts";

/** `$WASMETER_NEXT_SUITE`, by default `../shared/next/spec` beside the checkout. */
const NEXT =
  process.env.WASMETER_NEXT_SUITE ??
  fileURLToPath(new URL("../../shared/next/spec", import.meta.url));

const files = existsSync(NEXT) ? findScripts(NEXT) : [];

const SETTINGS: readonly (readonly [how: string, settings: RunSettings])[] = [
  ["at one go", {}],
  ["in pieces", { slice: 1, chunk: 1 }],
];

describe.skipIf(files.length === 0)("suites beside the conformance suite", () => {
  for (const group of new Set(files.map((file) => file.group))) {
    it.each(SETTINGS)(`${group} passes %s`, (_, settings) => {
      const results = files
        .filter((file) => file.group === group)
        .flatMap((file) => readScript(file) ?? [])
        .map((script) => runScript(script, settings));
      const { failures, passed } = summarize(results);
      expect(failures).toEqual([]);
      expect(passed).toBeGreaterThan(30);
    });
  }
});
