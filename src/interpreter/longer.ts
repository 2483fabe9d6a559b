// What is out of bounds of a shared memory may not be any more: others who share it have made it
// longer, and nobody tells. So an access that fails looks how long it is and is tried again.

import type { ModuleInstance } from "../runtime/instances.ts";
import { machine } from "./loop.generated.ts";
import { room } from "./registers.ts";

/**
 * If a memory of the instance is longer than the loop knew, goes back to the begin of the Wasm
 * instruction whose access it has left at. What the code of that has done until there are moves and
 * the choice of a memory: they are done once more.
 */
export function tryAgain(instance: ModuleInstance | null): boolean {
  let isLonger = false;
  for (const memory of instance?.memories ?? []) isLonger = memory.refresh() || isLonger;
  const code = room.at(machine.pc);
  if (!isLonger || code === undefined) return false;
  machine.pc = code.start + code.beginAt(machine.pc - code.start);
  return true;
}
