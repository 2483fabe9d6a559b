// blake3-wasm (wasm-bindgen): hashes, keyed hashes, derived keys, output of any length.

import { noise } from "./data.mjs";

export async function load() {
  const { default: blake3 } = await import("blake3-wasm");
  return blake3;
}

export function job(blake3) {
  const bytes = Buffer.from(noise(300_000));
  const hasher = blake3.createHash();
  for (let i = 0; i < bytes.length; i += 4097) hasher.update(bytes.subarray(i, i + 4097));
  return {
    empty: blake3.hash("").toString("hex"),
    all: blake3.hash(bytes).toString("hex"),
    long: blake3.hash(bytes, { length: 200 }).toString("hex"),
    keyed: blake3.keyedHash(Buffer.from(noise(32)), bytes).toString("hex"),
    derived: blake3.deriveKey("wasmeter 2024", bytes.subarray(0, 99)).toString("hex"),
    streamed: hasher.digest("hex"),
  };
}
