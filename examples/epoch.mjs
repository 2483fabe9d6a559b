// A guest keeps this thread busy for ever; another thread stops it by advancing the epoch.
import { readFileSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { Epoch, Exhaustion, Module, Store } from "wasmeter";

function guard() {
  const epoch = Epoch.from(workerData);
  setTimeout(() => epoch.advance(), 50);
}

async function main() {
  const epoch = new Epoch();
  const store = new Store({ epoch, epochDeadline: epoch.value + 1 });
  const module = Module.from(readFileSync(new URL("../fixtures/greedy.wasm", import.meta.url)));
  const guest = store.instantiate(module);

  const worker = new Worker(new URL(import.meta.url), { workerData: epoch.buffer });
  await new Promise((resolve) => worker.once("online", resolve));
  try {
    guest.exports.loop();
  } catch (error) {
    if (!(error instanceof Exhaustion)) throw error;
    console.log(`${error.kind}: ${error.message}`);
  }

  // The next call is allowed one more tick.
  store.epochDeadline = epoch.value + 1;
  console.log(`still there: ${guest.exports.rounds() > 0n}`);
}

if (isMainThread) await main();
else guard();
