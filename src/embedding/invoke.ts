// The operations of the embedding appendix that run code (spec: 7.1.3 Modules, 7.1.4 Module
// Instances, 7.1.6 Functions), to completion. Slices and suspension are the embedder API's.

import type { ModuleRecord } from "../module/module.ts";
import type {
  ExternInstance,
  FunctionInstance,
  ModuleInstance,
  Value,
} from "../runtime/instances.ts";
import type { Outcome } from "../runtime/outcome.ts";
import type { Store } from "../runtime/store.ts";
import { Exhaustion } from "../runtime/trap.ts";
import { beginCall } from "./call.ts";
import { Instantiation } from "./instantiate.ts";

/** The values of a finished outcome; raises what ended it otherwise. */
export function valuesOf(outcome: Outcome): Value[] {
  switch (outcome.kind) {
    case "returned":
      return outcome.values;
    case "trapped":
      throw outcome.trap;
    case "threw":
      throw outcome.error;
    default:
      throw new Exhaustion("fuel");
  }
}

/**
 * `func_invoke`: calls a function and runs it to its end.
 * @throws Trap, Exhaustion, WasmException, and whatever a host function throws
 */
export function funcInvoke(store: Store, func: FunctionInstance, args: readonly Value[]): Value[] {
  const call = beginCall(store, func, args, false);
  const outcome = call.run(Number.POSITIVE_INFINITY);
  call.abandon();
  return valuesOf(outcome);
}

/**
 * `module_instantiate`: makes an instance and runs its start function. `imports` are in the
 * module's order, undefined where there is nothing to give.
 * @throws LinkError, Exhaustion, Trap, and what the start function raises
 */
export function moduleInstantiate(
  store: Store,
  module: ModuleRecord,
  imports: readonly (ExternInstance | undefined)[],
): ModuleInstance {
  const instantiation = new Instantiation(store, module, imports);
  while (!instantiation.advance(true));
  const { instance, startFunction } = instantiation;
  if (startFunction !== null) funcInvoke(store, startFunction, []);
  return instance;
}
