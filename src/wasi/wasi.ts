// `wasi`: a program's world as an import map, and running the program (WASI: application ABI).
// Commands export `_start` and run once; reactors export `_initialize` and are called afterwards.

import { type CallOptions, callOptions } from "../api/func.ts";
import { Instance } from "../api/instance.ts";
import {
  aFunction,
  amount,
  anObject,
  aString,
  checkedOptions,
  eitherOf,
  listOf,
  type OptionTable,
  objectWith,
  recordOf,
} from "../module/options.ts";
import { ForeignMemory } from "./guest-memory.ts";
import { importsFor } from "./imports.ts";
import type { ForeignInstance, WasiImports, WasiOptions } from "./options.ts";
import { Process, WasiExit } from "./process.ts";
import { CLOCK } from "./sources.ts";

const OUTPUT = eitherOf(
  "a function or an output stream",
  aFunction,
  objectWith("an output stream", "write"),
);

type Target = Instance<object> | ForeignInstance;

/** What `wasi` returns. One of them is one process: it runs one program once. */
export class Wasi {
  /** To be handed to `instantiate`, of any engine. */
  readonly imports: WasiImports;
  private readonly process: Process;
  private used = false;

  /** For `wasi`. */
  constructor(options: WasiOptions) {
    this.process = new Process(options);
    this.imports = importsFor(this.process);
  }

  /** The code that the program has exited with; null as long as it has not. */
  get exitCode(): number | null {
    return this.process.exit?.exitCode ?? null;
  }

  /**
   * Runs a command: calls `_start`, gives the exit code (0 if it just returns), and closes what is
   * open. Functions that wait block the process; what cannot block fails with `notsup`.
   * @throws TypeError for an instance that is no command, Error if there was a run before
   * @throws what calling a function throws: Trap, Exhaustion, and errors of streams
   */
  run(instance: Target, options: CallOptions = {}): number {
    this.begin(instance, options, "_start", "_initialize");
    try {
      return this.ended(() => call(instance, "_start", options));
    } finally {
      this.close();
    }
  }

  /**
   * The same with the event loop in between: the guest is suspended while it sleeps or waits for
   * input. An instance of another engine runs as with `run`.
   */
  async runAsync(instance: Target, options: CallOptions = {}): Promise<number> {
    this.begin(instance, options, "_start", "_initialize");
    try {
      await callAsync(instance, "_start", options);
      return this.exitCode ?? 0;
    } catch (error) {
      return exitCodeOf(error);
    } finally {
      this.close();
    }
  }

  /**
   * Prepares a reactor: calls `_initialize`, if it exports one. Its functions may be called then;
   * `close` ends it.
   * @throws TypeError for a command, Error if there was a run before
   */
  initialize(instance: Target, options: CallOptions = {}): void {
    this.begin(instance, options, "_initialize", "_start");
    if (isFunction(exportOf(instance, "_initialize"))) call(instance, "_initialize", options);
  }

  /** The same with the event loop in between. */
  async initializeAsync(instance: Target, options: CallOptions = {}): Promise<void> {
    this.begin(instance, options, "_initialize", "_start");
    if (isFunction(exportOf(instance, "_initialize"))) {
      await callAsync(instance, "_initialize", options);
    }
  }

  /** Closes all descriptors. Functions of WASI called afterwards fail with `badf`. */
  close(): void {
    this.process.close();
  }

  private begin(instance: Target, options: CallOptions, wanted: string, unwanted: string): void {
    if (typeof (instance as Target | undefined)?.exports !== "object") {
      throw new TypeError("an instance is wanted, as instantiate gives it");
    }
    const limits = Object.keys(callOptions("run", options));
    if (limits.length > 0 && !(instance instanceof Instance)) {
      throw new TypeError(`an instance of another engine cannot have limits: ${limits.join(", ")}`);
    }
    if (isFunction(exportOf(instance, unwanted))) {
      const hint = wanted === "_start" ? "initialize" : "run";
      throw new TypeError(`the instance exports ${unwanted}: use ${hint}`);
    }
    if (wanted === "_start" && !isFunction(exportOf(instance, wanted))) {
      throw new TypeError("the instance is no command: it exports no function _start");
    }
    if (this.used) throw new Error("this wasi object has run a program already");
    this.used = true;
    if (!(instance instanceof Instance)) this.bind(instance);
  }

  private bind(instance: ForeignInstance): void {
    const memory = exportOf(instance, "memory") as { buffer?: unknown } | undefined;
    const { buffer } = memory ?? {};
    if (!(buffer instanceof ArrayBuffer) && !isShared(buffer)) {
      throw new TypeError("the instance exports no memory under the name memory");
    }
    this.process.bound = new ForeignMemory(memory as { buffer: ArrayBufferLike });
  }

  private ended(run: () => unknown): number {
    try {
      run();
      return this.exitCode ?? 0;
    } catch (error) {
      return exitCodeOf(error);
    }
  }
}

/** The exit code of a program that threw this; goes on throwing what is no exit. */
function exitCodeOf(error: unknown): number {
  if (error instanceof WasiExit) return error.exitCode;
  throw error;
}

function isShared(buffer: unknown): boolean {
  return typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === "function";
}

function exportOf({ exports }: Target, name: string): unknown {
  return (exports as Readonly<Record<string, unknown>>)[name];
}

function call(instance: Target, name: string, options: CallOptions): unknown {
  if (instance instanceof Instance) return instance.func(name).with(options).call();
  return (exportOf(instance, name) as () => unknown)();
}

async function callAsync(instance: Target, name: string, options: CallOptions): Promise<void> {
  if (instance instanceof Instance) await instance.func(name).with(options).callAsync();
  else await (exportOf(instance, name) as () => unknown)();
}

const WASI_OPTIONS: OptionTable<WasiOptions> = {
  args: listOf(aString),
  env: recordOf(aString),
  stdin: eitherOf("a text, bytes or a stream", aString, anObject),
  stdout: OUTPUT,
  stderr: OUTPUT,
  preopens: recordOf(objectWith("a file system", "root")),
  clock: CLOCK,
  random: aFunction,
  outputLimit: amount(),
  descriptorLimit: amount(),
};

/**
 * A world for one program, in which there is what `options` grant and nothing else.
 *
 * ```ts
 * const program = wasi({ args: ["wc"], stdin: "one two\n", stdout: (bytes) => print(bytes) });
 * const instance = new Store().instantiate(module, program.imports);
 * const exitCode = program.run(instance);
 * ```
 *
 * @throws TypeError for a NUL in an argument, the environment or a directory's name, and for an
 * option that there is not or that is of another kind; RangeError for a limit out of range
 */
export function wasi(options: WasiOptions = {}): Wasi {
  return new Wasi(checkedOptions("wasi", options, WASI_OPTIONS));
}
