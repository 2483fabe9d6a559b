// What a user's first lines do: import the package, run a tiny module. Plain JavaScript, so that
// nothing is between Node and the package: `node startup.mjs <url of the package> [tier|times]`; with
// "times" it prints JSON with the milliseconds of each step, in the tier that stores have by default.
// It uses nothing that Node would load for it: the first use of `performance` alone takes 1.3 ms.

const [, , url, option = ""] = process.argv;
const times = option === "times";
const options = option === "" || times ? {} : { tier: option };
// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x07, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x01,
  0x7f, 0x03, 0x02, 0x01, 0x00, 0x07, 0x07, 0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00, 0x0a, 0x09,
  0x01, 0x07, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6a, 0x0b,
]);

/** Milliseconds since some moment. */
function now() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

const started = now();
const { Module, Store } = await import(url);
const imported = now();
const module = Module.from(MODULE);
const decoded = now();
const instance = new Store({ fuel: 1000, ...options }).instantiate(module);
const instantiated = now();
const sum = instance.func("add").call(2, 3);
const called = now();
if (sum !== 5) throw new Error(`2 + 3 is ${sum}`);
if (times) {
  const steps = {
    import: imported - started,
    decode: decoded - imported,
    instantiate: instantiated - decoded,
    call: called - instantiated,
  };
  console.log(JSON.stringify(steps));
}
