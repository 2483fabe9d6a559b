// Calls of guests' functions, as those see them who make and drive them or are called from within:
// begun with arguments, run within a budget, given up, asked where they stand. Whose code executes
// them, nobody above this file knows.

import { CallThread } from "../interpreter/call.ts";
import { PromisingThread } from "../interpreter/promising.ts";
import { currentThread } from "../interpreter/stack.ts";
import { Thread } from "../interpreter/thread.ts";
import { readRaw } from "../interpreter/values.ts";
import type { ValType } from "../isa/types.ts";
import type { FunctionInstance, ModuleInstance, Value } from "../runtime/instances.ts";
import type {
  FrameReader,
  Interruption,
  Outcome,
  Progress,
  Watch,
  Watcher,
} from "../runtime/outcome.ts";
import type { Settled } from "../runtime/promises.ts";
import type { Store } from "../runtime/store.ts";
import type { Backtrace } from "../runtime/trap.ts";

/** A call in progress, as host functions see it that it has called. */
export interface CallInProgress {
  readonly store: Store;
  /** The instance whose function called; null: the host function is what was called. */
  readonly instance: ModuleInstance | null;
  /** The host function that was called last. */
  readonly hostCallee: FunctionInstance | null;
  /** Whether it can be suspended, so that host functions may return promises. */
  readonly mayAwait: boolean;
  /** The call whose host function has made this one. */
  readonly beneath: CallInProgress | null;
  /** Why it, or one beneath it, has to stop now, besides fuel; null: it need not. */
  readonly interruption: Interruption | null;
  /** Whether there is such a reason: for host functions that wait. */
  readonly mustStop: boolean;
  /** Lets a host function's work count towards the slice; costs no fuel. */
  shortenSlice(units: number): void;
}

/** A call for who drives it in slices. */
export interface Call extends CallInProgress {
  /** Fuel that it has used. */
  readonly fuelUsed: number;
  /** What the host has done for it besides, see `Store.work`. */
  readonly workDone: number;
  /** The function that was called. */
  readonly callee: FunctionInstance;
  /** Who watches it; null: nobody. */
  watcher: Watcher | null;
  /** Whether its frames are on their way out of compiled code. */
  readonly comesDown: boolean;
  /** Whether there is room for its frames where it would go on now. */
  readonly fits: boolean;
  /**
   * Runs for about `slice` units of fuel: at least one segment, and at most one more than it
   * allows. One that was suspended goes on; `resume` is what its host function's promise gave.
   */
  run(slice: number, resume?: Settled): Outcome;
  /** The functions that a suspended call is in; empty once others have run in its place. */
  backtrace(): Backtrace;
  /** For one that is suspended, and that nobody will run again: gives back what it holds. */
  abandon(): void;
}

/** A call of JavaScript's that runs to its end, or a place for such calls one after the other. */
export interface DirectCall {
  /** Opcode of the instruction that has trapped last; -1 if it is not known. */
  readonly trapOpcode: number;
  /**
   * Calls a function whose arguments lie in the `nextFrame`, and reads its results.
   * @throws Trap, Exhaustion, Uncaught, and whatever a host function throws
   */
  perform(callee: FunctionInstance, results: FrameReader): unknown;
}

/** A call of JavaScript's that waits for what host functions promise. */
export interface PromisingCall {
  readonly trapOpcode: number;
  readonly callee: FunctionInstance;
  /** Milliseconds that it has run so far, on the clock of `guestTime`: waiting takes no time. */
  readonly timeUsed: number;
  /**
   * Runs until the call ends or waits: at first with the arguments that lie in the `nextFrame`,
   * later with what the promise has come to. After an error it is to be abandoned.
   * @throws Trap, Exhaustion, Uncaught, and whatever a host function throws
   */
  advance(settled: Settled | null): Progress;
  abandon(): void;
}

/** The call whose guest is running, or has called the host function that is running. */
export function currentCall(): CallInProgress | null {
  return currentThread();
}

/** A call to be driven, suspended at its first instruction. */
export function beginCall(
  store: Store,
  callee: FunctionInstance,
  args: readonly Value[],
  mayAwait: boolean,
  watcher: Watcher | null = null,
): Call {
  const thread = new Thread(store, callee, args, mayAwait);
  thread.watcher = watcher;
  return thread;
}

/** A thread whose results are bits. */
class RawThread extends Thread {
  protected override results(at: number, types: readonly ValType[]): Value[] {
    return readRaw(at, types);
  }
}

/** `beginCall` of a call whose results are bits (`RawValue`): no payload of a NaN is lost. */
export function beginRawCall(store: Store, callee: FunctionInstance, args: readonly Value[]): Call {
  return new RawThread(store, callee, args, false);
}

/** For calls that end before the next one begins here; those in between have one of their own. */
export function directCall(store: Store, watch: Watch): DirectCall {
  return new CallThread(store, watch);
}

export function promisingCall(
  store: Store,
  watch: Watch,
  callee: FunctionInstance,
  results: FrameReader,
): PromisingCall {
  return new PromisingThread(store, watch, callee, results);
}
