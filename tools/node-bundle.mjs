// What Node gets instead of dist/portable: the same files in dist/bundle, with the library as a script
// that V8's code cache comes with. V8 then neither reads the library's text nor compiles what a
// first result needs, which is most of a start (docs/rationale.md, "What a start costs"). The cache
// fits the very build of Node that makes it; another one, or one with other options for V8, refuses
// it and compiles. `node tools/node-bundle.mjs --add` adds the cache of the Node that runs it.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

/** The chunk that becomes a script, the script, and what loads it. */
const CHUNK = "chunk-library.js";
const SCRIPT = "library.js";
const LOADER = "library.cjs";
/** What ends the chunk: its exports, as [local, exported] names. */
const EXPORTS = /export\{([^{}]*)\};?\s*$/;

/** The chunk as the text of an expression: a function that gives all that the chunk exports. */
function scriptOf(chunk) {
  const [clause, list] = EXPORTS.exec(chunk) ?? [];
  if (list === undefined || /^import\b/.test(chunk)) {
    throw new Error(`${CHUNK} must import nothing and end with its exports`);
  }
  const names = list.split(",").map((item) => item.split(" as "));
  const values = names.map(([local, exported = local]) => `${exported}:${local}`);
  const text = `(function(){"use strict";${chunk.slice(0, -clause.length)}return{${values}}})`;
  // One byte for each character: the bytes need no decoding. In literals, where alone there are
  // others, an escape means the same.
  const script = text.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return { script, exported: names.map(([local, exported = local]) => exported) };
}

/** Names that the entry point takes from the chunk, as [chunk's, exported] names. */
function namesOf(entry) {
  const [, list] = /^export\{([^{}]*)\}from"\.\/chunk-library\.js";?\s*$/.exec(entry) ?? [];
  if (list === undefined) throw new Error("the entry point must do nothing but export");
  return list.split(",").map((item) => item.split(" as "));
}

/**
 * What runs the script: once, whoever asks first, since Node keeps what was required. The files go
 * through one buffer, since memory that is touched for the first time is slow.
 */
function loaderOf({ length }, tag) {
  return `// Runs ${SCRIPT} with V8's code cache, if there is one for this Node.
"use strict";
const { closeSync, fstatSync, openSync, readSync } = require("node:fs");
const { Script } = require("node:vm");

const filename = \`\${__dirname}/${SCRIPT}\`;
let cache;
try {
  cache = openSync(\`\${filename}.${tag}-\${process.version}-\${process.arch}.cache\`);
} catch {}
const size = cache === undefined ? 0 : fstatSync(cache).size;
const buffer = Buffer.allocUnsafeSlow(Math.max(size, ${length}));

function read(file, bytes) {
  const count = readSync(file, buffer, 0, bytes, 0);
  closeSync(file);
  return count;
}

const source = buffer.latin1Slice(0, read(openSync(filename), ${length}));
const cachedData = cache === undefined ? undefined : buffer.subarray(0, read(cache, size));
module.exports = new Script(source, { filename, cachedData }).runInThisContext()();
`;
}

/** A module with some of the library's values; an import of node:module would take 0.2 ms. */
function esModuleOf(names) {
  const list = names.map(([local, exported = local]) => `${local}: ${exported}`);
  return `const { createRequire } = process.getBuiltinModule("node:module");
export const { ${list.join(", ")} } = createRequire(import.meta.url)("./${LOADER}");
`;
}

function commonJsOf(names) {
  const list = names.map(
    ([local, exported = local]) => `exports.${exported} = library.${local};\n`,
  );
  return `"use strict";\nconst library = require("./${LOADER}");\n${list.join("")}`;
}

/** V8 itself compares no more of the text than its length. */
function tagOf(script) {
  return createHash("sha256").update(script).digest("hex").slice(0, 12);
}

function cacheFile() {
  const tag = tagOf(readFileSync(path(`bundle/${SCRIPT}`)));
  return path(`bundle/${SCRIPT}.${tag}-${process.version}-${process.arch}.cache`);
}

function build() {
  rmSync(path("bundle"), { recursive: true, force: true });
  mkdirSync(path("bundle"));
  cpSync(path("portable"), path("bundle"), { recursive: true });
  const { script, exported } = scriptOf(readFileSync(path(`portable/${CHUNK}`), "utf8"));
  writeFileSync(path(`bundle/${SCRIPT}`), script);
  writeFileSync(path(`bundle/${LOADER}`), loaderOf(script, tagOf(script)));
  const names = namesOf(readFileSync(path("portable/index.js"), "utf8"));
  writeFileSync(path("bundle/index.js"), esModuleOf(names));
  writeFileSync(path("bundle/index.cjs"), commonJsOf(names));
  writeFileSync(path(`bundle/${CHUNK}`), esModuleOf(exported.map((name) => [name])));
  // The command line is for Node alone.
  rmSync(path("portable/cli.js"));
  // npm and npx do this only when they link the command, not after the next build.
  chmodSync(path("bundle/cli.js"), 0o755);
}

/** Makes the cache, of a process that has done what programs begin with. */
function addCache() {
  const worker = fileURLToPath(new URL("code-cache.mjs", import.meta.url));
  const args = [worker, path(`bundle/${SCRIPT}`), cacheFile()];
  // Options for V8 that come from outside would make it a cache for nobody else.
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env });
  if (status !== 0) throw new Error("the code cache could not be made");
}

if (!process.argv.includes("--add")) build();
addCache();
