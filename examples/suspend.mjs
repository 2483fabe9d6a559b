// A call that is driven by hand: suspended at its first instruction, run in slices, out of fuel,
// refuelled, finished. Slices change neither the answer nor the bill.
import { readFileSync } from "node:fs";
import { Module, Store } from "wasmeter";

const module = Module.from(readFileSync(new URL("../fixtures/collatz.wasm", import.meta.url)));
const env = { progress() {} };

const whole = new Store();
const answer = whole.instantiate(module, { env }).exports.longest(300);

const store = new Store({ fuel: 100_000 });
const execution = store.instantiate(module, { env }).func("longest").start(300);
let pauses = 0;
let outcome = execution.run({ slice: 5_000 });
while (outcome.kind === "suspended") {
  pauses++;
  if (outcome.reason === "fuel") {
    console.log(
      `out of fuel after ${execution.usage.fuel} units: ${store.fuel} more are not enough`,
    );
    store.fuel = 1_000_000;
  }
  outcome = execution.run({ slice: 5_000 });
}

console.log(`${outcome.kind} ${outcome.value} after ${pauses} pauses; at once: ${answer}`);
const same = execution.usage.fuel === whole.lastUsage.fuel;
console.log(`${execution.usage.fuel} units, ${same ? "the same" : "not the same"} as at once`);
