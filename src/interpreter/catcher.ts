// Exceptions on their way from where they are thrown to a handler (spec: 4.4.4): whose frames are
// searched, as far as fuel and slice allow.

import type { ExceptionInstance } from "../runtime/instances.ts";
import type { Outcome } from "../runtime/outcome.ts";
import { WasmException } from "../runtime/trap.ts";
import { backtrace } from "./backtrace.ts";
import { Caller } from "./caller.ts";
import { OUT_OF_FUEL } from "./meter.ts";
import { Search } from "./unwind.ts";
import { payloadOf } from "./values.ts";

/** Who catches exceptions. */
export abstract class Catcher extends Caller {
  /** The search for a handler that is in progress. */
  protected search: Search | null = null;

  /** Looks for a handler; without one the invocation ends with the error it came from, if any. */
  protected throwException(
    exception: ExceptionInstance,
    origin: { readonly error: unknown } | null = null,
    callWords: number | null = null,
  ): Outcome | null {
    const search = new Search(exception, this.instance, this.callers.length, origin, callWords);
    this.search = search;
    return this.isNested ? search.pause(this.store.objects, this.postpone()) : this.unwind(search);
  }

  /** Goes on with the search for a handler, as far as fuel and slice allow. */
  protected unwind(search: Search): Outcome | null {
    const { objects } = this.store;
    const { searchedPerUnit } = this.store.prices;
    try {
      while (!objects.admit(search.exception)) {
        const pause = this.look();
        if (pause !== null) return pause;
      }
    } catch (error) {
      this.search = null;
      return this.fail(error);
    }
    search.goOn(objects);
    for (;;) {
      const isPaid = this.chargeWork(search.price(searchedPerUnit));
      if (isPaid) search.paid(searchedPerUnit);
      if (isPaid && search.ended) break;
      const pause = isPaid ? this.look() : OUT_OF_FUEL;
      if (pause !== null) return search.pause(objects, pause);
      search.advance(this.callers, this.parts);
    }
    this.search = null;
    const { clause, exception, origin } = search;
    if (clause !== null) {
      search.land(this.parts);
      this.callers.length = search.above;
      this.instance = search.within;
      this.limitStacks();
      return this.pay(clause.cost);
    }
    return this.fail(origin === null ? this.uncaught(exception) : origin.error);
  }

  /** What an invocation ends with for an exception that nothing catches. */
  protected uncaught(exception: ExceptionInstance): unknown {
    return new WasmException(exception, payloadOf(exception), backtrace(this));
  }
}
