// @chainsafe/as-sha256 (AssemblyScript with vectors): digests one by one, in parts, four at a time.

import { createHash } from "node:crypto";
import { noise } from "./data.mjs";

export function load() {
  return import("@chainsafe/as-sha256");
}

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const natively = (bytes) => createHash("sha256").update(bytes).digest("hex");

export function job({ simdEnabled, digest, digest64, batchHash4UintArray64s, hashInto, SHA256 }) {
  const bytes = noise(64 * 1024);
  const blocks = Array.from({ length: 1024 }, (_, i) => bytes.subarray(64 * i, 64 * i + 64));
  const four = [];
  for (let i = 0; i < blocks.length; i += 4) {
    four.push(...batchHash4UintArray64s(blocks.slice(i, i + 4)).map(hex));
  }
  const hasher = new SHA256().init();
  for (let i = 0; i < bytes.length; i += 448) hasher.update(bytes.subarray(i, i + 448));
  const tree = new Uint8Array(bytes.length / 2);
  hashInto(bytes, tree);
  return {
    simdEnabled,
    short: ["", "abc", "é".repeat(99)].map((text) => hex(digest(Buffer.from(text)))),
    all: hex(digest(bytes.subarray(0, 5000))),
    streamed: hex(hasher.final()) === natively(bytes),
    block: hex(digest64(blocks[0])),
    tree: natively(tree),
    four: four.every((digest, i) => digest === natively(blocks[i])),
  };
}
