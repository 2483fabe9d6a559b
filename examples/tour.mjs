// `npm start`: a real program under fuel with its answer and its bill, then a program that never
// ends, how it is stopped, and that its instance still answers.
import { readFileSync } from "node:fs";
import { Exhaustion, hostFunc, Module, Store } from "wasmeter";

const load = (name) => Module.from(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const number = (value) => value.toLocaleString("en-US");

console.log(
  "The Mandelbrot set (fixtures/mandelbrot.wat), with fuel for 20 million instructions:\n",
);

// All that the module reaches is this one function; the memory is the guest's own.
const print = hostFunc("(i32 i32) -> ()", ({ memory }, address, length) => {
  console.log(`  ${new TextDecoder().decode(memory.read(address, length))}`);
});
const store = new Store({ fuel: 20_000_000, limits: { memoryBytes: 1 << 20 } });
const { exports } = store.instantiate(load("mandelbrot.wasm"), { host: { print } });
const inside = exports.render(72, 26, 400);

const { fuel, hostCalls, peakMemoryBytes } = store.usage;
console.log(`\nAnswer: ${inside} of ${72 * 26} points never escape.`);
console.log(`Bill:   ${number(fuel)} units of fuel, the same on every machine;`);
console.log(`        ${number(peakMemoryBytes)} bytes of memory, ${hostCalls} calls of the host.`);

console.log("\nA loop without end (fixtures/greedy.wat), allowed 50 ms:\n");

const greedy = new Store().instantiate(load("greedy.wasm"));
const began = performance.now();
try {
  greedy.func("loop").with({ timeout: 50 }).call();
} catch (error) {
  if (!(error instanceof Exhaustion)) throw error;
  console.log(`  stopped after ${(performance.now() - began).toFixed(0)} ms: ${error.message}`);
}
console.log(`  its instance still answers: ${number(greedy.exports.rounds())} rounds`);

// The same call can also be driven by hand; then a stop is a pause.
const execution = greedy.func("loop").start();
execution.run({ slice: 1_000_000 });
console.log(`  a million units later:      ${number(greedy.exports.rounds())} rounds`);

console.log("\nTry: npx wasmeter run --fuel 1000000 --stats --invoke loop fixtures/greedy.wasm");
