// A worker with a guest on a memory of others: it counts, or does what it is told, and says what
// came of it.

import { parentPort, workerData } from "node:worker_threads";
import { Epoch, type SharedMemory } from "../../src/api/index.ts";
import { guest } from "./guests.ts";

/** What a worker is to do. */
export interface Task {
  readonly memory: SharedMemory;
  readonly call: readonly [name: string, ...args: (number | bigint)[]];
  readonly isAsync?: boolean;
  readonly epoch?: ArrayBufferLike;
}

const { call, epoch, isAsync, memory } = workerData as Task;
const [name, ...args] = call;
const options = epoch === undefined ? {} : { epoch: Epoch.from(epoch), epochDeadline: 1 };
const { instance } = guest(options, memory);
const func = instance.func(name);
parentPort?.postMessage("ready");
try {
  parentPort?.postMessage(isAsync ? await func.callAsync(...args) : func.call(...args));
} catch (error) {
  parentPort?.postMessage(`${error}`);
}
