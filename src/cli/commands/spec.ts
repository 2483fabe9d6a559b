// `wasmeter spec`: runs conformance scripts in the JSON format of `wast2json`, against a list of
// known failures if there is one. How commands are judged is in ../spec/.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Arguments, type Command, EXIT, HostError, type Io, UsageError } from "../command.ts";
import { reason } from "../input.ts";
import { featuresOption, tierOption } from "../options.ts";
import { compare, type Expectations, readExpectations, shrunk } from "../spec/expectations.ts";
import { formatJson, formatText } from "../spec/report.ts";
import { runScript, type ScriptResult, summarize } from "../spec/runner.ts";
import { findScripts, readScript, type ScriptFile } from "../spec/script.ts";
import type { RunSettings } from "../spec/state.ts";

/** A stop copies the frames of all calls in progress, so that endless recursion takes its time. */
const SLICED_CALL_DEPTH = 1000;

const HELP = `usage: wasmeter spec [options] PATH…

Runs conformance scripts. A PATH is a suite (a folder with manifest.json, or with
json/manifest.json), a group or script of it, a single .json, or a folder of them as
\`wast2json\` writes it, each with its .wasm files beside it.

  --features LIST  as for validate; default: groups named proposals-* run with all
                   features on, all others with the default set
  --group NAME     only this group; may be repeated
  --chunk N        feed each module in chunks of N bytes
  --slice N        stop and resume invocations after every N units of fuel; with 1, at
                   every segment. Calls nest at most ${SLICED_CALL_DEPTH} deep then.
  --tier TIER      who executes the modules: interpreter, compiled, auto, see \`run\`
  --expect FILE    known failures, see spec-tests/README.md: exit 0 if just these fail
  --shrink         with --expect: take out of FILE what does not fail any more
  --json           one JSON object instead of the table
  --verbose        also say what was skipped, and where our messages do not begin with
                   the suite's words (no failure)

Every command is judged: modules must be accepted, or refused with the right class of
error; actions must give the expected results, bit by bit, or end as they should. Skipped,
and never counted as passed, are modules in the text format and what needs them,
annotations of text tools, and scripts with several threads. The last line is
\`N passed, N failed, N skipped\`.

Exit code: 0 nothing failed (with --expect: just what was expected), 1 something failed or
cannot be read, 64 usage.
`;

/** The value of an option that takes a whole number above 0; undefined if it is absent. */
function count(args: Arguments, option: string, unit: string): number | undefined {
  const text = args.values[option];
  if (typeof text !== "string") return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${option} takes a number of ${unit} above 0, not "${text}"`);
}

function settingsOf(args: Arguments): RunSettings {
  const chunk = count(args, "chunk", "bytes");
  const slice = count(args, "slice", "units of fuel");
  const tier = tierOption(args);
  const storeLimits = { callDepth: SLICED_CALL_DEPTH };
  return {
    ...featuresOption(args),
    ...(chunk !== undefined && { chunk }),
    ...(slice !== undefined && { slice, storeLimits }),
    ...(tier !== undefined && { tier }),
  };
}

/** The list of `--expect` and the file it is in. */
function expectOption(args: Arguments): { file: string; expectations: Expectations } | null {
  const file = args.values.expect;
  if (typeof file === "string") return { file, expectations: readExpectations(file) };
  if (args.values.shrink === true) throw new UsageError("--shrink needs --expect FILE");
  return null;
}

/** The scripts of all paths, each once, restricted to `--group`. */
function scriptsOf(args: Arguments): ScriptFile[] {
  const found = args.positionals.flatMap(findScripts);
  const files = [...new Map(found.map((file) => [resolve(file.path), file])).values()];
  const wanted = args.values.group;
  if (!Array.isArray(wanted)) return files;
  const groups = new Set<string | boolean>(files.map((file) => file.group));
  const unknown = wanted.find((group) => !groups.has(group));
  if (unknown === undefined) return files.filter((file) => wanted.includes(file.group));
  throw new UsageError(`there is no group "${unknown}" here, only: ${[...groups].join(", ")}`);
}

function runFiles(files: readonly ScriptFile[], settings: RunSettings, io: Io): ScriptResult[] {
  const results: ScriptResult[] = [];
  const ignored: string[] = [];
  for (const file of files) {
    const script = readScript(file);
    if (script === null) ignored.push(file.path);
    else results.push(runScript(script, settings));
  }
  if (ignored.length > 0) {
    const others = ignored.length > 1 ? ` and ${ignored.length - 1} more` : "";
    io.err(`wasmeter: ignored, being no scripts: ${ignored[0]}${others}\n`);
  }
  if (results.length === 0) throw new HostError("there is no script among these files");
  return results;
}

function rewrite(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new HostError(`cannot write ${file}: ${reason(error)}`);
  }
}

export const spec: Command = {
  name: "spec",
  summary: "run conformance scripts",
  help: HELP,
  options: {
    features: { type: "string" },
    group: { type: "string", multiple: true },
    chunk: { type: "string" },
    slice: { type: "string" },
    tier: { type: "string" },
    expect: { type: "string" },
    shrink: { type: "boolean" },
    json: { type: "boolean" },
    verbose: { type: "boolean", short: "v" },
  },
  async run(args, io) {
    if (args.positionals.length === 0) throw new UsageError("no scripts to run");
    const settings = settingsOf(args);
    const known = expectOption(args);
    const results = runFiles(scriptsOf(args), settings, io);
    const comparison = known && compare(results, known.expectations);
    const summary = summarize(results);
    const format = args.values.json === true ? formatJson : formatText;
    io.out(format(summary, args.values.verbose === true, comparison));
    if (known === null || comparison === null) return summary.failed === 0 ? EXIT.ok : EXIT.host;
    const shrink = args.values.shrink === true;
    if (shrink) rewrite(known.file, shrunk(results, known.expectations));
    const asExpected = comparison.unlisted.length === 0 && comparison.passing.length === 0;
    return asExpected || (shrink && comparison.unlisted.length === 0) ? EXIT.ok : EXIT.host;
  },
};
