// The other end of `ChildHost` (hosts.ts): answers, on standard output, whether modules that arrive
// on standard input are valid for the engine that runs this script. Plain JavaScript on purpose,
// so that any version of Node.js can run it.

/* global WebAssembly */

import process from "node:process";

const EXPLAIN = 1;
const HEADER_BYTES = 5;

let pending = Buffer.alloc(0);

/** Cuts a complete request off the pending bytes: its kind and its modules; null if incomplete. */
function takeRequest() {
  if (pending.length < HEADER_BYTES) return null;
  const count = pending.readUInt32LE(1);
  const modules = [];
  let pos = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    if (pos + 4 > pending.length) return null;
    const end = pos + 4 + pending.readUInt32LE(pos);
    if (end > pending.length) return null;
    modules.push(new Uint8Array(pending.subarray(pos + 4, end)));
    pos = end;
  }
  const kind = pending[0];
  pending = pending.subarray(pos);
  return { kind, modules };
}

function explain(bytes) {
  try {
    new WebAssembly.Module(bytes);
    return "";
  } catch (error) {
    return String(error.message);
  }
}

function answer({ kind, modules }) {
  const payload =
    kind === EXPLAIN
      ? Buffer.from(modules.map(explain).join("\n"))
      : Buffer.from(modules.map((bytes) => (WebAssembly.validate(bytes) ? 1 : 0)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  process.stdout.write(Buffer.concat([length, payload]));
}

process.stdin.on("data", (chunk) => {
  pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
  for (let request = takeRequest(); request !== null; request = takeRequest()) answer(request);
});
