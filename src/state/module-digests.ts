// Modules by what they are: the SHA-256 of their bytes.

import { sha256 } from "@noble/hashes/sha2.js";
import type { ModuleRecord } from "../module/module.ts";

const known = new WeakMap<ModuleRecord, Uint8Array>();

/** The digest of a module's bytes; found out once, at some 6 ms for a megabyte. */
export function digestOf(module: ModuleRecord): Uint8Array {
  let digest = known.get(module);
  if (digest === undefined) {
    digest = sha256(module.bytes);
    known.set(module, digest);
  }
  return digest;
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
