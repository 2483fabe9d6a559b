// A thread that is made of frames: an invocation that has come as far as they say.

import { slotCount } from "../isa/types.ts";
import { Grown } from "../runtime/growth.ts";
import type { FunctionInstance } from "../runtime/instances.ts";
import { Making } from "../runtime/making.ts";
import type { Outcome } from "../runtime/outcome.ts";
import type { Doing, SavedFrame } from "../runtime/saved.ts";
import type { Store } from "../runtime/store.ts";
import { machine } from "./loop.generated.ts";
import { EXIT_PC, reserveReferences } from "./registers.ts";
import { Thread } from "./thread.ts";
import { Search } from "./unwind.ts";
import { writeRaw } from "./values.ts";

/** What an invocation has come to. */
interface Course {
  /** The innermost first. */
  readonly frames: readonly SavedFrame[];
  /** Price of what comes next. */
  readonly cost: number;
  readonly doing: Doing | null;
  /** Whether the innermost frame waits for a call to return. */
  readonly isWaiting: boolean;
}

const NOWHERE: Course = { frames: [], cost: 0, doing: null, isWaiting: false };

/** Words from where a frame waits for a call to the pair that says where it goes on. */
const PAIR_WORDS = 2;

const SUSPENDED: Outcome = { kind: "suspended", reason: "slice" };

/** An invocation of a function that goes on in frames. */
export class RestoredThread extends Thread {
  private course = NOWHERE;

  constructor(store: Store, callee: FunctionInstance, mayAwait: boolean) {
    super(store, callee, [], mayAwait);
  }

  /**
   * Suspends it there; the first thing that a new thread is asked for. Or gives how it ends,
   * because there is no room for its frames.
   */
  suspendIn(course: Course): Outcome {
    this.course = course;
    return this.stretch(0);
  }

  protected override begin(): Outcome | null {
    const { controlBase, course, slotBase } = this;
    const { cost, doing, frames } = course;
    this.course = NOWHERE;
    this.started = true;
    machine.fp = slotBase;
    machine.ksp = controlBase;
    machine.pc = EXIT_PC;
    this.pushControl(EXIT_PC - 2, 0);
    if (!this.lay(frames)) return this.overflow(null);
    if (doing === null) return this.pay(cost);
    this.pending = 0;
    return this.goOnWith(doing, course);
  }

  /** Is in the middle of something, above frames that are there. */
  private goOnWith(doing: Doing, { frames, isWaiting }: Course): Outcome {
    switch (doing.kind) {
      case "call": {
        const { args, callee } = doing;
        const { params } = callee.type;
        const delta = frames[0]?.words.length ?? 0;
        const at = machine.fp + delta;
        if (at + 2 * slotCount(params) > machine.slotLimit) return this.overflow(null);
        reserveReferences((at >> 1) + slotCount(params));
        writeRaw(at, params, args);
        this.entering = { callee, delta, words: frames.length === 0 ? 0 : PAIR_WORDS };
        return SUSPENDED;
      }
      case "throw": {
        const { exception, searched } = doing;
        const words = isWaiting ? PAIR_WORDS : null;
        const above = this.callers.length;
        this.search = new Search(exception, this.instance, above, null, words, searched);
        return this.search.pause(this.store.objects, SUSPENDED);
      }
      case "grown":
        this.growth = new Grown(doing.result);
        return SUSPENDED;
      case "made":
        this.making = new Making(doing.object, true, () => {});
        return SUSPENDED;
    }
  }
}
