// Makes V8's code cache of the library, as tools/node-bundle.mjs asks for it:
// `node code-cache.mjs SCRIPT FILENAME CACHE NAMES`. It holds what has been compiled when it is made,
// so the library first does what programs begin with; what more there were in it would have to be
// read by everyone.

import { readFileSync, writeFileSync } from "node:fs";
import { Script } from "node:vm";

const [, , path, filename, cache, names] = process.argv;
const { Module, Store } = JSON.parse(names);

const script = new Script(readFileSync(path, "latin1"), { filename });
const library = script.runInThisContext();

const bytes = readFileSync(new URL("../fixtures/collatz.wasm", import.meta.url));
const guest = new library[Store]({
  fuel: 1_000_000,
  limits: { memoryBytes: 1 << 20 },
}).instantiate(library[Module].from(bytes), { env: { progress() {} } });
const found = [guest.exports.longest(10), guest.func("longest").call(10)];
if (found.some(([start]) => start !== 9)) throw new Error("the library does not work");

writeFileSync(cache, script.createCachedData());
