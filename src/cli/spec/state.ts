// What the commands of one script share, and what a command's verdict is. At present only decoding
// and validation are judged, so the state is how modules are loaded; instances are to live here.

import { readFileSync } from "node:fs";
import { type DecodeSettings, moduleDecoder } from "../../embedding/module.ts";
import { ModuleError } from "../../module/errors.ts";
import type { ModuleRecord } from "../../module/module.ts";
import { HostError } from "../command.ts";
import { reason } from "../input.ts";

/** How one command went. */
export interface Verdict {
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped; empty for a passed command. */
  readonly reason: string;
  /** The error that refused the command's module, if one did: its message. */
  readonly message?: string;
}

/** How scripts are run. */
export interface RunSettings extends DecodeSettings {
  /** Modules are fed in chunks of so many bytes; absent: in one piece. */
  readonly chunk?: number;
}

/** A module, or the error that refused it. */
export type Loaded =
  | { readonly module: ModuleRecord; readonly error?: never }
  | { readonly module?: never; readonly error: ModuleError };

/** Everything that outlives a command of a script. */
export class ScriptState {
  /** How many modules have been put through the decoder and the validator. */
  modules = 0;
  private readonly settings: RunSettings;

  constructor(settings: RunSettings) {
    this.settings = settings;
  }

  /**
   * Decodes and validates the module in a file.
   * @throws HostError if it cannot be read
   */
  load(path: string): Loaded {
    const bytes = readModule(path);
    this.modules += 1;
    try {
      return { module: this.decode(bytes) };
    } catch (error) {
      if (error instanceof ModuleError) return { error };
      throw error;
    }
  }

  private decode(bytes: Uint8Array): ModuleRecord {
    const { chunk = Math.max(bytes.length, 1) } = this.settings;
    const decoder = moduleDecoder(this.settings);
    for (let start = 0; start < bytes.length; start += chunk) {
      decoder.push(bytes.subarray(start, start + chunk));
    }
    return decoder.end();
  }
}

function readModule(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new HostError(`cannot read ${path}: ${reason(error)}`);
  }
}
