// The host's objects that compiled code is made of, out of everybody's reach: who had them could
// change a guest's budget. V8 shows the instance of a frame to `Error.prepareStackTrace`, and glue
// code may replace what the host's classes have.

import { hostNamespace } from "../runtime/host-memory.ts";

/** A table of the host's. */
export interface HostTable {
  readonly length: number;
  grow(delta: number): number;
}

type Exports = Readonly<Record<string, unknown>>;

function descriptorOf(Class: { readonly prototype: object } | undefined, name: string) {
  return Class && Object.getOwnPropertyDescriptor(Class.prototype, name);
}

const exportsOf = descriptorOf(hostNamespace?.Instance, "exports")?.get;
const value = descriptorOf(hostNamespace?.Global, "value");
/** What globals have of their class, which are all that is exported besides functions. */
const GLOBAL: object = Object.freeze(Object.create(null, value ? { value } : {}));

/** And what we use of tables. */
const TABLE: object = Object.freeze(Object.create(null, { ...kept("length"), ...kept("grow") }));

function kept(name: string): PropertyDescriptorMap {
  const found = descriptorOf(hostNamespace?.Table, name);
  return found === undefined ? {} : { [name]: found };
}

/** A table of functions that nobody can use. */
export function hiddenTable(initial: number): HostTable {
  if (hostNamespace === undefined) throw new Error("the host has no WebAssembly");
  const table = new hostNamespace.Table({ element: "anyfunc", initial });
  Reflect.setPrototypeOf(table, TABLE);
  return table as HostTable;
}

/**
 * Makes an instance of a host module that nobody can use; its exports.
 * @throws what the host throws
 */
export function instantiateHidden(module: object, imports: object): Exports {
  if (hostNamespace === undefined) throw new Error("the host has no WebAssembly");
  const instance = new hostNamespace.Instance(module, imports);
  const exports: Exports = Reflect.apply(exportsOf as () => Exports, instance, []);
  Reflect.setPrototypeOf(instance, null);
  for (const name in exports) {
    const item = exports[name];
    if (typeof item === "object" && item !== null) Reflect.setPrototypeOf(item, GLOBAL);
  }
  return exports;
}
