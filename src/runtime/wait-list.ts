// Who waits at addresses of a shared memory (proposal "threads": wait and notify), in memory that
// all have who share it. The host has such lists, too (`Atomics.wait`), but who is in one of those
// stands still until it is notified or its time is up. Here a guest that is looked at now and then,
// or that is suspended, stays in its place; one that is stopped leaves it.
//
// There is no lock, since whoever holds one may be terminated. A place is claimed, its address
// written, and only then its ticket: a number that says who came first, and that no other place
// has. A worker that is terminated while its guest waits leaves a place that is never left.

/** Globals that an engine may have or not. */
interface Host {
  readonly setTimeout?: (action: () => void, milliseconds: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
  readonly Atomics: {
    waitAsync?(
      words: Int32Array<ArrayBufferLike>,
      index: number,
      value: number,
      milliseconds: number,
    ): { readonly value: string | Promise<unknown> };
  };
}

const host = globalThis as unknown as Host;

/** Words: the tickets given out, and how many places have ever been in use. */
const TICKETS = 0;
const USED = 1;
const FIRST_PLACE = 2;

/** What a place holds instead of a ticket. */
const FREE = 0;
const CLAIMED = -1;
const NOTIFIED = -2;

/** Tickets are 1 to 2^30, and begin again. */
const TICKET_MASK = 2 ** 30 - 1;

/** Words of a list: it has 8,000 places. */
export const WAIT_LIST_WORDS: number = FIRST_PLACE + 2 * 8_000;

/** Makes a word at least `value`. */
export function raise(words: Int32Array<ArrayBufferLike>, at: number, value: number): void {
  let before = Atomics.load(words, at);
  while (before < value) {
    const found = Atomics.compareExchange(words, at, before, value);
    if (found === before) return;
    before = found;
  }
}

/** A place in the list, and the ticket that makes it somebody's. */
export interface Place {
  readonly at: number;
  readonly ticket: number;
}

/** The list of one memory, as one of those who share it sees it. */
export class WaitList {
  private readonly words: Int32Array<ArrayBufferLike>;
  /** Places of guests that nobody has any more, nor can run again. */
  private readonly mourner: FinalizationRegistry<Place> | null;

  /** `words` are zero at first. */
  constructor(words: Int32Array<ArrayBufferLike>) {
    this.words = words;
    this.mourner =
      typeof FinalizationRegistry === "undefined"
        ? null
        : new FinalizationRegistry((place) => this.leave(place));
  }

  /** Takes a place at the end of the queue at `address` until `leave`; null: there is none. */
  join(address: number, holder: object): Place | null {
    const { words } = this;
    for (let at = FIRST_PLACE; at < words.length; at += 2) {
      if (Atomics.compareExchange(words, at, FREE, CLAIMED) !== FREE) continue;
      Atomics.store(words, at + 1, address / 4);
      // From now on, who notifies looks at the place.
      raise(words, USED, (at - FIRST_PLACE) / 2 + 1);
      const ticket = (Atomics.add(words, TICKETS, 1) & TICKET_MASK) + 1;
      Atomics.store(words, at, ticket);
      const place = { at, ticket };
      this.mourner?.register(holder, place, place);
      return place;
    }
    return null;
  }

  /** Gives a place back; whether it had been notified. To be called once. */
  leave(place: Place): boolean {
    const { at, ticket } = place;
    this.mourner?.unregister(place);
    const { words } = this;
    if (Atomics.compareExchange(words, at, ticket, FREE) !== ticket) {
      Atomics.store(words, at, FREE);
      return true;
    }
    // Its promise is of no use any more, nor is the timer.
    Atomics.notify(words, at);
    return false;
  }

  isNotified({ at, ticket }: Place): boolean {
    return Atomics.load(this.words, at) !== ticket;
  }

  /** Wakes those who have waited longest at `address`, at most `count`; how many. */
  notify(address: number, count: number): number {
    const { words } = this;
    let woken = 0;
    for (const { at, ticket } of this.waitingAt(address)) {
      if (woken === count) break;
      if (Atomics.compareExchange(words, at, ticket, NOTIFIED) !== ticket) continue;
      Atomics.notify(words, at);
      woken++;
    }
    return woken;
  }

  /** How many places `notify` looks at. */
  get used(): number {
    return Atomics.load(this.words, USED);
  }

  private waitingAt(address: number): Place[] {
    const { used, words } = this;
    const found: Place[] = [];
    for (let i = 0, at = FIRST_PLACE; i < used; i++, at += 2) {
      const ticket = Atomics.load(words, at);
      // The address is that of this ticket as long as the ticket is there.
      if (ticket > FREE && Atomics.load(words, at + 1) === ((address / 4) | 0)) {
        found.push({ at, ticket });
      }
    }
    return found.sort((a, b) => (a.ticket - b.ticket) << 2);
  }

  /**
   * Blocks the worker until the place is notified, at most so many milliseconds.
   * @throws TypeError where the host does not let it, e.g. in the main thread of a browser
   */
  block({ at, ticket }: Place, milliseconds: number): void {
    Atomics.wait(this.words, at, ticket, milliseconds);
  }

  /** Fulfils when the place is notified or so many milliseconds are over. */
  promise({ at, ticket }: Place, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      // A timer besides: it keeps a process alive, and not every host has what would tell sooner.
      const timer = host.setTimeout?.(resolve, milliseconds);
      const waiting = host.Atomics.waitAsync?.(this.words, at, ticket, milliseconds).value;
      const isWaiting = typeof waiting === "object";
      if (!isWaiting && (waiting !== undefined || timer === undefined)) resolve();
      if (!isWaiting) return;
      void waiting.then(() => {
        host.clearTimeout?.(timer);
        resolve();
      });
    });
  }
}
