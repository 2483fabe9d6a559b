// brotli-wasm (wasm-bindgen, Rust): text packed in several qualities, and a stream. Node's own zlib
// unpacks what was packed here, and the other way round.

import { createRequire } from "node:module";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { prose, sha256 } from "./data.mjs";

export function load() {
  // What it offers to `import` fetches its module from a server.
  return createRequire(import.meta.url)("brotli-wasm");
}

export function job(brotli) {
  const text = Buffer.from(prose(3_000));
  const packed = [1, 5, 9].map((quality) => brotli.compress(text, { quality }));
  const foreign = brotliCompressSync(text);
  const stream = new brotli.DecompressStream();
  const { buf, code } = stream.decompress(packed[2], text.length + 1);
  let refused = "";
  try {
    brotli.decompress(new Uint8Array([1, 2, 3, 4, 5, 6]));
  } catch (error) {
    refused = String(error);
  }
  return {
    sizes: packed.map((bytes) => bytes.length),
    digests: packed.map(sha256),
    unpacked: packed.map((bytes) => Buffer.compare(brotliDecompressSync(bytes), text)),
    foreign: Buffer.compare(Buffer.from(brotli.decompress(foreign)), text),
    streamed: [Buffer.compare(Buffer.from(buf), text), code],
    refused,
  };
}
