// The entities of a state, by their numbers, as they are made again; and its references and values,
// checked against the types of the places that they go to.

import {
  F32,
  F64,
  HEAP_ANY,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  heapOf,
  I32,
  I64,
  isNullable,
  isReference,
  slotsOf,
  V128,
  type ValType,
} from "../isa/types.ts";
import type { ModuleRecord } from "../module/module.ts";
import {
  ExceptionInstance,
  type ExternInstance,
  type FunctionInstance,
  type GlobalInstance,
  type ModuleInstance,
  putRaw,
  type RawValue,
  type TagInstance,
  type Value,
} from "../runtime/instances.ts";
import type { MemoryInstance } from "../runtime/memory.ts";
import {
  type Aggregate,
  externalize,
  internalize,
  isAggregate,
  matchesHeap,
  toExtern,
} from "../runtime/objects.ts";
import type { TableInstance } from "../runtime/table.ts";
import { formatClosedType, heapIdMatches } from "../runtime/types.ts";
import { SnapshotError } from "./errors.ts";
import type { Given } from "./rebuild.ts";
import type { NamedState, ReferenceState, Space, StoreState, ValueState } from "./store-state.ts";

/** The item with this number. @throws SnapshotError if there is none, or not yet */
export function itemAt<T>(items: readonly T[], number: number, what: string): T {
  if (number < items.length) return items[number];
  throw new SnapshotError(`there is no ${what} ${number}, or it comes later`);
}

const NO_BITS = { low: 0, high: 0 };

export class References {
  readonly instances: ModuleInstance[] = [];
  readonly memories: MemoryInstance[] = [];
  readonly tables: TableInstance[] = [];
  readonly globals: GlobalInstance[] = [];
  readonly tags: TagInstance[] = [];
  readonly objects: (Aggregate | ExceptionInstance)[] = [];
  readonly modules: readonly ModuleRecord[];
  private readonly state: StoreState;
  private readonly given: Given;
  /** What the host has given for imports, by number of the grant. */
  private readonly grants: ExternInstance[] = [];
  /** What the names of the embedder's stand for, as JavaScript, once somebody has asked. */
  private readonly named = new Map<number, unknown>();

  constructor(state: StoreState, modules: readonly ModuleRecord[], given: Given) {
    this.state = state;
    this.modules = modules;
    this.given = given;
  }

  // Entities

  /** What the host gives for an import. */
  grant(number: number): ExternInstance {
    const known = this.grants[number];
    if (known !== undefined) return known;
    const { grants, instanceNames, instances } = this.state;
    const { index, instance } = itemAt(grants, number, "grant");
    const module = itemAt(this.modules, itemAt(instances, instance, "instance").module, "module");
    itemAt(module.imports, index, "import");
    const [name = null] = instanceNames.find(([, one]) => one === instance) ?? [];
    const given = this.given.grant(module, index, name);
    this.grants[number] = given;
    return given;
  }

  /** A function, of a guest or of the host's. */
  func(state: ReferenceState): FunctionInstance {
    if (state.kind === "grant") {
      const extern = this.grant(state.index);
      if (extern.kind === "func" && extern.value.host !== null) return extern.value;
      throw new SnapshotError(`grant ${state.index} is no function of the host's`);
    }
    if (state.kind !== "func") throw new SnapshotError("a function is told as something else");
    const instance = itemAt(this.instances, state.instance, "instance");
    const { functions, importedFunctions } = instance.module;
    itemAt(functions, state.index, "function");
    if (state.index >= importedFunctions) return instance.functionAt(state.index);
    throw new SnapshotError(`function ${state.index} is imported, not defined`);
  }

  extern(space: Space, number: number): Exclude<ExternInstance, { readonly kind: "func" }> {
    switch (space) {
      case "memory":
        return { kind: space, value: itemAt(this.memories, number, space) };
      case "table":
        return { kind: space, value: itemAt(this.tables, number, space) };
      case "global":
        return { kind: space, value: itemAt(this.globals, number, space) };
      case "tag":
        return { kind: space, value: itemAt(this.tags, number, space) };
    }
  }

  instanceAt(number: number): ModuleInstance {
    return itemAt(this.instances, number, "instance");
  }

  exception(number: number): ExceptionInstance {
    const object = itemAt(this.objects, number, "object");
    if (object instanceof ExceptionInstance) return object;
    throw new SnapshotError(`object ${number} is no exception`);
  }

  aggregate(number: number): Aggregate {
    const object = itemAt(this.objects, number, "object");
    if (isAggregate(object)) return object;
    throw new SnapshotError(`object ${number} is an exception`);
  }

  // Names

  /** What each name of the embedder's stands for. */
  get names(): ReadonlyMap<string, unknown> {
    return new Map(this.state.refNames.map(([name], number) => [name, this.nameAt(number)]));
  }

  private nameAt(number: number): unknown {
    if (!this.named.has(number)) {
      const [name, state] = itemAt(this.state.refNames, number, "name");
      this.named.set(number, this.valueOf(name, state));
    }
    return this.named.get(number);
  }

  private valueOf(name: string, state: NamedState): unknown {
    const { given } = this;
    switch (state.kind) {
      case "func":
        return given.handle({ kind: "func", value: this.func(state.func) });
      case "extern":
        return given.handle(this.extern(state.space, state.index));
      case "object":
        return externalize(this.aggregate(state.index));
      case "host":
        return given.host(name);
    }
  }

  // Values

  /**
   * A reference of a closed type. `mayBeNull`: even if the type says otherwise.
   * @throws SnapshotError if it is of another one
   */
  reference(state: ReferenceState | null, type: ValType, mayBeNull = false): Value {
    if (state === null) {
      if (mayBeNull || isNullable(type)) return null;
      throw new SnapshotError(`null is no ${formatClosedType(type)}`);
    }
    const found = this.inHierarchy(state, type);
    if (found !== null) return found;
    throw new SnapshotError(`this ${state.kind} is no ${formatClosedType(type)}`);
  }

  /** Null if it is no reference of this type. */
  private inHierarchy(state: ReferenceState, type: ValType): Value {
    const heap = heapOf(type);
    if (heapIdMatches(heap, HEAP_FUNC)) {
      if (state.kind !== "func" && state.kind !== "grant") return null;
      const func = this.func(state);
      return heapIdMatches(func.typeId, heap) ? func : null;
    }
    if (heap === HEAP_EXN) return state.kind === "object" ? this.exception(state.index) : null;
    const { objects } = this.given.store;
    if (heap === HEAP_EXTERN) {
      if (state.kind === "exported") return externalize(this.aggregate(state.index));
      return isOfHost(state) ? toExtern(this.hostValue(state), objects) : null;
    }
    if (!heapIdMatches(heap, HEAP_ANY)) return null;
    let value: Value = null;
    if (state.kind === "object") value = this.aggregate(state.index);
    else if (isOfHost(state)) value = internalize(this.hostValue(state), objects);
    return value !== null && matchesHeap(value, heap) ? value : null;
  }

  private hostValue(state: ReferenceState): unknown {
    switch (state.kind) {
      case "named":
        return this.nameAt(state.index);
      case "boolean":
      case "number":
      case "string":
        return state.value;
      default:
        return undefined;
    }
  }

  /** A value of a closed type. */
  value(state: ValueState, type: ValType, mayBeNull = false): RawValue {
    const { high, low, reference, upper } = state;
    if (isReference(type)) {
      if (low !== 0 || high !== 0 || upper !== undefined) throw wrongBits(type);
      return { low, high, reference: this.reference(reference, type, mayBeNull) };
    }
    const words = upper !== undefined ? 4 : high !== 0 ? 2 : 1;
    if (reference !== null || words > WORDS[type]) throw wrongBits(type);
    const raw = { low, high, reference: null };
    return type === V128 ? { ...raw, upper: upper ?? NO_BITS } : raw;
  }

  /** @throws SnapshotError if they are more or fewer, or of other types */
  values(states: readonly ValueState[], types: readonly ValType[], mayBeNull = false): RawValue[] {
    if (states.length !== types.length) {
      throw new SnapshotError(`there are ${states.length} values for ${types.length} types`);
    }
    return states.map((state, i) => this.value(state, types[i], mayBeNull));
  }

  /** Gives an exception its values. */
  fillException(exception: ExceptionInstance, states: readonly ValueState[]): void {
    const { references, tag, words } = exception;
    const { params } = tag.type;
    let at = 0;
    for (const [i, value] of this.values(states, params).entries()) {
      putRaw(words, at, params[i], value);
      at += 2 * slotsOf(params[i]);
      if (tag.hasReferences) (references as Value[])[i] = value.reference;
    }
  }
}

/** Words that a value of a type may have. */
const WORDS: Readonly<Record<ValType, number>> = {
  [I32]: 1,
  [F32]: 1,
  [I64]: 2,
  [F64]: 2,
  [V128]: 4,
};

function wrongBits(type: ValType): SnapshotError {
  return new SnapshotError(`a ${formatClosedType(type)} is told as something else`);
}

function isOfHost({ kind }: ReferenceState): boolean {
  return kind !== "func" && kind !== "grant" && kind !== "object" && kind !== "exported";
}
