// The class `WASI` of Node's module `node:wasi` on our functions: the same options, members and
// errors (Node: "WebAssembly System Interface"). Node's own takes no memory but those of the host's
// WebAssembly, so a program with the polyfill needs this one. What it grants is what Node's grants:
// clocks, random numbers and descriptors of the process, and the directories in `preopens`.

import { ForeignMemory } from "./guest-memory.ts";
import { importsFor } from "./imports.ts";
import { hostDirectory } from "./node-directory.ts";
import { descriptorInput, descriptorOutput } from "./node-streams.ts";
import type { WasiFunction } from "./options.ts";
import { Process, WasiExit } from "./process.ts";
import { systemClock, systemRandom } from "./sources.ts";

/** What the constructor takes. */
export interface NodeWasiOptions {
  readonly version: "unstable" | "preview1";
  readonly args?: readonly unknown[];
  readonly env?: Readonly<Record<string, unknown>>;
  /** Paths of the host by the guest's names for them. */
  readonly preopens?: Readonly<Record<string, unknown>>;
  /** Whether `start` returns when the guest exits, instead of ending the process. Default true. */
  readonly returnOnExit?: boolean;
  /** Descriptors of the process. Defaults 0, 1, 2. */
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
}

/** An instance of any engine, and a memory of one. */
interface AnyInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}
interface AnyMemory {
  readonly buffer: ArrayBufferLike;
}

const MODULES = { unstable: "wasi_unstable", preview1: "wasi_snapshot_preview1" } as const;

/** An error as Node makes it. */
function invalid(name: string, wanted: string, value: unknown): TypeError {
  const found = value === null ? "null" : typeof value;
  const error = new TypeError(`The "${name}" property must be ${wanted}. Received ${found}`);
  return Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function demandObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (isObject(value)) return value;
  throw invalid(name, "of type object", value);
}

function demandFunction(value: unknown, name: string): () => unknown {
  if (typeof value === "function") return value as () => unknown;
  throw invalid(name, "of type function", value);
}

function demandUndefined(value: unknown, name: string): void {
  if (value !== undefined) throw invalid(name, "undefined", value);
}

function descriptor(value: unknown, name: string): number {
  if (typeof value !== "number") throw invalid(name, "of type number", value);
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  const range = `It must be >= 0 && <= 2147483647. Received ${value}`;
  const error = new RangeError(`The value of "${name}" is out of range. ${range}`);
  throw Object.assign(error, { code: "ERR_OUT_OF_RANGE" });
}

function moduleOf(version: unknown): string {
  if (typeof version !== "string") throw invalid("options.version", "of type string", version);
  if (Object.hasOwn(MODULES, version)) return MODULES[version as keyof typeof MODULES];
  const what = `unsupported WASI version. Received '${version}'`;
  const error = new TypeError(`The property 'options.version' ${what}`);
  throw Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" });
}

function argumentsOf(value: unknown = []): string[] {
  if (Array.isArray(value)) return value.map(String);
  throw invalid("options.args", "an instance of Array", value);
}

/** The entries of a dictionary that have a value, as strings. */
function stringsOf(value: unknown, name: string): Record<string, string> {
  const entries = Object.entries(value === undefined ? {} : demandObject(value, name));
  return Object.fromEntries(
    entries.filter(([, item]) => item !== undefined).map(([key, item]) => [key, String(item)]),
  );
}

function flag(value: unknown, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(name, "of type boolean", value);
}

/** Node's `WASI`. */
export class WASI {
  /** The functions for the import map; they may be replaced. */
  readonly wasiImport: Record<string, WasiFunction>;
  readonly #module: string;
  readonly #process: Process;
  readonly #returnOnExit: boolean;
  #started = false;

  /** @throws TypeError or RangeError with Node's codes */
  constructor(options: NodeWasiOptions) {
    const given = demandObject(options, "options");
    const { returnOnExit = true, stderr = 2, stdin = 0, stdout = 1, version } = given;
    this.#module = moduleOf(version);
    const preopens = Object.entries(stringsOf(given.preopens, "options.preopens"));
    this.#process = new Process({
      args: argumentsOf(given.args),
      env: stringsOf(given.env, "options.env"),
      preopens: Object.fromEntries(
        preopens.map(([guest, host]) => [guest, hostDirectory(host)] as const),
      ),
      stdin: descriptorInput(descriptor(stdin, "options.stdin")),
      stdout: descriptorOutput(descriptor(stdout, "options.stdout")),
      stderr: descriptorOutput(descriptor(stderr, "options.stderr")),
      clock: systemClock(),
      random: systemRandom(),
    });
    this.#returnOnExit = flag(returnOnExit, "options.returnOnExit");
    this.wasiImport = { ...importsFor(this.#process)[this.#module as "wasi_unstable"] };
  }

  /** The import map of a module. */
  getImportObject(): Record<string, Record<string, WasiFunction>> {
    return { [this.#module]: this.wasiImport };
  }

  /**
   * Prepares for the instance without calling anything of it.
   * @throws TypeError for what has no memory, Error if there was an instance before
   */
  finalizeBindings(instance: object, options: { readonly memory?: unknown } = {}): void {
    const { exports } = demandObject(instance, "instance");
    const memory = options.memory ?? demandObject(exports, "instance.exports").memory;
    if (this.#started) {
      const error = new Error("WASI instance has already started");
      throw Object.assign(error, { code: "ERR_WASI_ALREADY_STARTED" });
    }
    if (!isMemory(memory)) {
      throw invalid("instance.exports.memory", "an instance of WebAssembly.Memory", memory);
    }
    this.#started = true;
    this.#process.bound = new ForeignMemory(memory);
  }

  /** Runs a command; its exit code. @throws TypeError for an instance that is none */
  start(instance: object): number {
    this.finalizeBindings(instance);
    const { _initialize, _start } = (instance as AnyInstance).exports;
    const start = demandFunction(_start, "instance.exports._start");
    demandUndefined(_initialize, "instance.exports._initialize");
    try {
      start();
      return 0;
    } catch (error) {
      if (!(error instanceof WasiExit)) throw error;
      if (!this.#returnOnExit) process.exit(error.exitCode);
      return error.exitCode;
    }
  }

  /** Prepares a reactor. @throws TypeError for an instance that is none */
  initialize(instance: object): void {
    this.finalizeBindings(instance);
    const { _initialize, _start } = (instance as AnyInstance).exports;
    demandUndefined(_start, "instance.exports._start");
    if (_initialize !== undefined) {
      demandFunction(_initialize, "instance.exports._initialize")();
    }
  }
}

function isMemory(value: unknown): value is AnyMemory {
  if (!isObject(value)) return false;
  const { buffer } = value;
  return buffer instanceof ArrayBuffer || buffer instanceof SharedArrayBuffer;
}
