// Measures the first decode of a module in a fresh process. Plain JavaScript, so that nothing is
// between Node and the built package: `node cold.mjs <url of dist/> <file> <peer>` prints JSON with
// the seconds of wall-clock time to load the code and of CPU time to decode the module once.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [, , dist, file, peer] = process.argv;
const bytes = new Uint8Array(readFileSync(file));

async function loadPeer() {
  if (peer === "v8") return () => WebAssembly.validate(bytes);
  if (peer === "wasmeter") {
    const { Module } = await import(new URL("api/index.js", dist).href);
    return () => Module.from(bytes) !== null;
  }
  const { BinaryReader } = createRequire(import.meta.url)("wasmparser");
  return () => {
    const reader = new BinaryReader();
    reader.setData(bytes.buffer, 0, bytes.length);
    while (reader.read()) {}
    return reader.error === null;
  };
}

const started = performance.now();
const decode = await loadPeer();
const load = (performance.now() - started) / 1e3;
const before = process.cpuUsage();
const valid = decode();
const { user, system } = process.cpuUsage(before);
if (!valid) throw new Error(`${peer} refuses ${file}`);
console.log(JSON.stringify({ load, decode: (user + system) / 1e6 }));
