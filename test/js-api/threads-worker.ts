// What another worker does with a shared memory that it was sent.

import { parentPort, workerData } from "node:worker_threads";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";

const { action, memory } = workerData as { action: string; memory: { buffer: SharedArrayBuffer } };
const words = new Int32Array(memory.buffer);

/** (func (export "notify") (param i32 i32) (result i32) (memory.atomic.notify …)) */
const BYTES = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f],
  ...[2, 9, 1, 1, 0x6d, 1, 0x6d, 2, 3, 1, 3, 3, 2, 1, 0, 7, 10, 1, 6],
  ...[0x6e, 0x6f, 0x74, 0x69, 0x66, 0x79, 0, 0],
  ...[10, 12, 1, 10, 0, 0x20, 0, 0x20, 1, 0xfe, 0, 2, 0, 0x0b],
]);

function notifyBy(space: typeof Ours): number {
  const { exports } = new space.Instance(new space.Module(BYTES), { m: { m: memory } });
  const notify = exports.notify as (address: number, count: number) => number;
  let woken = 0;
  while (woken === 0) woken = notify(8, 1);
  return woken;
}

switch (action) {
  case "script notifies, then waits":
    while (Atomics.notify(words, 2, 1) === 0);
    parentPort?.postMessage(Atomics.wait(words, 4, 0));
    break;
  case "guest notifies":
    parentPort?.postMessage(notifyBy(Ours));
    break;
  default:
    parentPort?.postMessage(
      notifyBy((globalThis as unknown as { WebAssembly: typeof Ours }).WebAssembly),
    );
}
