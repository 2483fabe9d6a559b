// Promises that host functions return, and why a call sometimes cannot wait for one.

import type { FunctionInstance } from "../runtime/instances.ts";

/** Whether a host function's result has to be waited for. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as PromiseLike<unknown>).then === "function"
  );
}

/** The error of a promise where nothing can wait for it. */
export function promiseError(
  callee: FunctionInstance,
  beneath: FunctionInstance | null,
): TypeError {
  const name = callee.name || "a host function";
  const why =
    beneath === null
      ? "the call is synchronous; use callAsync or start"
      : `the host function ${beneath.name || "beneath"} made the call and cannot be suspended`;
  return new TypeError(`${name} returned a promise, but ${why}`);
}
