// Executions: calls that can be stopped and go on (design: section 2). An execution adds to the
// engine's call what it means to the embedder: deadlines, epoch, abort signal, what it
// has used, and results as JavaScript values. The guest is looked at between slices only.

import { beginCall, type Call, currentCall } from "../embedding/call.ts";
import { amount, checkedOptions, type OptionTable } from "../module/options.ts";
import { deadlineIn, isOver, millisecondsNow, timeUntil } from "../runtime/clock.ts";
import { requireHeadroom } from "../runtime/headroom.ts";
import type { FunctionInstance } from "../runtime/instances.ts";
import { type Outcome as Ended, type Interruption, POLL } from "../runtime/outcome.ts";
import { promiseOf, type Settled } from "../runtime/promises.ts";
import { Exhaustion, type Trap } from "../runtime/trap.ts";
import { AsyncCall } from "./async-call.ts";
import type { AbortSignalLike } from "./host-loop.ts";
import { Pace } from "./pace.ts";
import type { Store } from "./store.ts";
import { fromEngine, type Value } from "./values.ts";

/** Why an execution is suspended: nothing has gone wrong, `run` goes on. */
export type SuspendReason =
  /** The slice is used up. */
  | "slice"
  /** The store has too little fuel for what comes next. */
  | "fuel"
  /** The store's epoch deadline has been reached. */
  | "epoch"
  /** The time is up: its own, or that of the call that lies beneath. */
  | "deadline"
  /** The abort signal of the call that lies beneath was given. */
  | "signal";

/** How a run ended, or why it paused. */
export type Outcome =
  /** `value` is what `call` would return; `values` are always all results. */
  | { readonly kind: "returned"; readonly value: Value; readonly values: readonly Value[] }
  | { readonly kind: "trapped"; readonly trap: Trap }
  /** An `Exhaustion`, a `WasmException`, or what a host function threw. */
  | { readonly kind: "threw"; readonly error: unknown }
  /** `cancel` was called before it had come to its end. */
  | { readonly kind: "cancelled" }
  | { readonly kind: "suspended"; readonly reason: SuspendReason }
  /**
   * A host function has returned a promise. `promise` fulfils, and never rejects, when it is
   * settled; from then on `run` goes on with what it gave.
   */
  | { readonly kind: "suspended"; readonly reason: "host"; readonly promise: Promise<void> }
  /**
   * It waits at a shared memory. `promise` fulfils when it may have been notified, or its time may
   * be up; `run` may be called before that, too, and finds out.
   */
  | { readonly kind: "suspended"; readonly reason: "wait"; readonly promise: Promise<void> };

/** Where an execution stands. */
export type ExecutionStatus = "suspended" | "running" | Exclude<Outcome["kind"], "suspended">;

/** What a call has used. */
export interface Usage {
  /** Fuel, that of the calls which its host functions made in the same store included. */
  readonly fuel: number;
  /** Most bytes of linear memory that the store had at once meanwhile. */
  readonly peakMemoryBytes: number;
  /** Calls of host functions. */
  readonly hostCalls: number;
}

/** How far `Execution.run` goes at most. */
export interface RunOptions {
  /**
   * Units of fuel, at least 1; stops at the first segment boundary from there on, and before it if
   * what costs no fuel (the translation of a long function, say) takes longer than some 5 ms.
   */
  readonly slice?: number;
  /** Milliseconds from now. */
  readonly timeout?: number;
}

/**
 * Milliseconds that work without fuel may take in a slice, and most that one piece of it counts
 * for: what takes longer is a pause of the host, and a slice that has one still gets somewhere.
 */
const MOST_WORK = 5;
const MOST_OF_PIECE = 1;

const RUN_OPTIONS: OptionTable<RunOptions> = { slice: amount(1), timeout: amount() };

/** What can stop a call from outside. */
export interface Interrupts {
  /** On the clock of `guestTime`; Infinity: never. */
  readonly deadline: number;
  readonly signal?: AbortSignalLike | undefined;
}

const CANCELLED: Outcome = { kind: "cancelled" };
const NOTHING: Interrupts = { deadline: Number.POSITIVE_INFINITY };

/** The execution whose guest is running, or has called the host function that is running. */
let active: Execution | null = null;

/** For host functions of the layers around: the execution in which they are called. */
export function activeExecution(): Execution | null {
  return active;
}

/** How many executions lie on top of each other on the host's own stack. */
let nesting = 0;
/**
 * Calls from host functions called by guests, one inside the other: each level takes about 2 KB of
 * the host's stack, of which there is 1 MB by default.
 */
const MAX_NESTING = 200;

/**
 * A call in progress. Made by `func.start(…)`, suspended at its first instruction.
 *
 * Any number of them may overlap, also in one instance, and so may calls under `callAsync`. Each is
 * a computation of its own: who is run goes on, the others stand still, and memories, tables and
 * globals are what the last one left. Fuel comes from the store's one account, `usage` says what
 * each has taken of it, and a deadline or a signal, a trap or the end concerns one alone. One that
 * is dropped while it is suspended costs memory until it is collected; `cancel` gives that back.
 *
 * ```ts
 * const execution = plugin.func("render").start(1, 2n);
 * let outcome = execution.run({ slice: 10_000 });
 * while (outcome.kind === "suspended") outcome = execution.run({ slice: 10_000 });
 * ```
 */
export class Execution {
  readonly store: Store;
  /** For snapshots. */
  readonly call: Call;
  /** For `AsyncCall`, like all that is not private but not documented for users. */
  interrupts: Interrupts;
  private final: Outcome | null = null;
  private running = false;
  /** Made when somebody watches it, like all that a plain call has no use for. */
  private pace: Pace | null = null;
  /** Milliseconds that the guest may run at a stretch; null: as long as it likes. */
  private allowance: number | null = null;
  private waiting: Promise<void> | null = null;
  private settled: Settled | null = null;
  private outer: Execution | null = null;
  private fuel = 0;
  private peakMemoryBytes = 0;
  private hostCalls = 0;

  /** For `Func`: `args` have been checked. `mayAwait`: host functions may return promises. */
  constructor(
    store: Store,
    target: FunctionInstance,
    args: readonly Value[],
    mayAwait: boolean,
    interrupts: Interrupts = NOTHING,
    call: Call | null = null,
  ) {
    this.store = store;
    this.call = call ?? beginCall(store.runtime, target, args, mayAwait, this);
    this.interrupts = interrupts;
  }

  /** For snapshots: a call that goes on, and has used so much. */
  static restored(store: Store, call: Call, usage: Usage): Execution {
    const execution = new Execution(store, call.callee, [], true, NOTHING, call);
    call.watcher = execution;
    execution.fuel = usage.fuel;
    execution.peakMemoryBytes = usage.peakMemoryBytes;
    execution.hostCalls = usage.hostCalls;
    return execution;
  }

  get status(): ExecutionStatus {
    if (this.running) return "running";
    return (this.final?.kind ?? "suspended") as ExecutionStatus;
  }

  /** For `AsyncCall`: the milliseconds that the guest is charged for its last run. */
  get charged(): number {
    return this.pace?.charged ?? 0;
  }

  /** What the execution has used so far. */
  get usage(): Usage {
    const { fuel, hostCalls, peakMemoryBytes } = this;
    return { fuel, peakMemoryBytes, hostCalls };
  }

  /**
   * Milliseconds until a deadline stops it, its own or that of a call beneath; 0 if something,
   * epoch and signal included, stops it now.
   */
  get timeLeft(): number {
    if (this.interruption !== null) return 0;
    const own = timeUntil(this.interrupts.deadline);
    return Math.max(0, Math.min(own, this.outer?.timeLeft ?? own));
  }

  /**
   * Ends an execution that is suspended: its frames are given back, what its host function has
   * promised is of no interest any more, and `run` gives the outcome "cancelled". What the guest
   * has done stays done. Does nothing if it has ended.
   * @throws Error if one of its host functions wants this: it is running
   */
  cancel(): void {
    if (this.running) throw new Error("this execution is running: it cannot be cancelled now");
    if (this.final !== null) return;
    this.call.abandon();
    this.waiting = null;
    this.settled = null;
    this.end(CANCELLED);
    this.store.lastUsage = this.usage;
  }

  /**
   * Runs until the call has ended or something suspends it. Once it has ended, every run gives the
   * same outcome. Slices do not change what is executed or billed.
   * @throws RangeError for a slice below 1 or a timeout below 0, TypeError for other options
   * @throws Error if the execution is running already and one of its host functions wants this
   * @throws Exhaustion "callDepth" or "stackBytes" inside of other calls' host functions, where the
   * stacks have no room for it. It stays suspended, and can be run from elsewhere
   */
  run(options: RunOptions = {}): Outcome {
    const checked = checkedOptions("run", options, RUN_OPTIONS);
    const { slice = Number.POSITIVE_INFINITY, timeout } = checked;
    if (timeout !== undefined) this.interrupts = { deadline: deadlineIn(timeout) };
    try {
      return this.advance(slice);
    } finally {
      if (timeout !== undefined) this.interrupts = NOTHING;
    }
  }

  /** For `Func.call`: runs to the end; the result, or what there is to throw. */
  finish(): Value {
    const outcome = this.advance(Number.POSITIVE_INFINITY);
    if (outcome.kind === "returned") return outcome.value;
    const error = this.errorOf(outcome, beneath());
    this.call.abandon();
    throw error;
  }

  /** For `Func.callAsync`: the same in slices, with the event loop in between. */
  finishAsync(slice?: number): Promise<Value> {
    return AsyncCall.run(this, slice);
  }

  /** For `AsyncCall`: runs for about so many milliseconds at most, pauses of the host left out. */
  advanceFor(milliseconds: number): Outcome {
    this.allowance = milliseconds;
    try {
      return this.advance(Number.POSITIVE_INFINITY);
    } finally {
      this.allowance = null;
    }
  }

  /** For `AsyncCall`: runs for so many units of fuel. */
  advanceBy(slice: number): Outcome {
    return this.advance(slice);
  }

  /** For snapshots: has its calls come out of compiled code, as far as nothing stops that. */
  comeDown(): void {
    if (this.status === "suspended" && this.call.comesDown) this.advance(0);
  }

  /** For `AsyncCall`: nobody will run it again. */
  abandon(): void {
    this.call.abandon();
  }

  // Running

  private advance(slice: number): Outcome {
    if (this.running) throw new Error("this execution is running: it waits for a host function");
    if (this.final !== null) return this.final;
    if (nesting > 0) this.requireRoom();
    this.outer = active;
    active = this;
    this.running = true;
    nesting++;
    const { runtime } = this.store;
    const { hostCalls, peakMemoryBytes: peak } = runtime;
    runtime.peakMemoryBytes = runtime.usage("memoryBytes");
    const { fuelUsed } = this.call;
    try {
      return this.slices(slice);
    } finally {
      nesting--;
      this.running = false;
      active = this.outer;
      this.account(this.call.fuelUsed - fuelUsed, runtime.hostCalls - hostCalls, peak);
      this.outer = null;
    }
  }

  /** Before anything has changed: what is begun must not be cut off for lack of room. */
  private requireRoom(): void {
    if (nesting >= MAX_NESTING) {
      throw new Exhaustion("callDepth", `${nesting} calls from host functions inside each other`);
    }
    if (!this.call.fits) {
      throw new Exhaustion("stackBytes", "there is no room above the calls that lie beneath");
    }
    requireHeadroom();
  }

  private account(fuel: number, hostCalls: number, peakBefore: number): void {
    const { outer, store } = this;
    const { runtime } = store;
    this.hostCalls += hostCalls;
    this.peakMemoryBytes = Math.max(this.peakMemoryBytes, runtime.peakMemoryBytes);
    runtime.peakMemoryBytes = Math.max(runtime.peakMemoryBytes, peakBefore);
    this.fuel += fuel;
    store.bill(fuel);
    for (let beneath = outer; beneath !== null; beneath = beneath.outer) {
      if (beneath.store === store) beneath.fuel += fuel;
    }
    if (this.final !== null) store.lastUsage = this.usage;
  }

  /** Whether anything but fuel and the slice can stop the guest. */
  private get watched(): boolean {
    const { deadline, signal } = this.interrupts;
    if (this.allowance !== null) return true;
    if (this.store.epoch !== null || deadline !== Number.POSITIVE_INFINITY) return true;
    if (signal !== undefined || (this.outer?.watched ?? false)) return true;
    // What lies beneath may be a guest of a namespace, with limits of its own.
    const beneath = currentCall();
    return beneath !== null && beneath !== this.outer?.call;
  }

  private slices(slice: number): Outcome {
    const { call, watched } = this;
    const isBounded = slice !== Number.POSITIVE_INFINITY;
    let left = slice;
    // Milliseconds of runs in which the host has worked, too.
    let worked = 0;
    this.pace?.begin();
    for (;;) {
      const reason = watched ? this.interruption : null;
      if (reason !== null) return { kind: "suspended", reason };
      if (this.waiting !== null && this.settled === null) {
        return { kind: "suspended", reason: "host", promise: this.waiting };
      }
      const isOver = left <= 0 || worked >= MOST_WORK || this.isOverAllowance;
      // A slice of nothing is for what comes down.
      if (isOver && !(slice === 0 && call.comesDown)) {
        return { kind: "suspended", reason: "slice" };
      }
      const before = call.fuelUsed;
      const { work } = this;
      const began = isBounded ? millisecondsNow() : 0;
      const ended = watched ? this.runPaced(left) : this.runCall(left);
      left -= call.fuelUsed - before;
      const pause = ended.kind === "suspended" && ended.reason === "slice";
      if (!pause) return this.outcomeOf(ended);
      if (isBounded && this.work !== work) {
        worked += Math.min(millisecondsNow() - began, MOST_OF_PIECE);
      }
    }
  }

  /** What the host has done for the guest besides executing it, also what is not booked yet. */
  private get work(): number {
    return this.call.workDone + this.store.runtime.work;
  }

  private get isOverAllowance(): boolean {
    return this.allowance !== null && this.charged >= this.allowance;
  }

  private runPaced(slice: number): Ended {
    const { call } = this;
    this.pace ??= new Pace();
    const { pace } = this;
    const { fuelUsed } = call;
    const began = millisecondsNow();
    const ended = this.runCall(Math.min(slice, pace.units));
    pace.took(call.fuelUsed - fuelUsed, millisecondsNow() - began, this.store.tenant);
    return ended;
  }

  private runCall(slice: number): Ended {
    const { call, settled } = this;
    this.waiting = null;
    this.settled = null;
    try {
      return settled === null ? call.run(slice) : call.run(slice, settled);
    } catch (error) {
      return { kind: "threw", error };
    }
  }

  /** For its call: what stops it now, but for what lies beneath. */
  reason(): Interruption | null {
    return reasonToStop(this.store, this.interrupts);
  }

  /** For its call: milliseconds until that is to be asked again. */
  get patience(): number {
    const { deadline, signal } = this.interrupts;
    if (this.store.epochDeadline !== Number.POSITIVE_INFINITY || signal !== undefined) return POLL;
    return timeUntil(deadline);
  }

  /** What stops the guest now, besides fuel; null: nothing. */
  get interruption(): Interruption | null {
    const own = this.reason();
    return own ?? (this.running ? (currentCall()?.interruption ?? null) : null);
  }

  /**
   * For `Store.instantiate`: looks whether work for a guest that is no call shall go on.
   * @throws what a call would throw that is stopped now
   */
  static checkStop(store: Store, interrupts: Interrupts): void {
    const reason = reasonToStop(store, interrupts) ?? currentCall()?.interruption ?? null;
    if (reason === null) return;
    if (reason !== "signal") throw new Exhaustion(reason);
    throw interrupts.signal?.aborted ? interrupts.signal.reason : active?.abortReason();
  }

  /** For `Store.instantiate`: whether anything may stop such work. */
  static isStoppable({ epoch }: Store, { deadline, signal }: Interrupts): boolean {
    const mayEnd = deadline !== Number.POSITIVE_INFINITY || signal !== undefined || epoch !== null;
    return mayEnd || currentCall() !== null;
  }

  private outcomeOf(ended: Ended): Outcome {
    switch (ended.kind) {
      case "returned": {
        const values = ended.values.map((value) => fromEngine(value, this.store.runtime));
        const value = values.length > 1 ? values : values[0];
        return this.end({ kind: "returned", value, values });
      }
      case "trapped":
      case "threw":
        return this.end(ended);
      default:
        if (ended.reason !== "host") return ended;
        return { kind: "suspended", reason: "host", promise: this.wait(ended.promise) };
    }
  }

  private end(outcome: Outcome): Outcome {
    this.final = outcome;
    return outcome;
  }

  private wait(promise: PromiseLike<unknown>): Promise<void> {
    const settle = (settled: Settled) => {
      this.settled = settled;
    };
    this.waiting = promiseOf(promise).then(
      (value) => settle({ value }),
      (error: unknown) => settle({ error }),
    );
    return this.waiting;
  }

  // Errors

  /** What a call throws that ended, or was stopped, like this. */
  errorOf(outcome: Outcome, detail = ""): unknown {
    if (outcome.kind === "trapped") return outcome.trap;
    if (outcome.kind === "threw") return outcome.error;
    this.store.lastUsage = this.usage;
    const reason = outcome.kind === "suspended" ? outcome.reason : null;
    switch (reason) {
      case "fuel":
      case "epoch":
      case "deadline":
        return new Exhaustion(reason, detail, this.call.backtrace());
      default:
        return this.abortReason();
    }
  }

  /** What the signal says that has stopped this call, or one that lies beneath it. */
  private abortReason(): unknown {
    let execution: Execution | null = this.interrupts.signal?.aborted ? this : active;
    while (execution !== null && !execution.interrupts.signal?.aborted) execution = execution.outer;
    return execution?.interrupts.signal?.reason ?? new Error("the call was aborted");
  }
}

function reasonToStop(store: Store, { deadline, signal }: Interrupts): Interruption | null {
  if (store.epoch?.reached(store.epochDeadline)) return "epoch";
  if (isOver(deadline)) return "deadline";
  return signal?.aborted ? "signal" : null;
}

/** Names the host function that has made a call and cannot wait until it goes on. */
function beneath(): string {
  const host = currentCall()?.hostCallee ?? null;
  if (host === null) return "";
  return `the host function ${host.name || "beneath"} made the call and cannot be suspended`;
}
