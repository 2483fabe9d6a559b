// A host call that the thread has paused in: where it goes on when there is a result.

import type { FunctionInstance } from "../runtime/instances.ts";
import type { Unfinished } from "../runtime/unfinished.ts";

/** A call that waits for a host function's promise, or to go on with its unfinished work. */
export interface Awaited {
  readonly callee: FunctionInstance;
  /** Where its results belong, from fp on. */
  readonly frame: number;
  readonly returnWords: number;
  readonly work?: Unfinished;
}
