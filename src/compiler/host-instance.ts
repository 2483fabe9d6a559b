// An instance whose functions the host's engine executes: memories are shared with it, globals are
// copied when control changes sides. What is not compiled is called through the thread.

import type { CompiledModule } from "../code/compiled.ts";
import type { ValType } from "../isa/types.ts";
import { type FuncType, funcTypeAt, type ModuleRecord } from "../module/module.ts";
import { hostNamespace } from "../runtime/host-memory.ts";
import type { GlobalInstance, ModuleInstance } from "../runtime/instances.ts";
import type { Budgets, CompiledFunction, Descent, Fault, InstanceTier } from "../runtime/tier.ts";
import type { Share } from "./account.ts";
import {
  dummyResult,
  type HostNumber,
  numberOfWords,
  numbersAt,
  putNumbers,
  putWords,
  resultList,
  resultOf,
} from "./border.ts";
import { Entry } from "./entry.ts";
import { type Compiled, executes } from "./host-code.ts";
import { type InstructionImport, RUNTIME, type RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { NAMES } from "./module.ts";
import { SAVING } from "./sites.ts";
import { type Executed, faultOf } from "./traps.ts";
import { KEPT } from "./values.ts";

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

/** The functions of one instance as the host's engine has them. */
export class HostInstance implements InstanceTier, Executed {
  private readonly share: Share;
  private readonly instance: ModuleInstance;
  readonly written: Compiled["written"];
  private readonly exports: Readonly<Record<string, unknown>>;
  private readonly budget: HostGlobal;
  /** See `KEPT`. */
  private readonly kept: readonly HostGlobal[];
  /** Mutable globals on both sides. */
  private readonly globals: (readonly [GlobalInstance, HostGlobal])[] = [];
  /** The innermost call from outside. */
  private entry: Entry | null = null;

  constructor(instance: ModuleInstance, share: Share) {
    const { compiled } = share;
    this.instance = instance;
    this.share = share;
    this.written = compiled.written;
    this.exports = this.instantiate(compiled.module);
    this.budget = this.exports[NAMES.budget] as HostGlobal;
    this.kept = KEPT.map((_, i) => this.exports[NAMES.kept(i)] as HostGlobal);
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

  get compiled(): CompiledModule {
    return this.share.compiled.registerCode;
  }

  get leftOut(): ReadonlyMap<number, string> {
    return this.written.leftOut;
  }

  functionAt(index: number): CompiledFunction | null {
    if (!executes(this.written, index)) return null;
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
    thread: Budgets,
  ): Descent | Fault | null {
    const beneath = this.entry;
    const entry = new Entry(this.instance, thread, frame);
    this.entry = entry;
    this.goIn(entry, budget);
    try {
      const result = run(...numbersAt(frame, params));
      if (this.budget.value <= SAVING) return entry.descend();
      thread.book(this.budget.value as number);
      putNumbers(frame, results, resultList(results.length, result));
      return null;
    } catch (error) {
      if (!entry.isInside) throw error;
      thread.book(this.budget.value as number);
      const kept = this.kept.map(({ value }) => value as number);
      const fault = faultOf(this, { error, kept });
      if (fault === null) throw error;
      return fault;
    } finally {
      this.entry = beneath;
      if (entry.isInside) this.goOut(entry);
    }
  }

  /** Compiled code is to go on: what the interpreter may have changed is copied. */
  private goIn(entry: Entry, budget: number): void {
    this.budget.value = budget;
    for (const [ours, theirs] of this.globals) copyIn(ours, theirs);
    entry.goIn();
  }

  /** Others are to go on. */
  private goOut(entry: Entry): void {
    for (const [ours, theirs] of this.globals) {
      putWords(ours.cells, ours.at, ours.type.type, theirs.value);
    }
    entry.goOut();
  }

  isNull(table: number, index: number): boolean {
    return this.instance.tables[table].get(index) === null;
  }

  // What compiled code calls

  private runtimeFunction(item: RuntimeImport): HostFunction {
    if (item.kind === "function") return this.outside(item.index);
    if (item.kind === "instruction") return this.instruction(item);
    return (...values) => this.reached(values);
  }

  /** A site: gives a new budget, or keeps the frame. */
  private reached(values: readonly unknown[]): number {
    const [left, number] = values.slice(-2) as [number, number];
    const budget = (this.entry as Entry).reached(this.written.sites[number], values, left);
    this.budget.value = budget;
    return budget;
  }

  /** An instruction that the runtime executes, or leaves to the interpreter. */
  private instruction({ immediates, op, params, results }: InstructionImport): HostFunction {
    const [a, b = 0] = immediates;
    const instruction = { op, a, b, instance: this.instance };
    return (...values) => {
      const [left, site] = values.slice(-2) as [number, number];
      const entry = this.entry as Entry;
      putNumbers(entry.frame, params, values as HostNumber[]);
      this.budget.value = entry.execute(instruction, params, left, this.written.sites[site]);
      return resultOf(numbersAt(entry.frame, results));
    };
  }

  /** A function that is not compiled. */
  private outside(index: number): HostFunction {
    const { instance } = this;
    const { params, results } = typeOf(instance.module, index);
    const dummy = dummyResult(results);
    return (...values) => {
      const entry = this.entry as Entry;
      const { frame, thread } = entry;
      const callee = instance.functionAt(index);
      putNumbers(frame, params, values as HostNumber[]);
      this.goOut(entry);
      const budget = thread.callOutside(callee, this.budget.value as number);
      if (budget < 0) {
        this.budget.value = SAVING;
        return dummy;
      }
      this.goIn(entry, budget);
      return resultOf(numbersAt(frame, results));
    };
  }
}

function copyIn(ours: GlobalInstance, theirs: HostGlobal): void {
  const { at, cells, type } = ours;
  theirs.value = numberOfWords(cells[at], cells[at + 1], type.type);
}
