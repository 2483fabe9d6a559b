// Who runs next under `callAsync` (docs/rationale.md, "Who runs next?"): tenants take turns on the
// event loop, in tasks of a few milliseconds. A tenant is a store, however many calls it has in
// progress; what is shared out is time, since fuel says little about it.

import { currentCall } from "../embedding/call.ts";
import { nextTask } from "../embedding/turns.ts";
import { millisecondsNow } from "../runtime/clock.ts";
import type { Forgiving } from "./pace.ts";

/** Milliseconds of the event loop that guests take at a time, before all else that waits there. */
const TURN = 2;
/**
 * Milliseconds of a tenant's share: ten thousand wait for half a second. Always the same, however
 * few there are: who is alone gets one after the other, and who comes first is not far ahead.
 */
const SHARE = 0.05;
/** Of so many turns one is for those who have used their share, whoever else waits. */
const LEFT_FIRST = 50;
/** Longest time that a tenant has to stand back for having used more than its share. */
const MOST_DEBT = 10;
/**
 * Milliseconds of pauses that a tenant is not charged for, and how much of what it is charged for
 * comes back. The host's garbage collector stops whoever happens to run; who is the cause of such
 * pauses has soon used its grace up.
 */
const GRACE = 20;
const REFILL = 0.1;

/** What has come of a job's turn. */
export type Progress =
  /** It goes on as soon as it may. */
  | "ready"
  /** It goes on, but not before the event loop has turned. */
  | "later"
  /** It waits for the host: whoever it waits for tells. */
  | "waiting"
  /** There is nothing left to do. */
  | "done";

/** Something that is run piece by piece. */
export interface Job {
  readonly tenant: Tenant;
  /** Runs for about so many milliseconds at most. Never throws. */
  advance(milliseconds: number): Progress;
  /** Milliseconds of the last advance that its tenant is charged. */
  readonly charged: number;
}

/** A tenant's place in the queues: jobs that can go on, and what is left of its share. */
export class Tenant implements Forgiving {
  readonly jobs: Job[] = [];
  credit = 0;
  /** How many shares had been given when it got its last one. */
  granted = -1;
  queued = false;
  private grace = GRACE;

  forgive(taken: number, expected: number): number {
    const forgiven = Math.min(this.grace, taken - expected);
    const charged = taken - forgiven;
    this.grace = Math.min(GRACE, this.grace - forgiven + REFILL * charged);
    return charged;
  }
}

/** First in, first out; taking the first costs the same however long it is. */
class Queue<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  get first(): T | undefined {
    return this.items[this.head];
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    this.items[this.head++] = undefined;
    if (2 * this.head > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}

/** Tenants that have used their share, and get the next one when it is their turn. */
const used = new Queue<Tenant>();
/** Tenants with something left of their share: they have come back from the host, or are new. */
const left = new Queue<Tenant>();
/** What takes no time to speak of, and goes first. */
const urgent = new Queue<() => void>();
/** Jobs that have had enough of this turn of the event loop. */
let later: Job[] = [];

/** Shares given so far. */
let grants = 0;
/** Whether a job is running. */
let busy = false;
/** Whether a task of ours is on its way. */
let scheduled = false;
/** When guests have first run in this turn of the event loop; null: not yet. */
let turnBegan: number | null = null;

/**
 * Says that a job can go on. It does so at once, if nobody else runs and guests have not taken too
 * much of this turn of the event loop yet; else when it is its turn.
 */
export function ready(job: Job): void {
  const { tenant } = job;
  tenant.jobs.push(job);
  if (tenant.queued) return;
  if (tenant.credit <= 0 && isEntitled(tenant)) grant(tenant);
  if (tenant.credit > 0 && turnAllows()) serve(tenant, TURN);
  else enqueue(tenant);
}

/**
 * Whether a tenant that comes back has missed its turn: whoever is next had one after it. So has
 * one that is new, and one that is alone.
 */
function isEntitled({ granted }: Tenant): boolean {
  const next = used.first;
  return next === undefined ? left.length === 0 || granted < 0 : granted < next.granted;
}

/** Gives a tenant its share of the round; what it has not used of the last one is lost. */
function grant(tenant: Tenant): void {
  tenant.credit = Math.min(tenant.credit + SHARE, SHARE);
  tenant.granted = ++grants;
}

/** Calls `action` at once, or in the next turn of the event loop that has time for it. */
export function soon(action: () => void): void {
  if (turnAllows()) action();
  else {
    urgent.push(action);
    schedule();
  }
}

/**
 * Whether no guest is running and there is time left; the first look begins to count, until the
 * event loop turns.
 */
function turnAllows(): boolean {
  if (busy || currentCall() !== null) return false;
  const now = millisecondsNow();
  // Clocks may go back where there is only the time of day.
  if (turnBegan === null || now < turnBegan) turnBegan = now;
  schedule();
  return now - turnBegan < TURN;
}

function enqueue(tenant: Tenant): void {
  tenant.queued = true;
  (tenant.credit > 0 ? left : used).push(tenant);
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  void nextTask().then(task);
}

/**
 * Those with something left go first, since they have missed their turn or part of it; but however
 * many come, one of the others has its turn now and then. Who waits for the host, or has ended, may
 * go on in the next microtask already: nobody gets a second share before.
 */
function task(): void {
  scheduled = false;
  turnBegan = null;
  const jobs = later;
  later = [];
  for (const job of jobs) {
    job.tenant.jobs.push(job);
    if (!job.tenant.queued) enqueue(job.tenant);
  }
  const began = millisecondsNow();
  while (urgent.length > 0 && timeLeft(began) > 0) urgent.shift()?.();
  const before = grants;
  let mayComeBack = false;
  for (let turn = 1; used.length + left.length > 0; turn++) {
    const time = timeLeft(began);
    if (time <= 0) break;
    const hasCredit = left.length > 0 && (turn % LEFT_FIRST !== 0 || used.length === 0);
    if (mayComeBack && !hasCredit && (used.first?.granted ?? 0) > before) break;
    const tenant = (hasCredit ? left : used).shift() as Tenant;
    if (!hasCredit) grant(tenant);
    tenant.queued = false;
    if (tenant.credit <= 0) enqueue(tenant);
    else if (serve(tenant, time) !== "ready") mayComeBack = true;
  }
  if (used.length + left.length + later.length + urgent.length > 0) schedule();
}

/** Milliseconds that are left of a turn; none if the clock has been set back. */
function timeLeft(began: number): number {
  const passed = millisecondsNow() - began;
  return passed < 0 ? 0 : TURN - passed;
}

/** Runs a tenant's next job. */
function serve(tenant: Tenant, milliseconds: number): Progress {
  const job = tenant.jobs.shift() as Job;
  busy = true;
  let progress: Progress = "done";
  try {
    progress = job.advance(Math.min(tenant.credit, milliseconds));
  } finally {
    busy = false;
  }
  tenant.credit = Math.max(tenant.credit - job.charged, -MOST_DEBT);
  if (progress === "ready") tenant.jobs.push(job);
  else if (progress === "later") later.push(job);
  if (tenant.jobs.length > 0 && !tenant.queued) enqueue(tenant);
  return progress;
}
