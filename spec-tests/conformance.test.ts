// The conformance suite, group by group (spec: 3 Validation, 4 Execution, 5 Binary Format).
// Failures must be exactly those of expectations.json; counts are checked against the manifest and
// against a count of the JSON files made here, so that a runner that judges nothing cannot pass.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compare, readExpectations } from "../src/cli/spec/expectations.ts";
import { phraseAgrees, runScript, type ScriptResult, summarize } from "../src/cli/spec/runner.ts";
import { findScripts, readScript, type ScriptFile } from "../src/cli/spec/script.ts";
import type { RunSettings } from "../src/cli/spec/state.ts";
import { hostNamespace } from "../src/runtime/host-memory.ts";
import { alternately, changes } from "../test/compiler/alternately.ts";
import { Random } from "../test/fuzz/random.ts";
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
const known = readExpectations(fileURLToPath(new URL("expectations.json", import.meta.url)));

/** A stop copies the frames of all calls in progress; endless recursion is not to take minutes. */
const SHALLOW: RunSettings = { storeLimits: { callDepth: 1000 } };
const SLICED: RunSettings = { ...SHALLOW, slice: 1, chunk: 1 };
const COMPILED: RunSettings = { ...SHALLOW, tier: "compiled" };
/** Never stopped, sometimes, and at every segment. */
const COMPILED_SLICES = [Number.POSITIVE_INFINITY, 100, 1];
/** In slices, a million tail calls take their time on a slow machine. */
const PATIENCE = 600_000;

/** Commands that have a module; it is decoded and validated if it is binary. */
const WITH_MODULE = [
  "module",
  "module_definition",
  "assert_malformed",
  "assert_invalid",
  "assert_unlinkable",
  "assert_uninstantiable",
];

/** What we say where the suite's text says more: here, it names the index too. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ["uninitialized element 2", "uninitialized element"],
]);

function run(file: ScriptFile, settings: RunSettings = {}): ScriptResult {
  const script = readScript(file);
  if (script === null) throw new Error(`${file.path} is no script`);
  return runScript(script, settings);
}

const results = new Map<ScriptFile, ScriptResult>();

/** What a script gives with the settings of `wasmeter spec`. */
function resultOf(file: ScriptFile): ScriptResult {
  const result = results.get(file) ?? run(file);
  results.set(file, result);
  return result;
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

/** Commands about annotations of text tools, of which there are two types. */
function ofTextTools({ counts }: ManifestEntry): number {
  return (counts.assert_malformed_custom ?? 0) + (counts.assert_invalid_custom ?? 0);
}

/** Text modules of commands that a binary runtime could judge if they were binary. */
function textModules({ counts, skippable_text }: ManifestEntry): number {
  return skippable_text - (counts.assert_malformed_custom ?? 0);
}

/** The first command that differs between two runs of a script, in words; empty if none does. */
function firstDifference(one: ScriptResult, other: ScriptResult, withFuel: boolean): string {
  const shown = (result: ScriptResult, at: number) => {
    const { fuel, verdict } = result.results[at];
    return JSON.stringify(withFuel ? { ...verdict, fuel } : verdict);
  };
  const at = one.results.findIndex((_, i) => shown(one, i) !== shown(other, i));
  if (at < 0) return "";
  const place = `${one.group}/${one.name}:${one.results[at].command.line}`;
  return `${place}: ${shown(one, at)} but ${shown(other, at)}`;
}

function overflows({ results: commands }: ScriptResult): boolean {
  return commands.some(({ command }) => command.type === "assert_exhaustion");
}

describe.skipIf(!SUITE_IS_THERE)("conformance suite", () => {
  let stops = 0;
  let compiledFuel = 0;

  it("is complete: every group and script of the manifest is found", () => {
    expect(groups.length).toBeGreaterThanOrEqual(15);
    const names = manifest.map(({ group, name }) => `${group}/${name}`);
    expect(files.map(({ group, name }) => `${group}/${name}`)).toEqual(names);
    expect([...known.failures.keys()].filter((name) => !names.includes(name))).toEqual([]);
  });

  for (const group of groups) {
    const entries = manifest.filter((entry) => entry.group === group);
    const scripts = files.filter((file) => file.group === group);

    it(`${group}: fails only where it is known to`, { timeout: PATIENCE }, () => {
      const summary = summarize(scripts.map(resultOf));
      const { passing, unlisted } = compare(scripts.map(resultOf), known);
      expect({ passing, unlisted }).toEqual({ passing: [], unlisted: [] });

      // Everything is judged but text: nothing is skipped for any other reason.
      const skips = new Map([...summary.skips].filter(([, count]) => count > 0));
      expect(skips.get("module in the text format") ?? 0).toBe(sum(entries, textModules));
      expect(skips.get("about custom annotations of text tools") ?? 0).toBe(
        sum(entries, ofTextTools),
      );
      expect(summary.skipped).toBe(sum(entries, textModules) + sum(entries, ofTextTools));
      const { failed, passed, skipped } = summary;
      expect(passed + failed + skipped).toBe(sum(entries, (entry) => entry.commands));
      expect(summary.modules).toBe(countBinary(entries, WITH_MODULE));
    });

    it(`${group}: every valid module of the manifest is accepted`, () => {
      const obsolete = scripts.map((file) => {
        const wrong = resultOf(file).results.filter(({ verdict }) => {
          return verdict.reason === "the module was accepted";
        });
        return wrong.length;
      });
      expect(scripts.map((file) => resultOf(file).validModules)).toEqual(
        entries.map(({ valid_modules }, at) => valid_modules + obsolete[at]),
      );
    });

    it(`${group}: traps, link errors and exhaustion say what the suite says`, () => {
      const ends = scripts.flatMap((file) => {
        return resultOf(file).results.filter(({ command }) => {
          return command.type !== "assert_invalid" && command.type !== "assert_malformed";
        });
      });
      const others = ends.filter((result) => {
        const { command, verdict } = result;
        const words = OTHER_WORDS.get(command.text);
        const agrees = words !== undefined && verdict.message?.startsWith(words) === true;
        return phraseAgrees(result) === false && !agrees;
      });
      expect(others.map(({ command, verdict }) => [command.text, verdict.message])).toEqual([]);
    });

    it(`${group}: the same verdicts and fuel in 1-byte chunks and the smallest slices`, {
      timeout: PATIENCE,
    }, () => {
      for (const file of scripts) {
        const whole = resultOf(file);
        const sliced = run(file, SLICED);
        stops += sliced.stops;
        expect(whole.stops).toBe(0);
        expect(sliced.results.length).toBe(whole.results.length);
        expect(sliced.modules).toBe(whole.modules);
        expect(firstDifference(whole, sliced, false)).toBe("");
        // How far endless recursion comes, and what it costs, depends on the limit.
        const unsliced = overflows(whole) ? run(file, SHALLOW) : whole;
        expect(firstDifference(unsliced, sliced, true)).toBe("");
      }
    });

    it(`${group}: the same verdicts and fuel in the host's engine, in any slices, and in turns`, {
      timeout: PATIENCE,
    }, () => {
      for (const file of scripts) {
        const whole = resultOf(file);
        const interpreted = overflows(whole) ? run(file, SHALLOW) : whole;
        const compare = (compiled: ScriptResult) => {
          expect(compiled.results.length).toBe(whole.results.length);
          expect(firstDifference(interpreted, compiled, true)).toBe("");
        };
        for (const slice of COMPILED_SLICES) {
          const compiled = run(file, { ...COMPILED, slice });
          // Who is stopped all the time is executed by the interpreter.
          if (compiled.stops === 0) compiledFuel += compiled.compiledFuel;
          compare(compiled);
        }
        const random = Random.of(1, 0);
        compare(
          alternately(
            () => random.oneIn(3),
            () => run(file, COMPILED),
          ),
        );
      }
    });
  }

  it.skipIf(hostNamespace === undefined)(
    "is executed by the host's engine where it is to be",
    () => {
      const fuel = files.flatMap((file) => resultOf(file).results.map((result) => result.fuel));
      const all = fuel.reduce((sum, used) => sum + used, 0);
      expect(compiledFuel).toBeGreaterThan(all / 3);
    },
  );

  it.skipIf(hostNamespace === undefined)("changes tier in the midst of what it executes", () => {
    expect(changes.down).toBeGreaterThan(1_000_000);
  });

  it("uses fuel and is stopped: the comparison of slices compares something", () => {
    expect(stops).toBeGreaterThan(1_000_000);
    const fuel = files.flatMap((file) => resultOf(file).results.map((result) => result.fuel));
    expect(fuel.filter((used) => used > 0).length).toBeGreaterThan(30_000);
  });
});

describe("expectations", () => {
  it("of modules that may not be accepted, are only the eight obsolete ones of threads", () => {
    const ofSuite = [...known.failures].filter(([, lists]) => {
      return lists.has("tables") || lists.has("memories");
    });
    expect(ofSuite.map(([name]) => name)).toEqual([
      "proposals-threads/imports",
      "proposals-threads/memory",
    ]);
  });

  it("of the groups that everything depends on, are only those that need GC", () => {
    const finished = /^(mvp|v2|v3-(tailcall|eh|funcref|memory64|multimemory|misc))\//;
    const listed = [...known.failures].filter(([name]) => finished.test(name));
    expect(listed.flatMap(([, lists]) => [...lists.keys()])).toEqual(listed.map(() => "gc"));
    const commands = listed.flatMap(([, lists]) => [...lists.values()].flat());
    expect(commands.length).toBeLessThanOrEqual(2);
  });
});
