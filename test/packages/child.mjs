// Loads a package and does its job in this process: `node [--import POLYFILL] child.mjs JOB`. Prints
// one line of JSON with the result, the times and who provides `WebAssembly`.

const name = process.argv[2];
const engine = globalThis.WebAssembly;
const native = /\[native code\]/.test(Function.prototype.toString.call(engine.instantiate));

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
};

/** Runs one step and notes its milliseconds, by the clock and of CPU time. */
async function timed(step) {
  const [started, before] = [performance.now(), cpu()];
  const value = await step();
  return { value, wall: performance.now() - started, cpu: cpu() - before };
}

const { load, job } = await import(`./jobs/${name}.mjs`);
const loaded = await timed(load);
const done = await timed(() => job(loaded.value));
// A package that brought back another WebAssembly would be measured for nothing.
if (globalThis.WebAssembly !== engine) throw new Error(`${name} has replaced WebAssembly`);
const times = { load: { ...loaded, value: undefined }, job: { ...done, value: undefined } };
process.stdout.write(`${JSON.stringify({ native, times, result: done.value })}\n`, () => {
  process.exit(0);
});
