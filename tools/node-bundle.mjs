// What Node gets instead of dist/bundle: the same files in dist/node, with the library as a script
// that V8's code cache comes with. V8 then neither reads the library's text nor compiles what a
// first result needs, which is most of a start (docs/rationale.md, "What a start costs"). The cache
// fits the very build of Node that makes it; another one, or one with other options for V8, refuses
// it and compiles. `node tools/node-bundle.mjs --add` adds the cache of the Node that runs it.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

/** The chunk that becomes a script, and the script. */
const CHUNK = "chunk-library.js";
const SCRIPT = "library.js";
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

/**
 * The module in the chunk's place. What it uses of Node is there already: imports would take 2 ms.
 * The files go through one buffer, since memory that is touched for the first time is slow.
 */
function loaderOf(exported, { length }, tag) {
  return `// Loads ${SCRIPT} with V8's code cache, if there is one for this Node.
export const { ${exported.join(", ")} } = (() => {
  const { closeSync, fstatSync, openSync, readFileSync, readSync } = process.getBuiltinModule("node:fs");
  const { Script } = process.getBuiltinModule("node:vm");
  const filename = \`\${import.meta.dirname}/${SCRIPT}\`;
  let file;
  try {
    file = openSync(\`\${filename}.${tag}-\${process.version}-\${process.arch}.cache\`);
  } catch {}
  if (file === undefined) return new Script(readFileSync(filename, "latin1"), { filename }).runInThisContext()();
  const { size } = fstatSync(file);
  const buffer = Buffer.allocUnsafeSlow(Math.max(size, ${length}));
  const script = openSync(filename);
  const source = buffer.latin1Slice(0, readSync(script, buffer, 0, ${length}, 0));
  closeSync(script);
  const cachedData = buffer.subarray(0, readSync(file, buffer, 0, size, 0));
  closeSync(file);
  return new Script(source, { filename, cachedData }).runInThisContext()();
})();
`;
}

/** V8 itself compares no more of the text than its length. */
function tagOf(script) {
  return createHash("sha256").update(script).digest("hex").slice(0, 12);
}

function cacheFile() {
  const tag = tagOf(readFileSync(path(`node/${SCRIPT}`)));
  return path(`node/${SCRIPT}.${tag}-${process.version}-${process.arch}.cache`);
}

function build() {
  rmSync(path("node"), { recursive: true, force: true });
  mkdirSync(path("node"));
  cpSync(path("bundle"), path("node"), { recursive: true });
  const { script, exported } = scriptOf(readFileSync(path(`bundle/${CHUNK}`), "utf8"));
  writeFileSync(path(`node/${SCRIPT}`), script);
  writeFileSync(path(`node/${CHUNK}`), loaderOf(exported, script, tagOf(script)));
  // No process but one of Node's has use for the command line.
  rmSync(path("bundle/cli.js"));
}

/** Makes the cache, of a process that has done what programs begin with. */
function addCache() {
  const worker = fileURLToPath(new URL("code-cache.mjs", import.meta.url));
  const args = [worker, path(`node/${SCRIPT}`), cacheFile()];
  // Options for V8 that come from outside would make it a cache for nobody else.
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env });
  if (status !== 0) throw new Error("the code cache could not be made");
}

if (!process.argv.includes("--add")) build();
addCache();
