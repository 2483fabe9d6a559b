// Runs a program's exports in an instance of the interpreter's and in one whose functions the host
// executes, with the same rations of fuel, or in slices, and compares them at every stop for fuel
// and at the end.

import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import type { FeatureSet } from "../../src/isa/features.ts";
import { isReference } from "../../src/isa/types.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import type { FunctionInstance, ModuleInstance, Value } from "../../src/runtime/instances.ts";
import type { Outcome } from "../../src/runtime/outcome.ts";
import { Store } from "../../src/runtime/store.ts";
import { formatFrame, Trap } from "../../src/runtime/trap.ts";
import { SnapshotError } from "../../src/state/errors.ts";
import { type Frame, takeFrames } from "../../src/state/frames.ts";
import { hostValue } from "../fuzz/execute/world.ts";
import { Random } from "../fuzz/random.ts";
import { compileInstance } from "./compiled.ts";

/** Fuel to begin with, and after each stop, if that is another amount; units in a slice. */
export interface Rations {
  readonly fuel: number;
  readonly refill?: number;
  readonly slice: number;
}

export interface Seen {
  readonly differences: string[];
  readonly reasons: Map<string, number>;
  compiled: number;
  calls: number;
  stops: number;
}

export function nothingSeen(): Seen {
  return { differences: [], reasons: new Map(), compiled: 0, calls: 0, stops: 0 };
}

/** Where a call stands: outcome, fuel used, memories and globals. */
interface Stop {
  readonly seen: readonly (string | number)[];
  readonly frames: readonly Frame[];
}

/** Bounds loops of the generator's programs. */
const BOUND = 60;

function described(outcome: Outcome): string {
  switch (outcome.kind) {
    case "returned":
      return `returned ${outcome.values.map(shown).join(", ")}`;
    case "trapped":
      return `trapped ${outcome.trap.code}, ${outcome.trap.backtrace.map(formatFrame)}`;
    case "threw":
      return `threw ${(outcome.error as Error).message}`;
    default:
      return `suspended ${outcome.reason}`;
  }
}

function shown(value: Value): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function state({ globals, memories }: ModuleInstance): string {
  const bytes = memories.map((memory) => Buffer.from(memory.bytes).toString("latin1"));
  const words = globals.map(({ at, cells, type }) =>
    isReference(type.type) ? "" : `${cells[at]} ${cells[at + 1]}`,
  );
  return `${words.join("; ")} ${bytes.join("; ")}`;
}

/** The frames of a suspended call; none where they do not say all there is to it. */
function framesOf(thread: Thread): readonly Frame[] {
  try {
    const work = takeFrames(thread);
    for (;;) {
      const next = work.next();
      if (next.done === true) return next.value.frames;
    }
  } catch (error) {
    if (error instanceof SnapshotError) return [];
    throw error;
  }
}

/** Bits of values, and of references whether there is one: instances have functions of their own. */
function bitsOf(values: Frame["locals"]): string[] {
  return values.map(({ reference, ...bits }) =>
    JSON.stringify({ ...bits, is: reference !== null }),
  );
}

const ZERO = { low: 0, high: 0 };
const UNSET: ReadonlySet<string> = new Set(
  bitsOf([
    { ...ZERO, reference: null },
    { ...ZERO, reference: null, upper: ZERO },
  ]),
);

/**
 * What differs in the frames of a call. A local that is not read any more may be unset in those that
 * come from compiled code.
 */
function frameDifference(ours: readonly Frame[], theirs: readonly Frame[]): string | null {
  const [places, others] = [ours, theirs].map((frames) =>
    frames.map(({ funcIndex, kind, offset, operands }) => [
      funcIndex,
      kind,
      offset,
      ...bitsOf(operands),
    ]),
  );
  if (JSON.stringify(places) !== JSON.stringify(others)) {
    return `frames ${JSON.stringify(places)} / ${JSON.stringify(others)}`;
  }
  for (const [i, { locals }] of ours.entries()) {
    const [bits, found] = [bitsOf(locals), bitsOf(theirs[i].locals)];
    const at = bits.findIndex((value, local) => value !== found[local] && !UNSET.has(found[local]));
    if (at >= 0) return `local ${at} of frame ${i}: ${bits[at]} / ${found[at]}`;
  }
  return null;
}

/** A call in pieces: what it is at every stop for fuel, and at its end. */
function* run(
  instance: ModuleInstance,
  func: FunctionInstance,
  args: readonly Value[],
  { fuel, refill = fuel, slice }: Rations,
): Generator<Stop> {
  const { store } = instance;
  const thread = new Thread(store, func, args, false);
  store.fuel = fuel;
  for (;;) {
    const outcome = thread.run(slice);
    if (outcome.kind === "suspended" && outcome.reason === "slice") continue;
    const frames = outcome.kind === "suspended" ? framesOf(thread) : [];
    yield { seen: [described(outcome), thread.fuelUsed, state(instance)], frames };
    if (outcome.kind !== "suspended") return;
    store.fuel += refill;
  }
}

/** An instance; null if its start function traps. */
function instantiateOrNull(record: ModuleRecord): ModuleInstance | null {
  try {
    return moduleInstantiate(new Store(), record, []);
  } catch (error) {
    if (error instanceof Trap) return null;
    throw error;
  }
}

/** Two instances of a module, the second one compiled; null if it has to be interpreted. */
function twoTiers(record: ModuleRecord, features: FeatureSet, seen: Seen) {
  const [plain, fast] = [0, 1].map(() => instantiateOrNull(record));
  if (plain === null || fast === null) return null;
  const reason = compileInstance(fast, features);
  if (reason === null) seen.compiled++;
  else seen.reasons.set(reason, (seen.reasons.get(reason) ?? 0) + 1);
  return reason === null ? ([plain, fast] as const) : null;
}

function stopDifference(ours: Stop | undefined, theirs: Stop | undefined): string | null {
  const [left, right] = [ours, theirs].map((stop) => stop?.seen ?? ["over"]);
  const at = left.findIndex((value, i) => value !== right[i]);
  if (at >= 0) return `${left.slice(0, 2)} / ${right.slice(0, 2)}, ${at}`;
  return frameDifference(ours?.frames ?? [], theirs?.frames ?? []);
}

/** Compares what a program's exports do; `size` is the argument of each, or they are random. */
export function compareTiers(
  record: ModuleRecord,
  features: FeatureSet,
  seed: number,
  rations: Rations,
  seen: Seen,
  size?: number,
): void {
  const tiers = twoTiers(record, features, seen);
  if (tiers === null) return;
  const random = Random.of(seed, 1);
  const names = record.exports.filter(({ kind }) => kind === "func").map(({ name }) => name);
  for (const name of names) {
    const [plain, fast] = tiers.map((instance) => {
      const bound = instance.exports.get("fuel");
      if (bound?.kind === "global") {
        bound.value.initialise({ low: BOUND, high: 0, reference: null });
      }
      const func = instance.exports.get(name)?.value as FunctionInstance;
      return { instance, func };
    });
    const args = plain.func.type.params.map((type) => size ?? hostValue(random, type));
    const runs = [plain, fast].map(({ func, instance }) => run(instance, func, args, rations));
    seen.calls++;
    for (;;) {
      const [ours, theirs] = runs.map((one) => one.next().value as Stop | undefined);
      if (ours === undefined && theirs === undefined) break;
      seen.stops++;
      const difference = stopDifference(ours, theirs);
      if (difference === null) continue;
      seen.differences.push(`${name}: ${difference}`);
      return;
    }
  }
}
