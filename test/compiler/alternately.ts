// Changes of tier wherever they are possible: compiled code asks at each of its sites, comes down
// at some of them though it could go on, and what has come down goes up at the next loop's header
// or call. And compiled code that is thrown away between two slices, or made anew.

import { patience } from "../../src/compiler/continuations.ts";
import { hostFeatures } from "../../src/compiler/features.ts";
import { ascent } from "../../src/interpreter/ascent.ts";
import { FuelMeter } from "../../src/interpreter/meter.ts";
import type { ModuleInstance } from "../../src/runtime/instances.ts";
import type { CompiledFunction } from "../../src/runtime/tier.ts";
import { compileInstance } from "./compiled.ts";

/** How often code has come down although there was budget. */
export const changes = { down: 0, thrownAway: 0 };

/** Code that goes up has no patience, and gets no more budget than lasts up to the next site. */
const EAGER = [
  [patience, { units: 0, unitsPerByte: 0 }],
  [ascent, { units: 0, steps: Number.POSITIVE_INFINITY, stay: 0 }],
] as const;

interface Meter {
  book(left: number): void;
  allot(left: number, worst: number): number;
  allotAtLeast(left: number, worst: number): number;
}

const prototype = FuelMeter.prototype as unknown as Meter;

/** Runs `action`, in which compiled code comes down at the sites where `comesDown` says so. */
export function alternately<T>(comesDown: () => boolean, action: () => T): T {
  const { allot, allotAtLeast, book } = prototype;
  const before = EAGER.map(([constants]) => ({ ...constants }));
  /** What each thread's code could have been given besides. */
  const kept = new WeakMap<Meter, number>();
  const part = (meter: Meter, budget: number, worst: number) => {
    kept.set(meter, budget - worst);
    return worst;
  };
  prototype.book = function (left) {
    book.call(this, left + (kept.get(this) ?? 0));
    kept.delete(this);
  };
  prototype.allot = function (left, worst) {
    const budget = allot.call(this, left, worst);
    if (budget < 0) return budget;
    if (worst === 0 || !comesDown()) return part(this, budget, worst);
    book.call(this, budget);
    changes.down++;
    return -1;
  };
  prototype.allotAtLeast = function (left, worst) {
    return part(this, allotAtLeast.call(this, left, worst), worst);
  };
  for (const [constants, eager] of EAGER) Object.assign(constants, eager);
  try {
    return action();
  } finally {
    Object.assign(prototype, { allot, allotAtLeast, book });
    EAGER.forEach(([constants], i) => {
      Object.assign(constants, before[i]);
    });
  }
}

/** Instances whose functions nobody enters in the host's code any more. */
const left = new WeakSet<ModuleInstance>();

/** A compiled function as it is where its memory has left the host's engine. */
function refusing(compiled: CompiledFunction): CompiledFunction {
  return { ...compiled, leastRoom: Number.POSITIVE_INFINITY };
}

/** Takes an instance's functions back from the host's engine, or gives them to new code of it. */
export function changeCode(instance: ModuleInstance): void {
  const { tier } = instance;
  if (tier === null || left.delete(instance)) {
    compileInstance(instance, hostFeatures());
    return;
  }
  left.add(instance);
  instance.tier = {
    compiled: tier.compiled,
    leftOut: tier.leftOut,
    ascend: () => null,
    functionAt(index) {
      const compiled = tier.functionAt(index);
      return compiled && refusing(compiled);
    },
  };
  for (const func of instance.functions) {
    if (func?.instance === instance && func.tier !== null) func.tier = refusing(func.tier);
  }
  changes.thrownAway++;
}
