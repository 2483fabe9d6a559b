// Two tenants in one process and one thread share its time fairly: each runs a slice in turn. One
// of them never ends; the other one gets its answer all the same. Each has its own account.
import { readFileSync } from "node:fs";
import { Module, Store } from "wasmeter";

const load = (name) => Module.from(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));

const SLICE = 10_000;
const good = new Store({ fuel: 2_000_000 });
const bad = new Store({ fuel: 2_000_000 });
const env = { progress() {} };
const tenants = [
  {
    name: "good",
    store: good,
    execution: good.instantiate(load("collatz.wasm"), { env }).func("longest").start(1000),
  },
  {
    name: "bad",
    store: bad,
    execution: bad.instantiate(load("greedy.wasm")).func("loop").start(),
  },
];

for (let queue = tenants; queue.length > 0; ) {
  const next = [];
  for (const tenant of queue) {
    const outcome = tenant.execution.run({ slice: SLICE });
    if (outcome.kind === "suspended" && outcome.reason === "slice") next.push(tenant);
    else tenant.end = outcome;
  }
  // When the first one is done, the other has had as much time, give or take a slice.
  if (queue.length === 2 && next.length === 1) {
    const [a, b] = tenants.map(({ execution }) => execution.usage.fuel);
    console.log(`fair: ${Math.abs(a - b) <= 2 * SLICE} (${a} and ${b} units)`);
  }
  queue = next;
}
for (const { end, name, store } of tenants) {
  const how = end.kind === "returned" ? `returned ${end.value}` : `${end.kind}: ${end.reason}`;
  console.log(`${name}: ${how}, ${store.fuel} units left`);
}
