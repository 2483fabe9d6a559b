// A thread that is made of frames: an invocation that has come as far as they say.

import type { FunctionInstance } from "../runtime/instances.ts";
import type { Outcome } from "../runtime/outcome.ts";
import type { SavedFrame } from "../runtime/saved.ts";
import type { Store } from "../runtime/store.ts";
import { machine } from "./loop.generated.ts";
import { EXIT_PC } from "./registers.ts";
import { Thread } from "./thread.ts";

const NO_FRAMES: readonly SavedFrame[] = [];

/** An invocation of a function that goes on in frames. */
export class RestoredThread extends Thread {
  private laid: readonly SavedFrame[] = NO_FRAMES;
  private cost = 0;

  constructor(store: Store, callee: FunctionInstance, mayAwait: boolean) {
    super(store, callee, [], mayAwait);
  }

  /**
   * Suspends it in these frames, the innermost first, in front of what costs `cost`; the first
   * thing that a new thread is asked for. Or gives how it ends, because there is no room for them.
   */
  suspendIn(frames: readonly SavedFrame[], cost: number): Outcome {
    this.laid = frames;
    this.cost = cost;
    return this.stretch(0);
  }

  protected override begin(): Outcome | null {
    const { controlBase, cost, laid, slotBase } = this;
    this.laid = NO_FRAMES;
    this.started = true;
    machine.fp = slotBase;
    machine.ksp = controlBase;
    machine.pc = EXIT_PC;
    this.pushControl(EXIT_PC - 2, 0);
    return this.lay(laid) ? this.pay(cost) : this.overflow(null);
  }
}
