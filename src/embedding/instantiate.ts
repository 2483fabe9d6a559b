// `module_instantiate` (spec: 7.1.4 Module Instances) in pieces, up to the call of the start
// function. An instance that the host's engine is to execute is complete when that has it.

import type { ModuleRecord } from "../module/module.ts";
import type { ExternInstance, FunctionInstance, ModuleInstance } from "../runtime/instances.ts";
import { Instantiation as Linking } from "../runtime/instantiate.ts";
import type { Store } from "../runtime/store.ts";
import type { Promotion } from "../runtime/tier.ts";
import { beginPromotion } from "./tier.ts";

/** An instantiation without its last step, which calls the start function. */
export class Instantiation {
  private readonly linking: Linking;
  private isLinked = false;
  private promotion: Promotion | null = null;

  /** `imports` are in the module's order, undefined where there is nothing to give. */
  constructor(
    store: Store,
    module: ModuleRecord,
    imports: readonly (ExternInstance | undefined)[],
  ) {
    this.linking = new Linking(store, module, imports);
  }

  /** Complete when `advance` has said so. */
  get instance(): ModuleInstance {
    return this.linking.instance;
  }

  /** The start function; null if there is none. */
  get startFunction(): FunctionInstance | null {
    return this.linking.startFunction;
  }

  /**
   * Goes on for about half a millisecond, or longer if it `mayStall`, since nobody minds; true when
   * the instance is complete.
   * @throws LinkError for an import that is missing or has another type
   * @throws Exhaustion for a limit of the store
   * @throws Trap for an active segment that is out of bounds
   */
  advance(mayStall = false): boolean {
    if (!this.isLinked) {
      if (!this.linking.advance()) return false;
      this.isLinked = true;
      this.promotion = beginPromotion(this.instance);
      return this.promotion === null;
    }
    return this.promotion === null || this.promotion.advance(mayStall);
  }

  /** Gives back what was counted so far, if nobody can have got hold of it. */
  abandon(): void {
    this.linking.abandon();
  }
}
