// The conformance suite's modules linked and instantiated, as far as this needs no execution.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HAS_SUITE, suiteFile } from "../binary/suite.ts";
import { type Findings, runSuite } from "./linking-suite.ts";

/** Modules that link only after an action that is not run here: growing. */
const NEED_EXECUTION = [
  "v3-multimemory/imports4:28",
  "v3-multimemory/imports4:39",
  "mvp/memory_grow:324",
  "mvp/memory_grow:331",
  "v2/table_grow:118",
  "v2/table_grow:125",
];

/** The manifest's number of commands of a type. */
function commandsOf(type: string): number {
  const manifest = JSON.parse(readFileSync(suiteFile("json/manifest.json"), "utf8"));
  return (manifest as { counts: Record<string, number> }[]).reduce(
    (sum, { counts }) => sum + (counts[type] ?? 0),
    0,
  );
}

describe.skipIf(!HAS_SUITE)("the suite's modules", () => {
  const findings: Findings = HAS_SUITE ? runSuite() : { judged: {}, wrong: [] };

  it("link and refuse to link, trap in segments and do not, as the suite says", () => {
    const known = (line: string) => NEED_EXECUTION.includes(line.split(" ")[0]);
    expect(findings.wrong.filter((line) => !known(line))).toEqual([]);
    expect(findings.wrong.map((line) => line.split(" ")[0])).toEqual(NEED_EXECUTION);
  });

  it("are all judged: no module that must not link was passed over", () => {
    expect(findings.judged.assert_unlinkable).toBe(commandsOf("assert_unlinkable"));
    const { module = 0, module_instance: instances = 0 } = findings.judged;
    const all = commandsOf("module") + commandsOf("module_instance");
    expect(module + instances + NEED_EXECUTION.length).toBe(all);
    expect(findings.judged.assert_uninstantiable).toBeGreaterThan(50);
  });
});
