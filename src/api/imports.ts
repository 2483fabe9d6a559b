// Import maps (design: section 2, "Imports are the only authority"): plain JavaScript objects, by
// module name and then by item name. Finds what each import is to be and makes it an instance of
// the engine; whether types match is checked by instantiation, save for what has no type at all.

import { Instantiation } from "../embedding/instantiate.ts";
import type { ExternType, Import, ModuleRecord } from "../module/module.ts";
import { allocateGlobal } from "../runtime/allocate.ts";
import type { ExternInstance } from "../runtime/instances.ts";
import { formatExpected } from "../runtime/link.ts";
import { LinkError } from "../runtime/trap.ts";
import { closeGlobalType } from "../runtime/types.ts";
import { toRaw } from "../runtime/values.ts";
import { typeIdsOf } from "../validation/type-ids.ts";
import { Global, Memory, Table, Tag } from "./externs.ts";
import { functionOf } from "./handles.ts";
import { HostFunction, plainFunction } from "./host.ts";
import { Module } from "./module.ts";
import type { Store } from "./store.ts";
import { describeValue, toEngine, type Value } from "./values.ts";

/**
 * What a module may reach, by module name and item name: functions (plain ones, `hostFunc`,
 * exports of other instances), `Memory`, `Table`, `Global`, `Tag`, and for immutable globals plain
 * values. An instance's `exports` can stand for a module. What an object inherits from
 * `Object.prototype` is not in it.
 */
export type ImportMap = Readonly<Record<string, object>>;

/** Imports that are looked up at one go: about half a millisecond, if they are functions. */
const PIECE = 250;

/**
 * Finds the instances for a module's imports and links them. A module may have a million imports:
 * both go on in pieces.
 */
export class Linking {
  private readonly store: Store;
  private readonly module: ModuleRecord;
  private readonly typeIds: readonly number[];
  private readonly imports: ImportMap;
  /** In the module's order; undefined where there is none. */
  private readonly found: (ExternInstance | undefined)[] = [];
  private linked: Instantiation | null = null;

  /** @throws TypeError for what is no module */
  constructor(store: Store, module: Module, imports: ImportMap) {
    if (!(module instanceof Module)) {
      throw new TypeError("instantiate takes a Module, as Module.from makes it of bytes");
    }
    this.store = store;
    this.module = module.record;
    this.typeIds = typeIdsOf(module.record);
    this.imports = imports;
  }

  /** Once `advance` has said that it is complete. */
  get complete(): Instantiation {
    return this.instantiation();
  }

  /**
   * Goes on for about half a millisecond, or longer if it `mayStall`; true when the instance is
   * complete.
   * @throws LinkError for a value that can be no import of that kind
   * @throws whatever instantiation throws
   */
  advance(mayStall: boolean): boolean {
    const { found } = this;
    const wanted = this.module.imports;
    if (found.length === wanted.length) return this.instantiation().advance(mayStall);
    const end = Math.min(found.length + PIECE, wanted.length);
    for (let index = found.length; index < end; index++) found.push(this.find(index));
    return false;
  }

  /**
   * What there is for one import.
   * @throws LinkError for nothing, and for a value that can be no import of that kind
   */
  required(index: number): ExternInstance {
    const found = this.find(index);
    if (found !== undefined) return found;
    const { module, name, type } = this.module.imports[index];
    const expected = formatExpected(type, this.typeIds);
    throw new LinkError({ importModule: module, importName: name, expected });
  }

  private find(index: number): ExternInstance | undefined {
    const { module, name } = this.module.imports[index];
    const value = lookUp(lookUp(this.imports, module), name);
    return value === undefined ? undefined : this.externOf(index, value);
  }

  /** Gives back what was counted so far. */
  abandon(): void {
    this.linked?.abandon();
  }

  private instantiation(): Instantiation {
    this.linked ??= new Instantiation(this.store.runtime, this.module, this.found);
    return this.linked;
  }

  private externOf(index: number, value: Value): ExternInstance {
    const known = knownExtern(value);
    if (known !== null) return known;
    const { module, typeIds } = this;
    const item = module.imports[index];
    const { type } = item;
    const { hostFunctions } = this.store;
    if (value instanceof HostFunction) {
      const target = hostFunctions.forImport(module, index, value, (name) => value.target(name));
      return { kind: "func", value: target };
    }
    if (type.kind === "func" && typeof value === "function") {
      const action = value as (...args: Value[]) => Value;
      const target = hostFunctions.forImport(module, index, value, (name) => {
        return plainFunction(typeIds[type.typeIndex], name, action);
      });
      return { kind: "func", value: target };
    }
    return this.constantGlobal(type, value) ?? this.refuse(item, value);
  }

  /** A plain value for an immutable global, if it can have it. */
  private constantGlobal(type: ExternType, value: Value): ExternInstance | null {
    if (type.kind !== "global" || type.global.mutable) return null;
    const { runtime } = this.store;
    const closed = closeGlobalType(type.global, this.typeIds);
    let raw: ReturnType<typeof toRaw>;
    try {
      raw = toRaw(
        toEngine(value, closed.type, () => "", runtime),
        closed.type,
      );
    } catch (error) {
      if (error instanceof TypeError) return null;
      throw error;
    }
    return { kind: "global", value: allocateGlobal(runtime, closed, raw) };
  }

  private refuse({ module, name, type }: Import, value: Value): never {
    throw new LinkError({
      importModule: module,
      importName: name,
      expected: formatExpected(type, this.typeIds),
      found: describeValue(value),
    });
  }
}

/** Names that lead from any object to what it was made of. */
const REFLECTIVE: ReadonlySet<string> = new Set(["constructor", "__proto__"]);

/** A property, unless every object has it: a guest must not get hold of `toString`. */
function lookUp(object: Value, name: string): Value {
  if (typeof object !== "object" || object === null) return undefined;
  const value = (object as Readonly<Record<string, Value>>)[name];
  if (Object.hasOwn(object, name)) return value;
  const everywhere = (Object.prototype as Readonly<Record<string, Value>>)[name];
  return value === everywhere || REFLECTIVE.has(name) ? undefined : value;
}

/** What is an instance of the engine already, of whatever type. */
export function knownExtern(value: Value): ExternInstance | null {
  if (value instanceof Memory) return { kind: "memory", value: value.target };
  if (value instanceof Table) return { kind: "table", value: value.target };
  if (value instanceof Global) return { kind: "global", value: value.target };
  if (value instanceof Tag) return { kind: "tag", value: value.target };
  const target = functionOf(value);
  return target === null ? null : { kind: "func", value: target };
}
