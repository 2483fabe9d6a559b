// Values between JavaScript and the frames of calls, by the types of a function (JS-API: 5.6,
// ToJSValue and ToWebAssemblyValue). Numbers that are numbers already go straight into the frame;
// nothing is allocated for them.

import {
  intIn,
  nextFrame,
  putNumber,
  putValue,
  type ReferenceReader,
  reserveValues,
  valueIn,
} from "../embedding/frame.ts";
import {
  F32,
  F64,
  HEAP_EXN,
  HEAP_NOEXN,
  heapOf,
  I32,
  I64,
  isReference,
  V128,
  type ValType,
} from "../isa/types.ts";
import type { FuncType } from "../module/module.ts";
import type { RawValue, Value } from "../runtime/instances.ts";
import type { FrameReader } from "../runtime/outcome.ts";
import { fromRaw, toRaw } from "../runtime/values.ts";
import { iterate, toNumber } from "./webidl.ts";

/** How a namespace turns references into JavaScript values and back. */
export interface ReferenceBorder extends ReferenceReader {
  /** @throws TypeError for what cannot be a reference of this type, which is closed */
  toEngine(value: unknown, type: ValType): Value;
  /** `type`, which is closed, is that of the place where the value comes from. */
  fromEngine(value: Value, type: ValType): unknown;
}

/** Lets references through as the engine has them. */
export const AS_THEY_ARE: ReferenceBorder = {
  toEngine: (value) => value,
  fromEngine: (value) => value,
};

/** Whether values of a type can be JavaScript values at all. */
export function crosses(type: ValType): boolean {
  if (type === V128) return false;
  return !isReference(type) || (heapOf(type) !== HEAP_EXN && heapOf(type) !== HEAP_NOEXN);
}

/** The error of a value that cannot cross. */
export function cannotCross(): TypeError {
  return new TypeError("type incompatibility when transforming from/to JS");
}

/**
 * ToWebAssemblyValue up to its bits: numbers as JavaScript numbers, i64 as a bigint, references as
 * the engine has them.
 */
export function toWebAssemblyValue(value: unknown, type: ValType, border: ReferenceBorder): Value {
  switch (type) {
    case I32:
      return toNumber(value) | 0;
    case I64:
      return BigInt.asIntN(64, value as bigint);
    case F32:
    case F64:
      return toNumber(value);
    default:
      return border.toEngine(value, type);
  }
}

/** The bits of what `toWebAssemblyValue` has given, for globals and exceptions. */
export function rawOf(value: Value, type: ValType): RawValue {
  // Nobody may look at what the host has as a reference.
  if (isReference(type)) return { low: 0, high: 0, reference: value };
  return toRaw(value, type);
}

/** ToJSValue of bits. */
export function fromRawBits(raw: RawValue, type: ValType, border: ReferenceBorder): unknown {
  return isReference(type) ? border.fromEngine(raw.reference, type) : fromRaw(raw, type);
}

/** A function type with what is needed to call functions of it. */
export class Signature implements FrameReader {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  /** Whether all its values can be JavaScript values; a call is a TypeError otherwise. */
  readonly crosses: boolean;
  /** The only result's type; null if there is none or there are several. */
  private readonly single: ValType | null;
  private readonly border: ReferenceBorder;
  private readonly references: boolean;

  /** `type` is closed. */
  constructor({ params, results }: FuncType, border: ReferenceBorder) {
    this.params = params;
    this.results = results;
    this.crosses = params.every(crosses) && results.every(crosses);
    this.single = results.length === 1 ? results[0] : null;
    this.border = border;
    this.references = params.some(isReference);
  }

  /** Puts the arguments of a call to where it will look for them. */
  write(args: readonly unknown[]): void {
    const { params } = this;
    const frame = nextFrame();
    for (let i = 0; i < params.length; i++) {
      if (!putNumber(frame, i, params[i], args[i])) {
        this.convert(args);
        return;
      }
    }
  }

  /** Conversions may run any code: only when all are done the frame is used. */
  private convert(args: readonly unknown[]): void {
    const { params } = this;
    if (!this.crosses) throw cannotCross();
    const values: Value[] = [];
    for (let i = 0; i < params.length; i++) {
      values.push(toWebAssemblyValue(args[i], params[i], this.border));
    }
    const frame = nextFrame();
    if (this.references) reserveValues(frame, params.length);
    for (let i = 0; i < params.length; i++) putValue(frame, i, params[i], values[i]);
  }

  /** The results of a call: undefined, a value, or an array. */
  read(frame: number): unknown {
    const { single } = this;
    if (single === I32) return intIn(frame, 0);
    if (single !== null) return valueIn(frame, 0, single, this.border);
    if (this.results.length === 0) return undefined;
    return this.results.map((type, i) => valueIn(frame, i, type, this.border));
  }

  /** Argument `index` of a host function whose frame is at `frame`. */
  argument(frame: number, index: number): unknown {
    const type = this.params[index];
    return type === I32 ? intIn(frame, index) : valueIn(frame, index, type, this.border);
  }

  /** All arguments of a host function. */
  arguments(frame: number): unknown[] {
    return this.params.map((type, i) => valueIn(frame, i, type, this.border));
  }

  /** Puts what a host function has returned into its frame. */
  writeResult(frame: number, result: unknown): void {
    const { single } = this;
    if (single === null) {
      if (this.results.length > 0) this.writeResults(frame, result);
    } else if (!putNumber(frame, 0, single, result)) {
      const value = toWebAssemblyValue(result, single, this.border);
      if (isReference(single)) reserveValues(frame, 1);
      putValue(frame, 0, single, value);
    }
  }

  private writeResults(frame: number, result: unknown): void {
    const { results } = this;
    const iterable = result !== null && result !== undefined;
    const method = iterable ? (Object(result) as Iterable<unknown>)[Symbol.iterator] : undefined;
    if (typeof method !== "function") {
      throw new TypeError("multi-return value must be iterable");
    }
    const values = iterate(result, method);
    if (values.length !== results.length) {
      throw new TypeError("multi-return length mismatch");
    }
    const converted = results.map((type, i) => toWebAssemblyValue(values[i], type, this.border));
    reserveValues(frame, results.length);
    results.forEach((type, i) => {
      putValue(frame, i, type, converted[i]);
    });
  }
}

/** Whether a value can be called. */
export function isCallable(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === "function";
}
