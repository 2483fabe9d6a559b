// Runs modules that import WASI: what the command line grants, the process's own streams, the
// host's clock and random numbers (the user has started the program himself and expects the time
// of day). All output is awaited, so that memory does not grow with what passes through, and a
// deadline also counts while the program waits for its input.

import { basename } from "node:path";
import type { Module } from "../api/index.ts";
import type { Wasi } from "../wasi/index.ts";
import {
  type InputStream,
  type OutputStream,
  systemClock,
  systemRandom,
  wasi,
} from "../wasi/index.ts";
import { hostDirectory } from "../wasi/node.ts";
import { HostError, type Io } from "./command.ts";
import { type Grants, missingGrant } from "./grants.ts";

/** Modules of imports that are WASI preview 1. */
const WASI_MODULES: ReadonlySet<string> = new Set(["wasi_snapshot_preview1", "wasi_unstable"]);

const NOTHING = new Uint8Array(0);

/** Whether a module imports WASI, and gets what the command line grants. */
export function importsWasi({ imports }: Module): boolean {
  return imports.some(({ module }) => WASI_MODULES.has(module));
}

function unreadable(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw new HostError(`cannot read standard input: ${reason}`);
}

function input(io: Io): InputStream {
  let chunks: AsyncIterator<Uint8Array> | null = null;
  return {
    isTerminal: io.isTerminal?.("stdin") ?? false,
    async read() {
      try {
        // Standard input is touched when the program wants it, not before.
        chunks ??= io.stdin[Symbol.asyncIterator]();
        const { done, value } = await chunks.next();
        return done ? NOTHING : value;
      } catch (error) {
        return unreadable(error);
      }
    },
  };
}

/** What the process has been granted, and what has come of it. */
export class World {
  readonly wasi: Wasi;
  private readonly module: Module;
  private readonly words: readonly string[];
  private readonly grants: Grants;
  /** Whether the program has written to standard error. */
  private hasComplained = false;

  /** `args`: the file, and the program's arguments. */
  constructor(module: Module, args: readonly string[], grants: Grants, io: Io) {
    const [file, ...words] = args;
    this.module = module;
    this.words = words;
    this.grants = grants;
    const disk = grants.diskBytes === undefined ? {} : { bytes: grants.diskBytes };
    const preopens = grants.directories.map(({ guest, host, readOnly }) => {
      return [guest, hostDirectory(host, { readOnly, ...disk })] as const;
    });
    this.wasi = wasi({
      args: [basename(file), ...words],
      env: grants.environment,
      preopens: Object.fromEntries(preopens),
      stdin: input(io),
      stdout: this.output("stdout", io),
      stderr: this.output("stderr", io),
      clock: systemClock(),
      random: systemRandom(),
    });
  }

  private output(name: "stdout" | "stderr", io: Io): OutputStream {
    return {
      isTerminal: io.isTerminal?.(name) ?? false,
      write: (bytes) => {
        if (name === "stdout") io.out(bytes);
        else {
          this.hasComplained = true;
          io.err(bytes);
        }
        return io.drained?.();
      },
    };
  }

  /** One line that helps after a failure; empty if there is nothing to say. */
  get hint(): string {
    const opens = this.module.imports.some(({ name }) => name === "path_open");
    return opens && this.hasComplained ? missingGrant(this.words, this.grants.directories) : "";
  }
}
