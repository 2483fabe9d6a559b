// What an attack is, and the instrument it is measured with. An attack runs in a process of its own
// (child.ts) with a small heap; looks at the guest are counted by a signal that the engine asks at
// each of them. The probe says what must hold for all; an attack adds its own checks.

import {
  type AbortSignalLike,
  CodeLimitError,
  DEFAULT_RUNTIME_LIMITS,
  Exhaustion,
  type Func,
  LinkError,
  Module,
  ModuleError,
  type ModuleOptions,
  Store,
  type StoreOptions,
  Trap,
  type Value,
  WasmException,
} from "../../src/api/index.ts";
import { WasiError, WasiExit } from "../../src/wasi/index.ts";

/** An attack: what must hold is what `run` and the probe check. */
export interface Attack {
  readonly name: string;
  /** Item of issue 11; 0: not in its list. */
  readonly item: number;
  /** What the guest may use besides the linear memory, in MiB: added to the bound on RSS. */
  readonly megabytes?: number;
  run(probe: Probe): unknown;
}

/** What came of an attack; printed by its process as JSON. */
export interface Result {
  /** Bytes of the largest module. */
  readonly bytes: number;
  readonly looks: number;
  /** Longest time between two looks, in milliseconds of the clock and of work. */
  readonly longest: number;
  readonly work: number;
  /** Most fuel between two looks. */
  readonly units: number;
  /** Milliseconds past the deadline, where there was one. */
  readonly past: number | null;
  /** Peak of the resident set above what there was before the attack, in MiB. */
  readonly rss: number;
  /** Heap that many rounds have left behind after collection, in MiB, where that was asked. */
  readonly left: number | null;
  /** Longest turn of the event loop and largest deviation of a share, where there were tenants. */
  readonly turn: number | null;
  readonly spread: number | null;
  readonly ended: string;
  /** What does not hold; empty: the attack failed, as it should. */
  readonly failures: readonly string[];
}

/** The deadline that attacks run under, in milliseconds. */
export const DEADLINE_MS = 50;
/**
 * The rule says 5 ms on an idle machine in a process that is warm. Tests share theirs, which makes
 * work slower, too, and run in cold processes: what is told here is pieces from no pieces. Alone, a
 * memory of 256 MiB that has just been moved to the host's engine takes 92 for its first growth.
 */
const LONGEST_WORK_MS = 120;
/** 5 ms of the fastest there is, filling memory: 64 bytes a unit. */
const MOST_UNITS = 500_000;
const SPARE_MEGABYTES = 64;
const MIB = 2 ** 20;

/** Time in which the process worked: neither stopped by its neighbours nor helped by threads. */
class WorkClock {
  private wall = performance.now();
  private cpu = process.cpuUsage();

  /** Since the last time, in milliseconds. */
  lap(): { wall: number; work: number } {
    const now = performance.now();
    const used = process.cpuUsage(this.cpu);
    const wall = now - this.wall;
    this.wall = now;
    this.cpu = process.cpuUsage();
    return { wall, work: Math.min(wall, (used.user + used.system) / 1e3) };
  }
}

/** Names of errors that the package documents; anything else that escapes is an internal one. */
export function endingOf(error: unknown): string {
  if (error instanceof Exhaustion) return `Exhaustion ${error.kind}`;
  if (error instanceof Trap) return `Trap ${error.code}`;
  const documented = [CodeLimitError, LinkError, ModuleError, WasiError, WasiExit, WasmException];
  if (documented.some((Class) => error instanceof Class)) return (error as Error).name;
  // What a synchronous call says of a host function that wants to wait.
  if (error instanceof TypeError && /returned a promise/.test(error.message)) return "TypeError";
  if (error instanceof HostMistake) return "what the host threw";
  return `INTERNAL ${error instanceof Error ? error.stack : String(error)}`;
}

/** What host functions of attacks throw. */
export class HostMistake extends Error {}

/** Measures an attack. */
export class Probe {
  readonly failures: string[] = [];
  private bytes = 0;
  private looks = 0;
  private longest = 0;
  private longestWork = 0;
  private units = 0;
  private past: number | null = null;
  private ended = "";
  left: number | null = null;
  turn: number | null = null;
  spread: number | null = null;
  private granted = 0;
  private baseRss = process.resourceUsage().maxRSS / 1024;

  /** Notes what does not hold. */
  check(holds: boolean, what: string): void {
    if (!holds) this.failures.push(what);
  }

  /** A module; its bytes count from here on as there before the attack. */
  module(bytes: Uint8Array, options?: ModuleOptions): Module {
    this.uses(bytes);
    return Module.from(bytes, options);
  }

  /** Notes the size of a module that the attack decodes in some other way. */
  uses(bytes: Uint8Array): Uint8Array {
    this.bytes = Math.max(this.bytes, bytes.length);
    this.baseRss = process.resourceUsage().maxRSS / 1024;
    return bytes;
  }

  /** A store for a tenant that nobody trusts: 64 MiB of memory, 16 of the host's, 16 of code. */
  store({ limits, ...options }: StoreOptions = {}): Store {
    const hostBytes = "hostBytes" in DEFAULT_RUNTIME_LIMITS ? { hostBytes: 16 * MIB } : {};
    const all = { memoryBytes: 64 * MIB, compiledBytes: 16 * MIB, ...hostBytes, ...limits };
    this.granted += (all.memoryBytes + (hostBytes.hostBytes ?? 0)) / MIB;
    return new Store({ fuel: 2 ** 50, ...options, limits: all });
  }

  /** Notes how something ended. */
  end(ending: string): string {
    this.ended = this.ended === "" ? ending : this.ended;
    if (ending.startsWith("INTERNAL")) this.failures.push(ending);
    return ending;
  }

  /** How `action` ends: "returned", or the documented error. */
  async attempt(action: () => unknown): Promise<string> {
    try {
      await action();
      return this.end("returned");
    } catch (error) {
      return this.end(endingOf(error));
    }
  }

  /** The same under a deadline of 50 ms and with looks counted. `how`: what gets the options. */
  async timed(
    store: Store,
    how: (options: Watched) => unknown,
    timeout = DEADLINE_MS,
  ): Promise<string> {
    const watcher = this.watcher(store);
    const began = performance.now();
    const ending = await this.attempt(() => how({ timeout, signal: watcher }));
    watcher.look();
    this.past = Math.max(this.past ?? 0, performance.now() - began - timeout);
    return ending;
  }

  /** Calls a function under the deadline. */
  call(func: Func, ...args: readonly Value[]): Promise<string> {
    return this.timed(func.store, (options) => func.with(options).call(...args));
  }

  /** Decodes a module under the deadline, looks counted; both in turns and at one call. */
  async decode(bytes: Uint8Array): Promise<string> {
    const signal = this.watcher();
    const began = performance.now();
    const options = { timeout: DEADLINE_MS, signal };
    const ending = await this.attempt(() => Module.fromAsync(bytes, options));
    signal.look();
    await this.attempt(() => Module.from(bytes, { timeout: DEADLINE_MS }));
    this.past = performance.now() - began - 2 * DEADLINE_MS;
    return ending;
  }

  /** A signal that is never given and notes when it is asked. */
  watcher(store: Store | null = null): Watcher {
    return new Watcher((wall, work, units) => {
      this.looks++;
      this.longest = Math.max(this.longest, wall);
      this.longestWork = Math.max(this.longestWork, work);
      this.units = Math.max(this.units, units);
    }, store);
  }

  /** What came of the attack. */
  result(megabytes = 0): Result {
    const rss = process.resourceUsage().maxRSS / 1024 - this.baseRss;
    const { bytes, ended, failures, left, longest, looks, past, spread, turn, units } = this;
    const { longestWork: work } = this;
    if (work > LONGEST_WORK_MS) failures.push(`${work.toFixed(0)} ms of work between two looks`);
    if (units > MOST_UNITS) failures.push(`${units} units of fuel between two looks`);
    const allowed = this.granted + SPARE_MEGABYTES + megabytes;
    if (rss > allowed) {
      failures.push(`${rss.toFixed(0)} MiB more than before, ${allowed.toFixed(0)} are allowed`);
    }
    const times = { longest, work, past, turn };
    return { bytes, looks, units, rss, left, spread, ended, failures, ...times };
  }
}

/** Options for calls under observation. */
export interface Watched {
  readonly timeout: number;
  readonly signal: AbortSignalLike;
}

type Note = (wall: number, work: number, units: number) => void;

/** An AbortSignal that counts how often it is asked. */
export class Watcher implements AbortSignalLike {
  private readonly note: Note;
  private readonly store: Store | null;
  private readonly clock = new WorkClock();
  private fuel: number;
  looks = 0;
  /** Give the signal at this look. */
  giveAt = Number.POSITIVE_INFINITY;
  readonly reason = new HostMistake("aborted");

  constructor(note: Note, store: Store | null) {
    this.note = note;
    this.store = store;
    this.fuel = store?.fuel ?? 0;
  }

  get aborted(): boolean {
    this.look();
    return ++this.looks >= this.giveAt;
  }

  /** Notes that the guest is looked at now. */
  look(): void {
    const { wall, work } = this.clock.lap();
    const fuel = this.store?.fuel ?? 0;
    this.note(wall, work, Math.max(0, this.fuel - fuel));
    this.fuel = fuel;
  }

  addEventListener(): void {}
  removeEventListener(): void {}
}
