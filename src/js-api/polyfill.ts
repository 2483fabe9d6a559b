// `wasmeter/polyfill`: installs the namespace as the global, in place of a native one or where
// there is none: `node --import wasmeter/polyfill app.mjs`.

import { WebAssembly } from "./index.ts";

Object.defineProperty(globalThis, "WebAssembly", {
  value: WebAssembly,
  writable: true,
  enumerable: false,
  configurable: true,
});
