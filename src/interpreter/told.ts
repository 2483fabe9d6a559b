// What a suspended thread goes on with, as data: its frames, and what it is in the middle of and no
// frame says. What has begun to make a long array, or to grow a memory, comes to its end first.

import { slotsOf, type ValType } from "../isa/types.ts";
import type { Growing } from "../runtime/growth.ts";
import { type FunctionInstance, type RawValue, rawAt, type Value } from "../runtime/instances.ts";
import type { Making } from "../runtime/making.ts";
import type { Doing, FrameValues, SavedFrame, SavedFrames, Told } from "../runtime/saved.ts";
import { toRaw } from "../runtime/values.ts";
import type { Awaited } from "./awaited.ts";
import type { Entering } from "./crossing.ts";
import type { Search } from "./unwind.ts";

/** What a thread is in the middle of. */
export interface InProgress {
  readonly awaited: Awaited | null;
  readonly entering: Entering | null;
  readonly growth: Growing | null;
  readonly making: Making | null;
  readonly search: Search | null;
}

/** Words from the place where a call returns to back to where its pair is. */
const PAIR_WORDS = 2;

/** A thread that has not begun: its call is what it is about to do. */
export function tellBegin(callee: FunctionInstance, args: readonly Value[]): Told {
  const { params } = callee.type;
  const raws = params.map((type, i) => toRaw(args[i], type));
  return above([], true, { kind: "call", callee, args: raws });
}

/** One that has. */
export function tell(saved: SavedFrames, thread: InProgress): Told {
  const { frames, isInGuest, isReturn, pending, top } = saved;
  const { growth, making, search } = thread;
  const call = callIn(thread);
  if (call !== null) {
    const { at, callee, words } = call;
    const args = valuesAt(top, at, callee.type.params);
    return above(beneath(frames, isInGuest, words), true, { kind: "call", callee, args });
  }
  if (search !== null) {
    const { callWords, exception, searched } = search;
    const left = callWords === null ? frames : beneath(frames, isInGuest, callWords);
    const isWaiting = callWords !== null || !isInGuest;
    return above(left, isWaiting, { kind: "throw", exception, searched });
  }
  if (growth !== null) {
    while (!growth.advance());
    return above(frames, false, { kind: "grown", result: growth.result as number });
  }
  if (making !== null) {
    while (!making.isDone) making.advance();
    return above(frames, false, { kind: "made", object: making.object });
  }
  return { frames, isReturn, pending, doing: null, isWaiting: false };
}

/** The call that it waits in or in front of, where its arguments lie, and its words. */
function callIn({ awaited, entering }: InProgress) {
  if (entering !== null) {
    return { callee: entering.callee, at: entering.delta, words: entering.words };
  }
  if (awaited === null) return null;
  return { callee: awaited.callee, at: awaited.frame, words: awaited.returnWords };
}

/** What is done above these frames. */
function above(frames: readonly SavedFrame[], isWaiting: boolean, doing: Doing): Told {
  return { frames, isReturn: false, pending: 0, doing, isWaiting };
}

/** The frames beneath a call by an instruction of so many words, as they wait for it to return. */
function beneath(
  frames: readonly SavedFrame[],
  isInGuest: boolean,
  words: number,
): readonly SavedFrame[] {
  if (!isInGuest) return frames;
  const [caller, ...others] = frames;
  if (words === 0) return others;
  const { code, offset } = caller.place;
  return [{ ...caller, place: { code, offset: offset + words - PAIR_WORDS } }, ...others];
}

/** Values in consecutive slots, from a word on. */
function valuesAt(
  { references, words }: FrameValues,
  at: number,
  types: readonly ValType[],
): RawValue[] {
  let word = at;
  return types.map((type) => {
    const raw = rawAt(words, word, type, references[word >> 1] ?? null);
    word += 2 * slotsOf(type);
    return raw;
  });
}
