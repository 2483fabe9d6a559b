// Types of the namespace, for programs whose compiler has no declaration of it: the same as
// `typeof globalThis.WebAssembly` of the DOM's library, to which they can be assigned.

/** A value as JavaScript sees it: a number, a bigint, or what a reference refers to. */
export type WebAssemblyValue = unknown;

export type WebAssemblyNamespace = object;
