// proc_* and sched_yield. A program ends by an exception that guests cannot catch; a signal that
// would end a process ends it likewise, with the exit code that shells give for it. Nothing here
// reaches the process of the host.

import { fail, SUCCESS } from "./errno.ts";
import type { Process } from "./process.ts";

/** Signals that a process ignores unless it says otherwise: chld, cont, urg, winch. */
const IGNORED: ReadonlySet<number> = new Set([0, 16, 17, 22, 27]);
/** Signals that would stop it: stop, tstp, ttin, ttou. There is nobody to let it go on. */
const STOPPING: ReadonlySet<number> = new Set([18, 19, 20, 21]);
const LAST_SIGNAL = 30;
/** Numbers of signals in WASI and on Linux are the same only up to a point. */
const SIGNALLED = 128;

/** The functions for the process itself. */
export function procFunctions(process: Process) {
  return {
    proc_exit: (code: number) => process.end(code >>> 0),
    proc_raise(signal: number) {
      const number = signal >>> 0;
      if (number > LAST_SIGNAL) fail("inval", "no such signal");
      if (STOPPING.has(number)) fail("notsup", "a program cannot be stopped by a signal");
      return IGNORED.has(number) ? SUCCESS : process.end(SIGNALLED + number);
    },
    sched_yield: () => SUCCESS,
  };
}
