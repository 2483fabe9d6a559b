// How a run can end other than well: exit code and message of each error (design: section 2).

import { type Backtrace, Exhaustion, LinkError, Trap, WasmException } from "../api/index.ts";
import { formatFrame } from "../runtime/trap.ts";
import { EXIT } from "./command.ts";
import { visible } from "./text.ts";

/** Something that is wrong with what is to be called; exit code 7. */
export class CallError extends Error {}

/** Frames of a backtrace that are shown. */
const FRAMES = 10;
/** Characters of a message that should not be there. */
const LONGEST_MESSAGE = 500;

/** The exit code of an error that a run can end with; undefined for any other. */
export function exitCode(error: unknown): number | undefined {
  if (error instanceof Exhaustion) {
    if (error.kind === "fuel") return EXIT.fuel;
    return error.kind === "deadline" || error.kind === "epoch" ? EXIT.deadline : EXIT.limit;
  }
  if (error instanceof LinkError) return EXIT.link;
  if (error instanceof CallError) return EXIT.arguments;
  if (error instanceof Trap) return EXIT.trap;
  return error instanceof WasmException ? EXIT.exception : undefined;
}

/**
 * A program's exit code as the system takes it: 8 bits, of which 0 means success. What has more
 * bits would look like another one, so it becomes 1.
 */
export function processStatus(code: number): number {
  return code === (code & 0xff) ? code : EXIT.host;
}

/** One line about an error that nobody has foreseen. */
export function unexpected(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const short = visible(text.slice(0, LONGEST_MESSAGE));
  return `wasmeter: internal error: ${short}; please report it, and the module that does it\n`;
}

/** What is to be said about an error that has an exit code. */
export function report(error: unknown): string {
  if (error instanceof CallError) return error.message;
  if (error instanceof LinkError) {
    const provided = "all that is provided is wasi_snapshot_preview1 (wasi_unstable)";
    return `${visible(error.message)}; ${provided}\n`;
  }
  const { backtrace, message, name } = error as Error & { backtrace: Backtrace };
  const frames = backtrace.map((frame) => `  at ${formatFrame(frame)}\n`);
  return `${name}: ${visible(message)}\n${frames.slice(0, FRAMES).join("")}`;
}
