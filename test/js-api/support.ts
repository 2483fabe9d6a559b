// The namespace beside the host's own: the same scenario on both must come out the same. The host
// is the oracle wherever it has an opinion.

import { expect } from "vitest";
import {
  type ExportedFunction,
  type Instance,
  WebAssembly as Ours,
  type WebAssemblyNamespace,
} from "../../src/js-api/index.ts";
import { assemble } from "../validation/assemble.ts";

export { assemble };

/** The host's own namespace. The compiler's libraries for Node do not declare it. */
export const Host = (globalThis as unknown as { WebAssembly: WebAssemblyNamespace }).WebAssembly;

/** An instance of a module in the text format. */
export function instanceOf(
  text: string,
  imports: object = {},
  namespace: WebAssemblyNamespace = Ours,
): Instance {
  return new namespace.Instance(new namespace.Module(assemble(text)), imports);
}

/** An export of an instance as a function. */
export function func(instance: Instance, name: string): ExportedFunction {
  return instance.exports[name] as ExportedFunction;
}

/** What an action gives, or the class and message of what it throws. */
export function outcomeOf(action: () => unknown): unknown {
  try {
    return { value: action() };
  } catch (error) {
    if (!(error instanceof Error)) return { thrown: error };
    return { error: error.constructor.name, name: error.name, message: error.message };
  }
}

/** Runs a scenario on both namespaces, compares what comes out, and gives that. */
export function onBoth(scenario: (namespace: WebAssemblyNamespace) => unknown): unknown {
  const expected = outcomeOf(() => scenario(Host));
  expect(outcomeOf(() => scenario(Ours))).toEqual(expected);
  return expected;
}

/** The error that an action throws. */
export function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

/** What a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
