// The conformance suite, three tests per group (spec: 5 Binary Format, 3 Validation). Failures must
// be exactly those of expectations.json; the counts are checked against the manifest and against a count of
// the JSON files made here, so that a runner that judges nothing cannot pass.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { runScript, type ScriptResult, summarize } from "../src/cli/spec/runner.ts";
import { findScripts, readScript, type ScriptFile } from "../src/cli/spec/script.ts";
import { compare, readExpectations } from "./expectations.ts";
import {
  type ManifestEntry,
  readManifest,
  SUITE,
  SUITE_IS_THERE,
  warnOfAbsentSuite,
} from "./suite.ts";

if (!SUITE_IS_THERE) warnOfAbsentSuite();

const manifest = SUITE_IS_THERE ? readManifest() : [];
const files = SUITE_IS_THERE ? findScripts(SUITE) : [];
const groups = [...new Set(manifest.map((entry) => entry.group))];
const known = readExpectations();

/** Commands that are judged now if their module is binary: accept it, or refuse it. */
const JUDGED = ["module", "module_definition", "assert_malformed", "assert_invalid"];
/** Commands whose module must be valid, but which are not judged. */
const MUST_BE_VALID = ["assert_unlinkable", "assert_uninstantiable"];

function run(file: ScriptFile, chunk?: number): ScriptResult {
  const script = readScript(file);
  if (script === null) throw new Error(`${file.path} is no script`);
  return runScript(script, chunk === undefined ? {} : { chunk });
}

/** How many commands of these types have a binary module, read from the JSON without the runner. */
function countBinary(entries: readonly ManifestEntry[], types: readonly string[]): number {
  let count = 0;
  for (const { json } of entries) {
    const { commands } = JSON.parse(readFileSync(join(SUITE, json), "utf8")) as {
      commands: { type: string; module_type?: string }[];
    };
    count += commands.filter((c) => c.module_type === "binary" && types.includes(c.type)).length;
  }
  return count;
}

function sum(entries: readonly ManifestEntry[], value: (entry: ManifestEntry) => number): number {
  return entries.reduce((total, entry) => total + value(entry), 0);
}

/** The first result that differs between two runs of a script, in words; empty if none does. */
function firstDifference(whole: ScriptResult, chunked: ScriptResult): string {
  const index = whole.results.findIndex(({ verdict }, at) => {
    return JSON.stringify(verdict) !== JSON.stringify(chunked.results[at]?.verdict);
  });
  if (index < 0) return "";
  const [a, b] = [whole, chunked].map(({ results }) => JSON.stringify(results[index]?.verdict));
  return `${whole.group}/${whole.name}:${whole.results[index].command.line}: ${a} but ${b}`;
}

describe.skipIf(!SUITE_IS_THERE)("conformance suite", () => {
  it("is complete: every group and script of the manifest is found", () => {
    expect(groups.length).toBeGreaterThanOrEqual(15);
    expect(files.map(({ group, name }) => `${group}/${name}`)).toEqual(
      manifest.map(({ group, name }) => `${group}/${name}`),
    );
    expect(known.filter(({ group }) => !groups.includes(group))).toEqual([]);
  });

  for (const group of groups) {
    const entries = manifest.filter((entry) => entry.group === group);
    const scripts = files.filter((file) => file.group === group);

    it(`${group}: fails only where it is known to`, () => {
      const summary = summarize(scripts.map((file) => run(file)));
      const listed = known.filter((item) => item.group === group);
      expect(compare(summary.failures, listed)).toEqual({ unlisted: [], passing: [] });

      const judged = summary.passed + summary.failed;
      expect(judged).toBeGreaterThan(0);
      expect(judged).toBe(countBinary(entries, JUDGED));
      expect(summary.modules).toBe(countBinary(entries, [...JUDGED, ...MUST_BE_VALID]));
      expect(judged + summary.skipped).toBe(sum(entries, (entry) => entry.commands));
      expect(summary.skips.get("module in the text format") ?? 0).toBe(textModules(entries));
    });

    it(`${group}: every valid module of the manifest is accepted`, () => {
      const accepted = scripts.map((file) => {
        const { results, modules } = run(file);
        return modules - results.filter(({ verdict }) => verdict.message !== undefined).length;
      });
      // The obsolete assertions accept a module each that the manifest counts as invalid.
      const obsolete = entries.map(({ name }) => {
        return known.filter((item) => item.group === group && item.name === name).length;
      });
      expect(accepted).toEqual(
        entries.map(({ valid_modules }, at) => valid_modules + obsolete[at]),
      );
    });

    it(`${group}: gives the same verdicts and messages in 1-byte chunks`, () => {
      for (const file of scripts) {
        const [whole, chunked] = [run(file), run(file, 1)];
        expect(firstDifference(whole, chunked)).toBe("");
        expect(chunked.results.length).toBe(whole.results.length);
        expect(chunked.modules).toBe(whole.modules);
      }
    });
  }
});

/** Text modules of commands that a binary runtime could judge if they were binary. */
function textModules(entries: readonly ManifestEntry[]): number {
  return sum(
    entries,
    (entry) => entry.skippable_text - (entry.counts.assert_malformed_custom ?? 0),
  );
}

describe("expectations", () => {
  const place = { group: "g", name: "n", line: 7 };

  it("reports a failure that is not listed", () => {
    expect(compare([place], [])).toEqual({ unlisted: ["g/n:7"], passing: [] });
  });

  it("reports a listed failure that does not fail", () => {
    expect(compare([{ ...place, line: 8 }], [place])).toEqual({
      unlisted: ["g/n:8"],
      passing: ["g/n:7"],
    });
  });

  it("each have a reason and are listed once", () => {
    for (const { reason } of known) expect(reason.length).toBeGreaterThan(10);
    const names = known.map(({ group, name, line }) => `${group}/${name}:${line}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("are at most the eight obsolete assertions of the threads proposal", () => {
    expect(known.length).toBeLessThanOrEqual(8);
    expect(known.every(({ group }) => group === "proposals-threads")).toBe(true);
  });
});

describe.skipIf(!SUITE_IS_THERE)("the runner can fail", () => {
  const entry = files.find(({ group, name }) => group === "mvp" && name === "binary");

  it("a module that is invalid, an assertion that does not hold, the wrong kind of error", () => {
    if (entry === undefined) throw new Error("mvp/binary is missing");
    const script = readScript(entry);
    if (script === null) throw new Error("mvp/binary is no script");
    const of = (type: string) => script.commands.find((command) => command.type === type)?.module;
    const [valid, malformed] = [of("module"), of("assert_malformed")];
    if (valid === undefined || malformed === undefined) throw new Error("commands are missing");
    expect(dirname(valid.path)).toBe(dirname(malformed.path));
    const commands = [
      { type: "module", line: 1, text: "", module: malformed },
      { type: "assert_malformed", line: 2, text: "", module: valid },
      { type: "assert_invalid", line: 3, text: "", module: malformed },
      { type: "assert_unlinkable", line: 4, text: "", module: malformed },
      { type: "assert_trap", line: 5, text: "", module: malformed },
    ];
    const { failures } = summarize([runScript({ group: "g", name: "n", commands })]);
    expect(failures.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5]);
  });
});
