// Promises that host functions return, and why a call sometimes cannot wait for one.

import type { FunctionInstance } from "./instances.ts";

/** What a host function's promise has given. */
export type Settled = { readonly value: unknown } | { readonly error: unknown };

/** Whether a host function's result has to be waited for. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as PromiseLike<unknown>).then === "function"
  );
}

/**
 * A promise of the host's own that settles as `thenable` does: whatever its `then` does (throws,
 * calls back at once or twice) has one outcome, and that not before the next microtask.
 */
export function promiseOf<T>(thenable: PromiseLike<T>): Promise<T> {
  // Promise.resolve would ask a promise for its constructor.
  return new Promise((resolve) => {
    resolve(thenable);
  });
}

/**
 * The error of a promise where nothing can wait for it. What becomes of the promise is nobody's
 * business then: that it is rejected must not end the process.
 */
export function promiseError(
  promise: PromiseLike<unknown>,
  callee: FunctionInstance,
  beneath: FunctionInstance | null,
): TypeError {
  promiseOf(promise).catch(() => {});
  const name = callee.name || "a host function";
  const why =
    beneath === null
      ? "the call is synchronous; use callAsync, start or instantiateAsync"
      : `the host function ${beneath.name || "beneath"} made the call and cannot be suspended`;
  return new TypeError(`${name} returned a promise, but ${why}`);
}
