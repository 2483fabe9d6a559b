import { describe, expect, it } from "vitest";
import { parseFeatures } from "../../src/isa/features.ts";
import { COUNTEREXAMPLES } from "./counterexamples.ts";
import { chunkingDifference, judge } from "./verdict.ts";

describe("counterexamples of fuzzing", () => {
  it.each(COUNTEREXAMPLES)("$name: $expected", ({ hex, features, expected, reason }) => {
    expect(hex, "hexadecimal digits").toMatch(/^([0-9a-f]{2})+$/);
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    const verdict = judge(bytes, parseFeatures(features));
    expect(verdict.kind, `${reason}; ${verdict.message}`).toBe(expected);
    const everyByte = Array.from(bytes, (_, index) => index);
    const chunked = judge(bytes, parseFeatures(features), {}, everyByte);
    expect(chunkingDifference(verdict, chunked)).toBeNull();
  });
});
