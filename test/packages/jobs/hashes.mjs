// hash-wasm (C, modules of a few KiB): many functions over the same bytes, and slow ones for passwords.

import { createHash } from "node:crypto";
import { noise } from "./data.mjs";

const NAMES = [
  "adler32",
  "blake2b",
  "blake2s",
  "blake3",
  "crc32",
  "crc64",
  "keccak",
  "md4",
  "md5",
  "ripemd160",
  "sha1",
  "sha224",
  "sha256",
  "sha3",
  "sha384",
  "sha512",
  "sm3",
  "whirlpool",
  "xxhash32",
  "xxhash64",
  "xxhash3",
  "xxhash128",
];

export async function load() {
  const hashes = await import("hash-wasm");
  // Each function compiles its module when it is first called.
  for (const name of NAMES) await hashes[name]("");
  return hashes;
}

export async function job(hashes) {
  const bytes = noise(100_000);
  const digests = {};
  for (const name of NAMES) digests[name] = await hashes[name](bytes);
  const hasher = await hashes.createSHA256();
  hasher.init();
  for (let i = 0; i < bytes.length; i += 777) hasher.update(bytes.subarray(i, i + 777));
  const salt = noise(16);
  const slow = {
    argon2: await hashes.argon2id({
      password: "secret",
      salt,
      parallelism: 1,
      iterations: 2,
      memorySize: 64,
      hashLength: 32,
    }),
    bcrypt: await hashes.bcrypt({ password: "secret", salt, costFactor: 4 }),
    scrypt: await hashes.scrypt({
      password: "secret",
      salt,
      costFactor: 64,
      blockSize: 8,
      parallelism: 1,
      hashLength: 32,
    }),
  };
  // The host's own implementation agrees.
  const agrees = createHash("sha512").update(bytes).digest("hex") === digests.sha512;
  return { digests, streamed: hasher.digest(), slow, agrees };
}
