// WebAssembly.Instance (JS-API: 5.2 Instances): reads the imports, instantiates, makes the exports
// object.

import { currentCall } from "../embedding/call.ts";
import { Instantiation } from "../embedding/instantiate.ts";
import { I64, isReference, V128 } from "../isa/types.ts";
import type { GlobalType, Import } from "../module/module.ts";
import type { ExternInstance, ModuleInstance, Value } from "../runtime/instances.ts";
import { Exhaustion, LinkError, Trap } from "../runtime/trap.ts";
import { closeGlobalType } from "../runtime/types.ts";
import { typeIdsOf } from "../validation/type-ids.ts";
import { builtinFunction } from "./builtins.ts";
import { type Context, type Defined, Existing, type Wrapper } from "./context.ts";
import { importMessage, trapMessage } from "./errors.ts";
import { HostFunction, hostFunction } from "./functions.ts";
import { newGlobal } from "./global.ts";
import { SuspendingFunction } from "./promising.ts";
import { isCallable, toWebAssemblyValue } from "./signature.ts";
import type { ModuleSource } from "./source.ts";
import { describeInterface, get, isObject, Uncloneable } from "./webidl.ts";

/** Imports and exports between two looks at the limits in time: about a millisecond. */
const PIECE = 500;

/** Does something with all of a list. @throws Exhaustion "deadline", "epoch" between two pieces */
function inPieces<T>(
  context: Context,
  list: readonly T[],
  visit: (item: T, index: number) => void,
): void {
  let at = 0;
  context.work(() => {
    const end = Math.min(at + PIECE, list.length);
    for (; at < end; at++) visit(list[at], at);
    return at === list.length;
  });
}

/** Imports that have been read, ready to be linked. */
export type Imports = readonly ExternInstance[];

/** Reads the imports of one module from an imports object (JS-API: read the imports). */
class ImportReader {
  private readonly context: Context;
  private readonly source: ModuleSource;
  private readonly typeIds: readonly number[];
  private readonly where: string;
  private functions = 0;

  constructor(context: Context, source: ModuleSource, where: string) {
    this.context = context;
    this.source = source;
    this.where = where;
    this.typeIds = typeIdsOf(source.record);
  }

  /** @throws Exhaustion "deadline", "epoch", and what reading raises */
  read(importObject: object | undefined): ExternInstance[] {
    const { imports } = this.source.record;
    const externs: ExternInstance[] = [];
    inPieces(this.context, imports, (item, i) => {
      externs.push(this.extern(item, i, this.valueOf(item, i, importObject)));
    });
    return externs;
  }

  /** The value for an import: a builtin, a string constant, or what the caller hands in. */
  private valueOf({ module, name }: Import, index: number, importObject?: object): unknown {
    const { builtins, importedStringConstants } = this.source.options;
    if (module === importedStringConstants) return name;
    const builtin = builtinFunction(this.context, builtins, module, name);
    if (builtin !== undefined) return builtin;
    const object = get(importObject as object, module);
    if (isObject(object)) return get(object, name);
    const what = "module is not an object or function";
    throw new TypeError(importMessage(this.where, index, module, null, what));
  }

  private extern(item: Import, index: number, value: unknown): ExternInstance {
    const { wrappers } = this.context;
    const { kind } = item.type;
    switch (kind) {
      case "func":
        return { kind, value: this.function(item, index, value, item.type.typeIndex) };
      case "global":
        return { kind, value: this.global(item, index, value, item.type.global) };
      case "memory": {
        const what = "memory import must be a WebAssembly.Memory object";
        return { kind, value: wrappers.memory.targetOf(value) ?? this.refuse(item, index, what) };
      }
      case "table": {
        const what = "table import requires a WebAssembly.Table";
        return { kind, value: wrappers.table.targetOf(value) ?? this.refuse(item, index, what) };
      }
      case "tag": {
        const what = "tag import requires a WebAssembly.Tag";
        return { kind, value: wrappers.tag.targetOf(value) ?? this.refuse(item, index, what) };
      }
    }
  }

  private function(item: Import, index: number, value: unknown, typeIndex: number) {
    const { context } = this;
    const suspending = context.wrappers.suspending.targetOf(value);
    const action = suspending ?? value;
    if (!isCallable(action)) this.refuse(item, index, "function import requires a callable");
    const number = this.functions++;
    const exported = suspending === null ? context.functionOf(value) : null;
    if (exported !== null) return exported;
    const Class = suspending === null ? HostFunction : SuspendingFunction;
    const name = `${item.module}.${item.name}`;
    return hostFunction(context, action, this.typeIds[typeIndex], name, number, Class);
  }

  private global(item: Import, index: number, value: unknown, type: GlobalType) {
    const { context } = this;
    const existing = context.wrappers.global.targetOf(value);
    if (existing !== null) return existing;
    const closed = closeGlobalType(type, this.typeIds);
    const wanted = closed.type === I64 ? "bigint" : "number";
    const fits = isReference(closed.type) || typeof value === wanted;
    if (!fits || closed.type === V128) {
      const what = "global import must be a number, valid Wasm reference, or WebAssembly.Global";
      this.refuse(item, index, `${what} object`);
    }
    let imported: Value;
    try {
      imported = toWebAssemblyValue(value, closed.type, context);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return this.refuse(item, index, error.message);
    }
    return newGlobal(context, { ...closed, mutable: false }, imported);
  }

  private refuse({ module, name }: Import, index: number, what: string): never {
    throw new this.context.errors.LinkError(importMessage(this.where, index, module, name, what));
  }
}

/**
 * The externals for a module's imports, in their order.
 * @throws TypeError where no object is to be read from, LinkError for a value of another kind
 * @throws RuntimeError if a limit in time is reached
 */
export function readImports(
  context: Context,
  source: ModuleSource,
  importObject: unknown,
  where: string,
): Imports {
  const needed = source.record.imports.length > 0;
  if (importObject !== undefined && !isObject(importObject)) {
    throw new TypeError(`${where}: Argument 1 must be an object`);
  }
  if (needed && importObject === undefined) {
    throw new TypeError(`${where}: Imports argument must be present and must be an object`);
  }
  try {
    return new ImportReader(context, source, where).read(importObject);
  } catch (error) {
    throw context.errorFor(error);
  }
}

/**
 * Instantiates the core of a module; its start function runs as a call from JavaScript does.
 * @throws LinkError, RuntimeError, RangeError, and what the start function throws
 */
export function instantiateCore(
  context: Context,
  { record }: ModuleSource,
  imports: Imports,
  where: string,
): ModuleInstance {
  try {
    const instantiation = new Instantiation(context.store, record, imports);
    const mayStall = !context.watch.active && currentCall() === null;
    context.work(() => instantiation.advance(mayStall));
    const { instance, startFunction: start } = instantiation;
    if (start !== null) context.invoke(start, context.signatureOf(start.type), []);
    return instance;
  } catch (error) {
    throw instantiationError(context, record.imports, error, where);
  }
}

function instantiationError(
  context: Context,
  imports: readonly Import[],
  error: unknown,
  where: string,
): unknown {
  if (error instanceof LinkError) {
    const { expected, found, importModule, importName } = error;
    const index = imports.findIndex((item) => {
      return item.module === importModule && item.name === importName;
    });
    const kind = imports[index].type.kind;
    const item = kind === "func" ? "function" : kind;
    const what = `imported ${item} does not match the expected type ${expected}, found ${found}`;
    const message = importMessage(where, index, importModule, importName, what);
    return new context.errors.LinkError(message, { cause: error });
  }
  if (error instanceof Trap) {
    const data = error.code === "memoryOutOfBounds";
    const what = data ? "data segment is out of bounds" : trapMessage(error, -1);
    return new context.errors.RuntimeError(`${where}: ${what}`, { cause: error });
  }
  if (error instanceof Exhaustion && error.kind !== "deadline" && error.kind !== "epoch") {
    return new RangeError(`${where}: Out of memory: ${error.message}`, { cause: error });
  }
  return context.errorFor(error);
}

/** The object that stands for an export. */
function exportedObject(context: Context, extern: ExternInstance, index: number): object {
  const { wrappers } = context;
  switch (extern.kind) {
    case "func":
      return context.functionObject(extern.value, index);
    case "memory":
      return context.objectOf(wrappers.memory, extern.value);
    case "table":
      return context.objectOf(wrappers.table, extern.value);
    case "global":
      return context.objectOf(wrappers.global, extern.value);
    case "tag":
      return context.objectOf(wrappers.tag, extern.value);
  }
}

/**
 * The frozen object without prototype that holds an instance's exports.
 * @throws RuntimeError if a limit in time is reached
 */
function exportsObject(context: Context, instance: ModuleInstance): object {
  const exports: Record<string, object> = Object.create(null);
  try {
    instance.countExports();
    inPieces(context, instance.module.exports, ({ index, kind, name }) => {
      const value = exportedObject(context, instance.extern(kind, index), index);
      Object.defineProperty(exports, name, { value, enumerable: true });
    });
  } catch (error) {
    throw context.errorFor(error);
  }
  // What has been defined can be neither written nor deleted: this makes it frozen.
  return Object.preventExtensions(exports);
}

/** The class `Instance` of a namespace; `modules` are those that it takes. */
export function instanceInterface(
  context: Context,
  modules: Wrapper<ModuleSource>,
): Defined<ModuleInstance> {
  let brand: (value: unknown) => object | null = () => null;
  const where = "WebAssembly.Instance()";

  const instanceOf = (module: unknown, importObject: unknown): ModuleInstance => {
    const source = modules.targetOf(module);
    if (source === null) {
      throw new TypeError(`${where}: Argument 0 must be a WebAssembly.Module`);
    }
    return instantiateCore(
      context,
      source,
      readImports(context, source, importObject, where),
      where,
    );
  };

  class Instance extends Uncloneable {
    static {
      brand = (value) => (isObject(value) && #exports in value ? value.#exports : null);
    }

    readonly #exports: object;

    constructor(module: unknown, ...rest: readonly unknown[]) {
      super();
      const existing = Existing.is<ModuleInstance>(module);
      const target = existing ? module.target : instanceOf(module, rest[0]);
      this.#exports = exportsObject(context, target);
    }

    get exports(): object {
      const exports = brand(this);
      if (exports !== null) return exports;
      throw new TypeError("WebAssembly.Instance.exports: Receiver is not a WebAssembly.Instance");
    }
  }

  return {
    Interface: describeInterface("Instance", Instance),
    wrapper: { create: (target) => new Instance(new Existing(target)), targetOf: () => null },
  };
}
