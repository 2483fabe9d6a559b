// A call under `callAsync` or `instantiateAsync`: an execution that the scheduler drives, and the
// promise that it settles. While it does not run, its deadline and signal are watched by the host's
// own means, so that they end it at once, whether it waits for its turn or for the host.

import { cancelTimer, setTimer } from "../embedding/turns.ts";
import type { Execution, Outcome } from "./execution.ts";
import { awaitSignal, forgetSignal } from "./host-loop.ts";
import { type Job, type Progress, ready, soon, type Tenant } from "./schedule.ts";
import type { Value } from "./values.ts";

/** Where the call stands. */
type State = "running" | "ready" | "waiting" | "over";

/** One such call. */
export class AsyncCall implements Job {
  private readonly execution: Execution;
  /** Units of fuel per turn of the event loop; undefined: as many as its share allows. */
  private readonly slice: number | undefined;
  private readonly resolve: (value: Value) => void;
  private readonly reject: (error: unknown) => void;
  private state: State = "ready";
  private timer: unknown;
  private watched = false;
  charged = 0;

  private constructor(
    execution: Execution,
    slice: number | undefined,
    resolve: (value: Value) => void,
    reject: (error: unknown) => void,
  ) {
    this.execution = execution;
    this.slice = slice;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Drives an execution to its end; the promise of its result. */
  static run(execution: Execution, slice: number | undefined): Promise<Value> {
    return new Promise((resolve, reject) => {
      ready(new AsyncCall(execution, slice, resolve, reject));
    });
  }

  get tenant(): Tenant {
    return this.execution.store.tenant;
  }

  advance(milliseconds: number): Progress {
    if (this.state === "over") {
      // It was stopped where it waited: what it has run was charged before.
      this.charged = 0;
      return "done";
    }
    this.state = "running";
    const progress = this.guarded(() => this.goOn(milliseconds)) ?? "done";
    this.charged = this.execution.charged;
    return progress;
  }

  /** Signals and epochs are the host's: what they throw ends this call, and nobody else's turn. */
  private guarded<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.end({ kind: "threw", error });
      return undefined;
    }
  }

  private goOn(milliseconds: number): Progress {
    const { execution, slice } = this;
    const outcome =
      slice === undefined ? execution.advanceFor(milliseconds) : execution.advanceBy(slice);
    if (outcome.kind !== "suspended") return this.end(outcome);
    const { reason } = outcome;
    const waits = reason === "host" || reason === "wait";
    if (!waits && reason !== "slice") return this.end(outcome);
    if (!this.watched) this.watch();
    if (waits) {
      const stopped = execution.interruption;
      if (stopped !== null) return this.end({ kind: "suspended", reason: stopped });
      this.state = "waiting";
      outcome.promise.then(() => this.wake());
      return "waiting";
    }
    this.state = "ready";
    return slice === undefined ? "ready" : "later";
  }

  /** What it has waited for has come. */
  private wake(): void {
    if (this.state !== "waiting") return;
    this.state = "ready";
    ready(this);
  }

  /** Has it stopped where it waits. While it runs, the execution looks itself. */
  private watch(): void {
    const { deadline, signal } = this.execution.interrupts;
    this.watched = true;
    if (deadline !== Number.POSITIVE_INFINITY) this.timer = setTimer(deadline, this.stop);
    if (signal !== undefined) awaitSignal(signal, this.stop);
  }

  /** Thousands may be stopped at once, and making an error takes time. */
  private readonly stop = () => soon(this.look);

  private readonly look = () => {
    if (this.state !== "running" && this.state !== "over") this.guarded(() => this.lookOnce());
  };

  private lookOnce(): void {
    const reason = this.execution.interruption;
    if (reason !== null) this.end({ kind: "suspended", reason });
    else if (this.timer !== undefined) {
      // Timers have a longest delay, and some hosts' fire too early.
      this.timer = setTimer(this.execution.interrupts.deadline, this.stop);
    }
  }

  private end(outcome: Outcome): Progress {
    if (this.state === "over") return "done";
    this.state = "over";
    if (this.timer !== undefined) cancelTimer(this.timer);
    if (outcome.kind === "returned") this.resolve(outcome.value);
    else this.reject(this.execution.errorOf(outcome));
    this.execution.abandon();
    const { signal } = this.execution.interrupts;
    if (this.watched && signal !== undefined) forgetSignal(signal, this.stop);
    return "done";
  }
}
