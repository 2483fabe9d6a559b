// Has the host's engine execute the functions of an instance, if they are anything for it.

import type { ModuleInstance } from "../runtime/instances.ts";
import type { Lease } from "../runtime/store.ts";
import { leaseFor, shareOf } from "./account.ts";
import type { HostCode } from "./host-code.ts";
import { HostInstance } from "./host-instance.ts";
import { hostMissing } from "./host-objects.ts";
import { LeftOut } from "./left-out.ts";

/** Mutable globals are copied at every crossing, each for some 45 ns that nobody pays for. */
const MOST_GLOBALS = 100;

/** Bytes of a memory that are moved at once, and functions that are: some 5 ms. */
const MOST_MOVED = 1 << 24;
const MOST_FUNCTIONS = 1 << 16;

/** What of an instance's way cannot be cut into pieces and takes long; null: nothing. */
export function dearPart({ memories, module }: ModuleInstance): string | null {
  if (memories.some(({ byteLength }) => byteLength > MOST_MOVED)) return "its memory is too large";
  return module.functions.length > MOST_FUNCTIONS ? "it has too many functions" : null;
}

/** Why an instance cannot be the host's, whatever its code; null: nothing speaks against it. */
export function reasonAgainst({ globals }: ModuleInstance): string | null {
  if (hostMissing !== null) return hostMissing;
  const copied = globals.filter(({ type }) => type.mutable);
  if (copied.length > MOST_GLOBALS) return `it has ${copied.length} globals to copy`;
  return new Set(copied).size < copied.length ? "it imports a global twice" : null;
}

/**
 * Has the host's engine execute an instance's functions from their next calls on, in pieces between
 * which guests may run: up to 0.5 ms each, besides what `dearPart` tells of. Null, or why it stays
 * with the interpreter.
 * @param code complete
 */
export function* moveToHost(
  instance: ModuleInstance,
  code: HostCode,
): Generator<void, string | null> {
  let lease: Lease | null = null;
  try {
    const share = shareOf(instance.store, code.result);
    lease = leaseFor(instance);
    if (share === null || lease === null) return "its store has no room for it";
    for (const memory of instance.memories.slice(0, code.result.written.target.memories)) {
      memory.inHost();
      yield;
    }
    const tier = new HostInstance(instance, share);
    yield;
    yield* tier.shareGlobals();
    yield* instance.moveTo(tier);
    return null;
  } catch (error) {
    lease?.release();
    if (error instanceof LeftOut) return error.message;
    throw error;
  }
}
