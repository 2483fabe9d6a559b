// Instantiation (spec: 4.5.4): links a module's imports, allocates what it defines, runs its active
// segments and its start function. Calling functions is for the interpreter, above this layer: it
// hands the call in. Constant expressions are in constant.ts, import matching in link.ts. Steps are
// numbered as in version 2.0 of the specification; tables' initialisers came later.

import { type CompiledModule, compile } from "../code/compiled.ts";
import type { ElementSegment, ModuleRecord } from "../module/module.ts";
import { allocateMemory, allocateTable, leaseFor } from "./allocate.ts";
import { dataDrop, elemDrop, memoryInit, tableInit, unsigned64 } from "./bulk.ts";
import { evaluateConstant } from "./constant.ts";
import {
  type ExternInstance,
  type FunctionInstance,
  GlobalInstance,
  ModuleInstance,
  TagInstance,
  type Value,
} from "./instances.ts";
import { checkImports } from "./link.ts";
import type { Lease, Store } from "./store.ts";
import { Trap } from "./trap.ts";
import { closeGlobalType, closeTableType, funcTypeOfId } from "./types.ts";

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
 * @throws UnsupportedError for constant expressions with vectors or aggregates
 * @throws Trap for an active segment that is out of bounds
 */
export function instantiate(
  store: Store,
  module: ModuleRecord,
  imports: readonly (ExternInstance | undefined)[],
  start: (f: FunctionInstance) => void,
): ModuleInstance {
  const compiled = compile(module, store.prices);
  // Steps 1 to 4: the module is valid, and each import has a value whose type matches.
  checkImports(store, compiled, imports);
  return new Instantiation(store, compiled, imports).run(start);
}

/** One instantiation, and what it has counted so far. */
class Instantiation {
  private readonly store: Store;
  private readonly compiled: CompiledModule;
  private readonly module: ModuleRecord;
  private readonly instance: ModuleInstance;
  private readonly leases: Lease[] = [];
  /** Whether others may hold functions of the instance by now, and with them the instance. */
  private escaped = false;

  constructor(store: Store, compiled: CompiledModule, imports: readonly ExternInstance[]) {
    this.store = store;
    this.compiled = compiled;
    this.module = compiled.module;
    this.instance = new ModuleInstance(store, compiled);
    for (const extern of imports) this.bind(extern);
  }

  run(start: (f: FunctionInstance) => void): ModuleInstance {
    const { instance, module } = this;
    try {
      this.allocate();
      // Steps 14 and 15: active segments in their order, those of elements first.
      for (const index of module.elements.keys()) this.runElements(index);
      for (const index of module.data.keys()) this.runData(index);
    } catch (error) {
      // Of an instance that nobody can reach, nothing needs to wait for the garbage collector.
      if (!this.escaped) for (const lease of this.leases) lease.release();
      throw error;
    }
    // Step 16: the start function.
    if (module.start !== null) start(instance.functionAt(module.start));
    return instance;
  }

  /** An import takes the next place of its index space. */
  private bind(extern: ExternInstance): void {
    const { functions, globals, memories, tables, tags } = this.instance;
    switch (extern.kind) {
      case "func":
        functions.push(extern.value);
        return;
      case "table":
        tables.push(extern.value);
        return;
      case "memory":
        memories.push(extern.value);
        return;
      case "global":
        globals.push(extern.value);
        return;
      case "tag":
        tags.push(extern.value);
    }
  }

  /**
   * Steps 5 to 13: allocation, with the constant expressions in the order in which they may depend
   * on each other. Functions have no step: they appear when they are asked for.
   */
  private allocate(): void {
    const { compiled, instance, leases, module, store } = this;
    leases.push(leaseFor(store, "instances", 1, instance));
    this.allocateGlobals();
    for (const { type, init } of module.tables.slice(module.importedTables)) {
      const value = init === null ? null : evaluateConstant(instance, init).reference;
      const table = allocateTable(store, closeTableType(type, compiled.typeIds), value);
      instance.tables.push(table);
      leases.push(table.lease);
    }
    for (const [i, { type }] of module.memories.entries()) {
      if (i < module.importedMemories) continue;
      const memory = allocateMemory(store, type, store.exposesMemories && this.exportsMemory(i));
      instance.memories.push(memory);
      leases.push(memory.lease);
    }
    for (const typeIndex of module.tags.slice(module.importedTags)) {
      const id = compiled.typeIds[typeIndex];
      instance.tags.push(new TagInstance(funcTypeOfId(id), id, store));
    }
    for (const segment of module.elements) instance.elements.push(this.elementsOf(segment));
    for (const { start, end } of module.data) instance.dataLengths.push(end - start);
  }

  private exportsMemory(index: number): boolean {
    return this.module.exports.some((item) => item.kind === "memory" && item.index === index);
  }

  private allocateGlobals(): void {
    const { compiled, instance, module, store } = this;
    const { globalCells, globals } = instance;
    const defined = module.globals.length - module.importedGlobals;
    if (defined === 0) return;
    // An exported global keeps the cells alive, and it is the cells that are counted.
    this.leases.push(leaseFor(store, "globals", defined, globalCells));
    for (let i = 0; i < defined; i++) {
      const { type, init } = module.globals[module.importedGlobals + i];
      const closed = closeGlobalType(type, compiled.typeIds);
      const global = new GlobalInstance(store, closed, globalCells, 2 * i);
      if (init !== null) global.initialise(evaluateConstant(instance, init));
      globals.push(global);
    }
  }

  private elementsOf({ expressions, functions, mode }: ElementSegment): readonly Value[] {
    const { instance } = this;
    // Declarative segments are dropped before anyone could look at them.
    if (mode === "declarative") return [];
    if (functions !== null) return Array.from(functions, (index) => instance.functionAt(index));
    const values: Value[] = [];
    for (let i = 0; expressions !== null && i + 1 < expressions.length; i++) {
      const expr = { start: expressions[i], end: expressions[i + 1] };
      values.push(evaluateConstant(instance, expr).reference);
    }
    return values;
  }

  /** `table.init` with all of an active segment, then `elem.drop`. */
  private runElements(index: number): void {
    const { instance, module } = this;
    const { at, table } = module.elements[index];
    if (at !== null) {
      const { low, high } = evaluateConstant(instance, at);
      const target = instance.tables[table];
      const offset = target.type.address64 ? unsigned64(low, high) : low >>> 0;
      const count = instance.elements[index].length;
      const trap = tableInit(instance, target, index, offset, 0, count);
      if (trap !== 0) {
        const what = `element segment ${index} of ${count} elements at ${offset}`;
        throw new Trap(trap, [], `${what}, table ${table} has ${target.length}`);
      }
      if (table < module.importedTables && count > 0) this.escaped = true;
    }
    if (module.elements[index].mode !== "passive") elemDrop(instance, index);
  }

  /** `memory.init` with all of an active segment, then `data.drop`. */
  private runData(index: number): void {
    const { instance, module } = this;
    const { at, memory } = module.data[index];
    if (at === null) return;
    const { low, high } = evaluateConstant(instance, at);
    const target = instance.memories[memory];
    const offset = target.type.address64 ? unsigned64(low, high) : low >>> 0;
    const count = instance.dataLengths[index];
    const trap = memoryInit(instance, target, index, offset, 0, count);
    if (trap !== 0) {
      const what = `data segment ${index} of ${count} bytes at ${offset}`;
      throw new Trap(trap, [], `${what}, memory ${memory} has ${target.byteLength}`);
    }
    dataDrop(instance, index);
  }
}
