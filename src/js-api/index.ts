// `wasmeter/js-api`: the `WebAssembly` namespace of the JavaScript API specification on this engine
// (https://webassembly.github.io/spec/js-api/), as one ready-made namespace and as a maker of more.

/** The namespace, as `globalThis.WebAssembly` would be. */
export const WebAssembly: object = createNamespace();

/** A namespace of its own. */
export function createNamespace(): object {
  return {};
}
