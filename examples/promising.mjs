// JavaScript Promise Integration, in a namespace with fuel and on every Node: a guest waits for
// imports that are `Suspending` objects, and its exports become functions that give promises.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { controlsOf, createNamespace } from "wasmeter/js-api";

const WebAssembly = createNamespace({ fuel: 1_000 });
const controls = controlsOf(WebAssembly);
const fetch = new WebAssembly.Suspending(async (key) => {
  await sleep(1);
  return BigInt(key) * 100n;
});
const bytes = readFileSync(new URL("../fixtures/adder.wasm", import.meta.url));
const { instance } = await WebAssembly.instantiate(bytes, { host: { fetch } });
const total = WebAssembly.promising(instance.exports.total);

// They wait at the same time, and pay from one account.
console.log(`totals: ${await Promise.all([total(3), total(4)])}, ${controls.fuel} units left`);

// What is called as it is cannot wait; what costs too much ends, wherever it has come to.
for (const call of [() => instance.exports.total(1), () => total(1_000)]) {
  try {
    await call();
  } catch (error) {
    console.log(`${error.name}: ${error.message}`);
  }
}
