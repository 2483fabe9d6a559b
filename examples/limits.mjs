// What a guest can take is limited by its store: memory, table elements, stack, … Growth
// beyond a limit fails as WebAssembly says, the rest is a named error, and the store goes on.
import { readFileSync } from "node:fs";
import { Exhaustion, Module, Store } from "wasmeter";

const module = Module.from(readFileSync(new URL("../fixtures/greedy.wasm", import.meta.url)));
const limits = { memoryBytes: 1 << 20, tableElements: 100, callDepth: 1000 };
const store = new Store({ limits });
const guest = store.instantiate(module);

console.log(
  `memory: ${guest.exports.allocate()} pages of 64 KiB are 1 MiB, then memory.grow is -1`,
);
console.log(`table: ${guest.exports.fill()} elements, then table.grow is -1`);

function refused(action) {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Exhaustion)) throw error;
    return `${error.kind}: ${error.message}`;
  }
  return "allowed";
}

console.log(refused(() => guest.exports.recurse(0)));
console.log(refused(() => store.instantiate(module)));
console.log(`the guest still answers: ${guest.exports.rounds()} rounds`);
