// Runs a call in slices, and at each stop takes its frames, throws the thread away, and goes on in
// another one; beside it the same call undisturbed, and both must be alike at every stop.

import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { isReference } from "../../src/isa/types.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import type { FunctionInstance, ModuleInstance, Value } from "../../src/runtime/instances.ts";
import type { Outcome } from "../../src/runtime/outcome.ts";
import { Store } from "../../src/runtime/store.ts";
import type { Exhaustion } from "../../src/runtime/trap.ts";
import { finished, putFrames, type SuspendedCall, takeFrames } from "../../src/state/frames.ts";
import { Random } from "../fuzz/random.ts";
import { argument, refuel, takesNull } from "../interpreter/bounded.ts";

/** Another thread that goes on where this one, which is given up, was suspended. */
export function resumed(thread: Thread, seen?: (call: SuspendedCall) => void): Thread {
  const call = finished(takeFrames(thread));
  thread.abandon();
  seen?.(call);
  const next = finished(putFrames(thread.store, call, thread.mayAwait));
  next.fuelUsed = thread.fuelUsed;
  return next;
}

/** How a run ended, in words. */
function ending(outcome: Outcome): string {
  switch (outcome.kind) {
    case "returned":
      return `returned ${outcome.values.map(shown).join(", ")}`;
    case "trapped":
      return `trapped ${outcome.trap.message} ${JSON.stringify(outcome.trap.backtrace)}`;
    case "threw": {
      const { backtrace, message, name } = outcome.error as Exhaustion;
      return `threw ${name} ${message} ${JSON.stringify(backtrace)}`;
    }
    default:
      return `suspended ${outcome.reason}`;
  }
}

function shown(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "object" || typeof value === "function") return "a reference";
  return Object.is(value, -0) ? "-0" : String(value);
}

/** All that an instance holds, as text. */
function stateOf(instance: ModuleInstance): string {
  const { globals, memories, tables } = instance;
  const memory = memories.map(({ bytes }) => {
    let sum = bytes.length;
    for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i], 0x01000193);
    return sum;
  });
  const global = globals.map(({ raw: { low, high, reference, upper }, type }) => {
    return isReference(type.type) ? shown(reference) : [low, high, upper?.low, upper?.high];
  });
  const table = tables.map((item) =>
    Array.from({ length: Math.min(item.length, 1_000) }, (_, i) => shown(item.get(i))),
  );
  return JSON.stringify([memory, global, table]);
}

/** What was seen of a program. */
export interface Resumptions {
  readonly differences: string[];
  stops: number;
  taken: number;
  readonly kinds: Set<number>;
  /** What they were in the middle of. */
  readonly doing: Set<string>;
}

export const nothingSeen = (): Resumptions => ({
  differences: [],
  stops: 0,
  taken: 0,
  kinds: new Set(),
  doing: new Set(),
});

/** Stops at which a call is given up: most programs end much sooner. */
const MOST_STOPS = 2_000;

/** Runs two calls that are to be alike, the second one from thread to thread. */
export function compareThreads(
  [calm, moved]: readonly [Thread, Thread],
  slice: () => number,
  seen: Resumptions,
  name: string,
): void {
  let thread = moved;
  for (let stops = 0; stops < MOST_STOPS; stops++) {
    const units = slice();
    const expected = calm.run(units);
    const found = thread.run(units);
    const [before, after] = [ending(expected), ending(found)];
    if (before !== after || calm.fuelUsed !== thread.fuelUsed) {
      seen.differences.push(
        `${name}, stop ${stops}: ${after}, ${thread.fuelUsed} units, undisturbed ${before}, ${calm.fuelUsed}`,
      );
      break;
    }
    if (expected.kind !== "suspended" || expected.reason !== "slice") break;
    seen.stops++;
    seen.taken++;
    thread = resumed(thread, ({ doing, frames }) => {
      for (const { kind } of frames) seen.kinds.add(kind);
      if (doing !== null) seen.doing.add(doing.kind);
    });
  }
  calm.abandon();
  thread.abandon();
}

/** How a call ends that goes from thread to thread, with `disturb` in between; and its fuel. */
export function endOf(
  begun: Thread,
  slice: number,
  seen: Resumptions,
  disturb: () => void = () => {},
): string {
  let thread = begun;
  let outcome = thread.run(slice);
  while (outcome.kind === "suspended") {
    seen.taken++;
    thread = resumed(thread, disturb);
    outcome = thread.run(slice);
  }
  return `${ending(outcome)}, ${thread.fuelUsed} units`;
}

function functionsOf(instance: ModuleInstance): [name: string, FunctionInstance][] {
  const functions: [string, FunctionInstance][] = [];
  for (const [name, item] of instance.exports) {
    if (item.kind === "func" && takesNull(item.value.type)) functions.push([name, item.value]);
  }
  return functions;
}

/** Calls all functions of a module that bounds itself, in such slices. */
export function compareResumed(
  record: ModuleRecord,
  seed: number,
  slice: () => number,
  seen: Resumptions,
): void {
  let instances: ModuleInstance[];
  try {
    instances = Array.from({ length: 3 }, () => moduleInstantiate(new Store(), record, []));
  } catch {
    return;
  }
  const [first, ...two] = instances;
  const random = new Random(seed);
  for (const [name, target] of functionsOf(first)) {
    const args = target.type.params.map((type) => argument(random, type));
    for (const instance of instances) refuel(instance);
    // So that all code is there: how it is translated depends on the clock.
    const warm = new Thread(first.store, target, args, false);
    for (let i = 0; i < MOST_STOPS && warm.run(1e4).kind === "suspended"; i++);
    warm.abandon();
    const [calm, moved] = two.map((instance) => {
      const item = instance.exports.get(name) as { readonly value: FunctionInstance };
      return new Thread(instance.store, item.value, args, false);
    });
    compareThreads([calm, moved], slice, seen, name);
    if (stateOf(two[0]) !== stateOf(two[1])) seen.differences.push(`${name}: another state`);
    if (two[0].store.fuel !== two[1].store.fuel) seen.differences.push(`${name}: other fuel`);
  }
}
