#!/usr/bin/env node
// The command line: picks the subcommand, parses its arguments, turns errors into exit codes.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { ModuleError } from "../module/errors.ts";
import { nearestName } from "../module/options.ts";
import { type Arguments, type Command, EXIT, HostError, type Io, UsageError } from "./command.ts";
import { dump } from "./commands/dump.ts";
import { print } from "./commands/print.ts";
import { run } from "./commands/run.ts";
import { spec } from "./commands/spec.ts";
import { validate } from "./commands/validate.ts";
import { unexpected } from "./endings.ts";
import { ProcessIo } from "./process.ts";
import { careful, visible } from "./text.ts";

const COMMANDS: readonly Command[] = [run, validate, print, dump, spec];

function usage(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "usage: wasmeter COMMAND [options] FILE…",
    "",
    ...lines,
    "",
    "`wasmeter COMMAND --help` tells the rest. A FILE is .wasm or .wat; `-` is standard input.",
    "`run` may be left out: `wasmeter [options] FILE [ARGUMENT…]`.",
    "",
  ].join("\n");
}

/** The first lines of a help text: after a mistake the message must stay in sight. */
function shortHelp(command: Command): string {
  const [synopsis] = command.help.split("\n\n");
  return `${synopsis}\n\`wasmeter ${command.name} --help\` tells the rest.\n`;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Splits off what follows the first positional, where that belongs to a guest. */
function split({ options, passesOn }: Command, args: readonly string[]): [string[], string[]] {
  if (!passesOn) return [[...args], []];
  const { tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const file = tokens.find((token) => token.kind === "positional");
  const end = file === undefined ? args.length : file.index + 1;
  return [args.slice(0, end), args.slice(end)];
}

/** The command that is meant, and its arguments. */
function choose(args: readonly string[]): [Command | undefined, readonly string[]] {
  const [name, ...rest] = args;
  const command = COMMANDS.find((item) => item.name === name);
  // An option or a file can only be meant for `run`.
  const isRun = command === undefined && /^-|[\\/]|\.(wasm|wat)$/.test(name);
  return isRun ? [run, args] : [command, rest];
}

/** Whether help is asked for; `-h` means it unless the command has its own `-h`. */
function wantsHelp(command: Command, args: readonly string[]): boolean {
  const { options } = command;
  const [before] = split(command, args);
  const end = before.indexOf("--");
  const words = end < 0 ? before : before.slice(0, end);
  const own = Object.values(options).some(({ short }) => short === "h");
  return words.includes("--help") || (!own && words.includes("-h"));
}

/** Runs the command line `args` (without node and script); the exit code. */
export async function main(args: readonly string[], outside: Io): Promise<number> {
  const io = careful(outside);
  const [name] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? io.err : io.out)(usage());
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === "--version" || name === "-V") {
    io.out(`wasmeter ${version()}\n`);
    return EXIT.ok;
  }
  const [command, rest] = choose(args);
  try {
    if (command === undefined) throw new UsageError(`there is no command "${name}"`);
    if (wantsHelp(command, rest)) {
      io.out(command.help);
      return EXIT.ok;
    }
    return await command.run(parse(command, rest), io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`wasmeter: ${error.message}\n\n${command ? shortHelp(command) : usage()}`);
      return EXIT.usage;
    }
    if (error instanceof HostError) {
      io.err(`wasmeter: ${error.message}\n`);
      return EXIT.host;
    }
    if (error instanceof ModuleError) {
      io.err(`wasmeter: ${error.name}: ${visible(error.message)}\n`);
      return EXIT.invalidModule;
    }
    io.err(unexpected(error));
    return EXIT.host;
  }
}

function parse(command: Command, words: readonly string[]): Arguments {
  const { options } = command;
  const [args, rest] = split(command, words);
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
    return { values: parsed.values, positionals: [...parsed.positionals, ...rest] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, unknown] = /^Unknown option '--([^']+)'/.exec(message) ?? [];
    const nearest = unknown === undefined ? null : nearestName(unknown, Object.keys(options));
    if (nearest !== null) {
      throw new UsageError(`unknown option --${unknown}; did you mean --${nearest}?`);
    }
    // Node advises to write `-- --typo`, which would only make a file of the mistyped option.
    throw new UsageError(message.replace(/\. To specify a positional argument.*/s, ""));
  }
}

if (process.argv[1] !== undefined && isEntry(process.argv[1])) {
  const args = process.argv.slice(2);
  const [command] = choose(args);
  const io = new ProcessIo(command?.brokenPipe ?? EXIT.ok);
  // Not awaited here: Node shows this line, which is the whole bundle, if there is no end.
  main(args, io).then((code) => io.end(code));
}

/**
 * Whether this file is the script that was started: `bin` entries are symbolic links, and
 * `node dist/cli/main` leaves out the extension.
 */
function isEntry(path: string): boolean {
  try {
    const file = createRequire(import.meta.url).resolve(path);
    return pathToFileURL(file).href === import.meta.url;
  } catch {
    return false;
  }
}
