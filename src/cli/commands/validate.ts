// `wasmeter validate`: decodes and validates modules as their bytes arrive.

import { type DecodeSettings, moduleDecoder } from "../../embedding/module.ts";
import { ModuleError } from "../../module/errors.ts";
import type { ModuleRecord } from "../../module/module.ts";
import { type Command, EXIT, HostError, type Io, UsageError } from "../command.ts";
import { isText, readChunks, readModuleBytes } from "../input.ts";
import { featuresOption } from "../options.ts";
import { visible } from "../text.ts";

const HELP = `usage: wasmeter validate [--features LIST] [--json] [--quiet] FILE…

Decodes and validates each FILE (.wasm, .wat through wabt, or - for standard input).

  --features LIST  proposals and presets from left to right, - switches off:
                   wasm1, wasm2, wasm3, default, all; e.g. wasm2,simd,-threads
  --json           one JSON object per file and line; "valid" is null if it cannot be read
  --quiet          print nothing but errors

Exit code: 0 all are valid, 6 one is malformed or invalid, else 1 one cannot be read or,
being text, not be assembled.
`;

type Verdict = { file: string; valid: boolean } & Record<string, unknown>;

async function load(file: string, settings: DecodeSettings, io: Io): Promise<ModuleRecord> {
  const decoder = moduleDecoder(settings);
  if (isText(file)) decoder.push(await readModuleBytes(file, io));
  else for await (const chunk of readChunks(file, io)) decoder.push(chunk);
  return decoder.end();
}

async function judge(file: string, settings: DecodeSettings, io: Io): Promise<Verdict> {
  try {
    const module = await load(file, settings, io);
    return { file, valid: true, bytes: module.bytes.length, functions: module.functions.length };
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    const { name, message, offset, section, funcIndex, funcName, instruction } = error;
    const { expected, found, limit } = error;
    const where = { offset, section, funcIndex, funcName, instruction };
    return { file, valid: false, error: name, message, ...where, expected, found, limit };
  }
}

function unreadable(file: string, { message }: HostError) {
  return { file, valid: null, error: "HostError", message };
}

export const validate: Command = {
  name: "validate",
  summary: "check that modules are well-formed and valid",
  help: HELP,
  options: {
    features: { type: "string" },
    json: { type: "boolean" },
    quiet: { type: "boolean", short: "q" },
  },
  async run(args, io) {
    if (args.positionals.length === 0) throw new UsageError("no file to validate");
    if (args.positionals.filter((file) => file === "-").length > 1) {
      throw new UsageError("- (standard input) can be read only once");
    }
    const settings = featuresOption(args);
    let code: number = EXIT.ok;
    for (const file of args.positionals) {
      try {
        const verdict = await judge(file, settings, io);
        if (!verdict.valid) code = EXIT.invalidModule;
        if (args.values.json) io.out(`${JSON.stringify(verdict)}\n`);
        else if (!verdict.valid)
          io.err(`${file}: ${verdict.error}: ${visible(String(verdict.message))}\n`);
        else if (!args.values.quiet) io.out(`${file}: valid\n`);
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        io.err(`wasmeter: ${error.message}\n`);
        if (args.values.json) io.out(`${JSON.stringify(unreadable(file, error))}\n`);
        if (code === EXIT.ok) code = EXIT.host;
      }
    }
    return code;
  },
};
