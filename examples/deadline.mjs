// A deadline stops a guest that does not come back. The instance stays usable.
import { readFileSync } from "node:fs";
import { Exhaustion, Module, Store } from "wasmeter";

const module = Module.from(readFileSync(new URL("../fixtures/greedy.wasm", import.meta.url)));
const guest = new Store().instantiate(module);

const began = performance.now();
try {
  guest.func("loop").with({ timeout: 50 }).call();
} catch (error) {
  if (!(error instanceof Exhaustion)) throw error;
  const ms = performance.now() - began;
  console.log(`${error.message}`);
  console.log(`stopped after ${Math.round(ms)} ms, it had come to round ${guest.exports.rounds()}`);
}

// callAsync lets the event loop turn meanwhile, and can be aborted from there.
const controller = new AbortController();
setTimeout(() => controller.abort(), 20);
let turns = 0;
const timer = setInterval(() => turns++, 1);
try {
  await guest.func("loop").with({ signal: controller.signal }).callAsync();
} catch (error) {
  console.log(`${error.name} with the event loop ${turns > 0 ? "turning" : "blocked"}`);
}
clearInterval(timer);
