// docs/limits.md names every limit with its default.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, DEFAULT_RUNTIME_LIMITS } from "../../src/api/index.ts";

const page = readFileSync(new URL("../../docs/limits.md", import.meta.url), "utf8");

describe("docs/limits.md", () => {
  const limits = { ...DEFAULT_LIMITS, ...DEFAULT_RUNTIME_LIMITS };
  it.each(Object.entries(limits))("has %s", (name, value) => {
    expect(page).toContain(`| \`${name}\` | ${value} |`);
  });
});
