// Host functions that return promises. The guest knows nothing of it: it is suspended while it
// waits, and other guests run meanwhile.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Module, Store } from "wasmeter";

const module = Module.from(readFileSync(new URL("../fixtures/adder.wasm", import.meta.url)));
const waiting = { now: 0, most: 0 };

async function fetch(key) {
  waiting.now++;
  waiting.most = Math.max(waiting.most, waiting.now);
  await sleep(5);
  waiting.now--;
  return BigInt(key) * 100n;
}

const guests = [3, 4, 5].map((count) => {
  return new Store().instantiate(module, { host: { fetch } }).func("total").callAsync(count);
});
console.log(`totals: ${await Promise.all(guests)}`);
console.log(`guests that waited at the same time: ${waiting.most}`);

// What is called synchronously cannot wait, and says so.
try {
  new Store().instantiate(module, { host: { fetch: async () => 1n } }).exports.total(1);
} catch (error) {
  console.log(`${error.name}: ${error.message}`);
}
