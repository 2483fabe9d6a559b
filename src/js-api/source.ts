// From bytes to a module that namespaces can instantiate (JS-API: 5, "compile a WebAssembly
// module"): bytes of callers, compile options, validation of builtins and imported strings.

import { moduleDecoder } from "../embedding/module.ts";
import { HEAP_EXTERN, refType } from "../isa/types.ts";
import { ModuleError, quote } from "../module/errors.ts";
import type { Import, ModuleRecord } from "../module/module.ts";
import { closeGlobalType, valTypeIdMatches } from "../runtime/types.ts";
import { idMatches, typeIdsOf } from "../validation/type-ids.ts";
import { builtinType } from "./builtins.ts";
import type { Context } from "./context.ts";
import { compileMessage } from "./errors.ts";
import { dictionary, get, sequence, toUSVString } from "./webidl.ts";

/** WebAssemblyCompileOptions. */
export interface CompileOptions {
  readonly builtins: readonly string[];
  readonly importedStringConstants: string | null;
}

/** What a Module object holds: [[Module]], [[Bytes]] (in the record), and its options. */
export interface ModuleSource {
  readonly record: ModuleRecord;
  readonly options: CompileOptions;
}

/** Reads compile options. @throws TypeError for what is no such dictionary */
export function compileOptions(value: unknown, where: string): CompileOptions {
  const members = dictionary(value, `${where}: Argument 1 must be an object`);
  const builtins = get(members, "builtins");
  const list =
    builtins === undefined
      ? []
      : sequence(builtins, `${where}: Property 'builtins' must be iterable`).map(toUSVString);
  const strings = get(members, "importedStringConstants");
  const absent = strings === undefined || strings === null;
  return { builtins: list, importedStringConstants: absent ? null : toUSVString(strings) };
}

type Getters = readonly ((() => unknown) | undefined)[];

/** Getters of a prototype, which say what an object holds whatever its own prototype is. */
function gettersOf(prototype: object, names: readonly PropertyKey[]): Getters {
  return names.map((name) => Object.getOwnPropertyDescriptor(prototype, name)?.get);
}

const TYPED_ARRAY: object = Object.getPrototypeOf(Uint8Array.prototype);
const SPAN = ["buffer", "byteOffset", "byteLength"];
const OF_TYPED_ARRAY = gettersOf(TYPED_ARRAY, SPAN);
const OF_DATA_VIEW = gettersOf(DataView.prototype, SPAN);
const [kindOfTypedArray] = gettersOf(TYPED_ARRAY, [Symbol.toStringTag]);
const [byteLength] = gettersOf(ArrayBuffer.prototype, ["byteLength"]);

/** The bytes of a view. @throws TypeError for a DataView that is out of bounds */
function bytesOfView(view: ArrayBufferView): Uint8Array {
  // Of a DataView, the tag's getter gives undefined.
  const getters = kindOfTypedArray?.call(view) === undefined ? OF_DATA_VIEW : OF_TYPED_ARRAY;
  const [buffer, offset, length] = getters.map((getter) => getter?.call(view));
  return new Uint8Array(buffer as ArrayBuffer, offset as number, length as number);
}

/** Whether a value is an ArrayBuffer, of whatever prototype. A SharedArrayBuffer is none. */
function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    byteLength?.call(value);
    return true;
  } catch {
    return false;
  }
}

/** The bytes of a buffer or a view of one. A detached buffer holds none (Web IDL: 3.2.26). */
function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  try {
    return ArrayBuffer.isView(value) ? bytesOfView(value) : new Uint8Array(value);
  } catch {
    return new Uint8Array(0);
  }
}

/** The bytes that a value gives access to, not copied; null for what is no buffer source. */
export function bufferSource(value: unknown): Uint8Array | null {
  return ArrayBuffer.isView(value) || isArrayBuffer(value) ? bytesOf(value) : null;
}

/** The bytes of an argument. @throws TypeError */
export function bytesArgument(value: unknown, where: string): Uint8Array {
  const bytes = bufferSource(value);
  if (bytes !== null) return bytes;
  throw new TypeError(`${where}: Argument 0 must be a buffer source`);
}

/**
 * Decodes and validates bytes that lie there at once.
 * @throws CompileError
 */
export function compileBytes(
  context: Context,
  bytes: Uint8Array,
  options: CompileOptions,
  where: string,
): ModuleSource {
  const compilation = new Compilation(context, options, where);
  compilation.feed(bytes);
  return compilation.end();
}

/** A module on its way in: `feed` it its bytes, let it `work`, then `end`. */
export class Compilation {
  private readonly context: Context;
  private readonly options: CompileOptions;
  private readonly where: string;
  private readonly decoder: ReturnType<typeof moduleDecoder>;
  private empty = true;

  constructor(context: Context, options: CompileOptions, where: string) {
    this.context = context;
    this.options = options;
    this.where = where;
    this.decoder = moduleDecoder(context.settings);
  }

  /**
   * Takes bytes, which are copied.
   * @throws CompileError
   */
  feed(bytes: Uint8Array): void {
    if (bytes.length > 0) this.empty = false;
    this.attempt(() => this.decoder.feed(bytes));
  }

  /**
   * Does a piece of the work on the bytes that are there; whether there is more.
   * @throws CompileError
   */
  work(): boolean {
    return this.attempt(() => this.decoder.work());
  }

  /** @throws CompileError */
  end(): ModuleSource {
    const { context, options, where } = this;
    if (this.empty) throw this.refuse("BufferSource argument is empty");
    const record = this.attempt(() => this.decoder.end());
    if (new Set(options.builtins).size < options.builtins.length) {
      throw this.refuse("Invalid compile-time builtins: duplicate names");
    }
    const wrong = record.imports.findIndex((item) => !validImport(record, item, options));
    if (wrong < 0) return { record, options };
    const { module, name } = record.imports[wrong];
    const item = `Import #${wrong} ${quote(module)} ${quote(name)}`;
    throw new context.errors.CompileError(`${where}: ${item}: Imported builtin has wrong type`);
  }

  private refuse(what: string): Error {
    return new this.context.errors.CompileError(`${this.where}: ${what}`);
  }

  private attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof ModuleError)) throw error;
      const message = compileMessage(this.where, error);
      throw new this.context.errors.CompileError(message, { cause: error });
    }
  }
}

/** Whether an import that means a builtin or a string constant has the right type. */
function validImport(
  record: ModuleRecord,
  { module, name, type }: Import,
  { builtins, importedStringConstants }: CompileOptions,
): boolean {
  if (builtins.length === 0 && importedStringConstants === null) return true;
  const typeIds = typeIdsOf(record);
  if (module === importedStringConstants) {
    if (type.kind !== "global" || type.global.mutable) return false;
    const closed = closeGlobalType(type.global, typeIds);
    return valTypeIdMatches(refType(HEAP_EXTERN, false), closed.type);
  }
  const found = builtinType(builtins, module, name);
  if (found === null) return true;
  return type.kind === "func" && idMatches(found, typeIds[type.typeIndex]);
}
