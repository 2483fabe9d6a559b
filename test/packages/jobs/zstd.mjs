// @bokuweb/zstd-wasm (Emscripten): packs and unpacks at several levels, with a dictionary.

import { noise, prose, sha256 } from "./data.mjs";

export async function load() {
  const { default: zstd } = await import("@bokuweb/zstd-wasm");
  await zstd.init();
  return zstd;
}

export function job(zstd) {
  const text = Buffer.from(prose(8_000));
  const dictionary = Buffer.from(prose(400, 8));
  const packed = [1, 3, 9, 15].map((level) => zstd.compress(text, level));
  const context = zstd.createCCtx();
  const small = zstd.compressUsingDict(context, text.subarray(0, 500), dictionary, 3);
  const opening = zstd.decompressUsingDict(zstd.createDCtx(), small, dictionary);
  let refused = "";
  try {
    zstd.decompress(noise(64));
  } catch (error) {
    refused = String(error);
  }
  return {
    sizes: packed.map((bytes) => bytes.length),
    digests: packed.map(sha256),
    unpacked: packed.map((bytes) => Buffer.compare(Buffer.from(zstd.decompress(bytes)), text)),
    dictionary: [small.length, Buffer.from(opening).toString() === text.toString("utf8", 0, 500)],
    refused,
  };
}
