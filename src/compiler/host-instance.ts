// An instance whose functions the host's engine executes: memories are shared with it, globals are
// copied when control changes sides. What is not compiled is called through the thread.

import type { CompiledModule } from "../code/compiled.ts";
import type { FunctionCode } from "../code/space.ts";
import { type FuncType, funcTypeAt, type ModuleRecord } from "../module/module.ts";
import { hostNamespace } from "../runtime/host-memory.ts";
import type { GlobalInstance, ModuleInstance } from "../runtime/instances.ts";
import type {
  Budgets,
  CompiledFunction,
  Continuation,
  Descent,
  Fault,
  InstanceTier,
} from "../runtime/tier.ts";
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
import { Continuations, type Run, type Surroundings } from "./continuations.ts";
import { Entry } from "./entry.ts";
import { type Compiled, executes } from "./host-code.ts";
import { type InstructionImport, RUNTIME, type RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { type Written, WrittenModule } from "./places.ts";
import { LEAF_BYTES } from "./room.ts";
import { NAMES } from "./sections.ts";
import { SAVING } from "./sites.ts";
import { type Executed, faultOf } from "./traps.ts";
import { KEPT } from "./values.ts";

/**
 * Bytes of room that are kept back: for a call that does not ask, and the arguments or results of
 * one on the way out, of which there are a thousand at most.
 */
const SPARE_BYTES = LEAF_BYTES + 8_192;

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
export class HostInstance implements InstanceTier, Executed, Surroundings {
  private readonly share: Share;
  readonly instance: ModuleInstance;
  readonly main: Compiled["written"];
  readonly written: Written;
  private readonly exports: Readonly<Record<string, unknown>>;
  private readonly budget: HostGlobal;
  /** See `KEPT`. */
  private readonly kept: readonly HostGlobal[];
  private readonly room: HostGlobal;
  /** What a call from outside has to be given: a call of any function, and what it calls there. */
  readonly leastRoom: number;
  /** Mutable globals on both sides. */
  private readonly globals: (readonly [GlobalInstance, HostGlobal])[] = [];
  /** The innermost call from outside. */
  private entry: Entry | null = null;
  private readonly continuations: Continuations;

  constructor(instance: ModuleInstance, share: Share) {
    const { compiled } = share;
    this.instance = instance;
    this.share = share;
    this.main = compiled.written;
    this.written = new WrittenModule(compiled.written);
    this.exports = this.instantiate(compiled.module);
    this.budget = this.exports[NAMES.budget] as HostGlobal;
    this.kept = KEPT.map((_, i) => this.exports[NAMES.kept(i)] as HostGlobal);
    this.room = this.exports[NAMES.room] as HostGlobal;
    this.leastRoom = this.main.frameBytes + SPARE_BYTES;
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
    this.continuations = new Continuations(this);
  }

  private instantiate(hostModule: object): Readonly<Record<string, unknown>> {
    const { instance, main } = this;
    const { module } = instance;
    if (hostNamespace === undefined) throw new LeftOut("the host has no WebAssembly");
    this.memories = instance.memories.slice(0, main.memories).map((memory) => memory.inHost());
    if (this.memories.includes(null)) throw new LeftOut("the host has no memory for it");
    this.makeTables();
    const { Instance } = hostNamespace;
    const functions = Array.from({ length: module.importedFunctions }, (_, i) => this.outside(i));
    try {
      const made = new Instance(hostModule, {
        [NAMES.functions]: { ...functions },
        ...this.shared(main.imports),
      });
      return (made as { readonly exports: Readonly<Record<string, unknown>> }).exports;
    } catch (error) {
      throw new LeftOut(`the host refuses it: ${(error as Error).message}`);
    }
  }

  /** What every host module of the instance's imports. */
  private shared(imports: readonly RuntimeImport[]) {
    return {
      [NAMES.memories]: { ...this.memories },
      [NAMES.tables]: { ...this.tables },
      [RUNTIME]: { ...imports.map((item) => this.runtimeFunction(item)) },
    };
  }

  importsOf(imports: readonly RuntimeImport[]): object {
    const { budget, exports, instance, kept, room } = this;
    const globals = instance.globals.map((_, i) => exports[NAMES.global(i)] ?? budget);
    return { [NAMES.globals]: { ...[...globals, budget, ...kept, room] }, ...this.shared(imports) };
  }

  private memories: readonly (object | null)[] = [];
  private readonly tables: HostTable[] = [];

  private makeTables(): void {
    const Table = (hostNamespace as unknown as { readonly Table: TableClass }).Table;
    for (const { length, type } of this.instance.tables.slice(0, this.main.tables)) {
      const maximum = type.max === null ? {} : { maximum: Number(type.max) };
      this.tables.push(new Table({ element: "anyfunc", initial: length, ...maximum }));
    }
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
    return this.main.leftOut;
  }

  functionAt(index: number): CompiledFunction | null {
    if (!executes(this.main, index)) return null;
    const { params, results } = typeOf(this.instance.module, index);
    const run = this.exports[NAMES.function(index)] as HostFunction;
    const { leastRoom, written } = this;
    return {
      leastRoom,
      enter: (frame, budget, room, thread) => {
        const put = (result: unknown) => {
          putNumbers(frame, results, resultList(results.length, result));
        };
        const call = () => run(...numbersAt(frame, params));
        return this.enter({ written, call, put }, frame, budget, room, thread);
      },
    };
  }

  ascend(code: FunctionCode, position: number, cost: number, spent: number): Continuation | null {
    if (this.main.leftOut.has(code.index)) return null;
    return this.continuations.ascend(code, position, cost, spent);
  }

  enter(
    run: Run,
    frame: number,
    budget: number,
    room: number,
    thread: Budgets,
  ): Descent | Fault | null {
    const beneath = this.entry;
    const entry = new Entry(this.instance, run.written, thread, frame, room - SPARE_BYTES);
    this.entry = entry;
    this.goIn(entry, budget);
    try {
      const result = this.runOn(run, entry);
      const left = this.budget.value as number;
      if (left > SAVING) thread.book(left);
      if (left <= SAVING || entry.leftFrame !== null) return entry.descend();
      run.put(result);
      return null;
    } catch (error) {
      if (!entry.isInside) throw error;
      thread.book(this.budget.value as number);
      const kept = this.kept.map(({ value }) => value as number);
      const fault = faultOf(this, { error, kept, entered: entry.entered });
      if (fault === null) throw error;
      return fault;
    } finally {
      this.entry = beneath;
      if (entry.isInside) this.goOut(entry);
    }
  }

  /** Runs host code, and continuations in the frames that these leave at headers of loops. */
  private runOn(run: Run, entry: Entry): unknown {
    this.room.value = entry.room;
    let result = run.call();
    while (this.budget.value > SAVING && entry.leftFrame !== null) {
      const next = this.continuations.after(entry.leftFrame);
      if (next === null) break;
      entry.goOn(next.written);
      this.room.value = entry.room;
      result = next.call();
    }
    return result;
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
    if (item.kind === "callee") {
      const exported = this.exports[NAMES.function(item.index)] as HostFunction | undefined;
      return exported ?? this.outside(item.index);
    }
    return (...values) => this.reached(values);
  }

  /** A site: gives a new budget, or keeps the frame. */
  private reached(values: readonly unknown[]): number {
    const [left, number] = values.slice(-2) as [number, number];
    const site = this.main.sites.at(number);
    const entry = this.entry as Entry;
    const hasOverflowed = site.kind === "entry" && (this.room.value as number) < 0;
    const budget = hasOverflowed
      ? entry.overflowed(site, values, left)
      : entry.reached(site, values, left);
    // Who leaves a frame at a loop's header keeps the budget.
    if (left > SAVING) this.budget.value = budget;
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
      this.budget.value = entry.execute(instruction, params, left, this.main.sites.at(site));
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
      const usedRoom = entry.room - (this.room.value as number);
      const budget = thread.callOutside(callee, this.budget.value as number, usedRoom);
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
