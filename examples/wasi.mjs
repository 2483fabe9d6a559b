// Programs compiled for WASI, in a world that holds what they are granted and nothing else.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Exhaustion, Module, Store } from "wasmeter";
import { captureOutput, memoryFileSystem, wasi } from "wasmeter/wasi";
import { hostDirectory } from "wasmeter/wasi/node";

const fixture = (name) => new URL(`../fixtures/wasi/${name}`, import.meta.url);
const [kv, wc] = ["kv.wasm", "wc.wasm"].map((name) => Module.from(readFileSync(fixture(name))));

/** Runs a program: its exit code, and what it has written. */
function run(module, options) {
  const output = captureOutput({ limit: 1 << 16 });
  const world = wasi({ ...options, stdout: output, stderr: output });
  const store = new Store({ fuel: 50_000_000, limits: { memoryBytes: 16 << 20 } });
  const exitCode = world.run(store.instantiate(module, world.imports), { timeout: 5_000 });
  return `exit code ${exitCode}, ${JSON.stringify(output.text)}`;
}

// Nothing is granted: there is not even a directory to look into.
console.log(`nothing:  ${run(kv, { args: ["kv", "/db", "list"] })}`);

// A file system in memory. It outlives the programs, and can be written down as plain data.
const preopens = { "/db": memoryFileSystem({ bytes: 1 << 20 }) };
console.log(`set:      ${run(kv, { args: ["kv", "/db", "set", "colour", "green"], preopens })}`);
console.log(`get:      ${run(kv, { args: ["kv", "/db", "get", "colour"], preopens })}`);
const copy = memoryFileSystem({ snapshot: structuredClone(preopens["/db"].snapshot()) });
console.log(`snapshot: ${run(kv, { args: ["kv", "/db", "list"], preopens: { "/db": copy } })}`);

// A directory of the host, to look at only.
const here = { "/src": hostDirectory(new URL(".", fixture("")).pathname, { readOnly: true }) };
console.log(`read:     ${run(wc, { args: ["wc", "/src/wc.c"], preopens: here })}`);
console.log(`change:   ${run(kv, { args: ["kv", "/src", "set", "a", "b"], preopens: here })}`);
console.log(`leave:    ${run(wc, { args: ["wc", "/src/../../package.json"], preopens: here })}`);

// Input that takes its time: the guest is suspended, and the event loop goes on.
async function* slowly(text) {
  for (const line of text.split(/(?<=\n)/)) {
    await sleep(5);
    yield new TextEncoder().encode(line);
  }
}
const output = captureOutput();
const waiting = wasi({ args: ["wc"], stdin: slowly("one\ntwo words\n"), stdout: output });
await waiting.runAsync(new Store().instantiate(wc, waiting.imports));
console.log(`input:    ${output.text.trim()}`);

// Input that never comes.
const silence = { read: () => new Promise(() => {}) };
const forever = wasi({ args: ["wc"], stdin: silence });
try {
  await forever.runAsync(new Store().instantiate(wc, forever.imports), { timeout: 50 });
} catch (error) {
  if (!(error instanceof Exhaustion)) throw error;
  console.log(`stopped:  ${error.message}`);
}
