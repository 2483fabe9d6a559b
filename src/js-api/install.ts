// The namespace as the global, in place of a native one or where there is none.

import { WebAssembly } from "./index.ts";

/** Replaces `globalThis.WebAssembly`. */
export function installGlobal(): void {
  Object.defineProperty(globalThis, "WebAssembly", {
    value: WebAssembly,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
