// What does a module want, and what does it offer? Nothing of it is run.
import { readFileSync } from "node:fs";
import { Module } from "wasmeter";

const file = process.argv[2] ?? new URL("../fixtures/collatz.wasm", import.meta.url);
const module = Module.from(readFileSync(file));

const signature = ({ params = [], results = [] }) => `(${params}) -> (${results})`;
for (const item of module.imports) {
  const type = item.kind === "func" ? signature(item) : "";
  console.log(`import  ${item.kind} ${item.module}.${item.name} ${type}`.trimEnd());
}
for (const item of module.exports) {
  const type = item.kind === "func" ? signature(item) : "";
  console.log(`export  ${item.kind} ${item.name} ${type}`.trimEnd());
}
