// Instantiation (spec: 4.5.4): links a module's imports, allocates what it defines, runs its active
// segments and its start function. Calling functions is for the interpreter, above this layer: it
// hands the call in. Constant expressions are in constant.ts, import matching in link.ts. Steps are
// numbered as in version 2.0 of the specification; tables' initialisers came later.
//
// All this may take long: a module of some kilobytes asks for tables of ten million elements, one
// of megabytes has a million globals. So it goes on in pieces, between which the embedder can look
// whether it shall.

import { type CompiledModule, compile } from "../code/compiled.ts";
import { slotAt } from "../code/search.ts";
import { isReference } from "../isa/types.ts";
import type { ConstExpr, ModuleRecord } from "../module/module.ts";
import { allocateMemory, leaseFor } from "./allocate.ts";
import { dataDrop, elemDrop, memoryInit, tableInit, unsigned64 } from "./bulk.ts";
import { ConstantEvaluation, NULL_VALUE } from "./constant.ts";
import {
  type ExternInstance,
  type FunctionInstance,
  GlobalInstance,
  ModuleInstance,
  type RawValue,
  TagInstance,
  type Value,
} from "./instances.ts";
import { checkImport } from "./link.ts";
import { mayReferToObjects } from "./roots.ts";
import type { Lease, Store } from "./store.ts";
import { TableInstance } from "./table.ts";
import { Exhaustion, Trap } from "./trap.ts";
import { closeGlobalType, closeTableType, closeValType, funcTypeOfId } from "./types.ts";

/**
 * Makes an instance of a validated module. `imports` are in the module's order, undefined where
 * there is nothing to give. `start` is called with the start function, if there is one, when the
 * instance is complete; to run it later, keep it and return.
 *
 * Whatever fails before the first segment is written leaves the store as it was. A segment that
 * traps stops instantiation, and what the segments before it wrote stays written.
 *
 * @throws LinkError for an import that is missing or has another type
 * @throws Exhaustion for a limit of the store
 * @throws Trap for an active segment that is out of bounds
 */
export function instantiate(
  store: Store,
  module: ModuleRecord,
  imports: readonly (ExternInstance | undefined)[],
  start: (f: FunctionInstance) => void,
): ModuleInstance {
  const instantiation = new Instantiation(store, module, imports);
  while (!instantiation.advance());
  const { instance, startFunction } = instantiation;
  // Step 16: the start function.
  if (startFunction !== null) start(startFunction);
  return instance;
}

/** Work of one piece, in units of about 1 µs. */
const PIECE = 500;
/** What is done at one go within an item, and what it takes. */
const PART_ELEMENTS = 4_096;
const PART_BYTES = 1 << 19;
const PART_WORK = 100;

/** So many things of the same kind to be done, by index. */
export interface Step {
  readonly count: number;
  /** Works on one of them; false if it is not finished and wants to be called again. */
  readonly work: (index: number) => boolean;
}

/** An instantiation without its last step, which calls the start function. */
export class Instantiation {
  /** Complete when `advance` has said so. */
  readonly instance: ModuleInstance;
  private readonly store: Store;
  private readonly compiled: CompiledModule;
  private readonly module: ModuleRecord;
  private readonly imports: readonly (ExternInstance | undefined)[];
  private readonly leases: Lease[];
  private readonly steps: readonly Step[];
  /** The next step, what of it comes next, and how much of that is done. */
  private step = 0;
  private index = 0;
  private done = 0;
  /** What is left of the piece. */
  private left = 0;
  private evaluation: ConstantEvaluation | null = null;
  /** Where an active segment goes, or the elements of a passive one; while it is worked on. */
  private offset: number | null = null;
  private values: Value[] = [];
  private holdsGlobals = false;
  private exposed: ReadonlySet<number> | null = null;
  /** Whether others may hold functions of the instance by now, and with them the instance. */
  private escaped = false;

  /** `imports`: see `instantiate`. */
  constructor(
    store: Store,
    module: ModuleRecord,
    imports: readonly (ExternInstance | undefined)[],
  ) {
    if (imports.length > module.imports.length) {
      throw new RangeError(`${imports.length} imports for a module of ${module.imports.length}`);
    }
    this.store = store;
    this.compiled = compile(module, store.prices);
    this.module = module;
    this.imports = imports;
    this.instance = new ModuleInstance(store, this.compiled);
    this.leases = [this.instance.lease];
    this.steps = this.plan();
  }

  /** The start function; null if there is none. */
  get startFunction(): FunctionInstance | null {
    const { start } = this.module;
    return start === null ? null : this.instance.functionAt(start);
  }

  /**
   * Goes on for about half a millisecond; true when the instance is complete. What it throws, which
   * is what `instantiate` throws, ends it.
   */
  advance(): boolean {
    this.left = PIECE;
    try {
      for (; this.step < this.steps.length; this.step++) {
        const { count, work } = this.steps[this.step];
        for (; this.index < count; this.index++) {
          do {
            if (this.left <= 0) return false;
            this.left--;
          } while (!work(this.index));
          this.done = 0;
        }
        this.index = 0;
      }
    } catch (error) {
      this.abandon();
      throw error;
    }
    return true;
  }

  /** Gives back what was counted so far, if nobody can have got hold of it. */
  abandon(): void {
    // Of an instance that nobody can reach, nothing needs to wait for the garbage collector.
    if (!this.escaped) for (const lease of this.leases) lease.release();
  }

  /** What there is to do, in an order in which constant expressions find what they depend on. */
  protected plan(): readonly Step[] {
    const { module } = this;
    const step = (count: number, work: (index: number) => boolean): Step => ({ count, work });
    return [
      // Steps 1 to 4: the module is valid, and each import has a value whose type matches.
      step(module.imports.length, (i) => this.bind(i)),
      // Steps 5 to 13. Functions have no step: they appear when they are asked for.
      step(1, () => this.begin()),
      step(module.globals.length - module.importedGlobals, (i) => this.global(i)),
      step(module.tables.length - module.importedTables, (i) => this.table(i)),
      step(module.memories.length - module.importedMemories, (i) => this.memory(i)),
      step(module.tags.length - module.importedTags, (i) => this.tag(i)),
      step(module.elements.length, (i) => this.elements(i)),
      step(module.data.length, (i) => this.data(i)),
      // Steps 14 and 15: active segments in their order, those of elements first.
      step(module.elements.length, (i) => this.runElements(i)),
      step(module.data.length, (i) => this.runData(i)),
    ];
  }

  /** An import takes the next place of its index space. */
  private bind(index: number): true {
    const extern = this.imports[index];
    checkImport(this.store, this.compiled, index, extern);
    const { functions, globals, tables, tags } = this.instance;
    switch (extern.kind) {
      case "func":
        functions.push(extern.value);
        break;
      case "table":
        tables.push(extern.value);
        break;
      case "memory":
        this.instance.addMemory(extern.value);
        break;
      case "global":
        globals.push(extern.value);
        break;
      case "tag":
        tags.push(extern.value);
    }
    return true;
  }

  /** Counts the instance, and its globals, which it has room for already. */
  private begin(): true {
    const { instance, leases, module, store } = this;
    leases.push(leaseFor(store, "instances", 1, instance));
    instance.account();
    const defined = module.globals.length - module.importedGlobals;
    // An exported global keeps the cells alive, and it is the cells that are counted.
    if (defined > 0) leases.push(leaseFor(store, "globals", defined, instance.globalCells));
    return true;
  }

  private global(index: number): boolean {
    const { compiled, instance, module, store } = this;
    const { type, init } = module.globals[module.importedGlobals + index];
    const value = init === null ? NULL_VALUE : this.valueOf(init);
    if (value === null) return false;
    const { globalCells, globalReferences } = instance;
    const closed = closeGlobalType(type, compiled.typeIds);
    const slot = slotAt(index, module.vectorGlobals);
    if (isReference(type.type)) {
      while (globalReferences.length <= slot) globalReferences.push(null);
      const mayBeObject = mayReferToObjects(closed.type);
      if (mayBeObject && !this.holdsGlobals) store.objects.hold(globalReferences);
      this.holdsGlobals ||= mayBeObject;
    }
    const global = new GlobalInstance(store, closed, globalCells, globalReferences, 2 * slot);
    global.initialise(value);
    instance.globals.push(global);
    return true;
  }

  private table(index: number): boolean {
    const { compiled, instance, leases, module, store } = this;
    const { type, init } = module.tables[module.importedTables + index];
    if (this.done === 0) {
      const value = init === null ? NULL_VALUE : this.valueOf(init);
      if (value === null) return false;
      this.values = [value.reference];
      const made = new TableInstance(store, closeTableType(type, compiled.typeIds));
      instance.tables.push(made);
      leases.push(made.lease);
    }
    const table = instance.tables[instance.tables.length - 1];
    const size = Number(type.min);
    // All or nothing: a table beyond the limit is refused before it takes time.
    if (!store.allows("tableElements", size - this.done)) {
      throw store.overLimit("tableElements", size - this.done);
    }
    const part = Math.min(size - this.done, PART_ELEMENTS);
    if (table.grow(part, this.values[0]) < 0) {
      throw new Exhaustion("hostMemory", `the host gives no table of ${size} elements`);
    }
    return this.did(part, size);
  }

  private memory(index: number): true {
    const { instance, leases, module, store } = this;
    const at = module.importedMemories + index;
    const isExposed = store.exposesMemories && this.exportedMemories.has(at);
    const memory = allocateMemory(store, module.memories[at].type, isExposed);
    instance.addMemory(memory);
    leases.push(memory.lease);
    this.left -= PART_WORK;
    return true;
  }

  private get exportedMemories(): ReadonlySet<number> {
    if (this.exposed === null) {
      const memories = this.module.exports.filter(({ kind }) => kind === "memory");
      this.exposed = new Set(memories.map(({ index }) => index));
    }
    return this.exposed;
  }

  private tag(index: number): true {
    const { compiled, instance, module, store } = this;
    const id = compiled.typeIds[module.tags[module.importedTags + index]];
    instance.tags.push(new TagInstance(funcTypeOfId(id), id, store));
    return true;
  }

  private elements(index: number): boolean {
    const { compiled, instance, module, store } = this;
    const { expressions, functions, mode, type } = module.elements[index];
    if (mode === "declarative" || (functions === null && expressions === null)) {
      // The former are dropped before anyone could look at them.
      instance.elements.push(NO_VALUES);
      return true;
    }
    if (expressions === null) {
      instance.elements.push(functions as Uint32Array);
      return true;
    }
    const count = expressions.length - 1;
    if (this.done === 0 && this.evaluation === null) {
      instance.lease.require(ELEMENT_BYTES * count);
      this.values = [];
      const closed = closeValType(type, compiled.typeIds);
      if (mayReferToObjects(closed)) store.objects.hold(this.values);
    }
    if (this.done < count) {
      const expr = { start: expressions[this.done], end: expressions[this.done + 1] };
      const value = this.valueOf(expr);
      if (value === null) return false;
      this.values.push(value.reference);
      this.done++;
    }
    if (this.done < count) return false;
    instance.elements.push(this.values);
    return true;
  }

  private data(index: number): true {
    const { start, end } = this.module.data[index];
    this.instance.dataLengths.push(end - start);
    return true;
  }

  /** `table.init` with all of an active segment, then `elem.drop`. */
  private runElements(index: number): boolean {
    const { instance, module } = this;
    const { at, mode, table } = module.elements[index];
    if (mode === "passive") return true;
    if (at !== null) {
      const target = instance.tables[table];
      const count = instance.elements[index].length;
      const offset = this.offsetOf(at, target.type.address64);
      if (offset === null) return false;
      const { length } = target;
      // All of it or nothing: the parts that follow fit if the whole does.
      const fits = offset + count <= length;
      const part = fits ? Math.min(count - this.done, PART_ELEMENTS) : count;
      // Others may see even a part of it.
      if (fits && count > 0 && table < module.importedTables) this.escaped = true;
      const trap = tableInit(instance, target, index, offset + this.done, this.done, part);
      if (trap !== 0) {
        const what = `element segment ${index} of ${count} elements at ${offset}`;
        throw new Trap(trap, [], `${what}, table ${table} has ${length}`);
      }
      if (!this.did(part, count)) return false;
      this.offset = null;
    }
    elemDrop(instance, index);
    return true;
  }

  /** `memory.init` with all of an active segment, then `data.drop`. */
  private runData(index: number): boolean {
    const { instance, module } = this;
    const { at, memory } = module.data[index];
    if (at === null) return true;
    const target = instance.memories[memory];
    const count = instance.dataLengths[index];
    const offset = this.offsetOf(at, target.type.address64);
    if (offset === null) return false;
    const { byteLength } = target;
    const part = offset + count > byteLength ? count : Math.min(count - this.done, PART_BYTES);
    const trap = memoryInit(instance, target, index, offset + this.done, this.done, part);
    if (trap !== 0) {
      const what = `data segment ${index} of ${count} bytes at ${offset}`;
      throw new Trap(trap, [], `${what}, memory ${memory} has ${byteLength}`);
    }
    if (!this.did(part, count)) return false;
    this.offset = null;
    dataDrop(instance, index);
    return true;
  }

  /** A part of an item is done; whether that was the last one. */
  private did(part: number, whole: number): boolean {
    this.done += part;
    // Small ones are what most are.
    this.left -= part < 64 ? 0 : PART_WORK;
    return this.done >= whole;
  }

  /** The value of an expression; null if it takes longer: the same is to be asked for again. */
  protected valueOf(expr: ConstExpr): RawValue | null {
    this.evaluation ??= new ConstantEvaluation(this.instance, expr);
    const value = this.evaluation.advance();
    this.left -= value === null ? PART_WORK : this.evaluation.work;
    if (value !== null) this.evaluation = null;
    return value;
  }

  /** The offset of the active segment that is worked on; null if that takes longer. */
  private offsetOf(at: ConstExpr, wide: boolean): number | null {
    if (this.offset === null) {
      const value = this.valueOf(at);
      if (value === null) return null;
      this.offset = wide ? unsigned64(value.low, value.high) : value.low >>> 0;
    }
    return this.offset;
  }
}

const NO_VALUES: readonly Value[] = [];
const ELEMENT_BYTES = 8;
