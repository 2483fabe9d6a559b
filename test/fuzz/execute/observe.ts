// Runs a module in a namespace, ours or the host's, and writes down what happens. Ours runs under
// small limits; where one of them stops it, the transcript ends: the host has no such limits.

import { CodeLimitError } from "../../../src/module/errors.ts";
import type { ModuleRecord } from "../../../src/module/module.ts";
import { Exhaustion, Trap } from "../../../src/runtime/trap.ts";
import {
  argumentsOf,
  callable,
  failure,
  importsFor,
  type Namespace,
  shown,
  stateOf,
} from "./world.ts";

export interface Transcript {
  readonly lines: readonly string[];
  /** A limit has stopped it, or it uses what is not there: what follows would differ. */
  readonly stopped: boolean;
  /** Errors that no documented class stands for. */
  readonly internal: readonly string[];
  /** Calls that came to an end. */
  readonly calls: number;
  /** Whether there is an instance. */
  readonly made: boolean;
}

/** Calls of each function. */
const ROUNDS = 2;
/** Units of the exported counter that bounds a generated program. */
const BOUND = 60;

/** Whether one of our limits has ended a call. */
function isLimit(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Exhaustion || cause instanceof CodeLimitError;
}

/** Whether an error of ours is one that the documentation knows. */
function isDocumented(error: unknown, words: string): boolean {
  if (words !== "exhausted" && !words.startsWith("trap")) return true;
  return isLimit(error) || (error as { cause?: unknown }).cause instanceof Trap;
}

/**
 * Runs the functions of a module that is valid, `most` calls at most; null if its imports cannot be
 * made.
 */
export function observe(
  namespace: Namespace,
  bytes: Uint8Array,
  record: ModuleRecord,
  seed: number,
  ours: boolean,
  most = Number.POSITIVE_INFINITY,
): Transcript | null {
  const lines: string[] = [];
  const internal: string[] = [];
  let stopped = false;
  let calls = 0;
  const imports = importsFor(namespace, record, seed, lines);
  if (imports === null) return null;
  const attempt = (what: string, action: () => unknown): boolean => {
    const before = lines.length;
    try {
      lines.push(`${what}: ${shown(action())}`);
      return true;
    } catch (error) {
      const words = failure(namespace, error);
      if (words === null || (ours && !isDocumented(error, words))) {
        internal.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
      }
      if (ours ? isLimit(error) : words === "exhausted") {
        stopped = true;
        lines.length = before;
      } else lines.push(`${what}: ${words}`);
      return false;
    }
  };
  let exports: Record<string, unknown> = {};
  const made = attempt("instantiation", () => {
    const module = new namespace.Module(bytes);
    ({ exports } = new namespace.Instance(module as never, imports as never) as never);
  });
  if (!made) return { lines, stopped, internal, calls, made };
  const { fuel } = exports as { fuel?: { value: number } };
  const bounded = fuel !== undefined && typeof fuel === "object" && typeof fuel.value === "number";
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, params] of callable(record)) {
      if (stopped || calls >= most) break;
      if (bounded) fuel.value = BOUND;
      const args = argumentsOf(seed, calls, params);
      const call = exports[name] as (...args: unknown[]) => unknown;
      attempt(`${name}(${args.map(shown).join(", ")})`, () => call(...args));
      if (stopped) break;
      lines.push(...stateOf(record, exports));
      calls++;
    }
  }
  return { lines, stopped, internal, calls, made };
}

/**
 * V8 looks at the bounds of an atomic access first, then at its alignment; the specification at
 * the alignment, then whether the memory is shared, then at the bounds.
 */
const ANY_OF_ATOMICS =
  /trap: (memory out of bounds|operation does not support unaligned|Atomics\.wait cannot).*/;

function alike(line: string | undefined): string | undefined {
  return line?.replace(ANY_OF_ATOMICS, "trap: an atomic access");
}

/** The first line in which two transcripts differ; null if there is none. */
export function difference(ours: Transcript, theirs: Transcript): string | null {
  // Where ours was stopped, the other may go on.
  const length = ours.stopped
    ? ours.lines.length
    : Math.max(ours.lines.length, theirs.lines.length);
  for (let i = 0; i < length; i++) {
    if (alike(ours.lines[i]) !== alike(theirs.lines[i]))
      return `${ours.lines[i]}, host: ${theirs.lines[i]}`;
  }
  return null;
}
