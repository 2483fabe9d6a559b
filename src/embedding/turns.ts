// The host's event loop: timers, and long work between its turns. All such work of the realm shares
// them: in each, one at a time, it goes on for some milliseconds.

import { guestTime, millisecondsNow } from "../runtime/clock.ts";

/** Globals that an engine may have or not. */
interface Host {
  readonly setImmediate?: (action: () => void) => unknown;
  readonly MessageChannel?: new () => { port1: Port; port2: Port };
  readonly setTimeout?: (action: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
}

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

const host = globalThis as unknown as Host;

/** Milliseconds of work in one turn. */
const TURN = 4;

/** Longest delay that timers take; beyond it they fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** Calls `action` when `deadline` has come, or the longest time that timers can wait is over. */
export function setTimer(deadline: number, action: () => void): unknown {
  const delay = Math.max(0, Math.ceil(deadline - guestTime()));
  return host.setTimeout?.(action, Math.min(delay, LONGEST_DELAY));
}

export function cancelTimer(timer: unknown): void {
  host.clearTimeout?.(timer);
}

/** Lets the event loop do what waits there. Timers alone would take a millisecond each time. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (host.setImmediate !== undefined) host.setImmediate(resolve);
    else if (host.MessageChannel !== undefined) nextMessage(host.MessageChannel, resolve);
    else if (host.setTimeout !== undefined) host.setTimeout(resolve, 0);
    else resolve();
  });
}

function nextMessage(Channel: NonNullable<Host["MessageChannel"]>, resolve: () => void): void {
  const { port1, port2 } = new Channel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(null);
}

/** Who waits for a turn, in order. */
const waiting: (() => void)[] = [];
/** When the present turn is over. */
let turnEnds = 0;

function waitForTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) void nextTask().then(giveTurn);
  });
}

function giveTurn(): void {
  turnEnds = millisecondsNow() + TURN;
  waiting.shift()?.();
  if (waiting.length > 0) void nextTask().then(giveTurn);
}

/** Calls `step`, which does a short piece of work, until it says that nothing is left to do. */
export async function inTurns(step: () => boolean): Promise<void> {
  do {
    if (millisecondsNow() >= turnEnds) await waitForTurn();
  } while (step());
}
