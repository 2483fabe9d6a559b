// Random programs in the host tier: results, traps, memory, globals and fuel are those of the
// interpreter. More of them: WASMETER_PROGRAMS=20000.

import { describe, expect, it } from "vitest";
import { LeftOut } from "../../src/compiler/left-out.ts";
import type { HostModule } from "../../src/compiler/module.ts";
import { NAMES } from "../../src/compiler/sections.ts";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { parseFeatures } from "../../src/isa/features.ts";
import { isReference } from "../../src/isa/types.ts";
import { crosses } from "../../src/js-api/signature.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import type { FunctionInstance, ModuleInstance } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { Exhaustion, Trap } from "../../src/runtime/trap.ts";
import { localHost } from "../fuzz/hosts.ts";
import { hostFeatures } from "../fuzz/probe.ts";
import { Random } from "../fuzz/random.ts";
import { toHex } from "../fuzz/reduce.ts";
import { argument, BOUND, isCallable, refuel } from "../interpreter/bounded.ts";
import { bitsOf, callHost, callOurs, type Scalar, show } from "../interpreter/differential.ts";
import { randomProgram } from "../interpreter/programs.ts";
import { stackProgram } from "../interpreter/stack-programs.ts";
import { load } from "../validation/assemble.ts";
import { type HostInstance, instantiateLike, writeHostModule } from "./host.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 300);
const SEED = Number(process.env.WASMETER_SEED ?? 1);
const COMPARED = "default,-relaxed-simd,-threads,-exceptions,-legacy-exceptions,-gc";

const engine = localHost();
const features = engine === null ? 0 : parseFeatures(COMPARED) & (await hostFeatures(engine));

interface Result {
  readonly differences: string[];
  calls: number;
  fuel: number;
  leftOut: number;
}

/** What of the state differs. */
function stateDifferences(ours: ModuleInstance, theirs: HostInstance): string[] {
  const lines: string[] = [];
  for (const [i, memory] of ours.memories.entries()) {
    const { buffer } = theirs.memories[i];
    if (Buffer.compare(memory.bytes, new Uint8Array(buffer)) !== 0) lines.push(`memory ${i}`);
  }
  for (const [i, { type, cells, at }] of ours.globals.entries()) {
    if (!crosses(type.type) || isReference(type.type)) continue;
    const bits = bitsOf(cells[at], cells[at + 1], type.type);
    const value = theirs.bitsOfGlobal(NAMES.global(i), type.type);
    if (show(bits, type.type) !== show(value, type.type)) lines.push(`global ${i}`);
  }
  return lines;
}

/** The host module; null for one that is nothing for the host. */
function writtenOrNull(record: ModuleRecord): HostModule | null {
  try {
    return writeHostModule(record, features);
  } catch (error) {
    if (error instanceof LeftOut) return null;
    throw error;
  }
}

/** An instance; null if its start function, or a segment, traps. */
function instanceOrNull(store: Store, record: ModuleRecord): ModuleInstance | null {
  try {
    return moduleInstantiate(store, record, []);
  } catch (error) {
    if (error instanceof Trap || error instanceof Exhaustion) return null;
    throw error;
  }
}

/** Runs what a program exports in both tiers. */
function compare(bytes: Uint8Array, seed: number, result: Result): void {
  const random = Random.of(seed, bytes.length);
  const record = load(bytes);
  const store = new Store();
  const ours = instanceOrNull(store, record);
  if (ours === null) return;
  const written = writtenOrNull(record);
  if (written === null) return;
  result.leftOut += written.leftOut.size;
  const theirs = instantiateLike(ours, written);
  const fuel = ours.exports.get("fuel");
  for (const [name, item] of ours.exports) {
    if (item.kind !== "func" || !isCallable(item.value.type)) continue;
    refuel(ours);
    if (fuel?.kind === "global") {
      theirs.setBound(ours.globals.indexOf(fuel.value), BOUND);
    }
    const args = item.value.type.params.map((type) => argument(random, type));
    if (!callBoth(store, item.value, theirs, name, args as Scalar[], result)) return;
    for (const line of stateDifferences(ours, theirs)) {
      result.differences.push(`after ${name}: ${line} differs`);
    }
  }
}

/** One call; false if the test's runtime cannot do what it needs. */
function callBoth(
  store: Store,
  func: FunctionInstance,
  theirs: HostInstance,
  name: string,
  args: readonly Scalar[],
  result: Result,
): boolean {
  const before = theirs.used;
  const call = theirs.exports[NAMES.function(func.code.index)];
  const ending = callHost(call, args, func.type.results);
  if (theirs.lacked) return false;
  const run = callOurs(store, func, args);
  const where = `${name}(${args.join(", ")})`;
  result.calls++;
  if (run.ending !== ending) result.differences.push(`${where}: ${ending}, not ${run.ending}`);
  if (/^(trap|exhausted)/.test(ending)) return !ending.startsWith("exhausted");
  const used = theirs.used - before;
  result.fuel += used;
  if (used !== run.fuel) result.differences.push(`${where}: fuel ${used}, not ${run.fuel}`);
  return true;
}

function compareAll(make: (index: number) => Uint8Array): Result {
  const result: Result = { differences: [], calls: 0, fuel: 0, leftOut: 0 };
  for (let i = 0; i < COUNT && result.differences.length === 0; i++) {
    const bytes = make(i);
    compare(bytes, i, result);
    if (result.differences.length > 0) result.differences.push(`program ${i}: ${toHex(bytes)}`);
  }
  return result;
}

describe.skipIf(engine === null)("the host tier", () => {
  it(`does what the interpreter does in ${COUNT} programs that juggle operands`, () => {
    const result = compareAll((i) => stackProgram(Random.of(SEED, i)));
    expect(result.differences).toEqual([]);
    expect(result.calls).toBeGreaterThan(COUNT / 2);
    expect(result.fuel).toBeGreaterThan(10 * COUNT);
  });

  it(`does what the interpreter does in ${COUNT} programs of everything it takes`, () => {
    const result = compareAll((i) => randomProgram(SEED, i, features));
    expect(result.differences).toEqual([]);
    expect(result.calls).toBeGreaterThan(COUNT / 4);
  });
});
