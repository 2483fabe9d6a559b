// `wasmeter spec`: runs conformance scripts in the JSON format of `wast2json`. At present decoding
// and validation are judged; commands that need an instance are skipped.

import { resolve } from "node:path";
import { type Arguments, type Command, EXIT, HostError, type Io, UsageError } from "../command.ts";
import { featuresOption } from "../options.ts";
import { formatJson, formatText } from "../spec/report.ts";
import { runScript, type ScriptResult, summarize } from "../spec/runner.ts";
import { findScripts, readScript, type ScriptFile } from "../spec/script.ts";
import type { RunSettings } from "../spec/state.ts";

const HELP = `usage: wasmeter spec [options] PATH…

Runs conformance scripts. A PATH is a suite (a folder with manifest.json, or with
json/manifest.json), a group or script of it, a single .json, or a folder of them as
\`wast2json\` writes it, each with its .wasm files beside it.

  --features LIST  as for validate; default: groups named proposals-* run with all
                   features on, all others with the default set
  --group NAME     only this group; may be repeated
  --chunk N        feed each module in chunks of N bytes
  --json           one JSON object instead of the table
  --verbose        also say what was skipped, and where our messages do not begin with
                   the suite's words (no failure)

What is judged is decoding and validation, so passed means: the module was accepted (module,
module_definition), or it was refused with the right class of error (assert_malformed,
assert_invalid). Modules of assert_unlinkable, assert_uninstantiable and assert_trap must be
valid, but these commands, and all others that need execution, count as skipped; so do
modules in the text format. The last line is \`N passed, N failed, N skipped\`.

Exit code: 0 nothing failed, 1 something failed or cannot be read, 64 usage.
`;

function chunkOption(args: Arguments): { chunk?: number } {
  const text = args.values.chunk;
  if (typeof text !== "string") return {};
  const chunk = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(chunk) && chunk > 0) return { chunk };
  throw new UsageError(`--chunk takes a number of bytes above 0, not "${text}"`);
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

export const spec: Command = {
  name: "spec",
  summary: "run conformance scripts (decoding and validation)",
  help: HELP,
  options: {
    features: { type: "string" },
    group: { type: "string", multiple: true },
    chunk: { type: "string" },
    json: { type: "boolean" },
    verbose: { type: "boolean", short: "v" },
  },
  async run(args, io) {
    if (args.positionals.length === 0) throw new UsageError("no scripts to run");
    const settings = { ...featuresOption(args), ...chunkOption(args) };
    const summary = summarize(runFiles(scriptsOf(args), settings, io));
    const format = args.values.json === true ? formatJson : formatText;
    io.out(format(summary, args.values.verbose === true));
    return summary.failed === 0 ? EXIT.ok : EXIT.host;
  },
};
