// poll_oneoff: waiting for clocks and for input. A guest that can be suspended is; any other blocks
// its thread, or is told that this cannot be. A clock that makes up its time needs no waiting.

import { currentCall } from "../embedding/call.ts";
import { clockNamed } from "./clock.ts";
import { ABSTIME, EVENTTYPE, HANGUP, RIGHT } from "./constants.ts";
import { errnoOf, fail, SUCCESS, WasiError } from "./errno.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Caller, Process } from "./process.ts";
import type { Dialect } from "./signatures.ts";
import type { ClockName } from "./sources.ts";
import type { Steps } from "./steps.ts";
import type { Input } from "./streams.ts";
import { block, pause } from "./waiting.ts";

const EVENT_BYTES = 32;
/** Each takes some 200 bytes of the host's while the guest waits. */
const MOST_SUBSCRIPTIONS = 1024;
const SUBSCRIPTIONS_UNTIL_LOOK = 64;
/** A subscription takes as long as moving so many bytes: a file is asked for its size. */
const SUBSCRIPTION_BYTES = 64_000;
const NANOSECONDS = 1e6;
/** Milliseconds by which timers may come before their time. */
const TOO_EARLY = 2;

/** What the guest waits for. */
type Subscription = {
  readonly userdata: bigint;
  readonly type: number;
} & (
  | { readonly kind: "clock"; readonly clock: ClockName; readonly due: bigint }
  | { readonly kind: "input"; readonly input: Input }
  /** Nothing to wait for: it has happened already, or cannot happen. */
  | { readonly kind: "settled"; readonly error: number; readonly bytes: bigint }
);

/** A subscription as it turned out. */
interface Event {
  readonly userdata: bigint;
  readonly error: number;
  readonly type: number;
  readonly bytes: bigint;
  readonly flags: number;
}

/** The file behind a descriptor that is to be read or written. */
function fileSubscription(process: Process, fd: number, type: number) {
  const open = process.descriptors.get(fd);
  const reading = type === EVENTTYPE.FD_READ;
  const needed = RIGHT.POLL_FD_READWRITE | (reading ? RIGHT.FD_READ : RIGHT.FD_WRITE);
  if (open.kind === "directory") fail("badf", "a directory");
  if ((open.rights & needed) !== needed) fail("notcapable");
  if (open.kind === "input") return { kind: "input", input: open.input } as const;
  let bytes = 0n;
  if (open.kind === "file" && reading && open.file.seekable) {
    const left = open.file.stat().size - BigInt(open.offset);
    bytes = left > 0n ? left : 0n;
  }
  return { kind: "settled", error: SUCCESS, bytes } as const;
}

function clockSubscription(process: Process, at: number, { clockIdentifier }: Dialect) {
  const { clock, memory } = process;
  const base = clockIdentifier ? at + 8 : at;
  const name = clockNamed(memory.u32(base));
  const timeout = memory.u64(base + 8);
  const absolute = (memory.u16(base + 24) & ABSTIME) !== 0;
  return {
    kind: "clock",
    clock: name,
    due: absolute ? timeout : clock.now(name) + timeout,
  } as const;
}

/** The subscription at an address. Its errors are events, not the error of the call. */
function subscriptionAt(process: Process, at: number, dialect: Dialect): Subscription {
  const { memory } = process;
  const userdata = memory.u64(at);
  const type = memory.u8(at + 8);
  try {
    if (type === EVENTTYPE.CLOCK) {
      return { userdata, type, ...clockSubscription(process, at + 16, dialect) };
    }
    if (type > EVENTTYPE.FD_WRITE) fail("inval", "no such type of event");
    return { userdata, type, ...fileSubscription(process, memory.u32(at + 16), type) };
  } catch (error) {
    if (!(error instanceof WasiError)) throw error;
    return { userdata, type, kind: "settled", error: errnoOf(error.code), bytes: 0n };
  }
}

/** Waiting for what one call subscribes to. */
class Poll {
  private readonly process: Process;
  private readonly subscriptions: readonly Subscription[];
  private readonly mayAwait: boolean;

  constructor(process: Process, subscriptions: readonly Subscription[]) {
    this.process = process;
    this.subscriptions = subscriptions;
    this.mayAwait = process.mayAwait;
  }

  /** What has happened by now. */
  events(): Event[] {
    const { clock } = this.process;
    // Each look at a clock that makes up its time advances it: one for all subscriptions.
    const times = new Map<ClockName, bigint>();
    const events: Event[] = [];
    for (const item of this.subscriptions) {
      const { type, userdata } = item;
      const event = { userdata, type, error: SUCCESS, bytes: 0n, flags: 0 };
      if (item.kind === "settled") events.push({ ...event, error: item.error, bytes: item.bytes });
      else if (item.kind === "input") {
        const { available, ready } = item.input;
        const flags = ready && available === 0 ? HANGUP : 0;
        if (ready) events.push({ ...event, bytes: BigInt(available), flags });
      } else {
        const now = times.get(item.clock) ?? clock.now(item.clock);
        times.set(item.clock, now);
        if (item.due <= now) events.push(event);
      }
    }
    return events;
  }

  /** Asks all inputs for something; those of which it is still to come. */
  inputs(): ReadonlySet<Input> {
    const waiting = new Set<Input>();
    for (const item of this.subscriptions) {
      if (item.kind === "input" && item.input.fetch(this.mayAwait) !== null) {
        waiting.add(item.input);
      }
    }
    return waiting;
  }

  /** Nanoseconds until the first clock is due; undefined without clocks. */
  private patience(): bigint | undefined {
    let least: bigint | undefined;
    for (const item of this.subscriptions) {
      if (item.kind !== "clock") continue;
      const left = item.due - this.process.clock.now(item.clock);
      if (least === undefined || left < least) least = left;
    }
    return least !== undefined && least < 0n ? 0n : least;
  }

  /** Milliseconds until the first clock is due. */
  private get timeout(): number {
    const patience = this.patience();
    return patience === undefined ? Number.POSITIVE_INFINITY : Number(patience) / NANOSECONDS;
  }

  /** Advances a clock that makes up its time. Whether there was one to advance. */
  skip(): boolean {
    const { clock } = this.process;
    const patience = this.patience();
    if (clock.advance === undefined || patience === undefined) return false;
    clock.advance(patience);
    return true;
  }

  /** Lets time pass until something may have happened: blocks, unless there is a promise. */
  wait(): Promise<void> | undefined {
    const { caller } = this.process;
    if (caller.mayAwait) return this.patiently(caller);
    const { timeout } = this;
    if (timeout === Number.POSITIVE_INFINITY) {
      fail("notsup", "waiting for input that is not there yet, where nobody can wait");
    }
    block(timeout, caller.execution);
    currentCall()?.shortenSlice(Number.MAX_SAFE_INTEGER);
    return undefined;
  }

  /** Lets some time pass, but not much more if nobody goes on with the guest. */
  private async patiently({ execution }: Caller): Promise<void> {
    do await pause(this.timeout, [...this.inputs(), this.process], execution);
    while (this.timeout > 0 && this.timeout < TOO_EARLY);
  }
}

function writeEvents(memory: GuestMemory, at: number, events: readonly Event[]): void {
  events.forEach(({ bytes, error, flags, type, userdata }, i) => {
    const event = memory.check(at, EVENT_BYTES * events.length) + EVENT_BYTES * i;
    memory.setU64(event, userdata);
    memory.setU16(event + 8, error);
    memory.setU8(event + 10, type);
    memory.setU64(event + 16, bytes);
    memory.setU16(event + 24, flags);
  });
}

/** The function for waiting. */
export function pollFunctions(process: Process, dialect: Dialect) {
  const subscriptionBytes = dialect.clockIdentifier ? 56 : 48;
  return {
    *poll_oneoff(input: number, output: number, length: number, result: number): Steps {
      const count = length >>> 0;
      if (count === 0 || count > MOST_SUBSCRIPTIONS) fail("inval", "number of subscriptions");
      const { memory } = process;
      const at = memory.check(input, count * subscriptionBytes);
      memory.check(output, count * EVENT_BYTES);
      memory.check(result, 4);
      const subscriptions: Subscription[] = [];
      for (let i = 0; i < count; i++) {
        if (i > 0 && i % SUBSCRIPTIONS_UNTIL_LOOK === 0) yield;
        subscriptions.push(subscriptionAt(process, at + subscriptionBytes * i, dialect));
        process.moved(SUBSCRIPTION_BYTES);
      }
      const poll = new Poll(process, subscriptions);
      // Else input would never be seen beside something that is always ready.
      poll.inputs();
      let events = poll.events();
      if (events.length === 0 && poll.skip()) events = poll.events();
      while (events.length === 0) {
        yield poll.wait();
        // Somebody else may have taken what had come: then it has to be asked for again.
        poll.inputs();
        events = poll.events();
      }
      writeEvents(process.memory, output, events);
      process.memory.setU32(result, events.length);
      return SUCCESS;
    },
  };
}
