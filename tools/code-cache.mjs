// Makes V8's code cache of the library: `node code-cache.mjs SCRIPT CACHE`. It holds what has been
// compiled when it is made, so the library first does what programs begin with; what more there
// were in it would have to be read by everyone.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

const [, , filename, cache] = process.argv;

const script = new Script(readFileSync(filename, "latin1"), { filename });
const library = script.runInThisContext()();
/** What programs import, by the names that only the entry point knows the library's by. */
const entry = readFileSync(new URL("../portable/index.js", pathToFileURL(filename)), "utf8");
const named = (name) => library[new RegExp(`[{,]([^{},]+) as ${name}[,}]`).exec(entry)[1]];
const [Module, Store] = [named("Module"), named("Store")];

const bytes = readFileSync(new URL("../fixtures/collatz.wasm", import.meta.url));
const module = Module.from(bytes);
const store = new Store({ fuel: 1_000_000, limits: { memoryBytes: 1 << 20 } });
const guest = store.instantiate(module, { env: { progress() {} } });
const found = [guest.exports.longest(10), guest.func("longest").call(10)];
if (found.some(([start]) => start !== 9)) throw new Error("the library does not work");

writeFileSync(cache, script.createCachedData());
