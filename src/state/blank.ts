// Instances as their modules say, but with nothing in them that is to be put back.

import { NULL_VALUE } from "../runtime/constant.ts";
import type { RawValue } from "../runtime/instances.ts";
import { Instantiation, type Step } from "../runtime/instantiate.ts";

/** The last steps of an instantiation: active segments of elements, and of data. */
const SEGMENT_STEPS = 2;

/** An instantiation that evaluates no expression, and runs no segment. */
export class BlankInstantiation extends Instantiation {
  protected override plan(): readonly Step[] {
    return super.plan().slice(0, -SEGMENT_STEPS);
  }

  protected override valueOf(): RawValue {
    return NULL_VALUE;
  }
}
