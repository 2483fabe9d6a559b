// The namespace object (JS-API: 5 The WebAssembly Namespace): puts the classes of a context
// together and adds validate, compile, instantiate and their streaming forms. See index.ts for
// options.

import { inTurns } from "../embedding/turns.ts";
import type { ModuleInstance } from "../runtime/instances.ts";
import type { Context, Wrapper } from "./context.ts";
import { exceptionInterface, tagInterface } from "./exception.ts";
import { globalInterface } from "./global.ts";
import { instanceInterface, instantiateCore, readImports } from "./instance.ts";
import { memoryInterface } from "./memory.ts";
import { moduleInterface } from "./module.ts";
import { promisingFunction, suspendingInterface } from "./promising.ts";
import {
  bufferSource,
  bytesArgument,
  Compilation,
  type CompileOptions,
  compileBytes,
  compileOptions,
  type ModuleSource,
} from "./source.ts";
import { compileResponse } from "./streaming.ts";
import { tableInterface } from "./table.ts";
import { setLength, tagged } from "./webidl.ts";

/** Compiles a copy of the bytes, asynchronously: the event loop turns meanwhile. */
async function compileSlowly(
  context: Context,
  bytes: Uint8Array,
  options: CompileOptions,
  where: string,
): Promise<ModuleSource> {
  const compilation = new Compilation(context, options, where);
  compilation.feed(bytes);
  await inTurns(() => compilation.work());
  return compilation.end();
}

/** The functions of a namespace. */
class Functions {
  private readonly context: Context;
  private readonly modules: Wrapper<ModuleSource>;
  private readonly instances: Wrapper<ModuleInstance>;

  constructor(
    context: Context,
    modules: Wrapper<ModuleSource>,
    instances: Wrapper<ModuleInstance>,
  ) {
    this.context = context;
    this.modules = modules;
    this.instances = instances;
  }

  validate(bytes: unknown, options: unknown): boolean {
    const where = "WebAssembly.validate()";
    const source = bytesArgument(bytes, where);
    const settings = compileOptions(options, where);
    try {
      compileBytes(this.context, source, settings, where);
      return true;
    } catch (error) {
      if (error instanceof this.context.errors.CompileError) return false;
      throw error;
    }
  }

  async compile(bytes: unknown, options: unknown): Promise<object> {
    const where = "WebAssembly.compile()";
    const source = bytesArgument(bytes, where);
    const settings = compileOptions(options, where);
    return this.modules.create(await compileSlowly(this.context, source, settings, where));
  }

  async instantiate(first: unknown, importObject: unknown, options: unknown): Promise<object> {
    const where = "WebAssembly.instantiate()";
    const known = this.modules.targetOf(first);
    if (known !== null) return this.instance(known, importObject, where);
    const bytes = bufferSource(first);
    if (bytes === null) {
      const what = "must be a buffer source or a WebAssembly.Module";
      throw new TypeError(`${where}: Argument 0 ${what}`);
    }
    this.checkImportObject(importObject, where);
    const settings = compileOptions(options, where);
    const source = await compileSlowly(this.context, bytes, settings, where);
    return this.instantiated(source, importObject, where);
  }

  async compileStreaming(response: unknown, options: unknown): Promise<object> {
    const where = "WebAssembly.compileStreaming()";
    const settings = compileOptions(options, where);
    return this.modules.create(await compileResponse(this.context, response, settings, where));
  }

  async instantiateStreaming(
    response: unknown,
    importObject: unknown,
    options: unknown,
  ): Promise<object> {
    const where = "WebAssembly.instantiateStreaming()";
    this.checkImportObject(importObject, where);
    const settings = compileOptions(options, where);
    const source = await compileResponse(this.context, response, settings, where);
    return this.instantiated(source, importObject, where);
  }

  private checkImportObject(value: unknown, where: string): void {
    const kind = typeof value;
    if (value === undefined || (kind === "object" && value !== null) || kind === "function") return;
    throw new TypeError(`${where}: Argument 1 must be an object`);
  }

  /** Asynchronously instantiates: imports are read at once, the rest comes later. */
  private async instance(source: ModuleSource, importObject: unknown, where: string) {
    const imports = readImports(this.context, source, importObject, where);
    await null;
    return this.instances.create(instantiateCore(this.context, source, imports, where));
  }

  /** A WebAssemblyInstantiatedSource. */
  private async instantiated(source: ModuleSource, importObject: unknown, where: string) {
    const module = this.modules.create(source);
    const instance = await this.instance(source, importObject, where);
    return { module, instance };
  }
}

function defineClass(namespace: object, value: object): void {
  const { name } = value as { readonly name: string };
  Object.defineProperty(namespace, name, { value, writable: true, configurable: true });
}

/** Makes the namespace object of a fresh context. */
export function namespaceOf(context: Context): object {
  const modules = moduleInterface(context);
  const instances = instanceInterface(context, modules.wrapper);
  const memory = memoryInterface(context);
  const table = tableInterface(context);
  const global = globalInterface(context);
  const tag = tagInterface(context);
  const exception = exceptionInterface(context);
  const suspending = suspendingInterface();
  context.wrappers = {
    memory: memory.wrapper,
    table: table.wrapper,
    global: global.wrapper,
    tag: tag.wrapper,
    exception: exception.wrapper,
    suspending: suspending.wrapper,
  };
  const functions = new Functions(context, modules.wrapper, instances.wrapper);
  // Methods of a literal are what Web IDL asks for: enumerable, and no constructors.
  const namespace = {
    validate: (bytes: unknown, options?: unknown) => functions.validate(bytes, options),
    compile: (bytes: unknown, options?: unknown) => functions.compile(bytes, options),
    instantiate: (first: unknown, importObject?: unknown, options?: unknown) =>
      functions.instantiate(first, importObject, options),
    compileStreaming: (source: unknown, options?: unknown) =>
      functions.compileStreaming(source, options),
    instantiateStreaming: (source: unknown, importObject?: unknown, options?: unknown) =>
      functions.instantiateStreaming(source, importObject, options),
    promising: (wasmFunc: unknown) => promisingFunction(context, wasmFunc),
  };
  for (const operation of Object.values(namespace)) setLength(operation, 1);
  const classes = [modules, instances, memory, table, global, tag, exception, suspending];
  for (const { Interface } of classes) defineClass(namespace, Interface);
  for (const Class of Object.values(context.errors)) defineClass(namespace, Class);
  const jsTag = context.objectOf(tag.wrapper, context.jsTag);
  // The getter of an object literal is no constructor, and has the attributes that Web IDL wants.
  const attributes = {
    get JSTag() {
      return jsTag;
    },
  };
  const descriptor = Object.getOwnPropertyDescriptor(attributes, "JSTag");
  Object.defineProperty(namespace, "JSTag", descriptor as PropertyDescriptor);
  tagged(namespace, "WebAssembly");
  return namespace;
}
