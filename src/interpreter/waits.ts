// memory.atomic.wait and notify (proposal "threads"). A guest that waits stands in the memory's own
// list (runtime/wait-list.ts): a thread that can be suspended is, another blocks its worker, in
// short pieces if somebody watches it. What JavaScript asks for its buffer is different: there
// guests wait as `Atomics.wait` does, since scripts notify them, and scripts of other workers know
// the bytes alone.

import { millisecondsNow } from "../runtime/clock.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Integers } from "../runtime/integers.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import { notify } from "../runtime/notify.ts";
import type { Outcome } from "../runtime/outcome.ts";
import { Exhaustion } from "../runtime/trap.ts";
import { EXPECTED_SHARED_MEMORY, WAIT_NOT_ALLOWED } from "../runtime/traps.ts";
import type { Place, WaitList } from "../runtime/wait-list.ts";
import { atomicAddress, checkBounds } from "./atomics.ts";
import type { Payer, Progress } from "./bulk.ts";
import { machine, SLOTS } from "./loop.generated.ts";
import { int, setInt } from "./operands.ts";
import { extra, LONGS } from "./registers.ts";
import { TrapSignal } from "./trap-signal.ts";

export const ATOMIC_NOTIFY = 0x500;
export const ATOMIC_WAIT_32 = 0x501;
export const ATOMIC_WAIT_64 = 0x502;

/** What the instruction gives. */
const WOKEN = 0;
const NOT_EQUAL = 1;
const TIMED_OUT = 2;

/** Longest that a suspended guest is left alone: where an epoch is to be looked at, elsewhere. */
const LOOK_MILLISECONDS = 50;
const LONG_MILLISECONDS = 1_000;

/** A guest's wait that is in progress. */
export interface Wait {
  /** What it has come to, and then it is over; null: it goes on. */
  end(): number | null;
  /** Blocks the worker until it may have ended, at most so many milliseconds. */
  block(milliseconds: number): void;
  /** Fulfils when it may have ended, at the latest after so many milliseconds. */
  readonly promise: ((milliseconds: number) => Promise<void>) | null;
  /** Nobody waits any more. */
  abandon(): void;
}

/** The thread that waits. */
export interface Waiter extends Payer {
  wait: Wait | null;
  /** Whether it can be suspended meanwhile. */
  readonly mayStandAside: boolean;
  /** Milliseconds that it may stand still before somebody looks at it. */
  readonly patience: number;
  /** Somebody is to look at it now. */
  endSlice(): void;
}

/** In the memory's own list. */
class ListedWait implements Wait {
  private readonly list: WaitList;
  private readonly place: Place;
  /** When its time is up, on the clock of `millisecondsNow`. */
  private readonly ends: number;

  /** @throws Exhaustion if the list is full */
  constructor(list: WaitList, address: number, milliseconds: number) {
    const place = list.join(address, this);
    if (place === null) throw new Exhaustion("hostMemory", "too many guests wait at one memory");
    this.list = list;
    this.place = place;
    this.ends = millisecondsNow() + milliseconds;
  }

  end(): number | null {
    const { list, place } = this;
    if (!list.isNotified(place) && millisecondsNow() < this.ends) return null;
    return list.leave(place) ? WOKEN : TIMED_OUT;
  }

  block(milliseconds: number): void {
    this.list.block(this.place, Math.min(milliseconds, this.ends - millisecondsNow()));
  }

  promise(milliseconds: number): Promise<void> {
    const left = Math.max(0, this.ends - millisecondsNow());
    return this.list.promise(this.place, Math.min(milliseconds, left));
  }

  /** Whether it had been notified. */
  abandon(): boolean {
    return this.list.leave(this.place);
  }
}

/** As the host's `Atomics.wait`: in the host's list, from which it is away between two pieces. */
class HostWait implements Wait {
  /** It can but block. */
  readonly promise = null;
  private readonly check: (milliseconds: number) => "ok" | "not-equal" | "timed-out";
  private readonly ends: number;
  private result: number | null = null;
  private isFirst = true;

  constructor({ bySize, longs }: Integers, ea: number, bytes: number, milliseconds: number) {
    const { x } = machine;
    if (bytes === 4) {
      const expected = SLOTS[x + 2];
      this.check = (ms) => Atomics.wait(bySize[4], ea / 4, expected, ms);
    } else {
      const expected = LONGS[(x >> 1) + 1];
      this.check = (ms) => Atomics.wait(longs, ea / 8, expected, ms);
    }
    this.ends = millisecondsNow() + milliseconds;
  }

  end(): number | null {
    return this.result;
  }

  block(milliseconds: number): void {
    const left = Math.max(0, this.ends - millisecondsNow());
    const found = this.check(Math.min(milliseconds, left));
    if (found === "ok") this.result = WOKEN;
    // Later on, who changes the value is about to notify, or has done so between two pieces.
    else if (found === "not-equal") this.result = this.isFirst ? NOT_EQUAL : WOKEN;
    else if (millisecondsNow() >= this.ends) this.result = TIMED_OUT;
    this.isFirst = false;
  }

  abandon(): void {}
}

/** Whether the value at the address is the one that the guest expects. */
function isExpected({ integers }: MemoryInstance, ea: number, bytes: number): boolean {
  const { x } = machine;
  if (bytes === 4) return Atomics.load(integers.bySize[4], ea / 4) === SLOTS[x + 2];
  return Atomics.load(integers.longs, ea / 8) === LONGS[(x >> 1) + 1];
}

/** Milliseconds of the timeout, an i64 of nanoseconds of which a negative one never comes. */
function timeout(): number {
  const nanoseconds = LONGS[(machine.x >> 1) + 2];
  return nanoseconds < 0n ? Number.POSITIVE_INFINITY : Number(nanoseconds) / 1e6;
}

/** Begins to wait; or what the instruction gives at once. */
function begin(memory: MemoryInstance, bytes: number): Wait | number {
  const ea = atomicAddress(memory, bytes);
  const { shared } = memory;
  if (shared === null) throw new TrapSignal(EXPECTED_SHARED_MEMORY);
  checkBounds(memory, ea, bytes);
  if (!isExpected(memory, ea, bytes)) return NOT_EQUAL;
  if (memory.outside) return new HostWait(memory.integers, ea, bytes, timeout());
  const wait = new ListedWait(shared.waiters, ea, timeout());
  // Whoever changes the value from now on and notifies, finds the guest in the list.
  if (isExpected(memory, ea, bytes)) return wait;
  return wait.abandon() ? WOKEN : NOT_EQUAL;
}

/** `memory.atomic.wait32` and `wait64`: "waits" is for who can be suspended. */
export function atomicWait(op: number, instance: ModuleInstance, waiter: Waiter): Progress {
  if (waiter.wait === null) {
    const begun = begin(instance.memories[extra(3)], op === ATOMIC_WAIT_32 ? 4 : 8);
    if (typeof begun === "number") return give(begun);
    waiter.wait = begun;
  }
  const { wait } = waiter;
  let result = wait.end();
  if (result === null) {
    if (waiter.mayStandAside && wait.promise !== null) return "waits";
    block(wait, waiter.patience);
    result = wait.end();
  }
  if (result === null) {
    waiter.endSlice();
    return "more";
  }
  waiter.wait = null;
  return give(result);
}

function give(result: number): Progress {
  setInt(0, result, false);
  return "done";
}

function block(wait: Wait, milliseconds: number): void {
  try {
    wait.block(milliseconds);
  } catch (error) {
    if (error instanceof TypeError) throw new TrapSignal(WAIT_NOT_ALLOWED);
    throw error;
  }
}

/** `memory.atomic.notify`: guests first, then scripts. */
export function atomicNotify(instance: ModuleInstance): void {
  const memory = instance.memories[extra(3)];
  const ea = atomicAddress(memory, 4);
  checkBounds(memory, ea, 4);
  setInt(0, notify(memory, ea, int(1) >>> 0), false);
}

/** How a thread pauses whose wait goes on. */
export function pauseOf({ patience, wait }: Waiter): Outcome {
  const milliseconds = Math.min(LONG_MILLISECONDS, Math.max(LOOK_MILLISECONDS, patience));
  const promise = wait?.promise?.(milliseconds) ?? Promise.resolve();
  return { kind: "suspended", reason: "wait", promise };
}
