// wa-sqlite (Emscripten): SQLite over a file system whose functions are all asynchronous, with
// asynchronous functions of the user's. The build for JavaScript Promise Integration where there is
// that, and otherwise the one that Asyncify has rewritten: the same results.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { randomNumbers, sha256 } from "./data.mjs";

const build = "Suspending" in WebAssembly ? "jspi" : "async";

export async function load() {
  const path = `@journeyapps/wa-sqlite/dist/wa-sqlite-${build}`;
  const { default: factory } = await import(`${path}.mjs`);
  const { Factory } = await import("@journeyapps/wa-sqlite");
  const { MemoryAsyncVFS } = await import("@journeyapps/wa-sqlite/src/examples/MemoryAsyncVFS.js");
  const wasmBinary = readFileSync(fileURLToPath(import.meta.resolve(`${path}.wasm`)));
  const module = await factory({ wasmBinary });
  const sqlite = Factory(module);
  const files = new MemoryAsyncVFS("files", module);
  await files.isReady();
  sqlite.vfs_register(files, true);
  return { sqlite, files };
}

async function rows(sqlite, db, sql) {
  const found = [];
  await sqlite.exec(db, sql, (row) => found.push(row));
  return found;
}

async function fill(sqlite, db) {
  const next = randomNumbers(7);
  const values = Array.from({ length: 300 }, (_, i) => `(${i}, 'city ${next() % 1000}')`);
  await sqlite.exec(db, "CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT)");
  await sqlite.exec(db, `INSERT INTO city VALUES ${values.join()}`);
  await sqlite.exec(db, "CREATE INDEX by_name ON city (name)");
}

const failure = (promise) => promise.catch(String);

async function use(sqlite, name) {
  const db = await sqlite.open_v2(name);
  const flags = 1; // SQLITE_UTF8
  sqlite.create_function(db, "later", 1, flags, 0, async (context, [value]) => {
    const text = sqlite.value_text(value);
    await new Promise((resolve) => setTimeout(resolve, 1));
    sqlite.result(context, `${text}!`);
  });
  await fill(sqlite, db);
  const results = [
    await rows(sqlite, db, "SELECT count(*), max(name) FROM city"),
    await rows(sqlite, db, "SELECT later(name) FROM city WHERE id < 20 ORDER BY name"),
    await rows(sqlite, db, "PRAGMA integrity_check"),
    await failure(rows(sqlite, db, "SELECT nonsense")),
    await failure(rows(sqlite, db, "INSERT INTO city (id) VALUES (1)")),
  ];
  await sqlite.close(db);
  return results;
}

export async function job({ sqlite, files }) {
  files.mapNameToFile.clear();
  const results = [await use(sqlite, "one.db"), await use(sqlite, "two.db")];
  const contents = [...files.mapNameToFile].map(([name, { data, size }]) => {
    return [name, sha256(new Uint8Array(data, 0, size))];
  });
  return { results, contents };
}
