// `wasmeter/polyfill` with a tier, for `node --import "URL?package=PACKAGE&tier=TIER"`: PACKAGE is
// the URL of what is imported as `wasmeter/js-api`.

const { searchParams } = new URL(import.meta.url);
const { createNamespace } = await import(searchParams.get("package"));
Object.defineProperty(globalThis, "WebAssembly", {
  value: createNamespace({ tier: searchParams.get("tier") }),
  writable: true,
  enumerable: false,
  configurable: true,
});
