// `wasmeter run`: calls an exported function of a module that is granted nothing, under the fuel,
// time and limits that the options state. Every way it can end has an exit code of its own.

import {
  Exhaustion,
  type ExportDescription,
  type Instance,
  LinkError,
  Module,
  type RuntimeLimits,
  Store,
  Trap,
  type Value,
  WasmException,
} from "../../api/index.ts";
import { CodeLimitError, UnsupportedError } from "../../code/errors.ts";
import { type Backtrace, formatFrame } from "../../runtime/trap.ts";
import { type Arguments, type Command, EXIT, HostError, type Io, UsageError } from "../command.ts";
import { readModuleBytes } from "../input.ts";
import {
  formatValue,
  LiteralError,
  parseBytes,
  parseMilliseconds,
  parseValue,
} from "../literals.ts";

const HELP = `usage: wasmeter run [options] FILE [ARGUMENT…]

Instantiates FILE (.wasm, .wat through wabt, or - for standard input) and calls one of its
exported functions. The module is granted no imports. Options stand before FILE; what follows
it are the function's arguments, by its type: integers decimal or 0x… (signed or unsigned),
floats also as 0x1.8p3, inf, nan. Results are printed one per line.

  --invoke NAME      the function; default: _start, else main
  --fuel N           stop after N units: one per instruction, as docs/instructions.md says
  --timeout TIME     stop after 50ms, 2s, 1m
  --max-memory SIZE  bytes of linear memory, e.g. 64MiB
  --max-stack N      calls in progress
  --stats            what was used, on standard error
  --json             that as one object: {"fuel":…,"peakMemoryBytes":…,"hostCalls":…}

Exit code: 0 ok, 1 the file cannot be read, 2 out of fuel, 3 deadline, 4 memory or stack
limit, 5 missing or mistyped import, 6 malformed or invalid module, 7 no such export or wrong
arguments, 8 trap, 9 uncaught exception, 64 usage.
`;

type FunctionExport = Extract<ExportDescription, { kind: "func" }>;

/** Something that is wrong with what is to be called; exit code 7. */
class CallError extends Error {}

function numberOption<T>(
  { values }: Arguments,
  name: string,
  what: string,
  parse: (text: string) => T | undefined,
): T | undefined {
  const text = values[name];
  if (typeof text !== "string") return undefined;
  const value = parse(text);
  if (value === undefined) throw new UsageError(`--${name} takes ${what}, not "${text}"`);
  return value;
}

function wholeNumber(text: string): number | undefined {
  const value = Number(text.replaceAll("_", ""));
  return /^\d[\d_]*$/.test(text) && Number.isSafeInteger(value) ? value : undefined;
}

function storeFor(args: Arguments): Store {
  const memoryBytes = numberOption(args, "max-memory", "a size such as 64MiB", parseBytes);
  const callDepth = numberOption(args, "max-stack", "a number of calls", wholeNumber);
  const fuel = numberOption(args, "fuel", "a whole number", wholeNumber);
  const limits: Partial<RuntimeLimits> = {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(callDepth !== undefined && { callDepth }),
  };
  return new Store({ limits, ...(fuel !== undefined && { fuel }) });
}

/** The export to call; null for a module whose start function is all there is to run. */
function findExport(module: Module, name: Arguments["values"][string]): FunctionExport | null {
  const functions = module.exports.filter((item) => item.kind === "func");
  if (typeof name === "string") {
    const found = functions.find((item) => item.name === name);
    if (found !== undefined) return found;
    throw new CallError(`no function is exported as "${name}"\n${listing(module)}`);
  }
  const found = ["_start", "main"].map((entry) => functions.find((item) => item.name === entry));
  const entry = found.find((item) => item !== undefined);
  if (entry !== undefined) return entry;
  if (module.record.start !== null) return null;
  throw new CallError(`there is no _start and no main; say --invoke NAME\n${listing(module)}`);
}

function signature({ name, params, results }: FunctionExport): string {
  return `${name} (${params.join(" ")}) -> (${results.join(" ")})`;
}

function listing({ exports }: Module): string {
  if (exports.length === 0) return "It exports nothing.\n";
  const lines = exports.map((item) => {
    return item.kind === "func" ? `  func ${signature(item)}` : `  ${item.kind} ${item.name}`;
  });
  return `Its exports:\n${lines.join("\n")}\n`;
}

function parseArguments(texts: readonly string[], entry: FunctionExport): Value[] {
  const { params } = entry;
  if (texts.length !== params.length) {
    const misplaced = texts.find((text) => text.startsWith("--"));
    const hint = misplaced === undefined ? "" : `; options such as ${misplaced} stand before FILE`;
    const counts = `${params.length} arguments, not ${texts.length}`;
    throw new CallError(`${signature(entry)} takes ${counts}${hint}\n`);
  }
  return texts.map((text, i) => {
    try {
      return parseValue(text, params[i]);
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error;
      throw new CallError(`argument ${i + 1} of ${signature(entry)}: ${error.message}\n`);
    }
  });
}

function results(instance: Instance, entry: FunctionExport, args: readonly Value[], left: number) {
  const value = instance
    .func(entry.name)
    .with({ timeout: left })
    .call(...args);
  const { results: types } = entry;
  const values = types.length > 1 ? (value as readonly Value[]) : [value];
  return types.map((type, i) => `${formatValue(values[i], type)}\n`).join("");
}

/** Instantiates and calls; what is to be printed. */
function execute(module: Module, store: Store, timeout: number, args: Arguments): string {
  const [, ...texts] = args.positionals;
  const entry = findExport(module, args.values.invoke);
  const values = entry === null ? [] : parseArguments(texts, entry);
  const began = performance.now();
  const instance = store.instantiate(module, {}, { timeout });
  if (entry === null) return "";
  const left = Math.max(0, timeout - (performance.now() - began));
  return results(instance, entry, values, left);
}

/** The exit code of an error that a run can end with; undefined for any other. */
function exitCode(error: unknown): number | undefined {
  if (error instanceof Exhaustion) {
    if (error.kind === "fuel") return EXIT.fuel;
    return error.kind === "deadline" || error.kind === "epoch" ? EXIT.deadline : EXIT.limit;
  }
  if (error instanceof LinkError) return EXIT.link;
  if (error instanceof CallError) return EXIT.arguments;
  if (error instanceof Trap) return EXIT.trap;
  return error instanceof WasmException ? EXIT.exception : undefined;
}

function report(error: unknown): string {
  if (error instanceof CallError) return error.message;
  if (error instanceof LinkError) return `${error.message}; no imports are granted\n`;
  const { backtrace, message, name } = error as Error & { backtrace: Backtrace };
  const frames = backtrace.map((frame) => `  at ${formatFrame(frame)}\n`);
  return `${name}: ${message}\n${frames.slice(0, 10).join("")}`;
}

function stats({ usage }: Store, json: boolean): string {
  const { fuel, hostCalls, peakMemoryBytes } = usage;
  if (json) return `${JSON.stringify({ fuel, peakMemoryBytes, hostCalls })}\n`;
  return `fuel ${fuel}, peak memory ${peakMemoryBytes} bytes, host calls ${hostCalls}\n`;
}

function runModule(module: Module, store: Store, timeout: number, args: Arguments, io: Io): number {
  try {
    io.out(execute(module, store, timeout, args));
    return EXIT.ok;
  } catch (error) {
    if (error instanceof UnsupportedError || error instanceof CodeLimitError) {
      throw new HostError(error.message);
    }
    const code = exitCode(error);
    if (code === undefined) throw error;
    io.err(`wasmeter: ${report(error)}`);
    return code;
  }
}

export const run: Command = {
  name: "run",
  summary: "call an exported function under fuel, deadline and limits",
  help: HELP,
  options: {
    invoke: { type: "string" },
    fuel: { type: "string" },
    timeout: { type: "string" },
    "max-memory": { type: "string" },
    "max-stack": { type: "string" },
    stats: { type: "boolean" },
    json: { type: "boolean" },
  },
  passesOn: true,
  async run(args, io) {
    const [file] = args.positionals;
    if (file === undefined) throw new UsageError("no file to run");
    const store = storeFor(args);
    const timeout = numberOption(args, "timeout", "a time such as 50ms", parseMilliseconds);
    const module = Module.from(await readModuleBytes(file, io));
    const code = runModule(module, store, timeout ?? Number.POSITIVE_INFINITY, args, io);
    if (args.values.stats) io.err(stats(store, args.values.json === true));
    return code;
  },
};
