// Frames that are moved in parts of a few calls, so that short programs go through all of it.

import { measures } from "../../src/interpreter/parts.ts";

const usual = { ...measures };

/** From now on parts have some `calls` calls, and copies are made of whatever has twice as many. */
export function useSmallParts(calls: number): void {
  measures.partCalls = 2 * calls;
  measures.partSlots = 8 * calls;
  measures.mostCalls = 4 * calls;
  measures.mostSlots = 16 * calls;
}

/** From now on parts are as large as they are outside of tests. */
export function useUsualParts(): void {
  Object.assign(measures, usual);
}
