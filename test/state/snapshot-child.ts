// Goes on with a snapshot that another process has written: `node --import tsx snapshot-child.ts
// DIRECTORY`, in which there are `module.wasm` and `snapshot`. Prints how it ends.

import { readFileSync } from "node:fs";
import { Module, Store } from "../../src/api/index.ts";

const [directory] = process.argv.slice(2);
const module = Module.from(readFileSync(`${directory}/module.wasm`));
const { executions, store } = Store.restore(readFileSync(`${directory}/snapshot`), {
  modules: [module],
});
const outcome = executions.run.run();
const value = outcome.kind === "returned" ? String(outcome.value) : outcome.kind;
console.log(JSON.stringify({ value, fuel: store.fuel, usage: executions.run.usage }));
