// A call from outside and everything it leads to (spec: 4.4.11 Invocation), as something that can
// be run in slices: the driver around the loop. What needs the world outside of register code is
// done here and in caller.ts: host calls, exceptions, the beginning and the end.

import { slotCount, type ValType } from "../isa/types.ts";
import type { Growing } from "../runtime/growth.ts";
import type { FunctionInstance, ModuleInstance, Value } from "../runtime/instances.ts";
import { isForeignReference } from "../runtime/link.ts";
import type { Making } from "../runtime/making.ts";
import type { Outcome } from "../runtime/outcome.ts";
import { isPromise, promiseError, type Settled } from "../runtime/promises.ts";
import type { Told } from "../runtime/saved.ts";
import type { Store } from "../runtime/store.ts";
import { type Backtrace, Exhaustion, Trap, WasmException } from "../runtime/trap.ts";
import { MEMORY_OUT_OF_BOUNDS, UNDEFINED_ELEMENT } from "../runtime/traps.ts";
import { Unfinished } from "../runtime/unfinished.ts";
import type { Awaited } from "./awaited.ts";
import { backtrace } from "./backtrace.ts";
import { Catcher } from "./catcher.ts";
import { tryAgain } from "./longer.ts";
import {
  CALL_IMPORT,
  CALL_INDIRECT,
  CALL_LAZY,
  CALL_REF,
  CONTROL,
  FINISHED,
  machine,
  OUT_OF_BOUNDS,
  OUT_OF_BUDGET,
  REFERENCES_SHORT,
  RETURN_CALL_IMPORT,
  RETURN_CALL_INDIRECT,
  RETURN_CALL_LAZY,
  RETURN_CALL_REF,
  STACK_OVERFLOW,
  TRAPPED,
} from "./loop.generated.ts";
import { NOT_READY, OUT_OF_FUEL } from "./meter.ts";
import {
  EXIT_PC,
  extra,
  hasFarMemory,
  NO_CALL,
  releaseReferences,
  reserveReferences,
} from "./registers.ts";
import { enterAgain, slowInstruction } from "./slow.ts";
import { clearStacks, type Frames, stack } from "./stack.ts";
import { tell, tellBegin } from "./told.ts";
import { TrapSignal } from "./trap-signal.ts";
import { readValues, resultsOf, writeValues } from "./values.ts";
import { pauseOf, type Wait, type Waiter } from "./waits.ts";
import { runStretch } from "./warmth.ts";

/** Arguments are written to the slots once; what they refer to is not to be kept longer. */
const NO_VALUES: readonly Value[] = [];

/** One invocation. */
export class Thread extends Catcher implements Waiter {
  callee: FunctionInstance;
  private args: readonly Value[];
  /** Whether host functions may return promises. */
  readonly mayAwait: boolean;
  protected started = false;
  private awaited: Awaited | null = null;
  /** For the instructions that leave the loop: the growth of a memory that is in progress. */
  growth: Growing | null = null;
  wait: Wait | null = null;
  /** And the long array that is being made. */
  making: Making | null = null;
  /** What the promise that it waits for has given. */
  protected settled: Settled | null = null;
  /** The host function that was called last: while another thread runs, the one beneath it. */
  hostCallee: FunctionInstance | null = null;

  constructor(store: Store, callee: FunctionInstance, args: readonly Value[], mayAwait: boolean) {
    super(store, callee.instance);
    this.callee = callee;
    this.args = args;
    this.mayAwait = mayAwait;
  }

  /**
   * Runs for about `slice` units of fuel: at least one segment, and at most one more than it
   * allows. A thread that is suspended goes on; `resume` is what its host function's promise gave.
   */
  run(slice: number, resume?: Settled): Outcome {
    if (resume !== undefined) this.settled = resume;
    return this.store.isReady() ? this.stretch(slice) : NOT_READY;
  }

  /** `run`, of a store that is ready for it. */
  protected stretch(slice: number): Outcome {
    const { slotTop, controlTop, current } = stack;
    const { slotLimit, controlLimit } = machine;
    let outcome: Outcome | null = null;
    try {
      this.occupy(slice);
      this.timeSlice();
      outcome = this.enter() ?? this.drive();
      if (outcome.kind === "suspended" && !this.keepFrames(this.mayAwait)) outcome = this.noRoom();
      return outcome;
    } finally {
      if (stack.current === this && outcome?.kind !== "suspended") {
        this.dropParts();
        releaseReferences(this.slotBase >> 1);
      }
      machine.slotLimit = slotLimit;
      machine.controlLimit = controlLimit;
      stack.slotTop = slotTop;
      stack.controlTop = controlTop;
      stack.current = current;
      // A thread that does not run keeps no instance alive.
      machine.instance = null;
      machine.callee = null;
    }
  }

  /** Whether it is suspended where it waits at a memory. */
  get mayStandAside(): boolean {
    return this.mayAwait;
  }

  protected override occupy(slice: number): void {
    super.occupy(slice);
    stack.current = this;
  }

  /** Whether a host function has to stop working, so that the thread can be looked at. */
  private get mustLook(): boolean {
    return this.sliceEnded || this.mustStop;
  }

  // Beginning, pausing, end

  private enter(): Outcome | null {
    if (!this.started) {
      // It has not come further than to the translation of its callee.
      if (this.frames === null) return this.begin();
      this.restore();
      return this.invoke();
    }
    this.restore();
    return this.proceed();
  }

  protected override proceed(): Outcome | null {
    const { awaited, entering, search, settled } = this;
    if (this.isLeaving) return this.leave();
    if (search !== null) return this.unwind(search);
    if (entering !== null) return this.callAgain(entering);
    this.awaited = null;
    this.settled = null;
    if (awaited !== null) {
      const failed = settled !== null && "error" in settled;
      if (failed) return this.hostThrew(settled.error, awaited);
      return this.hostReturned(awaited, awaited.work ?? settled?.value);
    }
    return this.payOrAscend(this.pending);
  }

  /** Enters the callee for the first time; overridden by who has written its arguments already. */
  protected begin(): Outcome | null {
    const { callee, slotBase } = this;
    const { params } = callee.type;
    reserveReferences((slotBase >> 1) + slotCount(params));
    writeValues(slotBase, params, this.args);
    return this.invoke();
  }

  /** Enters the callee, whose arguments lie at the thread's base. */
  protected invoke(): Outcome | null {
    const { callee, slotBase, controlBase } = this;
    machine.fp = slotBase;
    machine.ksp = controlBase + 2;
    CONTROL[controlBase] = EXIT_PC - 2;
    CONTROL[controlBase + 1] = 0;
    machine.pc = EXIT_PC;
    if (callee.host !== null) {
      this.hasBegun();
      // The results are where the loop would have left them.
      return this.callHost(callee, slotBase, 0) ?? this.finish();
    }
    const { registerCode, tier } = callee;
    if (tier !== null && this.mayEnter(tier, slotBase)) {
      this.hasBegun();
      return this.callCompiled(callee, tier, 0, 0);
    }
    if (registerCode.entry < 0) {
      const pause = this.translate(registerCode, callee.instance);
      if (pause !== null) {
        // Frames are kept from fp on for a little: the arguments may be many.
        machine.fp = slotBase + 2 * slotCount(callee.type.params);
        return pause;
      }
    }
    this.hasBegun();
    return this.enterFunction(callee, slotBase);
  }

  private hasBegun(): void {
    this.started = true;
    this.args = NO_VALUES;
  }

  protected override get argumentsEnd(): number {
    const { awaited, entering } = this;
    const callee = (entering ?? awaited)?.callee;
    if (callee === undefined) return 0;
    return (
      machine.fp + (entering?.delta ?? awaited?.frame ?? 0) + 2 * slotCount(callee.type.params)
    );
  }

  /** Whether it is in the middle of something that its frames do not show. */
  get isBusy(): boolean {
    const { awaited, entering, growth, making, search, started, wait } = this;
    return (
      !started ||
      this.isLeaving ||
      (awaited ?? entering ?? search ?? growth ?? wait ?? making) !== null
    );
  }

  get comesDown(): boolean {
    return this.isLeaving;
  }

  /** All that it goes on with, or why that cannot be told. */
  told(): Told | string {
    const { args, awaited, callee, entering, growth, making, search, started, wait } = this;
    if (!started) return tellBegin(callee, args);
    if (this.isLeaving) return "it is coming down from compiled code";
    if (wait !== null) return "it waits at a shared memory, in a list of others' besides";
    if (awaited?.work !== undefined) return "a host function is in the middle of its work";
    const saved = this.saved();
    if (saved === null) return "it is not suspended";
    return tell(saved, { awaited, entering, growth, making, search });
  }

  /** For a suspended thread that nobody will run again: its frames are no longer waited for. */
  abandon(): void {
    this.frames?.abandon();
    this.dropParts();
    this.forgetFrames();
    this.args = NO_VALUES;
    this.forgetWork();
  }

  /** What it was in the middle of will not be gone on with. */
  protected forgetWork(): void {
    this.awaited = null;
    this.entering = null;
    this.forgetDescent();
    this.search?.goOn(this.store.objects);
    this.search = null;
    this.growth?.abandon();
    this.growth = null;
    this.wait?.abandon();
    this.wait = null;
    this.making = null;
  }

  /** The end of a thread whose frames the store has no room for: nobody else has to suffer. */
  private noRoom(): Outcome {
    const detail = `${(this.frames as Frames).hostBytes} bytes of frames to be suspended`;
    const error = new Exhaustion("hostBytes", detail, backtrace(this));
    this.abandon();
    return this.fail(error);
  }

  /** The functions that a suspended thread is in, as long as its frames are on the machine. */
  backtrace(): Backtrace {
    return this.frames !== null && stack.resident === this.frames ? backtrace(this) : [];
  }

  protected finish(): Outcome {
    return { kind: "returned", values: this.results(this.slotBase, this.callee.type.results) };
  }

  /** The results; overridden by who needs exact bits. */
  protected results(at: number, types: readonly ValType[]): Value[] {
    return readValues(at, types);
  }

  protected fail(error: unknown): Outcome {
    this.settle();
    return error instanceof Trap ? { kind: "trapped", trap: error } : { kind: "threw", error };
  }

  protected trap(code: number): Outcome {
    if (this.isNested) return this.postpone(() => this.trap(code));
    return this.fail(new Trap(code, backtrace(this)));
  }

  // The driver

  protected drive(): Outcome {
    for (;;) {
      machine.instance = this.instance;
      const outcome = this.handle(runStretch(hasFarMemory(this.instance), this.mayStall));
      if (outcome !== null) return outcome;
    }
  }

  private handle(status: number): Outcome | null {
    switch (status) {
      case OUT_OF_BUDGET:
        return this.payOrAscend(machine.pending);
      case FINISHED:
        return this.leaveMachineFrame();
      case TRAPPED:
        return machine.trap === UNDEFINED_ELEMENT ? this.callBeyondHead() : this.trap(machine.trap);
      case STACK_OVERFLOW:
        return this.overflow(null);
      case OUT_OF_BOUNDS:
        return tryAgain(this.instance) ? null : this.trap(MEMORY_OUT_OF_BOUNDS);
      case REFERENCES_SHORT:
        reserveReferences((machine.fp >> 1) + extra(1));
        return null;
      case CALL_LAZY:
        return this.firstCall(this.functionAt(extra(2)), extra(1));
      case RETURN_CALL_LAZY:
        return this.firstTailCall(this.functionAt(extra(1)));
      case CALL_IMPORT:
        return this.call(this.functionAt(extra(2)), extra(1), 5);
      case CALL_INDIRECT:
        return this.callIndirect(machine.callee as FunctionInstance, extra(3), (f) =>
          this.call(f, extra(1), 7),
        );
      case CALL_REF:
        return this.callReference((f) => this.call(f, extra(1), 5));
      case RETURN_CALL_IMPORT:
        return this.tailCall(this.functionAt(extra(1)));
      case RETURN_CALL_INDIRECT:
        return this.returnCallIndirect();
      case RETURN_CALL_REF:
        return this.callReference((f) => this.tailCall(f));
      default:
        return this.slow();
    }
  }

  /** An error of ours, a trap code or a Wasm exception, on the way out of a slow instruction. */
  protected raised(error: unknown): Outcome | null {
    if (error instanceof TrapSignal) return this.trap(error.code);
    if (error instanceof WasmException) return this.throwException(error.exception, { error });
    return this.fail(error);
  }

  /**
   * Calls a host function; its arguments and results lie at `frame`. 0 words: a tail call. `work`
   * is what it has left to do, if it was called before.
   */
  protected callHost(
    callee: FunctionInstance,
    frame: number,
    words: number,
    work: Unfinished | null = null,
  ): Outcome | null {
    const { pc, fp, ksp } = machine;
    const host = callee.host as NonNullable<typeof callee.host>;
    this.settle();
    if (work === null) this.store.hostCalls++;
    this.hostCallee = callee;
    stack.slotTop = frame + 2 * (callee.hostSlots + 1);
    // Where this thread goes on must be found if code is evicted meanwhile.
    CONTROL[ksp] = pc;
    CONTROL[ksp + 1] = NO_CALL;
    stack.controlTop = ksp + 2;
    let result: unknown;
    let hasPromised = false;
    let failed = false;
    try {
      if (work !== null) result = work.proceed();
      else if (typeof host !== "function") result = host.run(frame, this.instance);
      else result = host({ caller: this.instance }, readValues(frame, callee.type.params));
      while (result instanceof Unfinished && !this.mustLook) result = result.proceed();
      // It asks the result, which is the host's, for a property.
      hasPromised = typeof host === "function" ? isPromise(result) : result !== undefined;
    } catch (error) {
      failed = true;
      result = error;
    }
    // What it has run and left suspended lies where this thread's frames go on.
    clearStacks();
    machine.pc = CONTROL[ksp];
    machine.fp = fp;
    machine.ksp = ksp;
    this.resetBudget();
    this.afterHost();
    if (this.store.objects.isCounting) this.store.objects.interrupt();
    const awaited = { callee, frame: frame - fp, returnWords: words };
    if (failed) return this.hostThrew(result, awaited);
    if (!hasPromised) {
      return typeof host === "function"
        ? this.hostReturned(awaited, result)
        : this.leaveCall(words);
    }
    const promise = result as PromiseLike<unknown>;
    if (this.mayAwait) {
      this.awaited = awaited;
      return { kind: "suspended", reason: "host", promise };
    }
    return this.fail(promiseError(promise, callee, this.beneath?.hostCallee ?? null));
  }

  private hostReturned(awaited: Awaited, result: unknown): Outcome | null {
    if (result instanceof Unfinished) return this.goOn(awaited, result);
    const { callee, frame, returnWords } = awaited;
    const { host } = callee;
    if (host !== null && typeof host !== "function") {
      const at = machine.fp + frame;
      const work = new Unfinished(() => host.resume(at, result));
      return this.callHost(callee, at, returnWords, work);
    }
    try {
      const { results } = callee.type;
      const at = machine.fp + frame;
      reserveReferences((at >> 1) + callee.hostSlots);
      writeValues(at, results, resultsOf(result, results, callee.name || "a host function"));
    } catch (error) {
      return this.fail(error);
    }
    return this.leaveCall(returnWords);
  }

  /** Lets a host function go on with its work, unless the slice has ended. */
  private goOn(awaited: Awaited, work: Unfinished): Outcome | null {
    const { callee, frame, returnWords } = awaited;
    const stop = this.pay(0);
    if (stop === null) return this.callHost(callee, machine.fp + frame, returnWords, work);
    this.awaited = { ...awaited, work };
    return stop;
  }

  /** A host function threw: a Wasm exception may be caught, everything else passes through. */
  private hostThrew(error: unknown, { callee, returnWords }: Awaited): Outcome | null {
    if (machine.pc === EXIT_PC) return this.fail(error);
    const { host } = callee;
    let exception = error instanceof WasmException ? error.exception : null;
    // Its handlers would be handed functions that run on this store's fuel.
    if (exception !== null && isForeignReference(exception, this.store)) exception = null;
    if (host !== null && typeof host !== "function") exception = host.exceptionOf(error);
    if (exception === null) return this.fail(error);
    return this.throwException(exception, { error }, returnWords);
  }

  // Slow instructions

  private slow(): Outcome | null {
    const pause = this.look();
    if (pause !== null) {
      enterAgain();
      return pause;
    }
    try {
      const instance = this.instance as ModuleInstance;
      const ended = slowInstruction(instance, this);
      if (typeof ended !== "string") return this.throwException(ended);
      if (ended !== "done") enterAgain();
      if (ended === "waits") return pauseOf(this);
      return ended === "unpaid" ? OUT_OF_FUEL : null;
    } catch (error) {
      return this.raised(error);
    }
  }
}
