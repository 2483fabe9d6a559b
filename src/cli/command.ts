// What a subcommand is, and the frozen exit codes (design: section 2).

import type { ParseArgsConfig } from "node:util";

/** Exit codes; they never change their meaning. */
export const EXIT = {
  ok: 0,
  host: 1,
  fuel: 2,
  deadline: 3,
  limit: 4,
  link: 5,
  invalidModule: 6,
  arguments: 7,
  trap: 8,
  exception: 9,
  usage: 64,
  /** What a shell shows for a program that SIGPIPE has ended. */
  brokenPipe: 141,
} as const;

/** Where a command reads and writes; replaced by tests. */
export interface Io {
  /** Everything on standard input, in the chunks it comes in. */
  readonly stdin: AsyncIterable<Uint8Array>;
  out(text: string | Uint8Array): void;
  /**
   * Waits until the readers of `out` and `err` have taken enough; undefined if they have. A command
   * that writes more than a screen awaits it now and then, else everything piles up in memory
   * before a slow pipe.
   */
  drained?(): Promise<void> | undefined;
  /** What nobody has taken yet may be lost: the process ends with the command. */
  abandon?(): void;
  err(text: string | Uint8Array): void;
  /** Whether colour may be used on `out`. */
  readonly color: boolean;
  /** Whether one of the standard streams is a terminal. Default: none is. */
  isTerminal?(stream: "stdin" | "stdout" | "stderr"): boolean;
  /** Variables that a program may be given. Default: none. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

type OptionValue = string | boolean | (string | boolean)[] | undefined;

/** The arguments of a command after parsing. */
export interface Arguments {
  readonly values: Readonly<Record<string, OptionValue>>;
  readonly positionals: readonly string[];
}

/** A subcommand of `wasmeter`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Everything that `wasmeter NAME --help` prints. */
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** What follows the first positional belongs to a guest, also if it begins with `-`. */
  readonly passesOn?: boolean;
  /** Exit code when the reader of its output goes away. Default 0. */
  readonly brokenPipe?: number;
  /** Runs it; the exit code. A `UsageError` becomes exit code 64. */
  run(args: Arguments, io: Io): Promise<number>;
}

/** The command line was wrong. */
export class UsageError extends Error {}

/** A file could not be read or a tool is missing; exit code 1. */
export class HostError extends Error {}
