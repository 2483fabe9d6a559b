// What the interpreter knows of another tier: functions that something else executes than register
// code. They are called with their arguments in the slots; where one has to stop, its calls come
// down as frames of register code, in which the interpreter goes on.

import type { CompiledModule } from "../code/compiled.ts";
import type { FunctionCode } from "../code/space.ts";
import type { FunctionInstance, ModuleInstance } from "./instances.ts";
import type { FrameShape } from "./saved.ts";
import type { Backtrace, Exhaustion, Trap } from "./trap.ts";

/** Who executes the functions of a store's instances. */
export type Tier = "auto" | "interpreter" | "compiled";

export const TIERS: readonly Tier[] = ["auto", "interpreter", "compiled"];
/** That of stores whose options do not say. */
export const DEFAULT_TIER: Tier = "interpreter";

/** The way of an instance to another tier. */
export interface Promotion {
  /**
   * The interpreter has spent so many units in the instance's functions. `mayStall`: nobody minds
   * if it takes long what is done about it.
   */
  worked(units: number, mayStall: boolean): void;
  /** Does a piece of the way; true when it is at the end, or nothing can be done but wait. */
  advance(mayStall: boolean): boolean;
}

/** The thread that such a function runs in: where budget comes from, and what else it calls. */
export interface Budgets {
  /**
   * Books that so much is left of the budget: a new one, for code that may spend `worst` before it
   * asks again. -1: it must not go on, since the thread may have to stop before that.
   */
  allot(left: number, worst: number): number;
  /** Books that so much is left of the budget, of code that does not go on. */
  book(left: number): void;
  /**
   * Calls a function that it does not execute, whose arguments lie where its own did: a new budget,
   * and the results lie there. -1: its calls must come down, so that the thread can go on.
   * `usedRoom`: what its calls take of the room that it was given.
   */
  callOutside(callee: FunctionInstance, left: number, usedRoom: number): number;
  /**
   * Executes an instruction whose operands lie in slots from the word `at` on, where it leaves its
   * result, if whoever has entered its segment can pay for it and for all up to the next check: a
   * new budget. -1: the interpreter has to go on in front of it, with the operands as they are now.
   */
  execute(instruction: OutsideInstruction, at: number, left: number, ahead: CostsAhead): number;
  /**
   * Bytes of the room of whoever was entered last that the host's stack has for certain. There may
   * be more: see `findRoom`.
   */
  readonly knownRoom: number;
  /** Finds out whether the host's stack has more for certain; false: it has not. */
  findRoom(): boolean;
  /** Has a call made, like that, as soon as all has come down. */
  callFromBelow(callee: FunctionInstance): -1;
}

/** An instruction that the runtime executes for other code. */
export interface OutsideInstruction {
  readonly op: number;
  readonly a: number;
  readonly b: number;
  readonly instance: ModuleInstance;
}

/** What is spent behind an instruction before the next check, at most. */
export interface CostsAhead {
  readonly worst: number;
  /** The part of it that belongs to the same segment, which is paid in one. */
  readonly rest: number;
}

/** What a function has ended with that has not returned; it has to be put into our terms. */
interface Ending {
  /** Does a piece of that work, about 0.1 ms; whether it is complete. */
  advance(): boolean;
  /** Bytes of the host's memory that it takes until it is over. */
  readonly hostBytes: number;
}

/** What a function has come down with. */
export interface Descent extends Ending {
  readonly kind: "descent";
  /** Whose functions have come down. */
  readonly instance: ModuleInstance;
  /** The innermost first. */
  readonly frames: readonly FrameShape[];
  /** Price of what the innermost one stopped in front of. */
  readonly cost: number;
  /** Writes the frames into the slots, one behind the other, from the word `at` on. */
  put(at: number): void;
}

/** What has gone wrong in a function. */
export interface Fault extends Ending {
  readonly kind: "fault";
  /** What it has not paid of the segment in which it has ended. */
  readonly owed: number;
  /** Opcode of the instruction that it has ended in; -1 if it is not known. */
  readonly op: number;
  /** The error, if these calls were in progress when the function was called. */
  errorIn(callers: Backtrace): Trap | Exhaustion;
}

/** What executes functions of an instance. */
export interface InstanceTier {
  /** Register code in which its functions are called like those of other instances. */
  readonly compiled: CompiledModule;
  /** Why functions are left to the interpreter, by index. */
  readonly leftOut: ReadonlyMap<number, string>;
  /** What executes a function by its index; null: the interpreter. */
  functionAt(index: number): CompiledFunction | null;
  /**
   * The interpreter has spent so much in a function since it asked last, and stands at `position`
   * of its code, in front of what costs `cost`: what can go on there, and finish the function.
   * Null: nothing can, or not yet.
   */
  ascend(code: FunctionCode, position: number, cost: number, spent: number): Continuation | null;
}

/** What executes a function. */
export interface CompiledFunction {
  /** Bytes of room that it has to be given at least. */
  readonly leastRoom: number;
  /** Whether it may be run with what lies at the word `frame`: nothing that a census looks for. */
  mayTake(frame: number): boolean;
  /**
   * Runs it with the arguments that lie at the word `frame` of the slots, and leaves the results
   * there; or gives what it has ended with instead. Its calls take at most `room` bytes of stack:
   * of the host's, and of the slots if they come down.
   */
  enter(frame: number, budget: number, room: number, budgets: Budgets): Descent | Fault | null;
}

/** What goes on in a frame that the interpreter has left off in: `frame` is where that begins. */
export interface Continuation extends CompiledFunction {
  /** The most that it spends before it asks for budget. */
  readonly worst: number;
}
