// Generated programs, which bound themselves by a counter that they export as `fuel`: what their
// functions are called with.

import { isNullable, isReference, type ValType } from "../../src/isa/types.ts";
import { crosses } from "../../src/js-api/signature.ts";
import type { FuncType } from "../../src/module/module.ts";
import type { ModuleInstance } from "../../src/runtime/instances.ts";
import { hostValue } from "../fuzz/execute/world.ts";
import type { Random } from "../fuzz/random.ts";
import type { Scalar } from "./differential.ts";

/** Units of the counter before each call. */
export const BOUND = 60;

/** Sets the counter of an instance of ours, if it has one. */
export function refuel(instance: ModuleInstance): void {
  const item = instance.exports.get("fuel");
  if (item?.kind === "global") item.value.initialise({ low: BOUND, high: 0, reference: null });
}

/** Whether a function can be called with null for each reference. */
export function takesNull({ params }: FuncType): boolean {
  return params.every((type) => !isReference(type) || isNullable(type));
}

/** Whether JavaScript can call a function of this type, with null for each reference. */
export function isCallable(type: FuncType): boolean {
  return [...type.params, ...type.results].every(crosses) && takesNull(type);
}

/** A number, or null for a reference. */
export function argument(random: Random, type: ValType): Scalar | null {
  return isReference(type) ? null : (hostValue(random, type) as Scalar);
}
