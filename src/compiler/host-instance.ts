// An instance whose functions the host's engine executes: memories are shared with it, globals are
// copied when control changes sides. What is not compiled is called through the thread.

import type { CompiledModule } from "../code/compiled.ts";
import type { FunctionCode } from "../code/space.ts";
import { I32 } from "../isa/types.ts";
import { type FuncType, typeOfFunction } from "../module/module.ts";
import type { FunctionInstance, GlobalInstance, ModuleInstance } from "../runtime/instances.ts";
import type {
  Budgets,
  CompiledFunction,
  Continuation,
  Descent,
  Fault,
  InstanceTier,
} from "../runtime/tier.ts";
import type { Share } from "./account.ts";
import { BorderGlobal, dummyResult, type HostGlobal } from "./border.ts";
import { Continuations, type Run, type Surroundings } from "./continuations.ts";
import { Entry, SPARE_BYTES } from "./entry.ts";
import { type Compiled, executes } from "./host-code.ts";
import { HostFunctions } from "./host-functions.ts";
import { type HostFunction, type HostTable, instantiateHidden } from "./host-objects.ts";
import { type InstructionImport, RUNTIME, type RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { type Written, WrittenModule } from "./places.ts";
import { NAMES } from "./sections.ts";
import { SAVING } from "./sites.ts";
import { TableMirror } from "./table-mirror.ts";
import { Transfer } from "./transfer.ts";
import { type Executed, faultOf } from "./traps.ts";
import { KEPT } from "./values.ts";

/** Globals in a piece of work. */
const GLOBALS = 128;

/** What is left of the budget, and a site's number, behind other values. */
function lastTwo(values: readonly unknown[]): readonly [number, number] {
  const { length } = values;
  return [values[length - 2] as number, values[length - 1] as number];
}

/** The functions of one instance as the host's engine has them. */
export class HostInstance implements InstanceTier, Executed, Surroundings {
  private readonly share: Share;
  readonly instance: ModuleInstance;
  readonly main: Compiled["written"];
  readonly written: Written;
  private readonly functions: HostFunctions;
  private readonly budget: HostGlobal;
  /** See `KEPT`. */
  private readonly kept: readonly (HostGlobal | null)[];
  private readonly room: HostGlobal;
  private readonly floor: HostGlobal;
  private knownFloor = 0;
  /** Mutable globals on both sides. */
  private readonly globals: BorderGlobal[] = [];
  /** The host's, of those that it has. */
  private readonly memories: object[] = [];
  private readonly tables: readonly TableMirror[];
  /** The innermost call from outside. */
  private entry: Entry | null = null;
  private readonly continuations: Continuations;

  constructor(instance: ModuleInstance, share: Share) {
    const { compiled } = share;
    this.instance = instance;
    this.share = share;
    this.main = compiled.written;
    this.written = new WrittenModule(compiled.written);
    const { list } = compiled.written.target.tables;
    this.tables = list.map((used) => new TableMirror(instance, used));
    this.functions = new HostFunctions(compiled.written);
    this.instantiate(compiled.module);
    const { globals } = this.main.target;
    this.budget = this.functions.global(globals.budget) as HostGlobal;
    this.kept = KEPT.map((type) => this.functions.global(globals.kept(type)));
    this.room = this.functions.global(globals.room) as HostGlobal;
    this.floor = this.functions.global(globals.floor) as HostGlobal;
    this.tables.forEach((table, i) => {
      table.begin(...this.functions.writers(list[i], i));
    });
    this.continuations = new Continuations(this);
  }

  private instantiate(hostModule: object): void {
    const { functions, instance, main } = this;
    for (const memory of instance.memories.slice(0, main.target.memories)) {
      const inHost = memory.inHost();
      if (inHost === null) throw new LeftOut("the host has no memory for it");
      this.memories.push(inHost);
    }
    try {
      instantiateHidden(hostModule, this.importsOf(main.imports, functions.table));
    } catch (error) {
      throw new LeftOut(`the host refuses it: ${(error as Error).message}`);
    }
  }

  /** Globals get the values of ours, in pieces. */
  *shareGlobals(): Generator<void, void> {
    const { globals } = this.instance;
    for (let i = 0; i < globals.length; i++) {
      this.shareGlobal(globals[i], i);
      if (i % GLOBALS === GLOBALS - 1) yield;
    }
  }

  private shareGlobal(global: GlobalInstance, index: number): void {
    const half = this.main.target.globals.upperHalves.get(index);
    const parts = half === undefined ? [index] : [index, half];
    const theirs = parts.map((part) => this.functions.global(part));
    if (!theirs.every((part) => part !== null)) return;
    const shared = new BorderGlobal(global, theirs);
    if (global.type.mutable) this.globals.push(shared);
  }

  lendTables(): boolean {
    return this.tables.every((table) => table.lend());
  }

  importsOf(imports: readonly RuntimeImport[], functions: HostTable): object {
    const tables = this.tables.map(({ host, index }) => [String(index), host]);
    return {
      [NAMES.memories]: { ...this.memories },
      [NAMES.tables]: { ...Object.fromEntries(tables), [NAMES.functions]: functions },
      [RUNTIME]: { ...imports.map((item) => this.runtimeFunction(item)) },
    };
  }

  /** Whether the memories are what the host knows: one that has a resizable buffer has left it. */
  private get hasMemories(): boolean {
    const { memories } = this;
    for (let i = 0; i < memories.length; i++) {
      if (!this.instance.memories[i].liesIn(memories[i])) return false;
    }
    return true;
  }

  /** What a call from outside has to be given: a call of any function, and what it calls there. */
  get leastRoom(): number {
    return this.hasMemories ? this.main.frameBytes + SPARE_BYTES : Number.POSITIVE_INFINITY;
  }

  get compiled(): CompiledModule {
    return this.share.compiled.registerCode;
  }

  get leftOut(): ReadonlyMap<number, string> {
    return this.main.leftOut;
  }

  functionAt(index: number): CompiledFunction | null {
    if (!executes(this.main, index)) return null;
    let run: Run | null = null;
    const leastRoom = () => this.leastRoom;
    return {
      get leastRoom() {
        return leastRoom();
      },
      mayTake: (frame) => {
        run ??= this.runOf(index);
        return run.mayTake(frame);
      },
      enter: (frame, budget, room, thread) => {
        run ??= this.runOf(index);
        return this.enter(run, frame, budget, room, thread);
      },
    };
  }

  private runOf(index: number): Run {
    const { params, results } = typeOfFunction(this.instance.module, index);
    const code = this.functions.entry(index);
    const [passed, returned] = [Transfer.of(params), Transfer.of(results)];
    return {
      written: this.written,
      keptBudget: this.budget.get,
      mayTake: (frame) => !passed.mustBeSeen(frame),
      call: (frame) => passed.call(code, frame),
      put: (frame, result) => returned.putResult(frame, result),
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
    const { instance, main } = this;
    const entry = new Entry(instance, main.sites, run, thread, frame, room);
    this.entry = entry;
    this.goIn(entry, budget);
    try {
      const result = this.runOn(run, entry);
      const left = entry.leftOf(this.budget.get() as number);
      if (left > SAVING) thread.book(left);
      if (left <= SAVING || entry.hasLeft) return entry.stop;
      run.put(frame, result);
      return null;
    } catch (error) {
      if (!entry.isInside) throw error;
      const kept = this.kept.map((global) => (global?.get() ?? 0) as number);
      const { keptBudget, written } = entry.entered;
      const fault = faultOf(this, { error, kept, entered: written });
      const left = fault?.innermost === written ? keptBudget() : this.budget.get();
      thread.book(left as number);
      if (fault === null) throw error;
      return fault;
    } finally {
      this.entry = beneath;
      if (entry.isInside) this.goOut(entry);
    }
  }

  /** Runs host code, and continuations in the frames that these leave at headers of loops. */
  private runOn(run: Run, entry: Entry): unknown {
    this.room.set(entry.room);
    let result = run.call(entry.frame);
    while (entry.hasLeft && (this.budget.get() as number) > SAVING) {
      const next = this.continuations.after(...entry.stop.innermost);
      if (next === null) break;
      entry.goOn(next);
      this.room.set(entry.room);
      result = next.call(entry.frame);
    }
    return result;
  }

  /** Compiled code is to go on: what the interpreter may have changed is copied. */
  private goIn(entry: Entry, budget: number): void {
    this.budget.set(budget);
    this.lower(entry.floor);
    for (const global of this.globals) global.copyIn();
    entry.goIn();
  }

  /** The host's code knows what has to be left of the room. */
  private lower(floor: number): void {
    if (floor === this.knownFloor) return;
    this.floor.set(floor);
    this.knownFloor = floor;
  }

  /** Others are to go on. */
  private goOut(entry: Entry): void {
    for (const global of this.globals) global.copyOut();
    entry.goOut();
  }

  isNull(table: number, index: number): boolean {
    return this.instance.tables[table].get(index) === null;
  }

  // What compiled code calls

  private runtimeFunction(item: RuntimeImport): HostFunction {
    switch (item.kind) {
      case "site":
        return (...values) => this.reached(values);
      case "instruction":
        return this.instruction(item);
      case "callee":
        return this.callee(item.index);
      case "function":
        return this.outsideFunction(item.index);
      case "element": {
        const table = this.instance.tables[item.table];
        const kept = KEPT.indexOf(I32);
        return this.outside(item.type, () => {
          return table.get(this.kept[kept]?.get() as number) as FunctionInstance;
        });
      }
      case "getter":
        return this.functions.getter(item.index);
      case "setter":
        return this.functions.setter(item.index);
      case "get reference":
        return () => this.instance.globals[item.index].reference;
      case "set reference":
        return (reference) => {
          this.instance.globals[item.index].reference = reference;
        };
      case "resolve": {
        const mirror = this.tables.find(({ index }) => index === item.table) as TableMirror;
        return (index) => mirror.resolve(index as number);
      }
    }
  }

  /** A function as code that is compiled has it. */
  private callee(index: number): HostFunction {
    return this.functions.callee(index) ?? this.outsideFunction(index);
  }

  private outsideFunction(index: number): HostFunction {
    const { instance } = this;
    return this.outside(typeOfFunction(instance.module, index), () => instance.functionAt(index));
  }

  /** A site: gives a new budget, or keeps the frame. */
  private reached(values: readonly unknown[]): number {
    const { sites } = this.main;
    const [left, number] = lastTwo(values);
    const entry = this.entry as Entry;
    const entered = sites.entryAt(number);
    if (entered >= 0) this.instance.store.work += this.share.compiled.called.call(entered);
    const hasRoom = entered < 0 || entry.hasRoom(this.room.get() as number);
    this.lower(entry.floor);
    const budget = hasRoom
      ? entry.reached(number, values, left)
      : entry.overflowed(sites.at(number), values, left);
    // Who leaves a frame at a loop's header keeps the budget.
    if (left > SAVING) this.budget.set(budget);
    return budget;
  }

  /** An instruction that the runtime executes, or leaves to the interpreter. */
  private instruction({ immediates, op, params, results }: InstructionImport): HostFunction {
    const [a, b = 0] = immediates;
    const instruction = { op, a, b, instance: this.instance };
    const [passed, returned] = [Transfer.of(params), Transfer.of(results)];
    return (...values) => {
      const { sites } = this.main;
      const [left, number] = lastTwo(values);
      const entry = this.entry as Entry;
      const ahead = { rest: sites.restAt(number), worst: sites.worstAt(number) };
      passed.put(entry.frame, values);
      const budget = entry.execute(instruction, params, left, ahead);
      const mustStop = budget >= 0 && returned.mustBeSeen(entry.frame);
      this.budget.set(mustStop ? entry.comeDown(budget) : budget);
      return returned.takeResult(entry.frame);
    };
  }

  /** A function that is not compiled. */
  private outside({ params, results }: FuncType, calleeNow: () => FunctionInstance): HostFunction {
    const dummy = dummyResult(results);
    const [passed, returned] = [Transfer.of(params), Transfer.of(results)];
    return (...values) => {
      const entry = this.entry as Entry;
      const { frame, thread } = entry;
      const callee = calleeNow();
      passed.put(frame, values);
      this.goOut(entry);
      const usedRoom = entry.room - (this.room.get() as number);
      const budget = thread.callOutside(callee, this.budget.get() as number, usedRoom);
      if (budget < 0) {
        this.budget.set(SAVING);
        return dummy;
      }
      const mayGoOn = this.hasMemories && !returned.mustBeSeen(frame);
      this.goIn(entry, mayGoOn ? budget : entry.comeDown(budget));
      return returned.takeResult(frame);
    };
  }
}
