// clock_*: reading the clock that was granted. Waiting is poll.ts.

import { fail, SUCCESS } from "./errno.ts";
import type { Process } from "./process.ts";
import type { ClockName } from "./sources.ts";

const CLOCKS: readonly ClockName[] = [
  "realtime",
  "monotonic",
  "process_cputime_id",
  "thread_cputime_id",
];

/** The clock with this number. @throws WasiError "inval" */
export function clockNamed(id: number): ClockName {
  return CLOCKS[id >>> 0] ?? fail("inval", "no such clock");
}

/** The functions for clocks. */
export function clockFunctions(process: Process) {
  const { clock } = process;
  return {
    clock_res_get(id: number, result: number) {
      process.memory.setU64(result, clock.resolution(clockNamed(id)));
      return SUCCESS;
    },
    clock_time_get(id: number, _precision: bigint, result: number) {
      process.memory.setU64(result, clock.now(clockNamed(id)));
      return SUCCESS;
    },
  };
}
