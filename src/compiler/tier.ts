// Has the host's engine execute the functions of an instance, if they are anything for it.

import type { ModuleInstance } from "../runtime/instances.ts";
import type { Lease } from "../runtime/store.ts";
import { leaseFor, shareOf } from "./account.ts";
import type { HostCode } from "./host-code.ts";
import { HostInstance } from "./host-instance.ts";
import { LeftOut } from "./left-out.ts";

/** Mutable globals are copied at every crossing, each for some 0.1 µs that nobody pays for. */
const MOST_GLOBALS = 50;

/** Why an instance cannot be the host's, whatever its code; null: nothing speaks against it. */
export function reasonAgainst({ globals }: ModuleInstance): string | null {
  const copied = globals.filter(({ type }) => type.mutable);
  if (copied.length > MOST_GLOBALS) return `it has ${copied.length} globals to copy`;
  return new Set(copied).size < copied.length ? "it imports a global twice" : null;
}

/**
 * Has the host's engine execute an instance's functions from their next calls on. Null, or why it
 * stays with the interpreter.
 * @param code complete
 */
export function moveToHost(instance: ModuleInstance, code: HostCode): string | null {
  let lease: Lease | null = null;
  try {
    const share = shareOf(instance.store, code.result);
    lease = leaseFor(instance);
    if (share === null || lease === null) return "its store has no room for it";
    instance.moveTo(new HostInstance(instance, share));
    return null;
  } catch (error) {
    lease?.release();
    if (error instanceof LeftOut) return error.message;
    throw error;
  }
}
