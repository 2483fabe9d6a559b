// `wasmeter run`: runs a program of WASI, or calls an exported function of any module, under the
// fuel, time and limits that the options state. What is granted are directories and variables that
// the options name. Every way it can end has an exit code of its own (design: section 2).

import {
  type ExportDescription,
  type Instance,
  Module,
  type RuntimeLimits,
  Store,
  Trap,
  type Value,
} from "../../api/index.ts";
import { leftToInterpreter } from "../../embedding/tier.ts";
import { CodeLimitError } from "../../module/errors.ts";
import { WasiExit } from "../../wasi/index.ts";
import { type Arguments, type Command, EXIT, HostError, type Io, UsageError } from "../command.ts";
import { CallError, exitCode, processStatus, report } from "../endings.ts";
import { grantsOf } from "../grants.ts";
import { isText, readChunks, readModuleBytes } from "../input.ts";
import {
  formatValue,
  LiteralError,
  parseBytes,
  parseMilliseconds,
  parseValue,
} from "../literals.ts";
import { tierOption } from "../options.ts";
import { importsWasi, World } from "../program.ts";
import { visible } from "../text.ts";

const HELP = `usage: wasmeter run [options] FILE [ARGUMENT…]

FILE is .wasm, .wat (assembled through wabt), or - for standard input. Options stand before
FILE, what follows it belongs to the program.

A program for WASI preview 1 (it imports wasi_snapshot_preview1 and exports _start) gets the
arguments, standard input, output and error, the time of day and real random numbers; no
variables and no directories but these:

  --dir HOST[::GUEST][:ro]  a directory, under the same name or as GUEST, e.g. .::/; :ro for
                            reading only
  --env NAME[=VALUE]        a variable, with the value that it has here or another one
  --max-disk SIZE           bytes by which the files of a directory may grow; default 1GiB

Of any other module an exported function is called. The arguments are the function's, by its
type: integers decimal or 0x… (signed or unsigned), floats also as 0x1.8p3, inf, nan, vectors as
"i32x4 1 2 3 4". Results are printed one per line.

  --invoke NAME             the function; default: _start, else main

For both:

  --fuel N                  stop after N units: one per instruction, see docs/instructions.md
  --timeout TIME            stop after 50ms, 2s, 1m, reading and checking FILE included
  --max-memory SIZE         bytes of linear memory, e.g. 64MiB
  --max-stack N             calls in progress
  --tier TIER               who executes it: interpreter, compiled (Node's own engine, under the
                            same fuel and limits), auto (compiled where that pays)
  --stats                   what was used and what was executed where, on standard error
  --json                    that as one object: {"fuel":…,"peakMemoryBytes":…,"hostCalls":…,
                            "compiledFuel":…,"interpreted":[{"reason":…,"functions":…}…]}

Exit code: that of the program; else 0 ok, 1 the file cannot be read, 2 out of fuel,
3 deadline, 4 memory or stack limit, 5 missing or mistyped import, 6 malformed or invalid
module, 7 no such export or wrong arguments, 8 trap, 9 uncaught exception, 64 usage. A closed
output ends the run with 141, as SIGPIPE would.
`;

/** Exports that a message lists. */
const MOST_LISTED = 50;

type FunctionExport = Extract<ExportDescription, { kind: "func" }>;

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
  const tier = tierOption(args);
  return new Store({ limits, ...(fuel !== undefined && { fuel }), ...(tier && { tier }) });
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
  return `${visible(name)} (${params.join(" ")}) -> (${results.join(" ")})`;
}

function listing({ exports }: Module): string {
  if (exports.length === 0) return "It exports nothing.\n";
  const lines = exports.slice(0, MOST_LISTED).map((item) => {
    return item.kind === "func"
      ? `  func ${signature(item)}`
      : `  ${item.kind} ${visible(item.name)}`;
  });
  if (exports.length > MOST_LISTED) lines.push(`  and ${exports.length - MOST_LISTED} more`);
  return `Its exports:\n${lines.join("\n")}\n`;
}

function parseArguments(texts: readonly string[], entry: FunctionExport): Value[] {
  const { params } = entry;
  if (texts.length !== params.length) {
    const misplaced = texts.find((text) => text.startsWith("--"));
    const hint = misplaced === undefined ? "" : `; options such as ${misplaced} stand before FILE`;
    const wanted = params.length === 1 ? "1 argument" : `${params.length} arguments`;
    throw new CallError(`${signature(entry)} takes ${wanted}, not ${texts.length}${hint}\n`);
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

/** Calls the function; what is to be printed. */
async function results(
  instance: Instance,
  entry: FunctionExport,
  args: readonly Value[],
  { mayWait, timeout }: { mayWait: boolean; timeout: number },
): Promise<string> {
  const func = instance.func(entry.name).with({ timeout });
  // Without the event loop in between a call is a few per cent faster.
  const value = mayWait ? await func.callAsync(...args) : func.call(...args);
  const { results: types } = entry;
  const values = types.length > 1 ? (value as readonly Value[]) : [value];
  return types.map((type, i) => `${formatValue(values[i], type)}\n`).join("");
}

/** One run of a module, from the command line's point of view. */
interface Run {
  readonly module: Module;
  readonly store: Store;
  /** Milliseconds that are left. */
  readonly left: () => number;
  readonly args: Arguments;
  /** For modules that import WASI. */
  readonly world: World | null;
  /** Once it is there. */
  instance: Instance | null;
}

/** Runs a program of WASI as a whole; its exit code. */
async function runProgram(run: Run, { wasi }: World): Promise<number> {
  const { module, store, left } = run;
  const instance = await store.instantiateAsync(module, wasi.imports, { timeout: left() });
  run.instance = instance;
  return wasi.runAsync(instance, { timeout: left() });
}

/** Instantiates a module and calls one function; what is to be printed. */
async function callFunction(run: Run): Promise<string> {
  const { args, module, store, left, world } = run;
  const [, ...texts] = args.positionals;
  const entry = findExport(module, args.values.invoke);
  const values = entry === null ? [] : parseArguments(texts, entry);
  const timeout = left();
  const imports = world?.wasi.imports ?? {};
  const instance =
    world === null
      ? store.instantiate(module, imports, { timeout })
      : await store.instantiateAsync(module, imports, { timeout });
  run.instance = instance;
  if (entry === null) return "";
  if (world !== null && !isCommand(module)) {
    await world.wasi.initializeAsync(instance, { timeout: left() });
  }
  return results(instance, entry, values, { mayWait: world !== null, timeout: left() });
}

function exported({ exports }: Module, wanted: string): FunctionExport | undefined {
  const found = exports.find(({ kind, name }) => kind === "func" && name === wanted);
  return found as FunctionExport | undefined;
}

function isCommand(module: Module): boolean {
  return exported(module, "_start") !== undefined;
}

/**
 * Refuses what WASI does not know: neither program nor library, or entries of other types.
 * `invoked` is a function that is to be called instead of the program.
 */
function checkEntries(module: Module, invoked: Arguments["values"][string]): void {
  const start = invoked === undefined ? exported(module, "_start") : undefined;
  const initialize = isCommand(module) && !start ? undefined : exported(module, "_initialize");
  if (start !== undefined && initialize !== undefined) {
    throw new CallError(
      "it exports _start and _initialize, so it is neither a program nor a library of WASI; " +
        "say --invoke NAME\n",
    );
  }
  const wrong = [start, initialize].find((entry) => {
    return entry !== undefined && entry.params.length + entry.results.length > 0;
  });
  if (wrong !== undefined) {
    throw new CallError(`${signature(wrong)} is no entry of WASI, which is () -> ()\n`);
  }
}

/** Runs the program, or calls the function and prints what it returns; the exit code. */
async function execute(run: Run, io: Io): Promise<number> {
  const { args, module, world } = run;
  try {
    if (world !== null) checkEntries(module, args.values.invoke);
    if (world !== null && isCommand(module) && args.values.invoke === undefined) {
      return processStatus(await runProgram(run, world));
    }
    io.out(await callFunction(run));
    return EXIT.ok;
  } catch (error) {
    if (error instanceof WasiExit) return processStatus(error.exitCode);
    throw error;
  }
}

/** The exit code of a run, after what there is to say has been said. */
async function runModule(run: Run, io: Io): Promise<number> {
  const { world } = run;
  try {
    const code = await execute(run, io);
    if (code !== EXIT.ok) hint(world, io);
    return code;
  } catch (error) {
    return ending(error, world, io);
  }
}

/** Says what is to be said about an error; its exit code. */
function ending(error: unknown, world: World | null, io: Io): number {
  if (error instanceof CodeLimitError) throw new HostError(error.message);
  const code = exitCode(error);
  if (code === undefined) throw error;
  io.err(`wasmeter: ${report(error)}`);
  if (error instanceof Trap) hint(world, io);
  // The time is up also for whoever does not take the output, or gives no input.
  if (code === EXIT.deadline) io.abandon?.();
  return code;
}

/** Reads, decodes and validates a file, as long as there is time. */
async function load(file: string, left: () => number, io: Io): Promise<Module> {
  if (!isText(file)) return Module.fromStream(readChunks(file, io), { timeout: left() });
  const bytes = await readModuleBytes(file, io);
  return Module.fromAsync(bytes, { timeout: left() });
}

/** Tells how much is left of so many milliseconds from now on. */
function countdown(milliseconds: number): () => number {
  const began = performance.now();
  return () => Math.max(0, milliseconds - (performance.now() - began));
}

function hint(world: World | null, io: Io): void {
  if (world !== null && world.hint !== "") io.err(`wasmeter: ${world.hint}\n`);
}

function stats({ instance, store }: Run, json: boolean): string {
  const { fuel, hostCalls, peakMemoryBytes } = store.usage;
  const { compiledFuel } = store.runtime;
  const interpreted = instance === null ? [] : leftToInterpreter(instance.target);
  if (json) {
    const used = { fuel, peakMemoryBytes, hostCalls, compiledFuel, interpreted };
    return `${JSON.stringify(used)}\n`;
  }
  const used = `fuel ${fuel}, peak memory ${peakMemoryBytes} bytes, host calls ${hostCalls}\n`;
  if (store.runtime.tier === "interpreter") return used;
  const reasons = interpreted.map(({ functions, reason }) => {
    const what = functions === 1 ? "1 function" : `${functions} functions`;
    return `${what} interpreted: ${visible(reason)}\n`;
  });
  return `${used}fuel in compiled code ${compiledFuel}\n${reasons.join("")}`;
}

export const run: Command = {
  name: "run",
  summary: "run a program or call a function under fuel, deadline and limits",
  help: HELP,
  options: {
    invoke: { type: "string" },
    fuel: { type: "string" },
    timeout: { type: "string" },
    "max-memory": { type: "string" },
    "max-stack": { type: "string" },
    "max-disk": { type: "string" },
    tier: { type: "string" },
    stats: { type: "boolean" },
    json: { type: "boolean" },
    dir: { type: "string", multiple: true },
    env: { type: "string", multiple: true },
  },
  passesOn: true,
  brokenPipe: EXIT.brokenPipe,
  async run(args, io) {
    const [file] = args.positionals;
    if (file === undefined) throw new UsageError("no file to run");
    const store = storeFor(args);
    const timeout = numberOption(args, "timeout", "a time such as 50ms", parseMilliseconds);
    const diskBytes = numberOption(args, "max-disk", "a size such as 64MiB", parseBytes);
    const grants = { ...grantsOf(args, io), diskBytes };
    const left = countdown(timeout ?? Number.POSITIVE_INFINITY);
    let module: Module;
    try {
      module = await load(file, left, io);
    } catch (error) {
      return ending(error, null, io);
    }
    const world = importsWasi(module) ? new World(module, args.positionals, grants, io) : null;
    const started: Run = { module, store, left, args, world, instance: null };
    const code = await runModule(started, io);
    if (args.values.stats) io.err(stats(started, args.values.json === true));
    return code;
  },
};
