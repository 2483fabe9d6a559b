// Calls between register code and what the host's engine executes. Where such functions are called,
// their frames lie on the host's stack; the control stack says only that some are there (HOST_PC).
// What they call in turn runs nested, upon the same stacks. As soon as it has to do anything but
// return, all comes down: the host's frames become register code's, innermost calls first, what was
// nested goes on above them, and whatever it was, a pause, a trap, an exception, happens then. So
// it is never seen by anybody that frames of the host's lie in between.

import type { FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import type { Growth } from "../runtime/memory.ts";
import type { Outcome } from "../runtime/outcome.ts";
import type {
  Budgets,
  CompiledFunction,
  CostsAhead,
  Descent,
  Fault,
  OutsideInstruction,
} from "../runtime/tier.ts";
import { ascent } from "./ascent.ts";
import { backtrace } from "./backtrace.ts";
import { Bill } from "./bill.ts";
import type { Progress } from "./bulk.ts";
import { InnerFrames } from "./inner-frames.ts";
import { CONTROL, machine } from "./loop.generated.ts";
import { Occupant } from "./occupant.ts";
import { writeReturnBehind } from "./places.ts";
import { HOST_PC, RESTORE_PC } from "./registers.ts";
import { runtimeInstruction } from "./slow.ts";

/** Words from where a call goes on to the pair that says so: the call is told to have so many. */
const PAIR_WORDS = 2;

/** How a nested run ends that has returned, and one that goes on when all has come down. */
const RETURNED: Outcome = { kind: "suspended", reason: "slice" };
const COMES_DOWN: Outcome = { kind: "suspended", reason: "slice" };

/** A call that the thread has paused in front of. 0 words: a tail call. */
export interface Entering {
  readonly callee: FunctionInstance;
  readonly delta: number;
  readonly words: number;
}

/** Frames of the host's that come down, and what lies above them; null: nothing. */
interface Layer {
  readonly descent: Descent;
  readonly above: InnerFrames | null;
}

/** Who crosses between tiers. */
export abstract class Crosser extends Occupant implements Budgets {
  /** The call that the thread has paused in front of. */
  protected entering: Entering | null = null;
  /** The growth of a memory that is in progress: it is paid. */
  abstract growth: Growth | null;
  /** How many runs of the thread are nested in each other, each in a call of the host's. */
  private nested = 0;
  /** What comes down, the innermost first. */
  private readonly layers: Layer[] = [];
  /** What lies above the calls that come down next. */
  private inner: InnerFrames | null = null;
  /** What has gone wrong in the host. */
  protected fault: Fault | null = null;
  /** What is done when all has come down; null: nothing more than to go on. */
  private postponed: (() => Outcome | null) | null = null;

  protected abstract call(callee: FunctionInstance, delta: number, words: number): Outcome | null;
  protected abstract tailCall(callee: FunctionInstance): Outcome | null;
  protected abstract drive(): Outcome;
  /** Goes on where the thread has paused. */
  protected abstract proceed(): Outcome | null;
  protected abstract returnToCaller(): Outcome | null;
  protected abstract fail(error: unknown): Outcome;
  protected abstract raised(error: unknown): Outcome | null;
  protected abstract overflow(entering: Entering | null): Outcome;

  /** Whether frames of the host's lie beneath, which have to come down before anything ends. */
  protected get isNested(): boolean {
    return this.nested > 0;
  }

  /** Whether frames are coming down, or it is being found out what has gone wrong in them. */
  protected get isLeaving(): boolean {
    return this.layers.length > 0 || this.fault !== null;
  }

  /** A function of another instance takes over the current frame. */
  protected takeOver(instance: ModuleInstance | null): void {
    if (instance === this.instance) return;
    // If the caller gets its instance back anyway, another such frame would only pile up.
    if (CONTROL[machine.ksp - 2] === RESTORE_PC - 2) this.instance = instance;
    else this.switchTo(instance);
  }

  // Into the host

  /** Calls a function of another tier, with the frame `delta` words above this one. */
  protected callCompiled(
    callee: FunctionInstance,
    tier: CompiledFunction,
    delta: number,
    words: number,
  ): Outcome | null {
    if (words === 0) this.takeOver(callee.instance);
    else {
      writeReturnBehind(words - 2);
      this.pushControl(CONTROL[machine.ksp], delta);
      machine.fp += delta;
      this.switchTo(callee.instance);
    }
    machine.pc = HOST_PC;
    this.mostUnits = ascent.units;
    let ending: Descent | Fault | null;
    try {
      const budget = this.allot(machine.budget, 0);
      ending = tier.enter(machine.fp, Math.max(budget, 0), this);
    } catch (error) {
      return this.raised(error);
    }
    if (ending === null) return this.returnToCaller();
    if (ending.kind === "descent") return this.comeDown(ending);
    this.fault = ending;
    return this.isNested ? this.postpone() : this.failIn(ending);
  }

  /** Ends in what has gone wrong in the host. */
  protected failIn(fault: Fault): Outcome {
    try {
      while (!fault.advance()) {
        const pause = this.look();
        if (pause !== null) return pause;
      }
    } catch (error) {
      return this.fail(error);
    }
    // Others may have used the store's fuel meanwhile.
    this.charge(Math.min(fault.owed, this.store.fuel));
    return this.fail(fault.errorIn(backtrace(this)));
  }

  private comeDown(descent: Descent): Outcome | null {
    const { inner } = this;
    this.inner = null;
    this.layers.push({ descent, above: inner });
    // Who comes down because of what lies above does so with all that lies beneath.
    return inner !== null && this.isNested ? COMES_DOWN : this.layDown();
  }

  // Out of the host

  /** See `Budgets`. */
  callOutside(callee: FunctionInstance, left: number): number {
    this.book(left);
    const { fp, ksp } = machine;
    const { instance } = this;
    const callers = this.callers.length;
    this.pushControl(HOST_PC - 2, 0);
    this.nested++;
    let outcome: Outcome;
    try {
      outcome = this.tailCall(callee) ?? this.drive();
    } finally {
      this.nested--;
    }
    if (outcome === RETURNED) return Math.max(0, this.allot(machine.budget, 0));
    // A pause with a promise is over when that is fulfilled, all others when it is tried again.
    if (outcome.kind !== "suspended" || "promise" in outcome) this.postponed = () => outcome;
    const { entering } = this;
    const isEntered = machine.pc !== HOST_PC || entering === null;
    if (!isEntered) this.entering = null;
    const call = isEntered ? null : entering.callee;
    const above = this.callers.splice(callers);
    this.inner = new InnerFrames(this.store, fp, ksp + 2, above, this.instance, call);
    this.instance = instance;
    machine.fp = fp;
    machine.ksp = ksp;
    machine.pc = HOST_PC;
    this.limitCalls();
    return -1;
  }

  /** See `Budgets`. */
  execute(
    { a, b, instance, op }: OutsideInstruction,
    at: number,
    left: number,
    { rest, worst }: CostsAhead,
  ): number {
    // The interpreter would have paid for the whole segment.
    this.book(left - rest);
    const bill = new Bill(this.store, worst - rest);
    if (!this.affords(bill.ahead)) return -1;
    machine.x = at;
    let progress: Progress | null;
    try {
      progress = runtimeInstruction(op, a, b, instance, bill);
    } catch {
      // Nothing is done or paid: the interpreter comes to the same error, where it belongs.
      return -1;
    }
    if (bill.cost > 0) {
      this.chargeWork(bill.cost);
      this.resetBudget();
    }
    if (progress === "done") return this.allotAtLeast(rest, worst);
    this.growth = bill.growth;
    return -1;
  }

  /** See `Budgets`. */
  callFromBelow(callee: FunctionInstance): void {
    const { fp, ksp } = machine;
    this.inner = new InnerFrames(this.store, fp, ksp, [], this.instance, callee);
  }

  /** A nested run has returned to the host. */
  protected returnToHost(): Outcome {
    this.settle();
    return RETURNED;
  }

  /** What a nested run ends with that does something when all has come down: by default goes on. */
  protected postpone(action: (() => Outcome | null) | null = null): Outcome {
    this.postponed = action;
    return COMES_DOWN;
  }

  // Down

  /** Goes on with what is coming down, or has gone wrong there. */
  protected leave(): Outcome | null {
    const { fault, layers } = this;
    return fault !== null && layers.length === 0 ? this.failIn(fault) : this.layDown();
  }

  /** Lays what has come down on the machine's stacks, and goes on above. */
  private layDown(): Outcome | null {
    const { layers } = this;
    for (let layer = layers.at(-1); layer !== undefined; layer = layers.at(-1)) {
      const { above, descent } = layer;
      try {
        while (!descent.advance()) {
          const pause = this.look();
          if (pause !== null) return pause;
        }
      } catch (error) {
        this.forgetDescent();
        return this.raised(error);
      }
      const { fp, ksp, pc } = machine;
      if (!this.lay(descent.frames)) {
        machine.fp = fp;
        machine.ksp = ksp;
        machine.pc = pc;
        return this.overflow(null);
      }
      layers.pop();
      if (above === null) return this.pay(descent.cost);
      const frame = descent.frames[0]?.words.length ?? 0;
      const words = descent.frames.length === 0 ? 0 : PAIR_WORDS;
      if (above.call !== null) {
        above.restore(machine.fp + frame);
        return words === 0 ? this.tailCall(above.call) : this.call(above.call, frame, words);
      }
      this.restoreAbove(frame, words, above);
    }
    const { postponed } = this;
    this.postponed = null;
    return postponed === null ? this.proceed() : postponed();
  }

  /** Puts frames back above the one on the machine, which has called the lowest of them. */
  private restoreAbove(frame: number, words: number, above: InnerFrames): void {
    if (words > 0) {
      writeReturnBehind(words - 2);
      this.pushControl(CONTROL[machine.ksp], frame);
      machine.fp += frame;
    }
    above.restore(machine.fp);
    for (const instance of above.callers) this.callers.push(instance);
    this.instance = above.instance;
    this.limitCalls();
  }

  /** What comes down will not be gone on with. */
  protected forgetDescent(): void {
    for (const { above } of this.layers) above?.drop();
    this.layers.length = 0;
    this.inner = null;
    this.postponed = null;
    this.fault = null;
  }
}
