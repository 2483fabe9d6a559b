// What Node gets instead of dist/portable: the same files in dist/bundle, with the library as a
// script that V8's code cache comes with. V8 then neither reads the library's text nor compiles what
// a first result needs, which is most of a start (docs/rationale.md, "What a start costs"). The
// cache fits the version of V8 that makes it, with its usual options; any other refuses it, and
// compiles. `node tools/node-bundle.mjs --add` adds the cache of the Node that runs it.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { inLines } from "./lines.mjs";

const path = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

/** The chunk that becomes a script, the script, and what loads it. */
const CHUNK = "chunk-library.js";
const SCRIPT = "library.cjs";
const LOADER = "loader.cjs";
/** What the polyfill loads for programs that use `node:wasi` (src/wasi/node-polyfill.ts). */
const NODE_WASI = "node-wasi.cjs";
/** What ends the chunk: its exports, as [local, exported] names. */
const EXPORTS = /export\{([^{}]*)\};?\s*$/;

/** [chunk's, exported] names of an export clause. */
const namesIn = (list) => list.split(",").map((item) => item.split(" as "));

/**
 * The chunk as a text that is a script, whose value is an object with all that the chunk exports,
 * as well as a CommonJS module.
 */
function scriptOf(chunk) {
  const [clause, list] = EXPORTS.exec(chunk) ?? [];
  if (list === undefined || /^import\b/.test(chunk)) {
    throw new Error(`${CHUNK} must import nothing and end with its exports`);
  }
  const names = namesIn(list);
  const values = names.map(([local, exported = local]) => `${exported}:${local}`);
  const library = `(()=>{"use strict";${chunk.slice(0, -clause.length)}return{${values}}})()`;
  const text = `{const e=${library};if(typeof module=="object")module.exports=e;e}`;
  if (/\\[^\0-\x7f]|String\.raw/.test(text)) throw new Error("an escape would mean something else");
  // One byte for each character: the bytes need no decoding. In literals, where alone there are
  // others, an escape means the same.
  const script = text.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return { script, exported: names.map(([local, exported = local]) => exported) };
}

/**
 * What runs the script: once, whoever asks first, since Node keeps what was required. Whatever is
 * wrong with the cache, or if the files are not where they should be, because somebody has bundled
 * them, Node requires the script like any module; so it does in another realm (a vm context, as test
 * runners use them), since `runInThisContext` means the main one. The files go through one buffer,
 * since memory that is touched for the first time is slow.
 */
function loaderOf({ length }, tag) {
  return `// Runs ${SCRIPT} with V8's code cache, if there is one for this Node.
"use strict";

${sumOf}

function cached() {
  try {
    const { closeSync, fstatSync, openSync, readSync } = require("node:fs");
    const { Script } = require("node:vm");
    if (!(Script instanceof Function)) return undefined;
    const { arch, platform, version } = process;
    // The cache first: where there is none, nothing else has been opened.
    const files = [\`${tag}-\${version}-\${platform}-\${arch}.cache\`, "${SCRIPT}"];
    const [cache, script] = files.map((name) => openSync(\`\${__dirname}/\${name}\`));
    const { size } = fstatSync(cache);
    const buffer = Buffer.allocUnsafeSlow(Math.max(size, ${length}));
    const read = (file, bytes) => {
      const count = readSync(file, buffer, 0, bytes, 0);
      closeSync(file);
      return count === bytes;
    };
    if (!read(script, ${length})) return undefined;
    const source = buffer.latin1Slice(0, ${length});
    if (!read(cache, size)) return undefined;
    // V8 does not look whether blocks of the file were lost; a word of each is looked at here.
    const words = new Int32Array(buffer.buffer, 0, size >> 2);
    if (words[words.length - 1] !== sumOf(words)) return undefined;
    const cachedData = buffer.subarray(0, size - 4);
    return new Script(source, { filename: "${FILENAME}", cachedData }).runInThisContext();
  } catch {
    return undefined;
  }
}

module.exports = cached() ?? require("./${SCRIPT}");
`;
}

/** What stack traces show, wherever the package lies: the cache would say where it was built. */
const FILENAME = `wasmeter/${SCRIPT}`;
/** Sum of a word in each 128 bytes of a cache, of which the last word is left for the sum. */
function sumOf(words) {
  let sum = 0;
  for (let i = words.length - 2; i >= 0; i -= 32) sum = (sum * 31 + words[i]) | 0;
  return sum;
}

/** A module with some of the library's values. Short names may be words such as `in`. */
function esModuleOf(names) {
  const taken = names.map(([local], i) => `${local}: v${i}`).join(", ");
  const given = names.map(([local, exported = local], i) => `v${i} as ${exported}`).join(", ");
  return `import library from "./${LOADER}";\nconst { ${taken} } = library;\nexport { ${given} };\n`;
}

function commonJsOf(names) {
  const list = names.map(
    ([local, exported = local]) => `exports.${exported} = library.${local};\n`,
  );
  return `"use strict";\nconst library = require("./${LOADER}");\n${list.join("")}`;
}

/** Names that the entry point takes from the chunk. */
function entryNames() {
  const entry = readFileSync(path("portable/index.js"), "utf8");
  const [, list] = /^export\{([^{}]*)\}from"\.\/chunk-library\.js";?\s*$/.exec(entry) ?? [];
  if (list === undefined) throw new Error("the entry point must do nothing but export");
  return namesIn(list);
}

/** V8 itself compares no more of the text than its length. */
function tagOf(script) {
  return createHash("sha256").update(script).digest("hex").slice(0, 12);
}

/**
 * The class of `node:wasi` as a CommonJS module, which the polyfill loads when a program makes its
 * first object of it. The loader's library has the names of the chunk.
 */
async function writeNodeWasi() {
  const isLibrary = (id) => id.endsWith(CHUNK);
  const bundle = await rolldown({
    input: path("portable/node-wasi.js"),
    external: (id) => id.startsWith("node:") || isLibrary(id),
    platform: "node",
  });
  await bundle.write({
    file: path(`bundle/${NODE_WASI}`),
    format: "cjs",
    paths: (id) => (isLibrary(id) ? `./${LOADER}` : id),
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
  const file = path(`bundle/${NODE_WASI}`);
  writeFileSync(file, inLines(readFileSync(file, "utf8")));
  rmSync(path("bundle/node-wasi.js"));
}

async function build() {
  rmSync(path("bundle"), { recursive: true, force: true });
  mkdirSync(path("bundle"));
  cpSync(path("portable"), path("bundle"), { recursive: true });
  const { script, exported } = scriptOf(readFileSync(path(`portable/${CHUNK}`), "utf8"));
  writeFileSync(path(`bundle/${SCRIPT}`), script);
  writeFileSync(path(`bundle/${LOADER}`), loaderOf(script, tagOf(script)));
  writeFileSync(path("bundle/index.js"), esModuleOf(entryNames()));
  writeFileSync(path("bundle/index.cjs"), commonJsOf(entryNames()));
  writeFileSync(path(`bundle/${CHUNK}`), esModuleOf(exported.map((name) => [name])));
  await writeNodeWasi();
  // npm and npx do this only when they link the command, not after the next build.
  chmodSync(path("bundle/cli.js"), 0o755);
}

/** Makes the cache, of a process that has done what programs begin with. */
function addCache() {
  const tag = tagOf(readFileSync(path(`bundle/${SCRIPT}`)));
  const file = path(`bundle/${tag}-${process.version}-${process.platform}-${process.arch}.cache`);
  const worker = fileURLToPath(new URL("code-cache.mjs", import.meta.url));
  const names = Object.fromEntries(entryNames().map(([local, exported]) => [exported, local]));
  const args = [worker, path(`bundle/${SCRIPT}`), FILENAME, file, JSON.stringify(names)];
  // Options for V8 that come from outside would make it a cache for nobody else.
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env });
  if (status !== 0) throw new Error("the code cache could not be made");
  writeFileSync(file, summed(readFileSync(file)));
}

/** The cache as whole words, with the sum behind it that the loader looks at. */
function summed(cache) {
  const size = Math.ceil(cache.length / 4) * 4;
  const words = new Int32Array(size / 4 + 1);
  cache.copy(new Uint8Array(words.buffer));
  words[words.length - 1] = sumOf(words);
  return new Uint8Array(words.buffer);
}

if (!process.argv.includes("--add")) await build();
addCache();
