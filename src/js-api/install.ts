// The namespace as the global, in place of a native one or where there is none.

import { hostNamespace } from "../runtime/host-memory.ts";
import { WebAssembly } from "./index.ts";

/**
 * Replaces `globalThis.WebAssembly`. A shared memory that another worker has sent is one of the
 * host's: it is `instanceof` ours as well.
 */
export function installGlobal(): void {
  const { prototype } = WebAssembly.Memory as { readonly prototype: object };
  if (hostNamespace?.Memory !== undefined) {
    Reflect.setPrototypeOf(hostNamespace.Memory.prototype, prototype);
  }
  Object.defineProperty(globalThis, "WebAssembly", {
    value: WebAssembly,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
