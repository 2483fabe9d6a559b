// What can be granted to a program, and the types of what `wasi` gives back.

import type { FileSystem } from "./file-system.ts";
import type { Clock, RandomSource } from "./sources.ts";
import type { InputSource, OutputSink } from "./streams.ts";

/** What a program gets. Without options: nothing. */
export interface WasiOptions {
  /** Arguments; the first is the program's name by convention. Default: none. */
  readonly args?: readonly string[];
  /** The whole environment. Default: empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: empty. */
  readonly stdin?: InputSource;
  /** Default: what is written vanishes. */
  readonly stdout?: OutputSink;
  readonly stderr?: OutputSink;
  /** Directories by the guest's names for them, e.g. `{ "/": memoryFileSystem() }`. */
  readonly preopens?: Readonly<Record<string, FileSystem>>;
  /** Default: `fixedClock()`. */
  readonly clock?: Clock;
  /** Default: `seededRandom()`. */
  readonly random?: RandomSource;
  /** Bytes that stdout and stderr take together; then writing fails with `nospc`. Default: all. */
  readonly outputLimit?: number;
  /** Descriptors that may be open; then opening fails with `mfile`. Default 128. */
  readonly descriptorLimit?: number;
}

/** A function of WASI: works with every engine. */
export type WasiFunction = (...args: readonly (number | bigint)[]) => unknown;

/** The functions of one module of WASI, by name. */
export type WasiModule = Readonly<Record<string, WasiFunction>>;

/** An import map; more modules may be put beside: `{ ...program.imports, env }`. */
export type WasiImports = {
  readonly wasi_snapshot_preview1: WasiModule;
  readonly wasi_unstable: WasiModule;
};

/** An instance of another engine, such as the host's own or of `wasmeter/js-api`. */
export interface ForeignInstance {
  readonly exports: object;
}
