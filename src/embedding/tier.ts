// Who executes an instance: the interpreter, or the host's own engine, and from when on. Nobody
// above this folder knows more of it than the option of a store and, for statistics, what has come
// of it.

import { type HostCode, hostCode } from "../compiler/host-code.ts";
import { dearPart, moveToHost, reasonAgainst } from "../compiler/tier.ts";
import { millisecondsNow } from "../runtime/clock.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Lease } from "../runtime/store.ts";
import type { Promotion } from "../runtime/tier.ts";

/**
 * Units that an instance executes in the interpreter before it is worth an instance of the host's:
 * some 3 ms while that is cold; and for each byte of code that is not written yet. That takes as
 * long as two or three units (docs/rationale.md, "When is a module worth the host's engine?").
 */
const INSTANCE_UNITS = 50_000;
const BYTE_UNITS = 1;
/** Units of `Store.work` in a millisecond. */
const MILLISECOND = 200_000;

/** An instance on its way to the host's engine. */
class HostPromotion implements Promotion {
  private readonly instance: ModuleInstance;
  private readonly code: HostCode;
  /** What is left of the units before it goes. */
  private left: number;
  /** What the code takes of the host's memory until it is complete: then it is nobody's alone. */
  private readonly lease: Lease;
  private held = 0;
  /** Its move, once its code is complete. */
  private move: Generator<void, string | null> | null = null;

  constructor(instance: ModuleInstance) {
    const { module, store } = instance;
    this.instance = instance;
    this.code = hostCode(module, store.prices);
    this.lease = store.lease("compiledBytes", this);
    this.left = store.tier === "auto" ? this.unitsBefore() : 0;
  }

  private unitsBefore(): number {
    const { bodyEnds, bodyStarts } = this.instance.module;
    if (this.code.isComplete || bodyEnds.length === 0) return INSTANCE_UNITS;
    return INSTANCE_UNITS + BYTE_UNITS * (bodyEnds[bodyEnds.length - 1] - bodyStarts[0]);
  }

  worked(units: number, mayStall: boolean): void {
    this.left -= units;
    if (this.left > 0) return;
    const began = millisecondsNow();
    while (!this.advance(mayStall) && mayStall);
    this.instance.store.work += Math.ceil(MILLISECOND * (millisecondsNow() - began));
  }

  advance(mayStall: boolean): boolean {
    const { code, instance } = this;
    const dear = mayStall || this.move !== null ? null : dearPart(instance);
    instance.interpretedBecause = dear && `${dear} to be moved while somebody watches`;
    if (dear !== null) return true;
    if (!code.isComplete) {
      code.advance(mayStall);
      if (this.hold(code.hostBytes)) return code.isAway;
      code.abandon();
      return this.end("its store has no room for it");
    }
    this.hold(0);
    this.move ??= moveToHost(instance, code);
    const { done, value } = this.move.next();
    return done === true && this.end(value);
  }

  /** Has so much in the account of the store; false: there is no room for it. */
  private hold(bytes: number): boolean {
    const { held, lease } = this;
    if (bytes > held && !lease.extend(bytes - held)) {
      lease.release();
      return false;
    }
    if (bytes < held) lease.shrink(held - bytes);
    this.held = bytes;
    return true;
  }

  private end(reason: string | null): true {
    this.instance.promotion = null;
    this.instance.interpretedBecause = reason;
    return true;
  }
}

/** Puts a new instance on its way to the tier that its store wants; null: there is none to go. */
export function beginPromotion(instance: ModuleInstance): Promotion | null {
  const { tier } = instance.store;
  if (tier === "interpreter") return null;
  instance.interpretedBecause = reasonAgainst(instance);
  if (instance.interpretedBecause !== null) return null;
  const promotion = new HostPromotion(instance);
  instance.promotion = promotion;
  return tier === "compiled" ? promotion : null;
}

/** Why code is interpreted, and how many functions this concerns. */
export interface LeftToInterpreter {
  readonly reason: string;
  readonly functions: number;
}

/** What of an instance the interpreter executes for good, by reasons. */
export function leftToInterpreter(instance: ModuleInstance): readonly LeftToInterpreter[] {
  const { interpretedBecause, leftOut, module } = instance;
  const functions = module.functions.length - module.importedFunctions;
  if (interpretedBecause !== null) return [{ reason: interpretedBecause, functions }];
  const counts = new Map<string, number>();
  for (const reason of leftOut.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => ({ reason, functions: count }));
}
