// Types of the namespace as the DOM's library of TypeScript has them, for programs that are
// compiled without it. What is declared here can be assigned to `typeof globalThis.WebAssembly`.

import type { ErrorClass } from "./errors.ts";

/** JavaScript values of the value types. A v128 is none. */
export interface ValueTypeMap {
  anyfunc: ExportedFunction;
  externref: unknown;
  f32: number;
  f64: number;
  i32: number;
  i64: bigint;
  v128: never;
}

export type ValueType = keyof ValueTypeMap;
export type AddressType = "i32" | "i64";
export type ImportExportKind = "function" | "global" | "memory" | "table" | "tag";
export type TableKind = "anyfunc" | "externref";
/** A size or an index: a bigint where the address type is i64. */
export type AddressValue = number | bigint;
/** Bytes: a buffer or a view of one. */
export type BufferSource = ArrayBufferView | ArrayBufferLike;

/** A function of an instance, as JavaScript calls it. */
export type ExportedFunction = (...args: readonly unknown[]) => unknown;
export type ExportValue = ExportedFunction | Global | Memory | Table;
export type Exports = Record<string, ExportValue>;

export interface WebAssemblyCompileOptions {
  /** Names of builtin sets that the module may import, e.g. `js-string`. */
  builtins?: string[];
  /** Module name whose imports are strings: their own names. */
  importedStringConstants?: string | null;
}

export interface ModuleExportDescriptor {
  kind: ImportExportKind;
  name: string;
}

export interface ModuleImportDescriptor {
  kind: ImportExportKind;
  module: string;
  name: string;
}

export interface MemoryDescriptor {
  address?: AddressType;
  /** Pages of 64 KiB. */
  initial: AddressValue;
  maximum?: AddressValue;
  shared?: boolean;
}

export interface TableDescriptor {
  address?: AddressType;
  element: TableKind;
  initial: AddressValue;
  maximum?: AddressValue;
}

export interface GlobalDescriptor<T extends ValueType = ValueType> {
  /** Default false. */
  mutable?: boolean;
  value: T;
}

export interface TagType {
  parameters: ValueType[];
}

export interface ExceptionOptions {
  /** Whether the exception has a `stack`. Default false. */
  traceStack?: boolean;
}

/** A module, decoded and validated. It has no members. */
export type Module = object;

/** An instance of a module. */
export interface Instance {
  /** Frozen, without prototype. */
  readonly exports: Exports;
}

/** A linear memory. */
export interface Memory {
  /** All of its bytes. Growing detaches it, unless the memory is shared: ask again afterwards. */
  readonly buffer: ArrayBuffer;
  /** Grows by so many pages; the former number. @throws RangeError */
  grow(delta: number): number;
  grow(delta: bigint): bigint;
  /** The buffer, which does not change its length. */
  toFixedLengthBuffer(): ArrayBuffer;
  /** A buffer that grows with the memory instead of being detached. @throws TypeError */
  toResizableBuffer(): ArrayBuffer;
}

/** A table of references. */
export interface Table {
  /** A bigint where the address type is i64. */
  readonly length: number;
  get(index: AddressValue): unknown;
  /** Grows by so many elements; the former length. @throws RangeError */
  grow(delta: number, value?: unknown): number;
  grow(delta: bigint, value?: unknown): bigint;
  set(index: AddressValue, value?: unknown): void;
}

/** A global variable or constant. */
export interface Global<T extends ValueType = ValueType> {
  value: ValueTypeMap[T];
  valueOf(): ValueTypeMap[T];
}

/** The kind of an exception. It has no members. */
export type Tag = object;

/** An exception of WebAssembly. It is no Error. */
export interface Exception {
  readonly stack: string | undefined;
  getArg(exceptionTag: Tag, index: number): unknown;
  is(exceptionTag: Tag): boolean;
}

export interface WebAssemblyInstantiatedSource {
  instance: Instance;
  module: Module;
}

/** Stands for a function in an imports object: calls of it are awaited. It has no members. */
export type Suspending = object;

/** Methods, so that what takes less may stand for it. */
interface NamespaceFunctions {
  validate(bytes: BufferSource, options?: WebAssemblyCompileOptions): boolean;
  compile(bytes: BufferSource, options?: WebAssemblyCompileOptions): Promise<Module>;
  /** `source` is a Response or a promise of one. */
  compileStreaming(source: unknown, options?: WebAssemblyCompileOptions): Promise<Module>;
  instantiate(
    bytes: BufferSource,
    importObject?: object,
    options?: WebAssemblyCompileOptions,
  ): Promise<WebAssemblyInstantiatedSource>;
  instantiate(moduleObject: Module, importObject?: object): Promise<Instance>;
  /** `source` is a Response or a promise of one. */
  instantiateStreaming(
    source: unknown,
    importObject?: object,
    options?: WebAssemblyCompileOptions,
  ): Promise<WebAssemblyInstantiatedSource>;
  /**
   * A function that calls an exported one and gives a promise of its result. Imports that are
   * `Suspending` objects suspend such a call.
   */
  promising(wasmFunc: ExportedFunction): (...args: readonly unknown[]) => Promise<unknown>;
}

/** The `WebAssembly` namespace. */
export interface WebAssemblyNamespace extends NamespaceFunctions {
  readonly Module: {
    readonly prototype: Module;
    new (bytes: BufferSource, options?: WebAssemblyCompileOptions): Module;
    customSections(moduleObject: Module, sectionName: string): ArrayBuffer[];
    exports(moduleObject: Module): ModuleExportDescriptor[];
    imports(moduleObject: Module): ModuleImportDescriptor[];
  };
  readonly Instance: {
    readonly prototype: Instance;
    new (module: Module, importObject?: object): Instance;
  };
  readonly Memory: {
    readonly prototype: Memory;
    new (descriptor: MemoryDescriptor): Memory;
  };
  readonly Table: {
    readonly prototype: Table;
    new (descriptor: TableDescriptor, value?: unknown): Table;
  };
  readonly Global: {
    readonly prototype: Global;
    new <T extends ValueType = ValueType>(
      descriptor: GlobalDescriptor<T>,
      v?: ValueTypeMap[T],
    ): Global<T>;
  };
  readonly Tag: {
    readonly prototype: Tag;
    new (type: TagType): Tag;
  };
  readonly Exception: {
    readonly prototype: Exception;
    new (exceptionTag: Tag, payload: readonly unknown[], options?: ExceptionOptions): Exception;
  };
  readonly Suspending: {
    readonly prototype: Suspending;
    new (jsFun: (...args: never[]) => unknown): Suspending;
  };
  readonly CompileError: ErrorClass;
  readonly LinkError: ErrorClass;
  readonly RuntimeError: ErrorClass;
  /** A `Suspending` import was called where nothing can wait for it. */
  readonly SuspendError: ErrorClass;
  /** The tag of JavaScript's exceptions. */
  readonly JSTag: Tag;
}
