// Four workers, each with a store of its own, and one memory: what one writes all see, one waits for
// the others, and each is metered and stopped by itself.
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Exhaustion, Memory, Module, Store } from "wasmeter";

const WORKERS = 4;
const LIMIT = 20_000;

const bytes = readFileSync(new URL("../fixtures/primes.wasm", import.meta.url));

function guestOf(store, memory) {
  return store.instantiate(Module.from(bytes), { env: { memory } });
}

function work() {
  const store = new Store({ fuel: 50_000_000 });
  const guest = guestOf(store, Memory.from(store, workerData));
  parentPort.postMessage({ taken: guest.exports.work(LIMIT), fuel: 50_000_000 - store.fuel });
}

async function main() {
  const store = new Store();
  const memory = new Memory(store, { min: 1, max: 1, shared: true });
  const guest = guestOf(store, memory);
  const primes = guest.func("primes");

  // Nobody works yet. A guest that waits is found by its deadline, like one that computes.
  try {
    primes.with({ timeout: 20 }).call(WORKERS);
  } catch (error) {
    if (!(error instanceof Exhaustion)) throw error;
    console.log(`${error.kind}: ${error.message}`);
  }

  const reports = Array.from({ length: WORKERS }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: memory.share() });
    return new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject));
  });
  // It waits without blocking this thread.
  console.log(`${await primes.callAsync(WORKERS)} primes below ${LIMIT}`);

  const all = await Promise.all(reports);
  const [taken, fuel] = ["taken", "fuel"].map((name) => all.reduce((sum, r) => sum + r[name], 0));
  console.log(`${WORKERS} workers took ${taken} numbers and ${fuel} units of fuel`);
}

if (isMainThread) await main();
else work();
