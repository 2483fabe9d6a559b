// Frames of a suspended thread as data: each by itself, with the place where it goes on instead of
// a position. Their words are still those of register code; state/frames.ts knows what they mean.

import type { Place } from "../code/space.ts";
import type { ModuleInstance, Value } from "./instances.ts";

/** A frame of a guest's function. */
export interface SavedFrame {
  readonly instance: ModuleInstance;
  /** Where it goes on: of a frame that waits for a call, the pair behind that. */
  readonly place: Place;
  /** Its words, up to where the frame begins that it has called. */
  readonly words: Int32Array;
  /** An entry for each slot from the first on; those that are missing are null. */
  readonly references: readonly Value[];
}

/** A frame without its values. */
export interface FrameShape {
  readonly place: Place;
  /** How many words it has, and entries for references. */
  readonly words: number;
  readonly references: number;
}

/** What a thread is suspended with. */
export interface SavedFrames {
  /** The innermost first. */
  readonly frames: readonly SavedFrame[];
  /** Whether a call has just returned to the innermost one: that place, too, is a pair. */
  readonly isReturn: boolean;
  /** Price of what it stopped in front of. */
  readonly pending: number;
}
