// A module as the host's engine has it, and the way there, which goes in pieces: bodies are written
// one after the other, then the host compiles what has been written. All instances of a module with
// the same price table share it.

import { CompiledModule } from "../code/compiled.ts";
import { MadeOnce } from "../code/made-once.ts";
import type { FeatureSet } from "../isa/features.ts";
import type { PriceTable } from "../isa/prices.ts";
import type { ModuleRecord } from "../module/module.ts";
import { millisecondsNow } from "../runtime/clock.ts";
import { hostFeatures } from "./features.ts";
import { CalledGroups } from "./first-calls.ts";
import { compileAtOnce, compileMeanwhile } from "./host-objects.ts";
import { tracesTraps } from "./host-stack.ts";
import { MOST_SIGNATURES } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { type HostModule, HostModuleWriter } from "./module.ts";

/** Milliseconds of writing between two looks, and instructions between two looks at the clock. */
const PIECE = 0.3;
const INSTRUCTIONS = 256;
/**
 * Bytes that the host compiles while somebody watches: V8 11 takes 20 ns a byte, V8 14 six. A type
 * of functions that come in or go out takes V8 11 as long as many bytes.
 */
const MOST_AT_ONCE = 1 << 18;
const TYPE_BYTES = 1 << 13;
/**
 * What the host keeps for a byte of its code. V8 compiles the functions that are called, to eight
 * bytes for a byte.
 */
export const CODE_BYTES = 4;

/** What instances are made of. */
export interface Compiled {
  readonly written: Omit<HostModule, "bytes">;
  /** The host's module. */
  readonly module: object;
  /** Which of its functions the host has compiled. */
  readonly called: CalledGroups;
  /** Register code in which compiled functions are called like those of other instances. */
  readonly registerCode: CompiledModule;
  /** What all that takes of the host's memory. */
  readonly hostBytes: number;
}

/** @throws LeftOut if no instance of such a module can be executed by the host */
function checkWritten({ target }: HostModule): void {
  if (target.imports.types.count > 2 * MOST_SIGNATURES) {
    throw new LeftOut("it calls functions of too many types that are not compiled");
  }
}

/** The host's code of a module, complete or in the making. */
export class HostCode {
  private readonly record: ModuleRecord;
  private readonly prices: PriceTable;
  private readonly features: FeatureSet;
  private writer: HostModuleWriter | null = null;
  private written: HostModule | null = null;
  private isCompiling = false;
  private compiled: Compiled | null = null;
  /** Why there is none. */
  private failure: LeftOut | null = null;

  /** @param features what the host's engine knows */
  constructor(record: ModuleRecord, prices: PriceTable, features: FeatureSet) {
    this.record = record;
    this.prices = prices;
    this.features = features;
  }

  get isComplete(): boolean {
    return (this.compiled ?? this.failure) !== null;
  }

  /** Whether the host is busy with it, and nobody can do anything but wait. */
  get isAway(): boolean {
    return this.isCompiling && !this.isComplete;
  }

  /**
   * Goes on for about a third of a millisecond, and up to 5 ms in the host's compiler; what that
   * would take longer for it compiles by the way, unless `mayStall`: nobody minds if it takes long.
   */
  advance(mayStall: boolean): void {
    if (this.isComplete) return;
    try {
      if (!tracesTraps()) throw new LeftOut("the host does not say where it traps");
      if (this.written === null) this.write();
      else this.compile(this.written, mayStall);
    } catch (error) {
      this.fail(error);
    }
  }

  /** What it takes of the host's memory while it is in the making. */
  get hostBytes(): number {
    if (this.writer !== null) return this.writer.hostBytes;
    return this.written === null ? 0 : CODE_BYTES * this.written.bytes.length;
  }

  /** Whoever has it made goes on without, and has no room for what there is of it. */
  abandon(): void {
    this.writer = null;
    if (!this.isCompiling) this.written = null;
  }

  private fail(error: unknown): void {
    if (!(error instanceof LeftOut)) throw error;
    this.failure = error;
    this.writer = null;
    this.written = null;
  }

  private write(): void {
    const { features, prices, record } = this;
    this.writer ??= new HostModuleWriter(record, prices, features);
    const { writer } = this;
    const end = millisecondsNow() + PIECE;
    while (writer.writeNext(INSTRUCTIONS)) if (millisecondsNow() >= end) return;
    const written = writer.finish();
    checkWritten(written);
    this.written = written;
    this.writer = null;
  }

  private compile(written: HostModule, mayStall: boolean): void {
    const { bytes } = written;
    if (mayStall || bytes.length + TYPE_BYTES * typesOf(written) <= MOST_AT_ONCE) {
      this.complete(compileAtOnce(bytes));
    } else if (!this.isCompiling) {
      this.isCompiling = true;
      compileMeanwhile(bytes).then(
        (module) => this.complete(module),
        (error) => this.fail(error),
      );
    }
  }

  private complete(module: object): void {
    // Who could not wait for it may have compiled it, too.
    if (this.written === null) return;
    const { bytes, ...written } = this.written;
    const { prices, record } = this;
    const registerCode = new CompiledModule(record, prices, (index) => executes(written, index));
    const hostBytes = CODE_BYTES * bytes.length + written.sites.bytes;
    const called = new CalledGroups(written.target.firstCalls);
    this.compiled = { written, module, called, registerCode, hostBytes };
    this.written = null;
  }

  /**
   * What instances are made of, once it is complete.
   * @throws LeftOut
   */
  get result(): Compiled {
    if (this.compiled === null) throw this.failure ?? new Error("it is not complete");
    return this.compiled;
  }
}

/** How many types of functions come in or go out, roughly. */
function typesOf({ target: { imports, module } }: HostModule): number {
  return new Set(module.functions).size + imports.types.count;
}

/** Whether a call from outside reaches compiled code. */
export function executes({ leftOut, target }: Compiled["written"], index: number): boolean {
  const { module } = target;
  return index >= module.importedFunctions && !leftOut.has(index);
}

const codes = new MadeOnce((module, prices) => new HostCode(module, prices, hostFeatures()));

/** The host's code of a module under a price table, begun or complete; made once. */
export function hostCode(module: ModuleRecord, prices: PriceTable): HostCode {
  return codes.of(module, prices);
}
