// Calls between register code and what the host's engine executes. Where such functions are called,
// their frames lie on the host's stack; the control stack says only that some are there (HOST_PC).
// What they call in turn runs nested, upon the same stacks. As soon as it has to do anything but
// return, all comes down: the host's frames become register code's, innermost calls first, what was
// nested goes on above them, and whatever it was, a pause, a trap, an exception, happens then. So
// it is never seen by anybody that frames of the host's lie in between.

import type { Growing } from "../runtime/growth.ts";
import { hasHeadroom } from "../runtime/headroom.ts";
import type { FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import type { Outcome } from "../runtime/outcome.ts";
import type {
  Budgets,
  CompiledFunction,
  CostsAhead,
  Descent,
  Fault,
  OutsideInstruction,
} from "../runtime/tier.ts";
import { Looks } from "./ascent.ts";
import { backtrace } from "./backtrace.ts";
import { Bill } from "./bill.ts";
import type { Progress } from "./bulk.ts";
import { InnerFrames } from "./inner-frames.ts";
import { CONTROL, machine } from "./loop.generated.ts";
import { LEAST_CALL, Occupant } from "./occupant.ts";
import { writeReturnBehind } from "./places.ts";
import { HOST_PC, RESTORE_PC } from "./registers.ts";
import { runtimeInstruction } from "./slow.ts";
import { stack } from "./stack.ts";

/** What a piece of the work on what has come out of the host counts for in a slice: 0.1 ms. */
const PIECE_WORK = 20_000;

/** Words from where a call goes on to the pair that says so: the call is told to have so many. */
const PAIR_WORDS = 2;

/**
 * Bytes of the host's stack that calls in the host, and between tiers, may take: about half of what
 * V8 has. How much is left of that nobody says, as a program may call from anywhere. So a thread
 * begins with few, and looks for more when it needs them.
 */
const HOST_STACK = 1 << 19;
const FIRST_ROOM = 3 << 13;
/** What a call that does not ask for room, and what it calls, need of it. */
const LEAST_ROOM = 3 << 12;
/** Bytes of it that go on the way out of the host, to register code or a host function. */
const CROSSING_BYTES = 4_096;
/** Words of the control stack that a call in the host needs for itself. */
const CALLS_BETWEEN = 16;
/** Words of the slots and of the control stack: many, beside what the host's stack holds. */
const MANY_SLOTS = 1 << 19;
const MANY_CALLS = 1 << 15;

/** How a nested run ends that has returned, and one that goes on when all has come down. */
const RETURNED: Outcome = { kind: "suspended", reason: "slice" };
const COMES_DOWN: Outcome = { kind: "suspended", reason: "slice" };
/** What comes of a call from `layDown` that has come down, which is laid down there as well. */
const MORE_COMES_DOWN: Outcome = { kind: "suspended", reason: "slice" };

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
  abstract growth: Growing | null;
  protected readonly looks = new Looks();
  /** How many runs of the thread are nested in each other, each in a call of the host's. */
  private nested = 0;
  /** What comes down, the innermost first. */
  private readonly layers: Layer[] = [];
  /** What lies above the calls that come down next. */
  private inner: InnerFrames | null = null;
  /** Opcode of the instruction that has trapped last, for who asks; -1 if it is not known. */
  trapOpcode = -1;
  /** What `stack.hostBytes` was when it began to run, and how far it may go up for certain. */
  private hostBase = 0;
  private hostEnd = 0;
  /** What has gone wrong in the host. */
  protected fault: Fault | null = null;
  /** How many runs were nested when `layDown` made a call that has not returned yet. */
  private layingAt = -1;
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

  protected override get driverBytes(): number {
    return this.layers.reduce((sum, { above, descent }) => {
      return sum + descent.hostBytes + (above?.hostBytes ?? 0);
    }, this.fault?.hostBytes ?? 0);
  }

  /** Whether whoever returns from the current frame gets another instance back. */
  private get isRestored(): boolean {
    return CONTROL[machine.ksp - 2] === RESTORE_PC - 2;
  }

  /** A function of another instance takes over the current frame. */
  protected takeOver(instance: ModuleInstance | null): void {
    if (instance === this.instance) return;
    // If the caller gets its instance back anyway, another such frame would only pile up.
    if (this.isRestored) this.instance = instance;
    else this.switchTo(instance);
  }

  protected override occupy(slice: number): void {
    super.occupy(slice);
    this.hostBase = stack.hostBytes;
    this.hostEnd = this.hostBase + FIRST_ROOM;
  }

  // The host's stack

  /** See `Budgets`. */
  get knownRoom(): number {
    return this.hostEnd - stack.hostBytes;
  }

  /** See `Budgets`. */
  findRoom(): boolean {
    const { hostBase, hostEnd } = this;
    const bytes = Math.min(hostEnd - hostBase, HOST_STACK - hostEnd);
    if (bytes <= 0 || !hasHeadroom(bytes)) return false;
    this.hostEnd += bytes;
    return true;
  }

  /** Whether the host's stack has so much for certain, besides what is counted. */
  private hasRoom(bytes: number): boolean {
    while (this.knownRoom < bytes) if (!this.findRoom()) return false;
    return true;
  }

  // Into the host

  /** Bytes of stack that calls in the host may take, from a frame at this word of the slots on. */
  private roomIn(frame: number): number {
    return Math.min(HOST_STACK - stack.hostBytes, this.roomOnStacks(frame));
  }

  /** The same of the machine's stacks alone. */
  private roomOnStacks(frame: number): number {
    const { controlLimit, ksp, slotLimit } = machine;
    const calls = (controlLimit - ksp - CALLS_BETWEEN) >> 1;
    return Math.min(4 * (slotLimit - frame), LEAST_CALL * calls);
  }

  /** Whether a function can be called in the host, where else there is register code for it. */
  protected mayEnter(compiled: CompiledFunction, frame: number): boolean {
    const hasRoom = this.roomIn(frame) >= compiled.leastRoom && this.hasRoom(LEAST_ROOM);
    return hasRoom && compiled.mayTake(frame);
  }

  /**
   * Whether it could be if calls of the host's did not lie beneath: it is to be called as soon as
   * these have come down, or all that it leads to would be interpreted.
   */
  protected isCrowded(compiled: CompiledFunction, frame: number): boolean {
    const hasRoom = this.isNested && this.roomOnStacks(frame) >= compiled.leastRoom;
    return hasRoom && compiled.mayTake(frame);
  }

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
    this.settle();
    this.untilLook = Math.min(this.untilLook, this.looks.units);
    let ending: Descent | Fault | null;
    try {
      const room = this.roomIn(machine.fp);
      const budget = this.allot(machine.budget, 0);
      ending = tier.enter(machine.fp, Math.max(budget, 0), room, this);
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
        this.shortenSlice(PIECE_WORK);
        const pause = this.look();
        if (pause !== null) return pause;
      }
    } catch (error) {
      return this.fail(error);
    }
    // Others may have used the store's fuel meanwhile.
    this.charge(Math.min(fault.owed, this.store.fuel));
    this.trapOpcode = fault.op;
    return this.fail(fault.errorIn(backtrace(this)));
  }

  private comeDown(descent: Descent): Outcome | null {
    const { inner } = this;
    this.inner = null;
    this.layers.push({ descent, above: inner });
    // Who comes down because of what lies above does so with all that lies beneath.
    if (inner !== null && this.isNested) return COMES_DOWN;
    return this.layingAt === this.nested ? MORE_COMES_DOWN : this.layDown();
  }

  // Out of the host

  /** See `Budgets`. */
  callOutside(callee: FunctionInstance, left: number, usedRoom: number): number {
    this.book(left);
    const { bytesInHost } = this;
    const { hostBytes } = stack;
    this.bytesInHost = bytesInHost + usedRoom;
    stack.hostBytes = hostBytes + usedRoom + CROSSING_BYTES;
    this.limitStacks();
    try {
      return this.mayNest(callee) ? this.nest(callee) : this.callFromBelow(callee);
    } finally {
      this.bytesInHost = bytesInHost;
      stack.hostBytes = hostBytes;
      this.limitStacks();
    }
  }

  /**
   * Whether there is room for it above the frames in the host. Where it is short, calls that a host
   * function makes would be told so too early, as frames in the host are counted roughly.
   */
  private mayNest({ host }: FunctionInstance): boolean {
    if (!this.hasRoom(0)) return false;
    const { controlLimit, fp, ksp, slotLimit } = machine;
    return host === null || (slotLimit - fp > MANY_SLOTS && controlLimit - ksp > MANY_CALLS);
  }

  private nest(callee: FunctionInstance): number {
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
    // What stands in front of a call further up than in calls of the host's is no matter here.
    const isInFront = machine.pc === HOST_PC && this.layers.length === 0;
    const call = isInFront ? (this.entering?.callee ?? null) : null;
    if (call !== null) this.entering = null;
    const above = this.callers.splice(callers);
    const { argumentsEnd, instance: inside, store } = this;
    this.inner = new InnerFrames(store, fp, ksp + 2, above, inside, call, argumentsEnd);
    this.instance = instance;
    machine.fp = fp;
    machine.ksp = ksp;
    machine.pc = HOST_PC;
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
    // At the end of a slice it would pause in front of the instruction.
    if (!this.affords(Math.max(1, bill.ahead))) return -1;
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
  callFromBelow(callee: FunctionInstance): -1 {
    const { fp, ksp } = machine;
    this.inner = new InnerFrames(this.store, fp, ksp, [], this.instance, callee);
    return -1;
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
          this.shortenSlice(PIECE_WORK);
          const pause = this.look();
          if (pause !== null) return pause;
        }
      } catch (error) {
        this.forgetDescent();
        return this.raised(error);
      }
      const { fp, ksp, pc } = machine;
      if (!this.layDescent(descent)) {
        machine.fp = fp;
        machine.ksp = ksp;
        machine.pc = pc;
        return this.overflow(null);
      }
      layers.pop();
      if (above === null) return this.pay(descent.cost);
      const frame = descent.frames[0]?.words ?? 0;
      const words = descent.frames.length === 0 ? 0 : PAIR_WORDS;
      if (above.call !== null) {
        above.restore(machine.fp + frame);
        const pause = this.look();
        if (pause !== null) {
          this.entering = { callee: above.call, delta: frame, words };
          return pause;
        }
        const outcome = this.callAbove(above.call, frame, words);
        if (outcome === MORE_COMES_DOWN) continue;
        return outcome;
      }
      this.restoreAbove(frame, words, above);
    }
    const { postponed } = this;
    this.postponed = null;
    return postponed === null ? this.proceed() : postponed();
  }

  /** Calls what was to be called when all has come down: see `call`. */
  private callAbove(callee: FunctionInstance, delta: number, words: number): Outcome | null {
    const { layingAt } = this;
    this.layingAt = this.nested;
    try {
      return words === 0 ? this.tailCall(callee) : this.call(callee, delta, words);
    } finally {
      this.layingAt = layingAt;
    }
  }

  /** Puts frames back above the one on the machine, which has called the lowest of them. */
  private restoreAbove(frame: number, words: number, above: InnerFrames): void {
    if (words > 0) {
      writeReturnBehind(words - 2);
      this.pushControl(CONTROL[machine.ksp], frame);
      machine.fp += frame;
    }
    // Of those that pile up with tail calls only the lowest is needed, as in `takeOver`.
    const isPiled = words === 0 && above.restores && this.isRestored;
    if (isPiled) machine.ksp -= 2;
    above.restore(machine.fp);
    for (let i = isPiled ? 1 : 0; i < above.callers.length; i++)
      this.callers.push(above.callers[i]);
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
