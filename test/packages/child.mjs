// Loads a package and does its job in this process: `node [--import POLYFILL] child.mjs JOB [RUNS]`.
// Prints one line of JSON with the first result, the times and who provides `WebAssembly`.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const [name, runs = "1"] = process.argv.slice(2);
const engine = globalThis.WebAssembly;
const native = /\[native code\]/.test(Function.prototype.toString.call(engine.instantiate));

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
};

/** Most bytes that the process had resident at once; 0 where the system does not say. */
function peakBytes() {
  try {
    // `resourceUsage` would count what the parent had when it forked.
    const [, kibibytes] = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
    return 1024 * Number(kibibytes);
  } catch {
    return 0;
  }
}

/** Runs one step and notes its milliseconds, by the clock and of CPU time. */
async function timed(step) {
  const [started, before] = [performance.now(), cpu()];
  const value = await step();
  return { value, wall: performance.now() - started, cpu: cpu() - before };
}

const { load, job } = await import(`./jobs/${name}.mjs`);
const { value: state, ...loaded } = await timed(load);
const jobs = [];
let first;
let peak;
for (let run = 0; run < Number(runs); run++) {
  const { value, ...time } = await timed(() => job(state));
  jobs.push(time);
  if (run === 0) {
    first = value;
    peak = peakBytes();
  } else if (!isDeepStrictEqual(value, first)) throw new Error(`${name} has another result now`);
  // A pause lets the host finish compiling what has just proved hot.
  if (run + 1 < Number(runs)) await new Promise((resolve) => setTimeout(resolve, 50));
}
// A package that brought back another WebAssembly would be measured for nothing.
if (globalThis.WebAssembly !== engine) throw new Error(`${name} has replaced WebAssembly`);
const report = { native, load: loaded, jobs, peak, result: first };
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
