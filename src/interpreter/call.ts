// Calls from outside that run to their end, one after the other: what the JavaScript API makes
// millions of. A thread that is used again, arguments and results that go straight between the
// caller's values and the slots, and nothing saved when a call is stopped for good.

import { allocateHostFunction } from "../runtime/allocate.ts";
import type { ExceptionInstance, FunctionInstance } from "../runtime/instances.ts";
import type { FrameReader, Outcome, Watch } from "../runtime/outcome.ts";
import type { Store } from "../runtime/store.ts";
import { Exhaustion, Uncaught } from "../runtime/trap.ts";
import { idOfFuncType } from "../validation/type-ids.ts";
import { backtrace } from "./backtrace.ts";
import { machine } from "./loop.generated.ts";
import { placeAt } from "./places.ts";
import { releaseReferences } from "./registers.ts";
import { clearStacks, stack } from "./stack.ts";
import { Thread } from "./thread.ts";

/** Units of fuel between two looks: 0.1 ms, and 4 ms as long as the loop is cold. */
export const UNITS_PER_LOOK = 15_000;

/** Whom threads call that make no call. */
let nobody: FunctionInstance | null = null;

function idleCallee(): FunctionInstance {
  if (nobody === null) {
    const id = idOfFuncType({ kind: "func", params: [], results: [] });
    nobody = allocateHostFunction(id, () => {}, "");
  }
  return nobody;
}

const RETURNED: Outcome = { kind: "returned", values: [] };

/** First free word of the slots: where the arguments of the next call have to lie. */
export function argumentsAt(): number {
  clearStacks();
  return stack.slotTop;
}

/** A thread for calls from JavaScript. It makes one call at a time, and any number. */
export class CallThread extends Thread {
  declare watcher: Watch | null;
  private readonly idle: FunctionInstance;

  constructor(store: Store, watch: Watch | null, mayAwait = false) {
    const idle = idleCallee();
    super(store, idle, [], mayAwait);
    this.idle = idle;
    this.watcher = watch;
  }

  /**
   * Calls a function whose arguments lie at `argumentsAt()`, and reads its results.
   * @throws Trap, Exhaustion, Uncaught, and whatever a host function throws
   */
  perform(callee: FunctionInstance, results: FrameReader): unknown {
    const { slotTop, controlTop, current } = stack;
    const { slotLimit, controlLimit } = machine;
    this.callee = callee;
    this.instance = callee.instance;
    this.occupy(UNITS_PER_LOOK);
    try {
      const outcome = this.invoke() ?? this.drive();
      if (outcome === RETURNED) return results.read(slotTop);
      throw this.errorOf(outcome);
    } finally {
      machine.slotLimit = slotLimit;
      machine.controlLimit = controlLimit;
      stack.slotTop = slotTop;
      stack.controlTop = controlTop;
      stack.current = current;
      // An idle thread keeps no instance alive, and with it a memory that nobody else has.
      this.callee = this.idle;
      this.instance = null;
      this.hostCallee = null;
      machine.instance = null;
      machine.callee = null;
      if (this.callers.length > 0) this.callers.length = 0;
      if (this.isBusy) this.forgetWork();
      // Last, since it is a call, which the host's stack may have no room for.
      releaseReferences(slotTop >> 1);
    }
  }

  /** What a call throws that has ended like this, or has too little fuel. */
  protected errorOf(outcome: Outcome): unknown {
    if (outcome.kind === "trapped") return outcome.trap;
    if (outcome.kind === "threw") return outcome.error;
    return new Exhaustion("fuel", "", backtrace(this));
  }

  /** To JavaScript, a guest that waits at a memory blocks its agent. */
  override get mayStandAside(): boolean {
    return false;
  }

  protected override get mayStall(): boolean {
    return this.watcher === null || !this.watcher.active;
  }

  protected override finish(): Outcome {
    return RETURNED;
  }

  protected override trap(code: number): Outcome {
    const place = placeAt(machine.ksp);
    this.trapOpcode =
      place === undefined ? -1 : place.code.module.bytes[place.code.offsetAt(place.offset)];
    return super.trap(code);
  }

  protected override uncaught(exception: ExceptionInstance): unknown {
    return new Uncaught(exception);
  }

  /** The slice has no end but a look. */
  protected override look(): Outcome | null {
    this.settle();
    if (this.slice > 0) return null;
    this.slice = UNITS_PER_LOOK;
    const reason = this.interruption;
    if (reason === null) return null;
    if (this.isNested) {
      this.slice = 0;
      return this.postpone();
    }
    // A signal is that of a call beneath, which gives its own reason.
    const kind = reason === "signal" ? "deadline" : reason;
    return { kind: "threw", error: new Exhaustion(kind, "", backtrace(this)) };
  }

  /** Nobody sees where its slices end. */
  protected override affords(worst: number): boolean {
    if (this.slice < worst && this.interruption === null) {
      this.slice = Math.max(UNITS_PER_LOOK, worst);
    }
    return super.affords(worst);
  }

  protected override afterHost(): void {
    if (this.watcher?.active || this.beneath !== null) this.slice = 0;
  }
}
