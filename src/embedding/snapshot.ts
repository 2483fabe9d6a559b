// Stores as bytes, and back, up to what the embedder sees of them.

import { Thread } from "../interpreter/thread.ts";
import { SnapshotError } from "../state/errors.ts";
import { finished, type SuspendedCall, takeFrames } from "../state/frames.ts";
import { type Given, rebuild } from "../state/rebuild.ts";
import { rebuildCall } from "../state/rebuild-calls.ts";
import type { References } from "../state/references.ts";
import type { ExecutionState, StoreState } from "../state/store-state.ts";
import type { Call } from "./call.ts";
import { beginPromotion } from "./tier.ts";

/**
 * The frames of a suspended call.
 * @throws SnapshotError where they cannot be told
 */
export function takeCall(call: Call): SuspendedCall {
  if (!(call instanceof Thread)) throw new SnapshotError("the call is none that can be suspended");
  return finished(takeFrames(call));
}

/** A store that is there again. */
export interface RestoredStore {
  readonly entities: References;
  readonly calls: readonly { readonly state: ExecutionState; readonly call: Thread }[];
}

/**
 * Puts a state into an empty store, whose instances are executed as it says.
 * @throws SnapshotError, LinkError, Exhaustion, CodeLimitError
 */
export function restoreStore(state: StoreState, given: Given): RestoredStore {
  const { store } = given;
  const entities = rebuild(state, given);
  for (const instance of entities.instances) {
    const promotion = beginPromotion(instance);
    while (promotion !== null && !promotion.advance(true));
  }
  const calls = state.executions.map((one) => {
    return { state: one, call: finished(rebuildCall(store, entities, one)) };
  });
  return { entities, calls };
}
