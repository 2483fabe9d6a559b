// A store from its state: instances as their modules say, and then everything as it was. Nothing in
// the state is trusted: what does not fit together is refused, and a store that is half made is
// nobody's.

import { wordsOf } from "../code/layout.ts";
import { isReference, unpacked, type ValType } from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import { dataDrop, elemDrop } from "../runtime/bulk.ts";
import {
  ExceptionInstance,
  type ExternInstance,
  type ModuleInstance,
  type RawValue,
  type TagInstance,
  type Value,
} from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import { type Aggregate, newStruct, type ObjectType, setArrayWord } from "../runtime/objects.ts";
import type { Store } from "../runtime/store.ts";
import type { TableInstance } from "../runtime/table.ts";
import { closeValType } from "../runtime/types.ts";
import { BlankInstantiation } from "./blank.ts";
import { SnapshotError } from "./errors.ts";
import { type Loose, looseGlobal, looseMemory, looseTable, looseTag } from "./loose.ts";
import { InitialPages, PAGE_BYTES } from "./memory-pages.ts";
import { digestOf, hexOf } from "./module-digests.ts";
import { itemAt, References } from "./references.ts";
import type {
  ImportState,
  InstanceState,
  MemoryState,
  ObjectState,
  ObjectTypeState,
  ReferenceRun,
  StoreState,
} from "./store-state.ts";

/** What there is besides the state. */
export interface Given {
  /** A store with nothing in it. */
  readonly store: Store;
  readonly modules: readonly ModuleRecord[];
  /** What the host gives for an import of a module, for an instance of that name, if it has one. */
  grant(module: ModuleRecord, index: number, instance: string | null): ExternInstance;
  /** What the host gives for a name of its own. */
  host(name: string): unknown;
  /** What stands for an entity on the host's side. */
  handle(extern: ExternInstance): unknown;
}

/**
 * Puts a state into an empty store.
 * @throws SnapshotError for a state that makes no sense, or a module that is missing
 * @throws LinkError for what the host has not given, or that has another type
 * @throws Exhaustion for a limit of the store
 */
export function rebuild(state: StoreState, given: Given): References {
  return new Rebuild(state, given).references;
}

class Rebuild {
  readonly references: References;
  private readonly state: StoreState;
  private readonly store: Store;
  private readonly loose: Loose;
  /** Who defines a memory, and which of its own that is. */
  private readonly homes = new Map<MemoryInstance, { instance: ModuleInstance; index: number }>();

  constructor(state: StoreState, given: Given) {
    const { store } = given;
    const byDigest = new Map(given.modules.map((module) => [hexOf(digestOf(module)), module]));
    const modules = state.modules.map((digest) => moduleWith(digest, byDigest));
    const references = new References(state, modules, given);
    this.state = state;
    this.store = store;
    this.references = references;
    this.loose = { store, modules };
    const { globals, instances, memories, tables, tags } = references;
    memories.push(...state.looseMemories.map((type) => looseMemory(this.loose, type)));
    tables.push(...state.looseTables.map((table) => looseTable(this.loose, table)));
    globals.push(...state.looseGlobals.map((global) => looseGlobal(this.loose, global)));
    tags.push(...state.looseTags.map((tag) => looseTag(this.loose, tag, references)));
    memories.forEach((memory, number) => {
      this.growMemory(memory, number);
    });
    tables.forEach((table, number) => {
      this.growTable(table, number);
    });
    for (const instance of state.instances) instances.push(this.instance(instance));
    this.sameNumber("memories", memories, state.memories);
    this.sameNumber("tables", tables, state.tables);
    this.sameNumber("globals", globals, state.globals);
    this.objects();
    globals.forEach((global, number) => {
      global.initialise(references.value(state.globals[number], global.type.type));
    });
    tables.forEach((table, number) => {
      this.fillTable(table, state.tables[number]);
    });
    instances.forEach((instance, number) => {
      this.segments(instance, state.instances[number]);
    });
    memories.forEach((memory, number) => {
      this.fillMemory(memory, state.memories[number]);
    });
  }

  private sameNumber(what: string, found: readonly unknown[], told: readonly unknown[]): void {
    if (found.length === told.length) return;
    throw new SnapshotError(`there are ${found.length} ${what}, and ${told.length} are told`);
  }

  // Instances

  private instance(state: InstanceState): ModuleInstance {
    const { globals, memories, modules, tables, tags } = this.references;
    const module = itemAt(modules, state.module, "module");
    this.sameNumber("imports", module.imports, state.imports);
    const imports = state.imports.map((one, index) => this.import(module, index, one));
    const instantiation = new BlankInstantiation(this.store, module, imports);
    while (!instantiation.advance());
    const { instance } = instantiation;
    for (let i = module.importedMemories; i < instance.memories.length; i++) {
      const memory = instance.memories[i];
      this.growMemory(memory, memories.push(memory) - 1);
      this.homes.set(memory, { instance, index: i });
    }
    for (const table of instance.tables.slice(module.importedTables)) {
      this.growTable(table, tables.push(table) - 1);
    }
    globals.push(...instance.globals.slice(module.importedGlobals));
    tags.push(...instance.tags.slice(module.importedTags));
    return instance;
  }

  private import(module: ModuleRecord, index: number, state: ImportState): ExternInstance {
    const { kind } = module.imports[index].type;
    if (kind === "func") {
      if (typeof state === "number") throw new SnapshotError("a number is no function");
      return { kind, value: this.references.func(state) };
    }
    if (typeof state !== "number") throw new SnapshotError(`a reference is no ${kind}`);
    return this.references.extern(kind, state);
  }

  private growMemory(memory: MemoryInstance, number: number): void {
    const { size } = itemAt(this.state.memories, number, "memory");
    const delta = size - memory.pages;
    if (delta < 0) throw new SnapshotError(`memory ${number} is smaller than it began`);
    if (delta === 0 || memory.grow(delta) >= 0) return;
    const bytes = delta * memory.pageSize;
    if (!this.store.allows("memoryBytes", bytes)) throw this.store.overLimit("memoryBytes", bytes);
    throw new SnapshotError(`memory ${number} cannot have ${size} pages`);
  }

  private growTable(table: TableInstance, number: number): void {
    const runs = itemAt(this.state.tables, number, "table");
    const delta = lengthOf(runs) - table.length;
    if (delta < 0) throw new SnapshotError(`table ${number} is smaller than it began`);
    if (delta === 0 || table.grow(delta, null) >= 0) return;
    if (!this.store.allows("tableElements", delta)) {
      throw this.store.overLimit("tableElements", delta);
    }
    throw new SnapshotError(`table ${number} cannot have ${table.length + delta} elements`);
  }

  private fillTable(table: TableInstance, runs: readonly ReferenceRun[]): void {
    let at = 0;
    for (const { count, reference } of runs) {
      table.fill(this.references.reference(reference, table.type.element), at, at + count);
      at += count;
    }
  }

  private segments(instance: ModuleInstance, { droppedData, elements }: InstanceState): void {
    const { compiled, module } = instance;
    this.sameNumber("element segments", module.elements, elements);
    this.sameNumber("data segments", module.data, droppedData);
    for (const [index, state] of elements.entries()) {
      const segment = instance.elements[index];
      if (state === "dropped") elemDrop(instance, index);
      else if (segment instanceof Uint32Array) {
        if (state !== "whole") throw new SnapshotError("a segment of functions has no values");
      } else if (state === "whole" || state.length !== segment.length) {
        throw new SnapshotError(`element segment ${index} has ${segment.length} values`);
      } else {
        const type = closeValType(module.elements[index].type, compiled.typeIds);
        const values = segment as Value[];
        for (const [i, one] of state.entries()) values[i] = this.references.reference(one, type);
      }
    }
    for (const [index, isDropped] of droppedData.entries()) {
      if (isDropped) dataDrop(instance, index);
    }
  }

  private fillMemory(memory: MemoryInstance, { runs }: MemoryState): void {
    const { byteLength, bytes } = memory;
    const home = this.homes.get(memory);
    // Where segments go may be in globals.
    const initial = home && new InitialPages(home.instance, home.index, byteLength);
    const pages = Math.ceil(byteLength / PAGE_BYTES);
    let index = 0;
    for (const { count, page } of runs) {
      if (count > pages - index) throw new SnapshotError("a memory has more pages than it is long");
      const end = index + count;
      if (page === "zero") index = end;
      for (; index < end; index++) {
        const at = index * PAGE_BYTES;
        if (page === "initial") {
          if (initial === undefined)
            throw new SnapshotError("a memory of no module begins with zeros");
          initial.write(index, bytes, at);
          continue;
        }
        const content = itemAt(this.state.pages, page as number, "page");
        if (content.length !== Math.min(PAGE_BYTES, byteLength - at)) {
          throw new SnapshotError(`page ${page} has ${content.length} bytes`);
        }
        bytes.set(content, at);
      }
    }
    if (index < pages) throw new SnapshotError("a memory has fewer pages than it is long");
  }

  // Objects

  /** All of them, before anything in them: they may refer to each other in circles. */
  private objects(): void {
    const { store } = this;
    const { objects } = this.references;
    const root = store.objects.hold(objects);
    for (const state of this.state.objects) objects.push(this.object(state));
    for (const [number, state] of this.state.objects.entries()) this.fill(objects[number], state);
    store.objects.drop(root);
  }

  private object(state: ObjectState): Aggregate | ExceptionInstance {
    if (state.kind === "exception")
      return this.exception(itemAt(this.references.tags, state.tag, "tag"));
    const type = this.objectType(state);
    const isFit = type.isArray ? type.hasReferences === (state.kind === "references") : true;
    if (type.isArray === (state.kind === "struct") || !isFit) {
      throw new SnapshotError(`type ${state.index} is of another kind than its object`);
    }
    if (state.kind === "struct") {
      this.sameNumber("fields", type.fields, state.fields);
      this.reserve(type.structBytes);
      return newStruct(type);
    }
    const length =
      state.kind === "numbers" ? state.words.length / type.elementWords : lengthOf(state.elements);
    if (!Number.isInteger(length)) throw new SnapshotError("an array ends within an element");
    this.reserve(type.arrayBytes(length));
    return type.newArray(length);
  }

  private objectType({ index, instance }: ObjectTypeState): ObjectType {
    const owner = itemAt(this.references.instances, instance, "instance");
    const { composite } = itemAt(owner.module.types, index, "type");
    if (composite.kind === "func") throw new SnapshotError(`type ${index} is of no object`);
    return owner.objectTypeAt(index);
  }

  private exception(tag: TagInstance): ExceptionInstance {
    const references = tag.hasReferences ? tag.type.params.map(() => null) : [];
    const made = new ExceptionInstance(tag, new Int32Array(2 * tag.slots), references);
    while (!this.store.objects.admit(made));
    return made;
  }

  private reserve(bytes: number): void {
    while (!this.store.objects.reserve(bytes, this));
  }

  private fill(object: Aggregate | ExceptionInstance, state: ObjectState): void {
    const { references } = this;
    if (object instanceof ExceptionInstance) {
      if (state.kind === "exception") references.fillException(object, state.values);
      return;
    }
    const [{ type }] = object;
    if (state.kind === "struct") {
      for (const [i, { type: storage }] of type.fields.entries()) {
        const value = references.value(state.fields[i], unpacked(storage));
        if (isReference(storage)) object[type.positions[i]] = value.reference;
        else putWords(object, type.positions[i], storage, value);
      }
    } else if (state.kind === "numbers") {
      for (const [i, word] of state.words.entries()) setArrayWord(object, i, word);
    } else if (state.kind === "references") {
      let at = 0;
      for (const { count, reference } of state.elements) {
        const value = references.reference(reference, type.fields[0].type);
        for (const end = at + count; at < end; at++) setArrayWord(object, at, value);
      }
    }
  }
}

function moduleWith(digest: Uint8Array, modules: ReadonlyMap<string, ModuleRecord>): ModuleRecord {
  const wanted = hexOf(digest);
  const found = modules.get(wanted);
  if (found !== undefined) return found;
  throw new SnapshotError(`the snapshot needs a module with the SHA-256 ${wanted}`);
}

function lengthOf(runs: readonly ReferenceRun[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** Puts the words of a number into an object. */
function putWords(object: Aggregate, at: number, type: ValType, { high, low, upper }: RawValue) {
  const words = [low, high, upper?.low ?? 0, upper?.high ?? 0];
  for (let i = 0; i < wordsOf(type); i++) object[at + i] = words[i];
}
