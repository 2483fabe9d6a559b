// What a snapshot has to hold: all that can be reached from what the embedder names.

import { isReference } from "../isa/types.ts";

import {
  ExceptionInstance,
  type ExternInstance,
  FunctionInstance,
  type GlobalInstance,
  type ModuleInstance,
  type TagInstance,
} from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import {
  type Aggregate,
  arrayLength,
  arrayWord,
  ExportedObject,
  isAggregate,
} from "../runtime/objects.ts";
import type { Store } from "../runtime/store.ts";
import type { TableInstance } from "../runtime/table.ts";
import { SnapshotError } from "./errors.ts";

/** A struct, an array or an exception. */
export type StoredObject = Aggregate | ExceptionInstance;

/** The imports of an instance, in their order. */
export function* importsOf(instance: ModuleInstance): Generator<ExternInstance> {
  const { functions, globals, memories, module, tables, tags } = instance;
  const next = { func: 0, table: 0, memory: 0, global: 0, tag: 0 };
  for (const { type } of module.imports) {
    const { kind } = type;
    const index = next[kind]++;
    if (kind === "func") yield { kind, value: functions[index] };
    else if (kind === "table") yield { kind, value: tables[index] };
    else if (kind === "memory") yield { kind, value: memories[index] };
    else if (kind === "global") yield { kind, value: globals[index] };
    else yield { kind, value: tags[index] };
  }
}

/** Finds everything, each once, in the order in which it is come to. */
export class Reach {
  readonly instances = new Set<ModuleInstance>();
  readonly memories = new Set<MemoryInstance>();
  readonly tables = new Set<TableInstance>();
  readonly globals = new Set<GlobalInstance>();
  readonly tags = new Set<TagInstance>();
  readonly objects = new Set<StoredObject>();
  private readonly store: Store;
  /** What has been come to and not been looked into. */
  private readonly ahead: (() => void)[] = [];

  constructor(store: Store) {
    this.store = store;
  }

  /** Looks into all that has been added. */
  follow(): void {
    for (let next = this.ahead.pop(); next !== undefined; next = this.ahead.pop()) next();
  }

  private isNew<T>(found: Set<T>, item: T): boolean {
    if (found.has(item)) return false;
    found.add(item);
    return true;
  }

  /** @throws SnapshotError if it is of another store */
  addInstance(instance: ModuleInstance): void {
    if (!this.isNew(this.instances, instance)) return;
    if (instance.store !== this.store) throw new SnapshotError("an instance is of another store");
    this.ahead.push(() => this.lookInto(instance));
  }

  private lookInto(instance: ModuleInstance): void {
    const { elements, globals, memories, tables, tags } = instance;
    for (const extern of importsOf(instance)) this.addExtern(extern);
    for (const value of tables) this.addExtern({ kind: "table", value });
    for (const value of memories) this.addExtern({ kind: "memory", value });
    for (const value of globals) this.addExtern({ kind: "global", value });
    for (const value of tags) this.addExtern({ kind: "tag", value });
    for (const segment of elements) {
      if (!(segment instanceof Uint32Array)) this.addAll(segment);
    }
  }

  /** @throws SnapshotError for a shared memory: it is others', too */
  addExtern({ kind, value }: ExternInstance): void {
    switch (kind) {
      case "func":
        this.addFunction(value);
        break;
      case "table":
        if (this.isNew(this.tables, value)) {
          this.ahead.push(() => {
            for (let i = 0; i < value.length; i++) this.addReference(value.get(i));
          });
        }
        break;
      case "memory":
        if (value.type.shared) throw new SnapshotError("a shared memory is in no snapshot");
        this.memories.add(value);
        break;
      case "global":
        if (this.isNew(this.globals, value)) this.addReference(value.reference);
        break;
      case "tag":
        this.tags.add(value);
    }
  }

  private addFunction({ instance }: FunctionInstance): void {
    if (instance !== null) this.addInstance(instance);
  }

  addAll(references: readonly unknown[]): void {
    for (const reference of references) this.addReference(reference);
  }

  addReference(reference: unknown): void {
    if (typeof reference !== "object" || reference === null) return;
    if (isAggregate(reference)) this.addAggregate(reference);
    else if (reference instanceof FunctionInstance) this.addFunction(reference);
    else if (reference instanceof ExceptionInstance) this.addException(reference);
    else {
      const object = ExportedObject.objectOf(reference);
      if (object !== null) this.addAggregate(object);
    }
  }

  private addException(exception: ExceptionInstance): void {
    if (!this.isNew(this.objects, exception)) return;
    this.tags.add(exception.tag);
    this.ahead.push(() => this.addAll(exception.references));
  }

  private addAggregate(object: Aggregate): void {
    if (!this.isNew<StoredObject>(this.objects, object)) return;
    const { fields, hasReferences, isArray, positions } = object[0].type;
    if (!hasReferences) return;
    this.ahead.push(() => {
      if (isArray) {
        for (let i = 0; i < arrayLength(object); i++) this.addReference(arrayWord(object, i));
        return;
      }
      for (const [i, { type }] of fields.entries()) {
        if (isReference(type)) this.addReference(object[positions[i]]);
      }
    });
  }
}
