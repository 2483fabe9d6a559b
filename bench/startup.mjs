// What a user's first lines do: import the package, run a tiny module. Plain JavaScript, so that
// nothing is between Node and the package: `node startup.mjs <url of the package> [times]`; with
// "times" it prints JSON with the milliseconds of each step.

const [, , url, times] = process.argv;
// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const MODULE =
  "0061736d0100000001070160027f7f017f03020100070701036164640000" + "0a09010700200020016a0b";

const started = performance.now();
const { Module, Store } = await import(url);
const imported = performance.now();
const module = Module.from(
  Uint8Array.from(MODULE.match(/../g), (byte) => Number.parseInt(byte, 16)),
);
const decoded = performance.now();
const instance = new Store({ fuel: 1000 }).instantiate(module);
const instantiated = performance.now();
const sum = instance.func("add").call(2, 3);
const called = performance.now();
if (sum !== 5) throw new Error(`2 + 3 is ${sum}`);
if (times !== undefined) {
  const steps = {
    import: imported - started,
    decode: decoded - imported,
    instantiate: instantiated - decoded,
    call: called - instantiated,
  };
  console.log(JSON.stringify(steps));
}
