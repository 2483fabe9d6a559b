// The state of a store as data: what can be reached is numbered, and told by its numbers.

import { wordsOf } from "../code/layout.ts";
import { F32, heapOf, I32, isNullable, isReference, type ValType } from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import {
  ExceptionInstance,
  type ExternInstance,
  FunctionInstance,
  type GlobalInstance,
  type ModuleInstance,
  type RawValue,
  type TagInstance,
} from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import {
  type Aggregate,
  arrayLength,
  arrayWord,
  ExportedObject,
  HostValue,
  isAggregate,
} from "../runtime/objects.ts";
import type { Doing } from "../runtime/saved.ts";
import { DEFAULT_RUNTIME_LIMITS, type Store } from "../runtime/store.ts";
import type { TableInstance } from "../runtime/table.ts";
import { typeIdsOf } from "../validation/type-ids.ts";
import { SnapshotError } from "./errors.ts";
import type { Frame, SuspendedCall } from "./frames.ts";
import { InitialPages, PageStore } from "./memory-pages.ts";
import { digestOf } from "./module-digests.ts";
import { importsOf, Reach, type StoredObject } from "./reach.ts";
import type {
  DoingState,
  ExecutionState,
  FrameState,
  GrantState,
  ImportState,
  InstanceState,
  LooseTag,
  MemoryState,
  NamedState,
  ObjectState,
  ReferenceRun,
  ReferenceState,
  SegmentState,
  StoreState,
  TypeState,
  UsageState,
  ValueState,
} from "./store-state.ts";

/** A suspended call, and what it has used. */
export interface CapturedCall {
  readonly call: SuspendedCall;
  readonly usage: UsageState;
}

/** Something that the embedder names: what it is for the engine, if that; and as JavaScript. */
export interface CapturedRef {
  readonly extern: ExternInstance | null;
  readonly value: unknown;
}

/** What a snapshot is to hold, with all that can be reached from it. */
export interface Subject {
  readonly store: Store;
  readonly usage: UsageState;
  readonly instances: ReadonlyMap<string, ModuleInstance>;
  readonly executions: ReadonlyMap<string, CapturedCall>;
  readonly refs: ReadonlyMap<string, CapturedRef>;
}

/** Where an entity or a type is first met. */
interface Home {
  readonly instance: number;
  readonly index: number;
}

/**
 * The state of what is named.
 * @throws SnapshotError for what can be in none: things of other stores or of the host's that have
 *   no name, and shared memories
 */
export function capture(subject: Subject): StoreState {
  const reach = new Reach(subject.store);
  for (const instance of subject.instances.values()) reach.addInstance(instance);
  for (const { extern, value } of subject.refs.values()) {
    // The host's own values may be arrays, as objects of guests are.
    if (extern === null) reach.addReference(ExportedObject.objectOf(value));
    else reach.addExtern(extern);
  }
  for (const { call } of subject.executions.values()) addCall(reach, call);
  reach.follow();
  return new Capture(subject, reach).state;
}

function addCall(reach: Reach, { callee, doing, frames }: SuspendedCall): void {
  const addValues = (values: readonly RawValue[]) => {
    reach.addAll(values.map(({ reference }) => reference));
  };
  reach.addReference(callee);
  for (const { instance, locals, operands } of frames) {
    reach.addInstance(instance);
    addValues(locals);
    addValues(operands);
  }
  if (doing?.kind === "throw") reach.addReference(doing.exception);
  if (doing?.kind === "made") reach.addReference(doing.object);
  if (doing?.kind !== "call") return;
  reach.addReference(doing.callee);
  addValues(doing.args);
}

/** Instances in an order in which nobody imports what comes later. */
function inOrder(instances: ReadonlySet<ModuleInstance>): ModuleInstance[] {
  const definers = new Map<object, ModuleInstance>();
  for (const instance of instances) {
    for (const items of Object.values(definedBy(instance))) {
      for (const item of items) definers.set(item, instance);
    }
  }
  const users = new Map<ModuleInstance, ModuleInstance[]>();
  const missing = new Map<ModuleInstance, number>();
  for (const instance of instances) {
    const needed = new Set<ModuleInstance>();
    for (const { kind, value } of importsOf(instance)) {
      const definer = kind === "func" ? value.instance : definers.get(value);
      if (definer !== null && definer !== undefined) needed.add(definer);
    }
    missing.set(instance, needed.size);
    for (const one of needed) {
      const others = users.get(one);
      if (others === undefined) users.set(one, [instance]);
      else others.push(instance);
    }
  }
  const ordered = [...instances].filter((instance) => missing.get(instance) === 0);
  for (const instance of ordered) {
    for (const user of users.get(instance) ?? []) {
      const left = (missing.get(user) as number) - 1;
      missing.set(user, left);
      if (left === 0) ordered.push(user);
    }
  }
  return ordered;
}

/** What an instance defines besides functions. */
function definedBy({ globals, memories, module, tables, tags }: ModuleInstance) {
  return {
    memories: memories.slice(module.importedMemories),
    tables: tables.slice(module.importedTables),
    globals: globals.slice(module.importedGlobals),
    tags: tags.slice(module.importedTags),
  };
}

/** The numbers of the entities of one kind: loose ones first. */
function numbered<T>(found: ReadonlySet<T>, defined: readonly T[]): Map<T, number> {
  const isDefined = new Set(defined);
  const loose = [...found].filter((item) => !isDefined.has(item));
  return new Map([...loose, ...defined].map((item, number) => [item, number]));
}

function without<T>(numbers: ReadonlyMap<T, number>, defined: readonly T[]): T[] {
  return [...numbers.keys()].slice(0, numbers.size - defined.length);
}

/** Tells what has been found. */
class Capture {
  private readonly subject: Subject;
  private readonly instances: readonly ModuleInstance[];
  private readonly instanceNumbers: ReadonlyMap<ModuleInstance, number>;
  private readonly modules: ReadonlyMap<ModuleRecord, number>;
  private readonly memories: ReadonlyMap<MemoryInstance, number>;
  private readonly tables: ReadonlyMap<TableInstance, number>;
  private readonly globals: ReadonlyMap<GlobalInstance, number>;
  private readonly tags: ReadonlyMap<TagInstance, number>;
  private readonly objects: ReadonlyMap<StoredObject, number>;
  private readonly names: ReadonlyMap<unknown, number>;
  /** What the host gives for imports: functions and tags. */
  private readonly grants = new Map<FunctionInstance | TagInstance, number>();
  private readonly grantStates: GrantState[] = [];
  /** Where each type of a module is first met. */
  private readonly types = new Map<number, Home>();
  readonly state: StoreState;

  constructor(subject: Subject, reach: Reach) {
    const instances = inOrder(reach.instances);
    this.subject = subject;
    this.instances = instances;
    this.instanceNumbers = new Map(instances.map((instance, number) => [instance, number]));
    const modules = [...new Set(instances.map(({ module }) => module))];
    this.modules = new Map(modules.map((module, number) => [module, number]));
    const defined = instances.map(definedBy);
    const memories = defined.flatMap((one) => one.memories);
    const tables = defined.flatMap((one) => one.tables);
    const globals = defined.flatMap((one) => one.globals);
    const tags = defined.flatMap((one) => one.tags);
    this.memories = numbered(reach.memories, memories);
    this.tables = numbered(reach.tables, tables);
    this.globals = numbered(reach.globals, globals);
    this.tags = numbered(reach.tags, tags);
    this.objects = new Map([...reach.objects].map((object, number) => [object, number]));
    const refs = [...subject.refs.values()];
    this.names = new Map(refs.map(({ value }, number) => [value, number]));
    this.findGrantsAndTypes();
    const pages = new PageStore();
    this.state = {
      accounts: this.accounts(),
      modules: modules.map(digestOf),
      grants: this.grantStates,
      looseMemories: without(this.memories, memories).map(({ type }) => type),
      looseTables: without(this.tables, tables).map(
        ({ type: { address64, element, max, min } }) => {
          return { min, max, address64, element: this.typeOf(element) };
        },
      ),
      looseGlobals: without(this.globals, globals).map(({ type: { mutable, type } }) => {
        return { type: this.typeOf(type), mutable };
      }),
      looseTags: without(this.tags, tags).map((tag) => this.looseTag(tag)),
      instances: instances.map((instance) => this.instance(instance)),
      objects: [...this.objects.keys()].map((object) => this.object(object)),
      memories: this.memoryStates(pages),
      tables: [...this.tables.keys()].map((table) => {
        return this.runs(table.length, (index) => table.get(index));
      }),
      globals: [...this.globals.keys()].map(({ raw, type }) => this.value(raw, type.type)),
      executions: [...subject.executions].map(([name, one]) => this.execution(name, one)),
      instanceNames: [...subject.instances].map(([name, instance]) => {
        return [name, this.instanceNumbers.get(instance) as number];
      }),
      refNames: [...subject.refs].map(([name, ref]) => [name, this.named(ref)]),
      pages: pages.pages,
    };
  }

  private findGrantsAndTypes(): void {
    const looked = new Set<ModuleRecord>();
    for (const [number, instance] of this.instances.entries()) {
      let index = 0;
      for (const { kind, value } of importsOf(instance)) {
        const isHosts =
          (kind === "func" && value.host !== null) || (kind === "tag" && value.store === null);
        if (isHosts && !this.grants.has(value)) {
          this.grants.set(value, this.grantStates.push({ instance: number, index }) - 1);
        }
        index++;
      }
      if (looked.has(instance.module)) continue;
      looked.add(instance.module);
      for (const [at, id] of typeIdsOf(instance.module).entries()) {
        if (!this.types.has(id)) this.types.set(id, { instance: number, index: at });
      }
    }
  }

  private accounts(): StoreState["accounts"] {
    const { store, usage } = this.subject;
    const { fuel, limits, prices } = store;
    const names = Object.keys(DEFAULT_RUNTIME_LIMITS) as (keyof typeof limits)[];
    const told = Object.fromEntries(names.map((name) => [name, limits[name]]));
    return { ...usage, fuelLeft: fuel, limits: told, prices: prices.version };
  }

  // Types

  private homeOf(id: number): Home {
    const home = this.types.get(id);
    if (home === undefined) throw new SnapshotError("a type is of a module that has no instance");
    return home;
  }

  private moduleOf({ instance }: Home): number {
    return this.modules.get(this.instances[instance].module) as number;
  }

  private typeOf(type: ValType): TypeState {
    if (!isReference(type) || heapOf(type) < 0) return type;
    const home = this.homeOf(heapOf(type));
    return { module: this.moduleOf(home), index: home.index, nullable: isNullable(type) };
  }

  private looseTag(tag: TagInstance): LooseTag {
    const index = this.grants.get(tag);
    if (index !== undefined) return { kind: "grant", index };
    if (tag.store === null) throw new SnapshotError("a tag of the host's is no import");
    const home = this.homeOf(tag.typeId);
    return { kind: "type", module: this.moduleOf(home), index: home.index };
  }

  // Values

  private functionRef(func: FunctionInstance): ReferenceState {
    const { code, instance } = func;
    if (instance !== null) {
      const number = this.instanceNumbers.get(instance) as number;
      return { kind: "func", instance: number, index: code.index };
    }
    const index = this.grants.get(func);
    if (index !== undefined) return { kind: "grant", index };
    throw new SnapshotError(`no instance imports the host function ${func.name}`);
  }

  private objectNumber(object: StoredObject): number {
    return this.objects.get(object) as number;
  }

  private reference(value: unknown): ReferenceState | null {
    if (value === null) return null;
    if (HostValue.is(value)) return this.hostValue(value.value);
    if (value instanceof FunctionInstance) return this.functionRef(value);
    if (isAggregate(value) || value instanceof ExceptionInstance) {
      return { kind: "object", index: this.objectNumber(value) };
    }
    const object = ExportedObject.objectOf(value);
    if (object !== null) return { kind: "exported", index: this.objectNumber(object) };
    return this.hostValue(value);
  }

  private hostValue(value: unknown): ReferenceState {
    switch (typeof value) {
      case "undefined":
        return { kind: "undefined" };
      case "boolean":
        return { kind: "boolean", value };
      case "number":
        return { kind: "number", value };
      case "string":
        return { kind: "string", value };
      default: {
        const index = this.names.get(value);
        if (index !== undefined) return { kind: "named", index };
        const what = typeof value === "object" ? "an object" : `a ${typeof value}`;
        throw new SnapshotError(`a guest refers to ${what} of the host's without a name`);
      }
    }
  }

  private value({ high, low, reference, upper }: RawValue, type: ValType | null): ValueState {
    if (reference !== null) return { low: 0, high: 0, reference: this.reference(reference) };
    const isShort = type === I32 || type === F32;
    const bits = { low, high: isShort ? 0 : high, reference: null };
    return upper === undefined ? bits : { ...bits, upper };
  }

  private values(raws: readonly RawValue[], types: readonly ValType[] | null): ValueState[] {
    return raws.map((raw, i) => this.value(raw, types === null ? null : types[i]));
  }

  private runs(length: number, at: (index: number) => unknown): ReferenceRun[] {
    const runs: { count: number; reference: ReferenceState | null }[] = [];
    let last: unknown;
    for (let i = 0; i < length; i++) {
      const value = at(i);
      if (i > 0 && value === last) runs[runs.length - 1].count++;
      else runs.push({ count: 1, reference: this.reference(value) });
      last = value;
    }
    return runs;
  }

  // Entities

  private instance(instance: ModuleInstance): InstanceState {
    const { dataLengths, elements, module } = instance;
    return {
      module: this.modules.get(module) as number,
      imports: Array.from(importsOf(instance), (extern) => this.import(extern)),
      elements: elements.map((segment): SegmentState => {
        if (segment.length === 0) return "dropped";
        if (segment instanceof Uint32Array) return "whole";
        return segment.map((value) => this.reference(value));
      }),
      droppedData: dataLengths.map((length) => length === 0),
    };
  }

  private import(extern: ExternInstance): ImportState {
    return extern.kind === "func" ? this.functionRef(extern.value) : this.externNumber(extern);
  }

  private externNumber({ kind, value }: Exclude<ExternInstance, { kind: "func" }>): number {
    return this.numbersOf(kind).get(value) as number;
  }

  private numbersOf(kind: "memory" | "table" | "global" | "tag"): ReadonlyMap<unknown, number> {
    switch (kind) {
      case "memory":
        return this.memories;
      case "table":
        return this.tables;
      case "global":
        return this.globals;
      case "tag":
        return this.tags;
    }
  }

  private memoryStates(pages: PageStore): MemoryState[] {
    const initial = new Map<MemoryInstance, InitialPages>();
    for (const instance of this.instances) {
      const { memories, module } = instance;
      for (let i = module.importedMemories; i < memories.length; i++) {
        initial.set(memories[i], new InitialPages(instance, i, memories[i].byteLength));
      }
    }
    return [...this.memories.keys()].map((memory) => ({
      size: memory.pages,
      runs: pages.runsOf(memory.bytes, initial.get(memory) ?? null),
    }));
  }

  private object(object: StoredObject): ObjectState {
    if (object instanceof ExceptionInstance) {
      const { params } = object.tag.type;
      const values = params.map((type, i) => this.value(object.value(i), type));
      return { kind: "exception", tag: this.tags.get(object.tag) as number, values };
    }
    const { display, fields, hasReferences, isArray, positions } = object[0].type;
    const { index, instance } = this.homeOf(display[display.length - 1]);
    if (!isArray) {
      const values = fields.map(({ type }, i) => this.field(object, positions[i], type));
      return { kind: "struct", instance, index, fields: values };
    }
    const length = arrayLength(object);
    if (hasReferences) {
      const elements = this.runs(length, (i) => arrayWord(object, i));
      return { kind: "references", instance, index, elements };
    }
    const words = new Int32Array(length * object[0].type.elementWords);
    for (let i = 0; i < words.length; i++) words[i] = arrayWord(object, i) as number;
    return { kind: "numbers", instance, index, words };
  }

  private field(object: Aggregate, at: number, type: ValType): ValueState {
    if (isReference(type)) return { low: 0, high: 0, reference: this.reference(object[at]) };
    const [low, high = 0, ...upper] = object.slice(at, at + wordsOf(type)) as number[];
    const value = { low, high, reference: null };
    return upper.length === 0 ? value : { ...value, upper: { low: upper[0], high: upper[1] } };
  }

  private execution(name: string, { call, usage }: CapturedCall): ExecutionState {
    const { callee, doing, frames, isPaid } = call;
    return {
      name,
      callee: this.functionRef(callee),
      frames: frames.map((frame) => this.frame(frame)),
      isPaid,
      doing: doing === null ? null : this.doing(doing),
      usage,
    };
  }

  private frame({ funcIndex, instance, kind, locals, offset, operands }: Frame): FrameState {
    return {
      instance: this.instanceNumbers.get(instance) as number,
      funcIndex,
      kind,
      offset,
      locals: this.values(locals, null),
      operands: this.values(operands, null),
    };
  }

  private doing(doing: Doing): DoingState {
    switch (doing.kind) {
      case "call": {
        const { args, callee } = doing;
        const values = this.values(args, callee.type.params);
        return { kind: "call", callee: this.functionRef(callee), args: values };
      }
      case "throw": {
        const exception = this.objectNumber(doing.exception);
        return { kind: "throw", exception, searched: doing.searched };
      }
      case "made":
        return { kind: "made", object: this.objectNumber(doing.object) };
      case "grown":
        return doing;
    }
  }

  private named({ extern, value }: CapturedRef): NamedState {
    if (extern !== null) {
      return extern.kind === "func"
        ? { kind: "func", func: this.functionRef(extern.value) }
        : { kind: "extern", space: extern.kind, index: this.externNumber(extern) };
    }
    const object = ExportedObject.objectOf(value);
    return object === null
      ? { kind: "host" }
      : { kind: "object", index: this.objectNumber(object) };
  }
}
