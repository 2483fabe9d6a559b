// The host's objects that compiled code is made of, out of everybody's reach: who had them could
// change a guest's budget. V8 shows the instance of a frame to `Error.prepareStackTrace`, so those
// export nothing: what is used of them lies in tables that they import. Glue code may replace what
// the host's classes have, so tables have copies of their methods.

import { hostNamespace } from "../runtime/host-memory.ts";

/** A table of the host's. */
export interface HostTable {
  readonly length: number;
  grow(delta: number): number;
  /** The function at an index; null: there is none. */
  get(index: number): HostFunction | null;
}

/** A function of a host module, or one that it calls. */
export type HostFunction = (...values: readonly unknown[]) => unknown;

/** What we use of tables. */
const TABLE: object = Object.freeze(
  Object.create(null, { ...kept("length"), ...kept("grow"), ...kept("get") }),
);

function kept(name: string): PropertyDescriptorMap {
  const Table = hostNamespace?.Table;
  const found = Table && Object.getOwnPropertyDescriptor(Table.prototype, name);
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
 * Makes an instance of a host module, which exports nothing.
 * @throws what the host throws
 */
export function instantiateHidden(module: object, imports: object): void {
  if (hostNamespace === undefined) throw new Error("the host has no WebAssembly");
  new hostNamespace.Instance(module, imports);
}
