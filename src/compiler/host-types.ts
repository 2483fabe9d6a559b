// Types of functions that a host module has besides the guest's: they come behind those. To
// JavaScript values go as bits, so that it meets no NaN whose payload it may change.

import { isReference, type ValType } from "../isa/types.ts";
import type { FuncType, ModuleRecord } from "../module/module.ts";
import type { ByteWriter } from "./bytes.ts";
import { canHold, PASSED_CODES, type PassedAs, passedAs } from "./values.ts";

/** Whether compiled code may hold all values of a function's type. */
export function canHoldAll(module: ModuleRecord, { params, results }: FuncType): boolean {
  return [...params, ...results].every((type) => canHold(module, type));
}

/** Whether the host takes functions of some other type for those of this one: see values.ts. */
export function isErased({ params, results }: FuncType): boolean {
  return params.some(isReference) || results.some(isReference);
}

/** Whether it is the same as any type that is written like it (spec: 3.1.2 Unrolling). */
export function isSimple(module: ModuleRecord, index: number): boolean {
  const { final, groupSize, supers } = module.types[index];
  return final && groupSize <= 1 && supers.length === 0;
}

/** How consecutive values are passed. */
export function partsOf(types: readonly ValType[]): PassedAs[] {
  return types.flatMap(passedAs);
}

export function codesOfBits(types: readonly ValType[]): number[] {
  return partsOf(types).map((part) => PASSED_CODES[part]);
}

export function writeType(
  out: ByteWriter,
  params: readonly number[],
  results: readonly number[],
): void {
  out.u8(0x60);
  for (const codes of [params, results]) {
    out.u32(codes.length);
    for (const code of codes) out.u8(code);
  }
}

/** The added types, each one once, by numbers that count from the first of them. */
export class HostTypes {
  private readonly numbers = new Map<string, number>();
  private readonly types: (readonly [params: readonly number[], results: readonly number[]])[] = [];

  get count(): number {
    return this.types.length;
  }

  /** The number of a type, given by codes of the binary format. */
  add(params: readonly number[], results: readonly number[]): number {
    const key = `${params} ${results}`;
    const number = this.numbers.get(key) ?? this.types.push([params, results]) - 1;
    this.numbers.set(key, number);
    return number;
  }

  /** The number of a type whose values are passed as bits, with so many i32 as last parameters. */
  ofBits({ params, results }: Pick<FuncType, "params" | "results">, more = 0): number {
    const numbers = new Array<number>(more).fill(PASSED_CODES.i32);
    return this.add([...codesOfBits(params), ...numbers], codesOfBits(results));
  }

  write(out: ByteWriter): void {
    for (const [params, results] of this.types) writeType(out, params, results);
  }
}
