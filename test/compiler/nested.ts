// Runs exports of small modules in both tiers, with host functions, and tells what can be seen.

import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import type { FuncType } from "../../src/module/module.ts";
import { allocateHostFunction } from "../../src/runtime/allocate.ts";
import type {
  ExternInstance,
  FunctionInstance,
  GlobalInstance,
  HostCode,
  ModuleInstance,
  Value,
} from "../../src/runtime/instances.ts";
import type { Outcome } from "../../src/runtime/outcome.ts";
import { type RuntimeLimits, Store } from "../../src/runtime/store.ts";
import { Exhaustion, WasmException } from "../../src/runtime/trap.ts";
import { takeFrames } from "../../src/state/frames.ts";
import { idOfFuncType } from "../../src/validation/type-ids.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compileInstance } from "./compiled.ts";

/** An instance in one of the tiers, and what its host functions work with. */
export interface World {
  readonly store: Store;
  readonly instance: ModuleInstance;
  readonly log: string[];
}

export type Host = (world: World, args: Value[], caller: ModuleInstance | null) => unknown;

export interface Program {
  readonly text: string;
  /** The functions that it imports, in their order: of the host, or the export "f" of a program. */
  readonly hosts?: readonly (Host | Program)[];
  readonly limits?: Partial<RuntimeLimits>;
}

export interface Rations {
  readonly fuel?: number;
  readonly slice?: number;
  readonly mayAwait?: boolean;
}

/** An instance of a program whose functions the host executes, or the interpreter. */
export function worldOf(
  { hosts = [], limits, text }: Program,
  isCompiled: boolean,
  store = new Store(limits),
  log: string[] = [],
): World {
  const record = load(assemble(text));
  const world = { store, log } as { -readonly [K in keyof World]: World[K] };
  const imports = hosts.map((host, i): ExternInstance => {
    if (typeof host !== "function") {
      return { kind: "func", value: exported(worldOf(host, isCompiled, store, log), "f") };
    }
    const type = record.types[record.functions[i]].composite as FuncType;
    const code: HostCode = ({ caller }, args) => host(world, args, caller);
    return { kind: "func", value: allocateHostFunction(idOfFuncType(type), code, `host ${i}`) };
  });
  world.instance = moduleInstantiate(store, record, imports);
  if (isCompiled) {
    const reason = compileInstance(world.instance, DEFAULT_FEATURES);
    if (reason !== null) throw new Error(reason);
  }
  return world;
}

export function exported({ instance }: World, name: string): FunctionInstance {
  return instance.exports.get(name)?.value as FunctionInstance;
}

export function globalOf({ instance }: World, name: string): number {
  const global = instance.exports.get(name)?.value as GlobalInstance;
  return global.raw.low;
}

function described(outcome: Outcome): string {
  switch (outcome.kind) {
    case "returned":
      return `returned ${outcome.values.join(", ")}`;
    case "trapped":
      return `trapped ${outcome.trap.message} ${JSON.stringify(outcome.trap.backtrace)}`;
    case "threw":
      return `threw ${shown(outcome.error)}`;
    default:
      return `suspended ${outcome.reason}`;
  }
}

function shown(error: unknown): string {
  const isOurs = error instanceof Exhaustion || error instanceof WasmException;
  return `${error} ${isOurs ? JSON.stringify(error.backtrace) : ""}`;
}

/** Where a call is that is suspended: the functions, and where in them. */
function placesOf(thread: Thread): string {
  if (thread.isBusy) return "busy";
  const work = takeFrames(thread);
  for (;;) {
    const { done, value } = work.next();
    if (!done) continue;
    const places = value.frames.map(({ funcIndex, kind, offset }) => [funcIndex, kind, offset]);
    return JSON.stringify([value.isPaid, ...places]);
  }
}

/** What a call is at its stops for anything but the end of a slice, and at its end. */
export function story(
  world: World,
  name: string,
  args: readonly Value[],
  { fuel = Number.POSITIVE_INFINITY, mayAwait = false, slice = fuel }: Rations = {},
): string[] {
  const { instance, log, store } = world;
  store.fuel = fuel;
  const thread = new Thread(store, exported(world, name), args, mayAwait);
  const lines: string[] = [];
  let outcome = thread.run(slice);
  for (;;) {
    const isStop = outcome.kind !== "suspended" || outcome.reason !== "slice";
    if (isStop) {
      const cells = instance.globals.map(({ raw }) => raw.low);
      lines.push(`${described(outcome)}; ${thread.fuelUsed}; ${store.hostCalls}; ${cells}; ${log}`);
    }
    if (outcome.kind !== "suspended") return lines;
    if (outcome.reason === "fuel") {
      lines.push(placesOf(thread));
      store.fuel += fuel;
    }
    // What a test's host functions promise has its value at hand.
    const resume = "promise" in outcome ? { value: outcomeOf(outcome.promise) } : undefined;
    outcome = thread.run(slice, resume);
  }
}

const promised = new WeakMap<object, unknown>();

/** A promise whose value `story` knows. */
export function promise(value: unknown): Promise<unknown> {
  const made = Promise.resolve(value);
  promised.set(made, value);
  return made;
}

function outcomeOf(made: PromiseLike<unknown>): unknown {
  return promised.get(made);
}
