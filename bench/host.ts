// The host's own WebAssembly as far as benchmarks use it: the language version we compile for does
// not declare it.

/** A function that an instance of the host exports or imports. */
export type HostFunction = (...args: readonly (number | bigint)[]) => unknown;

/** Imports by module and name, as the host takes them. */
export type HostImports = Readonly<Record<string, Readonly<Record<string, HostFunction>>>>;

/** An instance of the host's. */
interface HostInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface Host {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: HostImports) => HostInstance;
  validate(bytes: Uint8Array): boolean;
}

const { WebAssembly: host } = globalThis as unknown as { readonly WebAssembly: Host };

/** Whether the host accepts the module. */
export function hostAccepts(bytes: Uint8Array): boolean {
  return host.validate(bytes);
}

/** The host's module of these bytes, whose functions it compiles when they are called. */
export function compileOnHost(bytes: Uint8Array): object {
  return new host.Module(bytes);
}

/** An instance of the module, run by the host. */
export function hostInstance(bytes: Uint8Array, imports?: HostImports): HostInstance {
  return new host.Instance(compileOnHost(bytes), imports);
}

/** The function that the module exports under `name`, run by the host. */
export function hostExport(bytes: Uint8Array, name: string, imports?: HostImports): HostFunction {
  const exported = hostInstance(bytes, imports).exports[name];
  if (typeof exported === "function") return exported as HostFunction;
  throw new Error(`the module exports no function "${name}"`);
}
