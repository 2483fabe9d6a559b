// Runs the same bytes on our interpreter and on the host's own WebAssembly and compares: results,
// traps, memory, numeric globals (spec: 4 Execution). Results that cross must be integers where
// every bit counts: the host's JavaScript border may change the bits of a NaN.

import { REGISTER_NAMES } from "../../src/code/opcodes.generated.ts";
import { OPCODE_MASK } from "../../src/code/registers.ts";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { CODE } from "../../src/interpreter/loop.generated.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { readRaw } from "../../src/interpreter/values.ts";
import { F32, F64, I32, isReference, type ValType } from "../../src/isa/types.ts";
import type { FunctionInstance, ModuleInstance, Value } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { Exhaustion, Trap, WasmException } from "../../src/runtime/trap.ts";
import { assemble, load } from "../validation/assemble.ts";

/** A number as the host takes and gives it. */
export type Scalar = number | bigint;

interface HostNamespace {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: Record<string, unknown> };
  RuntimeError: new () => Error;
  Exception: new () => object;
}

export const HOST = (globalThis as unknown as { WebAssembly: HostNamespace }).WebAssembly;

/** What the host exports, by name. */
export type HostExports = Record<string, unknown>;

export function hostExports(bytes: Uint8Array): HostExports {
  return new HOST.Instance(new HOST.Module(bytes)).exports;
}

/** Bits of a value, as an unsigned integer and by type; references only as null or not. */
export function bitsOf(low: number, high: number, type: ValType): bigint {
  const lower = BigInt(low >>> 0);
  return type === I32 || type === F32 ? lower : lower | (BigInt(high >>> 0) << 32n);
}

function isNan(bits: bigint, type: ValType): boolean {
  if (type === F32) return (bits & 0x7fffffffn) > 0x7f800000n;
  return type === F64 && (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}

/** Text of a value's bits; all NaNs are alike, for the host's border makes them so. */
export function show(bits: bigint, type: ValType): string {
  return isNan(bits, type) ? "nan" : `0x${bits.toString(16)}`;
}

const cell = new DataView(new ArrayBuffer(8));

/** Bits of a value as the host's JavaScript border gives it. */
export function bitsOfHostValue(value: unknown, type: ValType): bigint {
  if (type === F32) cell.setFloat32(0, value as number, true);
  else if (type === F64) cell.setFloat64(0, value as number, true);
  else if (type === I32) cell.setInt32(0, value as number, true);
  else cell.setBigInt64(0, value as bigint, true);
  return bitsOf(cell.getInt32(0, true), cell.getInt32(4, true), type);
}

function showReference(value: unknown): string {
  return value === null ? "null" : "reference";
}

/** How an invocation ended: results as text, or what ended it. */
export type Ending = string;

/** Traps by what engines say; V8 does not tell NaN from overflow in a truncation. */
const TRAPS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/unreachable/, "unreachable"],
  [/divide by zero|remainder by zero/, "divide by zero"],
  [/divide result unrepresentable|integer overflow|invalid conversion/, "unrepresentable"],
  [/float unrepresentable/, "unrepresentable"],
  [/out of bounds memory|memory access out of bounds|data segment/, "memory out of bounds"],
  [/cast/, "cast"],
  // V8 says the same of call_indirect and of table.get, and to it a null in a typed table is a null
  // reference. array.copy looks at the target's bounds before it looks whether there is a source,
  // array.init_elem at the segment's before the array's.
  [/indirect call type|signature|uninitialized|null|dereferencing|array/, "table or reference"],
  [/undefined element|out of bounds table|table .*out of bounds/, "table or reference"],
  [/element segment/, "table or reference"],
];

export function trapName(message: string): string {
  return TRAPS.find(([pattern]) => pattern.test(message))?.[1] ?? message;
}

/** Calls a function of the host. */
export function callHost(
  call: unknown,
  args: readonly Scalar[],
  types: readonly ValType[],
): Ending {
  try {
    const result = (call as (...args: readonly Scalar[]) => unknown)(...args);
    const values = types.length === 1 ? [result] : types.length === 0 ? [] : [...(result as [])];
    return types
      .map((type, i) => {
        if (isReference(type)) return showReference(values[i]);
        return show(bitsOfHostValue(values[i], type), type);
      })
      .join(" ");
  } catch (error) {
    return hostEnding(error);
  }
}

export function hostEnding(error: unknown): Ending {
  if (error instanceof HOST.Exception) return "exception";
  if (error instanceof RangeError) return "exhausted";
  if (error instanceof HOST.RuntimeError) return `trap: ${trapName(error.message)}`;
  throw error;
}

/** A thread whose results are text of their bits. */
class ShownThread extends Thread {
  protected override results(at: number, types: readonly ValType[]): Value[] {
    return readRaw(at, types).map(({ low, high, reference }, i) => {
      const type = types[i];
      return isReference(type) ? showReference(reference) : show(bitsOf(low, high, type), type);
    });
  }
}

export interface Run {
  readonly ending: Ending;
  readonly fuel: number;
  /** How often it stopped at the end of a slice. */
  readonly stops: number;
}

/** Calls a function of ours, in slices. `slice` gives the length of each. */
export function callOurs(
  store: Store,
  func: FunctionInstance,
  args: readonly Value[],
  slice: () => number = () => Number.POSITIVE_INFINITY,
): Run {
  const thread = new ShownThread(store, func, args, false);
  let stops = 0;
  let outcome = thread.run(slice());
  while (outcome.kind === "suspended" && outcome.reason === "slice") {
    stops++;
    outcome = thread.run(slice());
  }
  const fuel = thread.fuelUsed;
  if (outcome.kind === "returned") return { ending: outcome.values.join(" "), fuel, stops };
  if (outcome.kind === "trapped") return { ending: ourEnding(outcome.trap), fuel, stops };
  if (outcome.kind === "threw") return { ending: ourEnding(outcome.error), fuel, stops };
  throw new Error(`suspended for want of ${outcome.reason}`);
}

export function ourEnding(error: unknown): Ending {
  if (error instanceof WasmException) return "exception";
  if (error instanceof Exhaustion && error.kind === "callDepth") return "exhausted";
  if (error instanceof Exhaustion && error.kind === "stackBytes") return "exhausted";
  if (error instanceof Trap) return `trap: ${trapName(error.message)}`;
  throw error;
}

/** An instance of ours and one of the host, of the same bytes. */
export class Pair {
  readonly store = new Store();
  readonly ours: ModuleInstance;
  readonly theirs: HostExports;

  constructor(bytes: Uint8Array) {
    this.ours = moduleInstantiate(this.store, load(bytes), []);
    this.theirs = hostExports(bytes);
  }

  static of(text: string): Pair {
    return new Pair(assemble(text));
  }

  func(name: string): FunctionInstance {
    const found = this.ours.exports.get(name);
    if (found?.kind !== "func") throw new Error(`no function ${name}`);
    return found.value;
  }

  /** The line that tells the difference between both, or null where there is none. */
  difference(name: string, args: readonly Scalar[]): string | null {
    const func = this.func(name);
    const ours = callOurs(this.store, func, args).ending;
    const theirs = callHost(this.theirs[name], args, func.type.results);
    return ours === theirs ? null : `${name}(${args.join(", ")}): ${ours}, host ${theirs}`;
  }
}

/** Names of the register instructions that stand where Wasm instructions begin. */
export function registerNames({ code }: FunctionInstance): string[] {
  const names: string[] = [];
  for (let offset = code.entryOffset; offset < code.size; offset++) {
    if (code.offsetAt(offset) === code.offsetAt(offset - 1)) continue;
    const at = code.start + offset;
    const first = REGISTER_NAMES[CODE[at] & OPCODE_MASK];
    names.push(first === "wide" ? REGISTER_NAMES[CODE[at + 2] & OPCODE_MASK] : first);
  }
  return names;
}
