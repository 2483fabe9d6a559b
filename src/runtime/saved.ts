// Frames of a suspended thread as data: each by itself, with the place where it goes on instead of
// a position. Their words are still those of register code; state/frames.ts knows what they mean.

import type { Place } from "../code/space.ts";
import type {
  ExceptionInstance,
  FunctionInstance,
  ModuleInstance,
  RawValue,
  Value,
} from "./instances.ts";
import type { Aggregate } from "./objects.ts";

/** What is in the slots of a frame. */
export interface FrameValues {
  /** Its words, up to where the frame begins that it has called. */
  readonly words: Int32Array;
  /** An entry for each slot from the first on; those that are missing are null. */
  readonly references: readonly Value[];
}

/** A frame of a guest's function. */
export interface SavedFrame extends FrameValues {
  readonly instance: ModuleInstance;
  /** Where it goes on: of a frame that waits for a call, the pair behind that. */
  readonly place: Place;
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
  /** What lies from where the machine's frame begins, and whether that is the innermost one. */
  readonly top: FrameValues;
  readonly isInGuest: boolean;
  /** Whether a call has just returned to the innermost one: that place, too, is a pair. */
  readonly isReturn: boolean;
  /** Price of what it stopped in front of. */
  readonly pending: number;
}

/** What a suspended call is in the middle of, above its innermost frame. */
export type Doing =
  /** A call that is about to be made; one of a host function that has promised is made again. */
  | { readonly kind: "call"; readonly callee: FunctionInstance; readonly args: readonly RawValue[] }
  /** The search for a handler, and how many frames, handlers and clauses of it have been paid. */
  | { readonly kind: "throw"; readonly exception: ExceptionInstance; readonly searched: number }
  /** `memory.grow` has grown the memory, and has not given this result. */
  | { readonly kind: "grown"; readonly result: number }
  /** `array.new` or its like has made this array, and has not given it. */
  | { readonly kind: "made"; readonly object: Aggregate };

/** What a thread goes on with. */
export interface Told extends Pick<SavedFrames, "frames" | "isReturn" | "pending"> {
  readonly doing: Doing | null;
  /** Whether the innermost frame waits for a call to return, or would if that were made. */
  readonly isWaiting: boolean;
}
