// The host's objects that compiled code is made of, out of everybody's reach: who had them could
// change a guest's budget. V8 shows the instance of a frame to `Error.prepareStackTrace`, so those
// export nothing: what is used of them lies in tables that they import. Glue code may replace what
// the host's classes have, so tables have copies of their methods, and classes are those that there
// were when the package was loaded, if they were the host's own then.

import { hostNamespace } from "../runtime/host-memory.ts";
import { LeftOut } from "./left-out.ts";

type Engine = NonNullable<typeof hostNamespace>;

/** Whether all that gets our objects is the host's: a stand-in would see what we hide. */
function isGenuine({ Instance, Module, RuntimeError, Table, compile, validate }: Engine): boolean {
  const used = { Instance, Module, RuntimeError, Table, compile, validate };
  return Object.entries(used).every(([name, item]) => {
    const text = Reflect.apply(Function.prototype.toString, item, []);
    return new RegExp(`^function ${name}\\(\\) \\{\\s*\\[native code\\]\\s*\\}$`).test(text);
  });
}

function missing(): string | null {
  if (hostNamespace === undefined) return "the host has no WebAssembly";
  return isGenuine(hostNamespace) ? null : "the host's WebAssembly is not its own";
}

/** Why the host executes nothing, whatever it is; null: it does. */
export const hostMissing: string | null = missing();

/** @throws LeftOut if there is none */
function engine(): Engine {
  if (hostMissing !== null) throw new LeftOut(hostMissing);
  return hostNamespace as Engine;
}

/** Whether the host takes a module. */
export function validates(bytes: Uint8Array<ArrayBuffer>): boolean {
  return hostMissing === null && engine().validate(bytes);
}

/** @throws LeftOut with what the host says against it */
export function compileAtOnce(bytes: Uint8Array): object {
  const { Module } = engine();
  try {
    return new Module(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    throw refusal(error);
  }
}

/** The same by the way. */
export function compileMeanwhile(bytes: Uint8Array): Promise<object> {
  return engine()
    .compile(bytes as Uint8Array<ArrayBuffer>)
    .catch((error) => {
      throw refusal(error);
    });
}

function refusal(error: unknown): LeftOut {
  return new LeftOut(`the host refuses it: ${(error as Error).message}`);
}

/** Whether the host's engine has raised an error for what a guest does. */
export function isTrap(error: unknown): boolean {
  return hostMissing === null && error instanceof engine().RuntimeError;
}

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
  const { Table } = engine();
  const table = new Table({ element: "anyfunc", initial });
  Reflect.setPrototypeOf(table, TABLE);
  return table as HostTable;
}

/**
 * Makes an instance of a host module, which exports nothing.
 * @throws what the host throws
 */
export function instantiateHidden(module: object, imports: object): void {
  const { Instance } = engine();
  new Instance(module, imports);
}
