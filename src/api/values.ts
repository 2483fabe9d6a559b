// Values at the border of the embedder API (spec: 4.2.1; JS-API 5.6 is laxer). i32, f32 and f64 are
// numbers, i64 is a bigint, a v128 is 16 bytes, functions are `Func`, an i31 is a number, structs
// and arrays are opaque objects, other references are host values or null. What a value cannot be
// is refused here, by a TypeError that says whose value it is.

import {
  F32,
  F64,
  HEAP_ANY,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  heapOf,
  I32,
  I64,
  isNullable,
  V128,
  type ValType,
} from "../isa/types.ts";
import { ExceptionInstance, FunctionInstance } from "../runtime/instances.ts";
import { isForeignReference } from "../runtime/link.ts";
import { internalize, matchesHeap, toExtern, toHost } from "../runtime/objects.ts";
import type { Store } from "../runtime/store.ts";
import { formatClosedType, heapIdMatches } from "../runtime/types.ts";
import { FunctionHandle, functionOf, storeOf } from "./handles.ts";

/**
 * A value of WebAssembly in JavaScript: number (i32, f32, f64, i31), bigint (i64), a `Uint8Array`
 * of 16 bytes (v128, the first lane in front), null or a reference: `Func`, an opaque object
 * (structs, arrays), or for externref and anyref any value.
 */
export type Value = unknown;

/**
 * Checks a value of the host and turns it into one of the engine's. `whose` is for the error;
 * functions must belong to `store`, if there is one.
 */
export function toEngine(
  value: Value,
  type: ValType,
  whose: () => string,
  store: Store | null,
): Value {
  switch (type) {
    case I32:
      if (typeof value === "number" || typeof value === "boolean") return value;
      break;
    case I64:
      if (typeof value === "bigint") return value;
      break;
    case F32:
    case F64:
      if (typeof value === "number") return value;
      break;
    case V128:
      // A copy: the host may change its bytes before they are read.
      if (value instanceof Uint8Array && value.length === 16) return new Uint8Array(value);
      break;
    default:
      return toReference(value, type, whose, store);
  }
  const wanted = WANTED.get(type) ?? "a number";
  throw new TypeError(`${whose()} must be ${wanted} (${formatClosedType(type)})${found(value)}`);
}

/** What values of numeric and vector types must be, where that is not a number. */
const WANTED: ReadonlyMap<ValType, string> = new Map([
  [I64, "a bigint"],
  [V128, "a Uint8Array of 16 bytes"],
]);

function toReference(value: Value, type: ValType, whose: () => string, store: Store | null): Value {
  if (value === null) {
    if (isNullable(type)) return null;
    throw new TypeError(`${whose()} must not be null (${formatClosedType(type)})`);
  }
  const heap = heapOf(type);
  if (heap === HEAP_EXTERN) return toExtern(value, store?.objects ?? null);
  if (heapIdMatches(heap, HEAP_ANY)) {
    const reference = internalize(value, store?.objects ?? null);
    if (matchesHeap(reference, heap)) return reference;
  }
  if (heap === HEAP_EXN && value instanceof ExceptionInstance) return home(value, whose, store);
  const target = heapIdMatches(heap, HEAP_FUNC) ? functionOf(value) : null;
  if (target !== null && heapIdMatches(target.typeId, heap)) {
    return home(target, whose, store);
  }
  throw new TypeError(`${whose()} must be a ${formatClosedType(type)} or null${found(value)}`);
}

/** A reference, unless it is or leads to a function or object of another store than `store`. */
function home(reference: Value, whose: () => string, store: Store | null): Value {
  if (store === null || !isForeignReference(reference, store)) return reference;
  const what = reference instanceof FunctionInstance ? "is a function" : "leads to something";
  throw new TypeError(`${whose()} ${what} of another store`);
}

/** A value of the engine for the host. */
export function fromEngine(value: Value, store: Store): Value {
  return value instanceof FunctionInstance ? storeOf(store).func(value) : toHost(value);
}

function found(value: Value): string {
  return `, found ${describeValue(value)}`;
}

/** `a string`, `the bigint 3n`: what somebody has given instead of something else. */
export function describeValue(value: Value): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "bigint") return `the bigint ${value}n`;
  if (typeof value === "number") return `the number ${value}`;
  if (value instanceof FunctionHandle) return "a function of WebAssembly";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Checks the arguments of a call: as many as there are parameters, each of its type. */
export function checkArguments(
  args: readonly Value[],
  types: readonly ValType[],
  name: () => string,
  store: Store,
): Value[] {
  if (args.length !== types.length) {
    const list = types.map(formatClosedType).join(" ");
    throw new TypeError(`${name()} takes (${list}): ${types.length} values, not ${args.length}`);
  }
  return types.map((type, i) => {
    return toEngine(args[i], type, () => `argument ${i + 1} of ${name()}`, store);
  });
}
