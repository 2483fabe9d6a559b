// How a call ends or pauses, whichever tier has run it, and what those who watch it say.

import type { Value } from "./instances.ts";
import type { Trap } from "./trap.ts";

/** How a run ended, or why it paused. */
export type Outcome =
  | { readonly kind: "returned"; readonly values: Value[] }
  | { readonly kind: "trapped"; readonly trap: Trap }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "suspended"; readonly reason: "fuel" | "slice" }
  | { readonly kind: "suspended"; readonly reason: "host"; readonly promise: PromiseLike<unknown> }
  /** It waits at a shared memory; what the promise tells is that it may go on. */
  | { readonly kind: "suspended"; readonly reason: "wait"; readonly promise: Promise<void> };

/** What a stretch of a call has come to that may wait: its results, or what it waits for. */
export type Progress = { readonly value: unknown } | { readonly promise: PromiseLike<unknown> };

/** Reads what a call has left in its frame. */
export interface FrameReader {
  read(frame: number): unknown;
}

/** Why somebody who watches a call wants it stopped. */
export type Interruption = "epoch" | "deadline" | "signal";

/** Who watches a call. */
export interface Watcher {
  /** Why the call has to stop now, besides fuel; null: it need not. */
  reason(): Interruption | null;
  /**
   * Milliseconds until it will want that, as far as is known now. Infinity: never; POLL: others may
   * bring it about, who tell nobody.
   */
  readonly patience: number;
}

/** Milliseconds after which it is asked again what others may have brought about. */
export const POLL = 5;

/** Looks now and then whether calls must stop, for another reason than fuel. */
export interface Watch extends Watcher {
  /** Whether there is anything that could stop a call now. */
  readonly active: boolean;
}
