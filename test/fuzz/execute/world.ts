// What is around a module that is executed: imports of every kind, made alike for our namespace and
// the host's, and a transcript of everything that happens, in words that are the same for both.

import { moduleExports, moduleImports } from "../../../src/embedding/module.ts";
import {
  ANYREF,
  ARRAYREF,
  EQREF,
  EXTERNREF,
  F32,
  F64,
  FUNCREF,
  I31REF,
  I32,
  I64,
  STRUCTREF,
  V128,
  type ValType,
} from "../../../src/isa/types.ts";
import { type ExternType, funcTypeAt, type ModuleRecord } from "../../../src/module/module.ts";
import { trapName } from "../../interpreter/differential.ts";
import { Random } from "../random.ts";

/** The part of a `WebAssembly` namespace that is used. */
export interface Namespace {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: never, imports: never) => { exports: object };
  Memory: new (descriptor: never) => object;
  Table: new (descriptor: never, init?: never) => object;
  Global: new (descriptor: never, value?: never) => object;
  Tag: new (type: never) => object;
  RuntimeError: new () => Error;
  LinkError: new () => Error;
  Exception: new (tag: never, payload: never) => object;
}

/** What host functions throw that is no exception of the guest's. */
export class Foreign extends Error {
  readonly number: number;

  constructor(number: number) {
    super(`error ${number}`);
    this.number = number;
  }
}

const OBJECTS = Array.from({ length: 4 }, (_, i) => Object.freeze({ object: i }));
const NAMES: ReadonlyMap<ValType, string> = new Map([
  [I32, "i32"],
  [I64, "i64"],
  [F32, "f32"],
  [F64, "f64"],
  [EXTERNREF, "externref"],
  [FUNCREF, "anyfunc"],
]);

/** A value that a host has for a type. */
export function hostValue(random: Random, type: ValType): unknown {
  switch (type) {
    case I32:
      return random.pick([0, 1, 7, -1, 2147483647, -2147483648, random.u32() | 0]);
    case I64:
      return random.pick([0n, 1n, -1n, -(2n ** 63n), BigInt.asIntN(64, random.u64())]);
    case F32:
      return random.pick([0, -0, 1.5, -2.25, Number.POSITIVE_INFINITY]);
    case F64:
      return random.pick([0, -0, 0.1, 1e300, Number.NEGATIVE_INFINITY]);
    case V128:
      return new Uint8Array(BigUint64Array.of(random.u64(), random.u64()).buffer);
    case EXTERNREF:
      return random.oneIn(4) ? null : random.pick(OBJECTS);
    case ANYREF:
      return random.pick([null, 5, 2 ** 30, "text", 1n, ...OBJECTS]);
    case EQREF:
    case I31REF:
      return random.pick([null, 0, -1, 2 ** 30 - 1, -(2 ** 30)]);
    default:
      return null;
  }
}

function shownNumber(value: number): string {
  return Number.isNaN(value) ? "nan" : Object.is(value, -0) ? "-0" : String(value);
}

/** A value in words. */
export function shown(value: unknown): string {
  if (typeof value === "number") return shownNumber(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `bytes ${value.join(" ")}`;
  if (typeof value === "string") return `"${value}"`;
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  if (typeof value === "function") return "a function";
  const object = OBJECTS.indexOf(value as never);
  if (object >= 0) return `object ${object}`;
  return value === null || value === undefined ? String(value) : "a reference";
}

/** Whether the JavaScript API has values of these types, and descriptors name them. */
export function crosses(types: readonly ValType[]): boolean {
  return types.every((type) => NAMES.has(type));
}

/** Abstract types of the hierarchy of any. */
const ANY_TYPES: ReadonlySet<ValType> = new Set([ANYREF, EQREF, I31REF, STRUCTREF, ARRAYREF]);

/** Whether a function of these types can be called. */
function callableWith(types: readonly ValType[]): boolean {
  return types.every((type) => NAMES.has(type) || ANY_TYPES.has(type));
}

/** How often host functions throw: one call in so many. */
const THROWS = 6;

/** Imports for a module; null if there are some that cannot be made in JavaScript. */
export function importsFor(
  namespace: Namespace,
  record: ModuleRecord,
  seed: number,
  lines: string[],
): Record<string, Record<string, unknown>> | null {
  const random = new Random(seed);
  const imports: Record<string, Record<string, unknown>> = {};
  for (const [module, name, type] of moduleImports(record)) {
    const value = importFor(namespace, record, type, random, `${module}.${name}`, lines);
    if (value === null) return null;
    imports[module] = { ...imports[module], [name]: value };
  }
  return imports;
}

function importFor(
  namespace: Namespace,
  record: ModuleRecord,
  type: ExternType,
  random: Random,
  name: string,
  lines: string[],
): unknown {
  switch (type.kind) {
    case "func": {
      const { params, results } = funcTypeAt(record, type.typeIndex) ?? { params: [], results: [] };
      if (!crosses([...params, ...results])) return null;
      const own = new Random(random.u32());
      return (...args: unknown[]) => {
        lines.push(`${name}(${args.map(shown).join(", ")})`);
        if (own.oneIn(THROWS)) throw new Foreign(own.below(100));
        const values = results.map((result) => hostValue(own, result));
        return values.length > 1 ? values : values[0];
      };
    }
    case "memory": {
      const { address64, max, min, pageSizeLog2, shared } = type.memory;
      if (address64 || pageSizeLog2 !== 16 || min > 100n) return null;
      const maximum = max === null ? {} : { maximum: Number(max), shared };
      return new namespace.Memory({ initial: Number(min), ...maximum } as never);
    }
    case "table": {
      const { address64, element, max, min } = type.table;
      const named = NAMES.get(element);
      if (address64 || named === undefined || min > 1000n) return null;
      const maximum = max === null ? {} : { maximum: Number(max) };
      return new namespace.Table({ element: named, initial: Number(min), ...maximum } as never);
    }
    case "global": {
      const { mutable, type: valtype } = type.global;
      const named = NAMES.get(valtype);
      if (named === undefined) return null;
      return new namespace.Global(
        { value: named, mutable } as never,
        hostValue(random, valtype) as never,
      );
    }
    case "tag": {
      const { params } = funcTypeAt(record, type.typeIndex) ?? { params: [] };
      if (!crosses(params)) return null;
      return new namespace.Tag({ parameters: params.map((item) => NAMES.get(item)) } as never);
    }
  }
}

/** How something ended that did not return; null for what no engine should throw. */
export function failure(namespace: Namespace, error: unknown): string | null {
  if (error instanceof Foreign) return `threw error ${error.number}`;
  if (error instanceof namespace.Exception) return "threw an exception";
  if (error instanceof namespace.LinkError) return "link error";
  if (error instanceof namespace.RuntimeError) {
    // What there is room for differs.
    const isLimit = /new array is too large|object limit/.test(error.message);
    return isLimit ? "exhausted" : `trap: ${trapName(error.message)}`;
  }
  return error instanceof RangeError ? "exhausted" : null;
}

/** FNV-1a over 32-bit words and the rest. */
function hash(bytes: Uint8Array): number {
  const whole = bytes.byteLength >> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, whole);
  let sum = 0x811c9dc5;
  for (let i = 0; i < whole; i++) sum = Math.imul(sum ^ words[i], 0x01000193);
  for (let i = 4 * whole; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i], 0x01000193);
  return sum >>> 0;
}

/** What an export that holds state shows. */
export function stateOf(record: ModuleRecord, exports: Record<string, unknown>): string[] {
  const lines: string[] = [];
  for (const [name, type] of moduleExports(record)) {
    if (type.kind === "memory") {
      const { buffer } = exports[name] as { buffer: ArrayBuffer };
      lines.push(`${name}: ${buffer.byteLength} bytes, ${hash(new Uint8Array(buffer))}`);
    } else if (type.kind === "global") {
      if (!crosses([type.global.type])) continue;
      lines.push(`${name}: ${shown((exports[name] as { value: unknown }).value)}`);
    } else if (type.kind === "table" && crosses([type.table.element])) {
      const table = exports[name] as { length: number; get(index: unknown): unknown };
      if (type.table.address64) continue;
      const elements = Array.from({ length: Math.min(table.length, 40) }, (_, i) => table.get(i));
      lines.push(`${name}: ${table.length} elements, ${elements.map(shown)}`);
    }
  }
  return lines;
}

/** The functions that can be called from JavaScript, with their parameters. */
export function callable(
  record: ModuleRecord,
): (readonly [name: string, params: readonly ValType[]])[] {
  return moduleExports(record).flatMap(([name, type]) => {
    if (type.kind !== "func") return [];
    const { params, results } = funcTypeAt(record, type.typeIndex) ?? { params: [], results: [] };
    return callableWith([...params, ...results]) ? [[name, params] as const] : [];
  });
}

/** Arguments of the call number `index`, the same for every engine. */
export function argumentsOf(seed: number, index: number, params: readonly ValType[]): unknown[] {
  const random = Random.of(seed, index);
  return params.map((type) => hostValue(random, type));
}
