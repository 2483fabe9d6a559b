// sql.js (Emscripten): tables, queries, functions of the user's, an exported database.

import { failure, randomNumbers, sha256 } from "./data.mjs";

export async function load() {
  const { default: initSqlJs } = await import("sql.js");
  return initSqlJs();
}

function fill(db) {
  const next = randomNumbers(5);
  db.run("CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT, size REAL, doc TEXT)");
  db.run("CREATE TABLE road (a INTEGER, b INTEGER, km INTEGER)");
  db.run("BEGIN");
  const city = db.prepare("INSERT INTO city VALUES (?, ?, ?, ?)");
  for (let i = 0; i < 300; i++) {
    city.run([
      i,
      `city ${next() % 1000}`,
      (next() % 9999) / 7,
      JSON.stringify({ n: i, k: [i % 5] }),
    ]);
  }
  city.free();
  const road = db.prepare("INSERT INTO road VALUES ($a, $b, $km)");
  for (let i = 0; i < 600; i++) {
    road.run({ $a: next() % 300, $b: next() % 300, $km: next() % 500 });
  }
  road.free();
  db.run("COMMIT; CREATE INDEX by_a ON road (a)");
}

const QUERIES = [
  "SELECT count(*), round(avg(size), 6), max(name) FROM city",
  "SELECT name, sum(km) OVER (ORDER BY road.rowid) FROM road JOIN city ON a = id LIMIT 20",
  `WITH RECURSIVE reach (id, depth) AS (SELECT 0, 0 UNION SELECT b, depth + 1 FROM road, reach
   WHERE a = id AND depth < 6) SELECT depth, count(DISTINCT id) FROM reach GROUP BY depth`,
  "SELECT doc ->> '$.k[0]' AS k, group_concat(id, '|') FROM city WHERE id < 40 GROUP BY k",
  "SELECT twice(name), twice(size) FROM city WHERE id % 50 = 1",
  "SELECT spread(km) FROM road GROUP BY a % 3",
  "SELECT hex(randomless(id)) FROM city WHERE id < 3",
  "SELECT printf('%.12g %s', 1e300 * size, quote(name)) FROM city WHERE name LIKE '%9_' LIMIT 9",
];

export function job(SQL) {
  const db = new SQL.Database();
  fill(db);
  db.create_function("twice", (x) => (typeof x === "number" ? 2 * x : `${x}${x}`));
  db.create_function("randomless", (id) => new Uint8Array([id, 255, 0]));
  db.create_aggregate("spread", {
    init: () => [],
    step: (state, value) => [...state, value],
    finalize: (state) => Math.max(...state) - Math.min(...state),
  });
  db.create_function("fails", () => {
    throw new Error("of no use");
  });
  const results = QUERIES.map((query) => db.exec(query));
  const errors = ["SELECT fails(1)", "SELECT nonsense", "INSERT INTO city (id) VALUES (1)"].map(
    (query) => failure(() => db.exec(query)),
  );
  const file = db.export();
  const again = new SQL.Database(file);
  const check = again.exec("PRAGMA integrity_check; SELECT sum(km) FROM road");
  return { results, errors, bytes: file.length, file: sha256(file), check };
}
