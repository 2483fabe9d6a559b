// Runs all functions of a program on the host and, sliced in several ways, on our interpreter, and
// says where they differ: in how each call ends, in memory, in globals, in fuel.

import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { isReference } from "../../src/isa/types.ts";
import { crosses } from "../../src/js-api/signature.ts";
import type {
  ExternInstance,
  FunctionInstance,
  ModuleInstance,
} from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { Random } from "../fuzz/random.ts";
import { load } from "../validation/assemble.ts";
import { argument, BOUND, isCallable, refuel } from "./bounded.ts";
import {
  bitsOf,
  bitsOfHostValue,
  callHost,
  callOurs,
  type HostExports,
  hostEnding,
  hostExports,
  ourEnding,
  type Scalar,
  show,
} from "./differential.ts";

export interface Comparison {
  /** Lines that say what differs; empty if nothing does. */
  readonly differences: readonly string[];
  readonly returned: number;
  readonly trapped: number;
  readonly fuel: number;
  readonly stops: number;
}

type Slice = () => number;

/** An instance of ours and how it is sliced. */
interface Ours {
  readonly name: string;
  readonly store: Store;
  readonly instance: ModuleInstance;
  readonly slice: Slice;
}

/** What differs between an export of ours that holds state and that of the host. */
function stateDifference(name: string, item: ExternInstance, theirs: unknown): string | null {
  if (item.kind === "memory") {
    const { buffer } = theirs as { buffer: ArrayBuffer };
    const same = Buffer.compare(item.value.bytes, new Uint8Array(buffer)) === 0;
    return same ? null : `${name}: contents or size differ`;
  }
  if (item.kind === "table") {
    const ours = item.value;
    if (!crosses(ours.type.element)) return null;
    const table = theirs as { length: number | bigint; get(index: number | bigint): unknown };
    if (ours.length !== Number(table.length)) return `${name}: length ${ours.length}`;
    const index = ours.type.address64 ? BigInt : Number;
    for (let at = 0; at < ours.length; at++) {
      const same = (ours.get(at) === null) === (table.get(index(at)) === null);
      if (!same) return `${name}: element ${at} differs`;
    }
    return null;
  }
  if (item.kind !== "global" || !crosses(item.value.type.type)) return null;
  const { type, cells, at, reference } = item.value;
  const { value } = theirs as { value: unknown };
  if (isReference(type.type)) {
    return (reference === null) === (value === null) ? null : `${name}: reference or null`;
  }
  const ours = show(bitsOf(cells[at], cells[at + 1], type.type), type.type);
  const host = show(bitsOfHostValue(value, type.type), type.type);
  return ours === host ? null : `${name}: ${ours}, host ${host}`;
}

/** One program on both sides. */
class Run {
  readonly differences: string[] = [];
  returned = 0;
  trapped = 0;
  fuel = 0;
  stops = 0;
  private readonly variants: readonly Ours[];
  private readonly theirs: HostExports;

  constructor(variants: readonly Ours[], theirs: HostExports) {
    this.variants = variants;
    this.theirs = theirs;
  }

  private func({ instance }: Ours, name: string): FunctionInstance {
    const item = instance.exports.get(name);
    if (item?.kind !== "func") throw new Error(`no function ${name}`);
    return item.value;
  }

  private refuel(): void {
    for (const { instance } of this.variants) refuel(instance);
    const fuel = this.theirs.fuel as { value: number } | undefined;
    if (fuel !== undefined) fuel.value = BOUND;
  }

  call(name: string, args: readonly (Scalar | null)[]): void {
    this.refuel();
    const { results } = this.func(this.variants[0], name).type;
    const host = callHost(this.theirs[name], args as readonly Scalar[], results);
    let firstFuel = -1;
    for (const variant of this.variants) {
      const run = callOurs(variant.store, this.func(variant, name), args, variant.slice);
      const where = `${name}(${args.join(", ")}), ${variant.name}`;
      if (run.ending !== host) this.differences.push(`${where}: ${run.ending}, host ${host}`);
      if (firstFuel < 0) firstFuel = run.fuel;
      if (run.fuel !== firstFuel) {
        this.differences.push(`${where}: ${run.fuel} units of fuel, unsliced ${firstFuel}`);
      }
      this.fuel += run.fuel;
      this.stops += run.stops;
    }
    if (/^(trap|exception|exhausted)/.test(host)) this.trapped++;
    else this.returned++;
  }

  compareState(after: string): void {
    for (const variant of this.variants) {
      for (const [name, item] of variant.instance.exports) {
        const line = stateDifference(name, item, this.theirs[name]);
        if (line !== null) this.differences.push(`after ${after}, ${variant.name}: ${line}`);
      }
    }
  }
}

function instantiateOurs(bytes: Uint8Array, slices: ReadonlyMap<string, Slice>): Ours[] | string {
  const record = load(bytes);
  const made: Ours[] = [];
  for (const [name, slice] of slices) {
    const store = new Store();
    try {
      made.push({ name, store, slice, instance: moduleInstantiate(store, record, []) });
    } catch (error) {
      return ourEnding(error);
    }
  }
  return made;
}

function instantiateTheirs(bytes: Uint8Array): HostExports | string {
  try {
    return hostExports(bytes);
  } catch (error) {
    return hostEnding(error);
  }
}

/** Compares a program that ends by itself, or bounds itself by an exported global `fuel`. */
export function compareProgram(bytes: Uint8Array, seed: number): Comparison {
  const random = Random.of(seed, bytes.length);
  const slices = new Map<string, Slice>([
    ["unsliced", () => Number.POSITIVE_INFINITY],
    ["slices of 1", () => 1],
    ["random slices", () => random.between(1, 40)],
  ]);
  const ours = instantiateOurs(bytes, slices);
  const theirs = instantiateTheirs(bytes);
  if (typeof ours === "string" || typeof theirs === "string") {
    const same = ours === theirs;
    const text = (side: unknown) => (typeof side === "string" ? side : "an instance");
    const line = `instantiation: ${text(ours)}, host ${text(theirs)}`;
    return { differences: same ? [] : [line], returned: 0, trapped: 1, fuel: 0, stops: 0 };
  }
  const run = new Run(ours, theirs);
  run.compareState("instantiation");
  for (const [name, item] of ours[0].instance.exports) {
    if (item.kind !== "func" || !isCallable(item.value.type)) continue;
    for (let i = 0; i < 2; i++) {
      run.call(
        name,
        item.value.type.params.map((type) => argument(random, type)),
      );
      run.compareState(name);
    }
  }
  return run;
}
