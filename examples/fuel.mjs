// Fuel counts executed instructions: the same program costs the same on every machine, and what
// cannot be paid is not executed.
import { readFileSync } from "node:fs";
import { Exhaustion, Module, Store } from "wasmeter";

const module = Module.from(readFileSync(new URL("../fixtures/collatz.wasm", import.meta.url)));
const env = { progress() {} };

// How much does it cost? Without fuel nothing is limited, but everything is counted.
const free = new Store();
const [start, length] = free.instantiate(module, { env }).exports.longest(1000);
const price = free.lastUsage.fuel;
console.log(`the longest chain below 1000 starts at ${start} and has ${length} steps`);
console.log(`that costs ${price} units`);

// One unit less is not enough, and exactly this much is.
const store = new Store({ fuel: price - 1 });
const { exports } = store.instantiate(module, { env });
try {
  exports.longest(1000);
} catch (error) {
  if (!(error instanceof Exhaustion)) throw error;
  console.log(`${error.kind}: ${error.message}`);
}
store.fuel = price;
console.log(`refuelled: ${exports.longest(1000)}, ${store.fuel} units left`);
