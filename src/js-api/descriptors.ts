// Descriptors of memories, tables and globals: the dictionaries that their constructors take, as
// types of the engine (JS-API: 5.3 to 5.5 and ToValueType).

import { EXTERNREF, F32, F64, FUNCREF, I32, I64, V128, type ValType } from "../isa/types.ts";
import type { Limits } from "../module/module.ts";
import { get, toAddress } from "./webidl.ts";

const VALUE_TYPES: ReadonlyMap<string, ValType> = new Map([
  ["i32", I32],
  ["i64", I64],
  ["f32", F32],
  ["f64", F64],
  ["v128", V128],
  ["externref", EXTERNREF],
  ["anyfunc", FUNCREF],
]);

/** ToValueType of a member; undefined for what names no type. */
export function valueTypeOf(value: unknown): ValType | undefined {
  return VALUE_TYPES.get(`${value as string}`);
}

/** Bounds on the sizes of a memory or a table. */
interface Bounds {
  readonly most32: bigint;
  readonly most64: bigint;
}

function sizeMember(descriptor: object, name: string, where: string, wide: boolean) {
  const value = get(descriptor, name);
  if (value === undefined) return undefined;
  return toAddress(value, wide, () => `${where}: Property '${name}'`);
}

function checkSize(size: bigint, name: string, where: string, least: bigint, most: bigint): void {
  const bound = size < least ? `below the lower bound ${least}` : `above the upper bound ${most}`;
  if (size >= least && size <= most) return;
  throw new RangeError(`${where}: Property '${name}': value ${size} is ${bound}`);
}

/**
 * The limits in a descriptor.
 * @throws TypeError for a member that is no size, RangeError for a size out of `bounds`
 */
export function limitsIn(descriptor: object, where: string, bounds: Bounds): Limits {
  const address = get(descriptor, "address");
  const type = address === undefined ? "i32" : `${address as string}`;
  if (type !== "i32" && type !== "i64") {
    throw new TypeError(`${where}: Property 'address' must be 'i32' or 'i64'`);
  }
  const address64 = type === "i64";
  const min = sizeMember(descriptor, "initial", where, address64);
  if (min === undefined) throw new TypeError(`${where}: Property 'initial' is required`);
  const max = sizeMember(descriptor, "maximum", where, address64);
  const most = address64 ? bounds.most64 : bounds.most32;
  checkSize(min, "initial", where, 0n, most);
  if (max !== undefined) checkSize(max, "maximum", where, min, most);
  return { min, max: max ?? null, address64, shared: false };
}
