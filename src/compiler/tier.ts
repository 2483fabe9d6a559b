// An instance whose functions the host's engine executes: memories are shared with it, globals are
// copied when control changes sides. Compiled code runs by itself: where it calls what is not
// compiled, or has to stop, all its calls come down as frames, and the interpreter goes on.

import { CompiledModule } from "../code/compiled.ts";
import { BEHIND, CALL, ENTRY, LOOP, type SiteKind } from "../code/sites.ts";
import type { FeatureSet } from "../isa/features.ts";
import { isReference, type ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt, type ModuleRecord } from "../module/module.ts";
import { hostNamespace } from "../runtime/host-memory.ts";
import type { GlobalInstance, ModuleInstance } from "../runtime/instances.ts";
import type { SavedFrame } from "../runtime/saved.ts";
import type {
  Budgets,
  CompiledFunction,
  Descent,
  DescentCall,
  Fault,
  InstanceTier,
} from "../runtime/tier.ts";
import { type Frame, registerFrames } from "../state/frames.ts";
import {
  dummyResult,
  type HostNumber,
  numberOfWords,
  numbersAt,
  putNumbers,
  putWords,
  rawOfBits,
  resultList,
} from "./border.ts";
import { type Compiled, HostCode } from "./host-code.ts";
import { deepen, undeepen } from "./host-stack.ts";
import { RUNTIME, type RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { NAMES } from "./module.ts";
import { frameOf, SAVING, type Site } from "./sites.ts";
import { type Executed, faultOf } from "./traps.ts";
import { canHold } from "./values.ts";

type HostFunction = (...values: unknown[]) => unknown;
interface HostGlobal {
  value: HostNumber;
}
interface HostTable {
  set(index: number, element: unknown): void;
}

/** What the host's engine is given: a table of functions. */
type TableClass = new (descriptor: object) => HostTable;

function typeOf(module: ModuleRecord, index: number): FuncType {
  return funcTypeAt(module, module.functions[index]) as FuncType;
}

function passes({ params, results }: FuncType): boolean {
  return [...params, ...results].every((type) => canHold(type) && !isReference(type));
}

/** Frames of a call that has stopped, while they become those of register code. */
class Stop implements Descent {
  readonly kind = "descent";
  private readonly work: ReturnType<typeof registerFrames>;
  readonly call: DescentCall | null;
  frames: readonly SavedFrame[] = [];
  cost = 0;

  constructor(frames: readonly Frame[], call: DescentCall | null) {
    this.work = registerFrames(frames);
    this.call = call;
  }

  advance(): boolean {
    const next = this.work.next();
    if (next.done !== true) return false;
    this.frames = next.value.saved;
    this.cost = next.value.cost;
    return true;
  }
}

const KINDS: Readonly<Record<Site["kind"], SiteKind>> = {
  entry: ENTRY,
  loop: LOOP,
  call: BEHIND,
  instruction: BEHIND,
};

/** The functions of one instance as the host's engine has them. */
class HostInstance implements InstanceTier, Executed {
  readonly compiled: CompiledModule;
  private readonly instance: ModuleInstance;
  readonly written: Compiled["written"];
  private readonly exports: Readonly<Record<string, unknown>>;
  private readonly budget: HostGlobal;
  private readonly element: HostGlobal;
  /** Mutable globals on both sides. */
  private readonly globals: (readonly [GlobalInstance, HostGlobal])[] = [];
  /** What a call that is coming down has left so far, and what it could not do itself. */
  private frames: Frame[] = [];
  private call: DescentCall | null = null;
  private budgets: Budgets | null = null;

  constructor(instance: ModuleInstance, compiled: Compiled) {
    const { module, store } = instance;
    this.instance = instance;
    this.written = compiled.written;
    this.compiled = new CompiledModule(module, store.prices, (index) => this.has(index));
    this.exports = this.instantiate(compiled.module);
    this.budget = this.exports[NAMES.budget] as HostGlobal;
    this.element = this.exports[NAMES.element] as HostGlobal;
    instance.globals.forEach((global, i) => {
      const exported = this.exports[NAMES.global(i)] as HostGlobal | undefined;
      if (exported === undefined) return;
      copyIn(global, exported);
      if (global.type.mutable) this.globals.push([global, exported]);
    });
    if (new Set(this.globals.map(([global]) => global)).size < this.globals.length) {
      throw new LeftOut("it imports a global twice");
    }
    this.fillTables();
  }

  private instantiate(hostModule: object): Readonly<Record<string, unknown>> {
    const { instance, written } = this;
    const { module } = instance;
    if (hostNamespace === undefined) throw new LeftOut("the host has no WebAssembly");
    const memories = instance.memories.slice(0, written.memories).map((memory) => memory.inHost());
    if (memories.includes(null)) throw new LeftOut("the host has no memory for it");
    const { Instance } = hostNamespace;
    const runtime = written.imports.map((item) => this.runtimeFunction(item));
    const functions = Array.from({ length: module.importedFunctions }, (_, i) => this.outside(i));
    try {
      const made = new Instance(hostModule, {
        [NAMES.functions]: { ...functions },
        [NAMES.memories]: { ...memories },
        [NAMES.tables]: { ...this.makeTables() },
        [RUNTIME]: { ...runtime },
      });
      return (made as { readonly exports: Readonly<Record<string, unknown>> }).exports;
    } catch (error) {
      throw new LeftOut(`the host refuses it: ${(error as Error).message}`);
    }
  }

  private readonly tables: HostTable[] = [];

  private makeTables(): readonly HostTable[] {
    const Table = (hostNamespace as unknown as { readonly Table: TableClass }).Table;
    for (const { length, type } of this.instance.tables.slice(0, this.written.tables)) {
      const maximum = type.max === null ? {} : { maximum: Number(type.max) };
      this.tables.push(new Table({ element: "anyfunc", initial: length, ...maximum }));
    }
    return this.tables;
  }

  private fillTables(): void {
    const { functions, tables } = this.instance;
    const indices = new Map<unknown, number>();
    functions.forEach((func, i) => {
      indices.set(func, i);
    });
    this.tables.forEach((table, i) => {
      for (let at = 0; at < tables[i].length; at++) {
        const element = tables[i].get(at);
        if (element === null) continue;
        const index = indices.get(element) ?? -1;
        const exported = this.exports[NAMES.function(index)];
        if (exported === undefined) throw new LeftOut("its table has functions of others");
        table.set(at, exported);
      }
    });
  }

  get leftOut(): ReadonlyMap<number, string> {
    return this.written.leftOut;
  }

  /** Whether a call from outside reaches compiled code. */
  private has(index: number): boolean {
    const { instance, written } = this;
    const { module } = instance;
    if (index < module.importedFunctions || written.leftOut.has(index)) return false;
    return passes(typeOf(module, index));
  }

  functionAt(index: number): CompiledFunction | null {
    if (!this.has(index)) return null;
    const { params, results } = typeOf(this.instance.module, index);
    const run = this.exports[NAMES.function(index)] as HostFunction;
    return {
      enter: (frame, budget, budgets) => this.enter(run, params, results, frame, budget, budgets),
    };
  }

  private enter(
    run: HostFunction,
    params: readonly ValType[],
    results: readonly ValType[],
    frame: number,
    budget: number,
    budgets: Budgets,
  ): Descent | Fault | null {
    this.budgets = budgets;
    this.budget.value = budget;
    for (const [ours, theirs] of this.globals) copyIn(ours, theirs);
    const before = deepen();
    let result: unknown;
    try {
      result = run(...numbersAt(frame, params));
    } catch (error) {
      this.frames = [];
      budgets.book(this.budget.value as number);
      const fault = faultOf(this, { error, element: this.element.value as number });
      if (fault === null) throw error;
      return fault;
    } finally {
      undeepen(before);
      this.budgets = null;
      for (const [ours, theirs] of this.globals) {
        putWords(ours.cells, ours.at, ours.type.type, theirs.value);
      }
    }
    if (this.budget.value <= SAVING) return this.stop();
    budgets.book(this.budget.value as number);
    putNumbers(frame, results, resultList(results.length, result));
    return null;
  }

  isNull(table: number, index: number): boolean {
    return this.instance.tables[table].get(index) === null;
  }

  private stop(): Descent {
    const stop = new Stop(this.frames, this.call);
    this.frames = [];
    this.call = null;
    return stop;
  }

  // What compiled code calls

  private runtimeFunction(item: RuntimeImport): HostFunction {
    if (item.kind === "function") return this.outside(item.index);
    return (...values) => this.reached(values);
  }

  /** A site: gives a new budget, or keeps the frame. */
  private reached(values: readonly unknown[]): number {
    const [left, number] = values.slice(-2) as [number, number];
    const site = this.written.sites[number];
    const isComingDown = left <= SAVING / 2;
    if (!isComingDown) {
      const budget = (this.budgets as Budgets).allot(left, site.worst);
      this.budget.value = budget < 0 ? SAVING : budget;
      if (budget >= 0) return budget;
    }
    this.frames.push(this.canonical(site, values, isComingDown));
    return SAVING;
  }

  private canonical(site: Site, values: readonly unknown[], isCall: boolean): Frame {
    const { locals, operands } = frameOf(site, values);
    const kept = isCall ? operands.slice(0, operands.length - site.results) : operands;
    return {
      instance: this.instance,
      funcIndex: site.functionIndex,
      kind: isCall ? CALL : KINDS[site.kind],
      offset: site.offset,
      locals: locals.map(rawOfBits),
      operands: kept.map(rawOfBits),
    };
  }

  /** A function that is not compiled: the interpreter makes the call, when all has come down. */
  private outside(index: number): HostFunction {
    const { params, results } = typeOf(this.instance.module, index);
    const dummy = dummyResult(results);
    return (...values) => {
      (this.budgets as Budgets).book(this.budget.value as number);
      this.budget.value = SAVING;
      this.call = {
        callee: this.instance.functionAt(index),
        writeArguments: (frame) => putNumbers(frame, params, values as HostNumber[]),
      };
      return dummy;
    };
  }
}

function copyIn(ours: GlobalInstance, theirs: HostGlobal): void {
  const { at, cells, type } = ours;
  theirs.value = numberOfWords(cells[at], cells[at + 1], type.type);
}

/**
 * Has the host's engine execute an instance's functions from their next calls on. Null, or why it
 * stays with the interpreter.
 * @param code complete
 */
export function moveToHost(instance: ModuleInstance, code: HostCode): string | null {
  try {
    instance.moveTo(new HostInstance(instance, code.result));
    return null;
  } catch (error) {
    if (error instanceof LeftOut) return error.message;
    throw error;
  }
}

/**
 * The same at once, with code of its own.
 * @param features what the host's engine knows
 */
export function compileInstance(instance: ModuleInstance, features: FeatureSet): string | null {
  const code = new HostCode(instance.module, instance.store.prices, features);
  while (!code.advance());
  return moveToHost(instance, code);
}
