// QuickJS (the package quickjs-wasi) with a script that it evaluates, for who stops it in the middle.

import { readFileSync } from "node:fs";
import { type Execution, type Instance, Module, type Store } from "../../src/api/index.ts";
import { IMPORTS } from "../packages/quickjs-wasi.ts";

const FILE = new URL("../../node_modules/quickjs-wasi/quickjs.wasm", import.meta.url);

const SCRIPT = `(() => {
  const words = new Map();
  for (let i = 0; i < 300; i++) {
    const word = "word" + (i * 7919) % 101;
    words.set(word, (words.get(word) ?? 0) + 1);
  }
  const tree = (n) => n === 0 ? null : { n, left: tree(n - 1), right: tree(n - 1) };
  const text = JSON.stringify(tree(7)).replace(/"n":(\\d)/g, (_, n) => n * 2);
  return [[...words].sort().slice(0, 4).join(), text.length, (3n ** 200n).toString()].join(" ");
})()`;

export function quickjs(): Module {
  return Module.from(readFileSync(FILE));
}

/** A script that is about to be evaluated. */
export function begin(store: Store, module: Module): { guest: Instance; run: Execution } {
  const guest = store.instantiate(module, IMPORTS);
  guest.exports._initialize();
  guest.exports.qjs_init();
  const put = (text: string) => {
    const bytes = new TextEncoder().encode(`${text}\0`);
    const address = Number(guest.exports.wasm_malloc(bytes.length));
    guest.memory().write(address, bytes);
    return [address, bytes.length - 1] as const;
  };
  const [source, length] = put(SCRIPT);
  const [fileName] = put("script");
  return { guest, run: guest.func("qjs_eval").start(source, length, fileName, 0) };
}

/** Runs it to its end: what it has come to. */
export function finish(guest: Instance, run: Execution): string {
  const outcome = run.run();
  if (outcome.kind !== "returned") throw new Error(outcome.kind);
  const address = Number(guest.exports.qjs_get_string(outcome.value));
  const { bytes } = guest.memory();
  return new TextDecoder().decode(bytes.slice(address, bytes.indexOf(0, address)));
}
