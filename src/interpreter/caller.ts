// Calls of guests' functions: from instructions that have left the loop, to functions of other
// instances, and to functions that have no code yet or any more, which are translated first.

import { OP } from "../code/opcodes.generated.ts";
import type { FunctionCode } from "../code/space.ts";
import type { FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import type { Outcome } from "../runtime/outcome.ts";
import { Exhaustion } from "../runtime/trap.ts";
import { INDIRECT_CALL_TYPE_MISMATCH, NULL_FUNCTION_REFERENCE } from "../runtime/traps.ts";
import { idMatches } from "../validation/type-ids.ts";
import { ascent } from "./ascent.ts";
import { backtrace } from "./backtrace.ts";
import { Crosser, type Entering } from "./crossing.ts";
import { CODE, CONTROL, machine, REFERENCES, SLOTS } from "./loop.generated.ts";
import { isParkedReturn, parkedAt, placeAt, writeReturnBehind } from "./places.ts";
import {
  BELOW_PC,
  EXIT_PC,
  extra,
  frameFits,
  HOST_PC,
  PARKED_PC,
  patchCall,
  RESTORE_PC,
  translatePiece,
  zeroLocals,
} from "./registers.ts";
import { tableFunction } from "./slow.ts";

/** Words of the instruction `call`. */
const CALL_WORDS = 5;

/** Where frames of the machine's own return to. */
const OUTER_RETURNS: readonly number[] = [EXIT_PC - 2, RESTORE_PC - 2, HOST_PC - 2];

/** Who calls functions. */
export abstract class Caller extends Crosser {
  protected abstract callHost(
    callee: FunctionInstance,
    frame: number,
    words: number,
  ): Outcome | null;
  /** The call has ended; its results lie at the thread's base. */
  protected abstract finish(): Outcome;
  protected abstract trap(code: number): Outcome;

  /** Goes on with a call that the thread has paused in front of. */
  protected callAgain({ callee, delta, words }: Entering): Outcome | null {
    this.entering = null;
    return words === 0 ? this.tailCall(callee) : this.call(callee, delta, words);
  }

  /** There is no room for a call: for that one, or the one at which the machine stands. */
  protected overflow(entering: Entering | null): Outcome {
    if (this.isNested) {
      this.entering = entering;
      return this.postpone();
    }
    const kind = machine.ksp >= machine.controlLimit ? "callDepth" : "stackBytes";
    return this.fail(new Exhaustion(kind, "", backtrace(this)));
  }

  protected functionAt(index: number): FunctionInstance {
    return (this.instance as ModuleInstance).functionAt(index);
  }

  /** Translates a function as far as the slice allows; null: it has code. */
  protected translate(code: FunctionCode, instance: ModuleInstance | null): Outcome | null {
    try {
      while (code.entry < 0 && !translatePiece(code, instance as ModuleInstance)) {
        const pause = this.look();
        if (pause !== null) return pause;
      }
      return null;
    } catch (error) {
      return this.raised(error);
    }
  }

  /** Has the callee of a call translated before anything else happens; null: it has code. */
  private prepare(callee: FunctionInstance, delta: number, words: number): Outcome | null {
    const { instance, registerCode } = callee;
    if (registerCode.entry >= 0) return null;
    const pause = this.translate(registerCode, instance);
    if (pause?.kind === "suspended") this.entering = { callee, delta, words };
    return pause;
  }

  /**
   * Has objects counted before a host function is called, if those that calls of others have made
   * exceed the limit: what stands for them on the other side of the border. Null: there is room.
   */
  private makeRoom(callee: FunctionInstance, delta: number, words: number): Outcome | null {
    const { objects } = this.store;
    if (objects.room[0] >= 0) return null;
    try {
      while (!objects.reserve(0, this)) {
        const pause = this.look();
        if (pause?.kind === "suspended") this.entering = { callee, delta, words };
        if (pause !== null) return pause;
      }
      return null;
    } catch (error) {
      return this.raised(error);
    }
  }

  /** `call` of a function that had no code: the instruction need not stop again. */
  protected firstCall(callee: FunctionInstance, delta: number): Outcome | null {
    if (callee.tier !== null) return this.call(callee, delta, CALL_WORDS);
    const pause = this.prepare(callee, delta, CALL_WORDS);
    if (pause !== null) return pause;
    // Where the callee has taken the caller's room, there is nothing to write it into.
    if (machine.pc === PARKED_PC) return this.call(callee, delta, CALL_WORDS);
    patchCall(OP.CALL, 2, callee.code.entry);
    return null;
  }

  protected firstTailCall(callee: FunctionInstance): Outcome | null {
    if (callee.tier !== null) return this.tailCall(callee);
    const pause = this.prepare(callee, 0, 0);
    if (pause !== null) return pause;
    if (machine.pc === PARKED_PC) return this.tailCall(callee);
    patchCall(OP.RETURN_CALL, 1, callee.code.entry);
    return null;
  }

  /** Goes on in a function whose code was evicted. */
  protected unpark(): Outcome | null {
    const { code, offset } = parkedAt(machine.ksp);
    const isReturn = isParkedReturn();
    const pause = this.translate(code, this.instance);
    if (pause !== null) return pause;
    machine.pc = code.start + offset;
    return isReturn ? this.follow(machine.pc) : null;
  }

  /** Goes where a pair says. */
  protected follow(pair: number): Outcome | null {
    machine.pc = CODE[pair];
    return this.pay(CODE[pair + 1]);
  }

  /** Does what a return instruction does. */
  protected returnToCaller(): Outcome | null {
    machine.ksp -= 2;
    machine.fp -= CONTROL[machine.ksp + 1];
    return this.goBack();
  }

  /** Goes on in the frame that was returned to, which may not be on the machine. */
  protected goBack(): Outcome | null {
    if (CONTROL[machine.ksp] === BELOW_PC - 2) {
      this.parts.comeBack();
      this.limitStacks();
    }
    const pair = CONTROL[machine.ksp];
    if (!OUTER_RETURNS.includes(pair)) return this.follow(pair);
    // Nobody pauses in the machine's own frames: they have no size, and results lie there.
    machine.pc = CODE[pair];
    return this.leaveMachineFrame();
  }

  /** A function returned to the machine's own code: to the end, or to another instance's code. */
  protected leaveMachineFrame(): Outcome | null {
    if (machine.pc === EXIT_PC) {
      this.settle();
      return this.finish();
    }
    if (machine.pc === PARKED_PC) return this.unpark();
    if (machine.pc === BELOW_PC) return this.goBack();
    if (machine.pc === HOST_PC) return this.returnToHost();
    this.instance = this.callers.pop() ?? null;
    this.limitCalls();
    return this.returnToCaller();
  }

  // Calls

  /** Calls with the frame `delta` words above this one; the instruction has `words` words. */
  protected call(callee: FunctionInstance, delta: number, words: number): Outcome | null {
    const frame = machine.fp + delta;
    if (callee.host !== null) {
      return this.makeRoom(callee, delta, words) ?? this.callHost(callee, frame, words);
    }
    const { tier } = callee;
    if (tier !== null) {
      if (this.mayEnter(tier, frame)) return this.callCompiled(callee, tier, delta, words);
      if (this.isCrowded(tier, frame)) return this.overflow({ callee, delta, words });
    }
    const pause = this.prepare(callee, delta, words);
    if (pause !== null) return pause;
    if (!frameFits(callee.registerCode.entry, frame, 1))
      return this.overflow({ callee, delta, words });
    writeReturnBehind(words - 2);
    this.pushControl(CONTROL[machine.ksp], delta);
    this.switchTo(callee.instance);
    return this.enterFunction(callee, frame);
  }

  /** Enters a function that has code. */
  protected enterFunction(callee: FunctionInstance, frame: number): Outcome | null {
    const { entry } = callee.registerCode;
    if (!frameFits(entry, frame)) return this.overflow({ callee, delta: 0, words: 0 });
    zeroLocals(entry, frame);
    machine.fp = frame;
    machine.pc = entry;
    return this.pay(CODE[entry - 2]);
  }

  protected callIndirect(
    callee: FunctionInstance,
    typeId: number,
    call: (callee: FunctionInstance) => Outcome | null,
  ): Outcome | null {
    if (!idMatches(callee.typeId, typeId)) return this.trap(INDIRECT_CALL_TYPE_MISMATCH);
    return call(callee);
  }

  /** `call_indirect` of an element that the loop has not found: it knows the table's head only. */
  protected callBeyondHead(): Outcome | null {
    const found = tableFunction(this.instance as ModuleInstance, extra(4), SLOTS[machine.y]);
    if (typeof found === "number") return this.trap(found);
    return this.callIndirect(found, extra(3), (f) => this.call(f, extra(1), 7));
  }

  protected callReference(call: (callee: FunctionInstance) => Outcome | null): Outcome | null {
    const callee = REFERENCES[machine.y >> 1] as FunctionInstance | null;
    return callee === null ? this.trap(NULL_FUNCTION_REFERENCE) : call(callee);
  }

  protected returnCallIndirect(): Outcome | null {
    const found = tableFunction(this.instance as ModuleInstance, extra(3), SLOTS[machine.y]);
    if (typeof found === "number") return this.trap(found);
    return this.callIndirect(found, extra(2), (f) => this.tailCall(f));
  }

  /** The arguments lie in the current frame, which the callee takes over. */
  protected tailCall(callee: FunctionInstance): Outcome | null {
    if (callee.host !== null) {
      return this.makeRoom(callee, 0, 0) ?? this.callHost(callee, machine.fp, 0);
    }
    const { tier } = callee;
    if (tier !== null) {
      if (this.mayEnter(tier, machine.fp)) return this.callCompiled(callee, tier, 0, 0);
      if (this.isCrowded(tier, machine.fp)) return this.overflow({ callee, delta: 0, words: 0 });
    }
    const pause = this.prepare(callee, 0, 0);
    if (pause !== null) return pause;
    this.takeOver(callee.instance);
    return this.enterFunction(callee, machine.fp);
  }

  /** Goes on behind a call that others have made, whose results are in their slots. */
  protected leaveCall(words: number): Outcome | null {
    if (words === 0) return machine.pc === EXIT_PC ? this.finish() : this.returnToCaller();
    writeReturnBehind(words - 2);
    return this.follow(CONTROL[machine.ksp]);
  }

  /** Pays for what comes next, or goes on in another tier, if that can go on there. */
  protected payOrAscend(cost: number): Outcome | null {
    const tier = this.instance?.tier ?? null;
    const place = tier === null ? undefined : placeAt(machine.ksp);
    if (tier === null || place === undefined) {
      this.untilLook = Number.POSITIVE_INFINITY;
      return this.pay(cost);
    }
    const { code, offset } = place;
    this.settle();
    // Before the first look there is no end of units.
    const spent = Math.max(0, this.looks.units - this.untilLook);
    const continuation = tier.ascend(code, offset, cost, spent);
    if (continuation !== null && this.affords(ascent.stay * continuation.worst)) {
      const { fp } = machine;
      if (this.mayEnter(continuation, fp)) {
        this.looks.found();
        return this.callCompiled(this.functionAt(code.index), continuation, 0, 0);
      }
      if (this.isCrowded(continuation, fp)) {
        this.pending = cost;
        return this.overflow(null);
      }
    }
    this.untilLook = this.looks.next();
    return this.pay(cost);
  }
}
