// Traps of the host's engine as the interpreter would have ended: the same code, the same bill, the
// same calls in progress. The host's stack says where it was; which instruction of the guest's that
// is, and with it most of the trap, is found out afterwards (places.ts).

import type { CompiledModule } from "../code/compiled.ts";
import { frameIn, MOST_FRAMES } from "../interpreter/backtrace.ts";
import { instructionAt } from "../isa/index.ts";
import type { Instruction } from "../isa/instruction.ts";
import { I32, type ValType } from "../isa/types.ts";
import type { Fault } from "../runtime/tier.ts";
import { type Backtrace, Exhaustion, Trap } from "../runtime/trap.ts";
import {
  DIVIDE_BY_ZERO,
  INDIRECT_CALL_TYPE_MISMATCH,
  INTEGER_OVERFLOW,
  INVALID_CONVERSION,
  MEMORY_OUT_OF_BOUNDS,
  NULL_REFERENCE,
  UNALIGNED_ATOMIC,
  UNDEFINED_ELEMENT,
  UNINITIALIZED_ELEMENT,
  UNREACHABLE,
} from "../runtime/traps.ts";
import { isConversion } from "./handling.ts";
import { isTrap } from "./host-objects.ts";
import { stackOf } from "./host-stack.ts";
import { OP } from "./opcodes.ts";
import { findPlaces, type HostFrame, type Place, type Written } from "./places.ts";
import { KEPT } from "./values.ts";

/** What a function of the host's has thrown, and what was the case then. */
export interface Thrown {
  readonly error: unknown;
  /** Operands that were kept last, of the types of `KEPT`. */
  readonly kept: readonly number[];
  /** The host module whose function was entered. */
  readonly entered: Written;
}

/** Whose function it was. */
export interface Executed {
  readonly compiled: CompiledModule;
  readonly written: Written;
  /** Whether there is nothing at an index of a table. */
  isNull(table: number, index: number): boolean;
}

/** The code of the trap that an instruction has raised, with what V8 or SpiderMonkey say of it. */
function codeOf(executed: Executed, message: string, kept: Thrown["kept"], place: Place): number {
  const { op, table } = place;
  const isBounds = message.includes("bounds");
  if (op === OP.callIndirect || op === OP.returnCallIndirect) {
    if (isBounds) return UNDEFINED_ELEMENT;
    const isNull = executed.isNull(table, kept[KEPT.indexOf(I32)]);
    return isNull ? UNINITIALIZED_ELEMENT : INDIRECT_CALL_TYPE_MISMATCH;
  }
  if (isConversion(op)) {
    const { params } = instructionAt(op) as Instruction;
    const operand = kept[KEPT.indexOf((params as readonly ValType[])[0])];
    return Number.isNaN(operand) ? INVALID_CONVERSION : INTEGER_OVERFLOW;
  }
  if (op === OP.refAsNonNull) return NULL_REFERENCE;
  if (message.includes("unaligned")) return UNALIGNED_ATOMIC;
  if (isBounds) return MEMORY_OUT_OF_BOUNDS;
  if (message.includes("by zero")) return DIVIDE_BY_ZERO;
  return /unrepresentable|overflow/.test(message) ? INTEGER_OVERFLOW : UNREACHABLE;
}

/** Where it was if the host does not say: somebody has frozen its errors. */
const NOWHERE: Place = { funcIndex: -1, offset: 0, op: -1, table: 0, owed: 0 };

/** A trap, or too deep a recursion, whose place is being found out. */
export class HostFault implements Fault {
  readonly kind = "fault";
  private readonly executed: Executed;
  private readonly thrown: Thrown & { readonly error: Error };
  private readonly work: ReturnType<typeof findPlaces>;
  /** The host module whose code has trapped; null: the host has not said it. */
  readonly innermost: Written | null;
  /** The innermost first. */
  private places: readonly Place[] = [];
  owed = 0;
  op = NOWHERE.op;
  hostBytes = 0;

  constructor(
    executed: Executed,
    thrown: Thrown & { readonly error: Error },
    frames: readonly HostFrame[],
  ) {
    this.executed = executed;
    this.thrown = thrown;
    this.work = findPlaces(executed.compiled, frames);
    this.innermost = frames.length > 0 ? frames[0].written : null;
  }

  advance(): boolean {
    const next = this.work.next();
    this.hostBytes = next.done === true ? 0 : next.value;
    if (next.done !== true) return false;
    // A function for which there was no room on the stack stands at no instruction.
    this.places = next.value.filter((place) => place !== null);
    const { op, owed } = next.value[0] ?? NOWHERE;
    this.op = op;
    this.owed = owed;
    return true;
  }

  errorIn(callers: Backtrace): Trap | Exhaustion {
    const { executed, places, thrown } = this;
    const { module } = executed.written;
    const calls = places.map(({ funcIndex, offset }) => frameIn(module, funcIndex, offset));
    const backtrace = [...calls, ...callers].slice(0, MOST_FRAMES);
    const { error, kept } = thrown;
    if (!isTrap(error)) return new Exhaustion("stackBytes", "", backtrace);
    return new Trap(codeOf(executed, error.message, kept, places[0] ?? NOWHERE), backtrace);
  }
}

/** Whether the host's stack was too small: V8 and JavaScriptCore, SpiderMonkey. */
function isOverflow(error: Error): boolean {
  return error instanceof RangeError || error.name === "InternalError";
}

/** What an error of the host's means; null: it is none that its engine has raised. */
export function faultOf(executed: Executed, thrown: Thrown): HostFault | null {
  const { error } = thrown;
  if (!(error instanceof Error) || !(isTrap(error) || isOverflow(error))) return null;
  const stack = stackOf(error);
  const end = stack.indexOf(null);
  const frames: HostFrame[] = [];
  for (const one of stack) {
    if (one === null || frames.length > MOST_FRAMES) break;
    // The outermost one says how the host names the module whose function was entered.
    const isEntered = end > 0 && one.module === stack[end - 1]?.module;
    frames.push({ ...one, written: isEntered ? thrown.entered : executed.written });
  }
  return new HostFault(executed, { ...thrown, error }, frames);
}
