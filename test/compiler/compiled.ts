// Instances that the host's engine executes at once, whatever their store's option says.

import { HostCode } from "../../src/compiler/host-code.ts";
import { moveToHost, reasonAgainst } from "../../src/compiler/tier.ts";
import type { FeatureSet } from "../../src/isa/features.ts";
import type { ModuleInstance } from "../../src/runtime/instances.ts";
import { finished } from "../../src/state/frames.ts";

/**
 * Has the host execute an instance's functions, with code of its own. Null, or why it stays with
 * the interpreter; `features` are those that the host's engine is taken to have.
 */
export function compileInstance(instance: ModuleInstance, features: FeatureSet): string | null {
  const reason = reasonAgainst(instance);
  if (reason !== null) return reason;
  const code = new HostCode(instance.module, instance.store.prices, features);
  while (!code.isComplete) code.advance(true);
  return moveAtOnce(instance, code);
}

/** `moveToHost` in one piece. */
export function moveAtOnce(instance: ModuleInstance, code: HostCode): string | null {
  return finished(moveToHost(instance, code));
}
