// Error classes of a namespace (JS-API: 5.9 Error Objects) and what they say. Messages are worded
// as V8 words them, since programs compare them; what the engine knows beyond that is in `cause`.

import { type ModuleError, quote } from "../module/errors.ts";
import type { Exhaustion, Trap } from "../runtime/trap.ts";

/** The constructor of a NativeError: it can be called without `new`, too. */
export interface ErrorClass {
  new (message?: string, options?: ErrorOptions): Error;
  (message?: string, options?: ErrorOptions): Error;
  readonly prototype: Error;
}

/** The classes of a namespace. */
export interface ErrorClasses {
  readonly CompileError: ErrorClass;
  readonly LinkError: ErrorClass;
  readonly RuntimeError: ErrorClass;
  readonly SuspendError: ErrorClass;
}

/** Makes a class as the NativeError Object Structure describes it (ECMAScript: 20.5.6). */
function errorClass(name: string): ErrorClass {
  const Class = {
    // A method could not be a constructor, a class not be called.
    [name]: function (this: unknown, ...args: [message?: string, options?: ErrorOptions]) {
      return Reflect.construct(Error, args, new.target ?? Class);
    },
  }[name] as unknown as ErrorClass;
  // Hermes takes no name from a computed key.
  Object.defineProperty(Class, "name", { value: name, configurable: true });
  Object.setPrototypeOf(Class, Error);
  Object.defineProperty(Class, "length", { value: 1, configurable: true });
  const prototype = Object.create(Error.prototype, {
    constructor: { value: Class, writable: true, configurable: true },
    name: { value: name, writable: true, configurable: true },
    message: { value: "", writable: true, configurable: true },
  });
  Object.defineProperty(Class, "prototype", { value: prototype, writable: false });
  return Class;
}

/** Fresh error classes, for a namespace. */
export function errorClasses(): ErrorClasses {
  return {
    CompileError: errorClass("CompileError"),
    LinkError: errorClass("LinkError"),
    RuntimeError: errorClass("RuntimeError"),
    SuspendError: errorClass("SuspendError"),
  };
}

/** V8's words for traps, by the names that runtime/traps.ts gives them. */
const TRAP_MESSAGES: Readonly<Record<string, string>> = {
  unreachable: "unreachable",
  divideByZero: "divide by zero",
  integerOverflow: "divide result unrepresentable",
  invalidConversion: "float unrepresentable in integer range",
  memoryOutOfBounds: "memory access out of bounds",
  tableOutOfBounds: "table index is out of bounds",
  undefinedElement: "table index is out of bounds",
  uninitializedElement: "null function or function signature mismatch",
  indirectCallTypeMismatch: "null function or function signature mismatch",
  nullReference: "dereferencing a null pointer",
  nullFunctionReference: "dereferencing a null pointer",
  nullExceptionReference: "rethrowing null value",
  nullStructureReference: "dereferencing a null pointer",
  nullArrayReference: "dereferencing a null pointer",
  nullI31Reference: "dereferencing a null pointer",
  arrayOutOfBounds: "array element access out of bounds",
  castFailure: "illegal cast",
  unalignedAtomic: "operation does not support unaligned accesses",
  expectedSharedMemory: "Atomics.wait cannot be called in this context",
  waitNotAllowed: "Atomics.wait cannot be called in this context",
};

/** Opcodes of the remainders, which V8 tells apart from divisions, and of the truncations. */
const REMAINDERS: ReadonlySet<number> = new Set([0x6f, 0x70, 0x81, 0x82]);
const TRUNCATIONS: ReadonlySet<number> = new Set([0xa8, 0xa9, 0xaa, 0xab, 0xae, 0xaf, 0xb0, 0xb1]);

/** V8's message for a trap of the instruction `opcode`, which is -1 where it is not known. */
export function trapMessage({ code, phrase }: Trap, opcode: number): string {
  if (code === "divideByZero" && REMAINDERS.has(opcode)) return "remainder by zero";
  if (code === "integerOverflow" && TRUNCATIONS.has(opcode)) return TRAP_MESSAGES.invalidConversion;
  return TRAP_MESSAGES[code] ?? phrase;
}

type CaptureStackTrace = (error: Error, above?: object) => void;

/**
 * Makes the stack trace of an error begin where `entry` was called, where the host can (V8): what
 * lies above is the engine.
 */
function beginAt(error: Error, entry: object | undefined): void {
  const { captureStackTrace } = Error as { readonly captureStackTrace?: CaptureStackTrace };
  if (entry !== undefined) captureStackTrace?.(error, entry);
}

/**
 * Puts the guest's frames into a stack trace, below the message, in V8's form. `entry` is the
 * Exported Function that was called, if it is known.
 */
export function addFrames(
  error: Error,
  { backtrace }: Trap | Exhaustion,
  entry: object | undefined,
): void {
  beginAt(error, entry);
  const { stack } = error;
  if (typeof stack !== "string" || backtrace.length === 0) return;
  const lines = backtrace.map(({ funcIndex, funcName, moduleName, offset }) => {
    const at = `wasm-function[${funcIndex}]:0x${offset.toString(16)}`;
    const place = `wasm://wasm/${moduleName ?? "module"}:${at}`;
    return funcName === undefined ? `    at ${place}` : `    at ${funcName} (${place})`;
  });
  const header = `${error.name}: ${error.message}`;
  const rest = stack.startsWith(header) ? stack.slice(header.length) : `\n${stack}`;
  const value = `${header}\n${lines.join("\n")}${rest}`;
  Object.defineProperty(error, "stack", { value, writable: true, configurable: true });
}

/** V8's message for a module that was refused; `where` is the function that was called. */
export function compileMessage(where: string, error: ModuleError): string {
  const { detail, funcIndex, funcName, instruction, offset, phrase } = error;
  const at = offset === undefined ? "" : ` @+${offset}`;
  const operation = instruction === undefined ? "" : `${instruction}: `;
  const what = `${operation}${phrase}${detail === "" ? "" : `: ${detail}`}`;
  if (funcIndex === undefined) return `${where}: ${what}${at}`;
  const name = funcName === undefined ? "" : `:${quote(funcName)}`;
  return `${where}: Compiling function #${funcIndex}${name} failed: ${what}${at}`;
}

/** The message for what does not fit an import; `where` is the function that was called. */
export function importMessage(
  where: string,
  index: number,
  module: string,
  name: string | null,
  problem: string,
): string {
  const item = name === null ? "" : ` ${quote(name)}`;
  return `${where}: Import #${index} ${quote(module)}${item}: ${problem}`;
}

/** What V8 says of a stack overflow (JS-API: 7.1), and we of a guest's. */
export const OVERFLOW = "Maximum call stack size exceeded";

/** What happens to memories whose buffer somebody has transferred where no host forbids it. */
export const DETACHED = "the buffer of the memory has been detached";

/** Errors that guests cannot catch although they are JavaScript's: traps, and used-up accounts. */
const uncatchable = new WeakSet<object>();

/** Notes that an error stands for a trap (JS-API: traps are not exceptions). */
export function markUncatchable(error: object): void {
  uncatchable.add(error);
}

/**
 * Whether guests cannot catch what a host function has thrown. On which of the two stacks a
 * recursion through both ends is chance: V8 lets guests catch neither, and so do we.
 */
export function isUncatchable(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  return uncatchable.has(error) || (error instanceof RangeError && error.message === OVERFLOW);
}
