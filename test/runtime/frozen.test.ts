// Frozen intrinsics (`node --frozen-intrinsics`): V8 11 compiles stores into typed arrays with frozen
// prototypes as calls, which the speed of a loop would show; here it is the prototypes that are
// looked at, and that everything means what it means elsewhere.

import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { arrayForLoop, viewForLoop } from "../../src/runtime/frozen.ts";
import { bundleSource } from "../../tools/bundle-source.ts";
import { assemble } from "../validation/assemble.ts";

/** What a script in a process with frozen intrinsics prints; it may use what `module` exports. */
async function printedBy(module: string, names: string, script: string): Promise<string> {
  const bundle = await bundleSource(module);
  try {
    const text = `import { ${names} } from ${JSON.stringify(bundle.path)}; ${script}`;
    const options = ["--no-warnings", "--frozen-intrinsics", "--input-type=module", "-e", text];
    return execFileSync(process.execPath, options, { encoding: "utf8" });
  } finally {
    bundle.remove();
  }
}

it("arrays and views of the loop have no frozen prototype for their elements and methods", async () => {
  const script = `
    const bytes = new Int32Array([1, 2]);
    const array = arrayForLoop(bytes);
    array[1] = 5;
    const view = viewForLoop(new DataView(bytes.buffer));
    const method = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(view), "getInt32");
    console.log(JSON.stringify([Object.getPrototypeOf(array), bytes[1], typeof method.value, view.getInt32(4, true)]));
  `;
  const printed = await printedBy("runtime/frozen.ts", "arrayForLoop, viewForLoop", script);
  expect(JSON.parse(printed)).toEqual([null, 5, "function", 5]);
});

it("are what they were where nothing is frozen", () => {
  const array = new Int32Array(1);
  const view = new DataView(array.buffer);
  expect(arrayForLoop(array)).toBe(array);
  expect(viewForLoop(view)).toBe(view);
  expect(Object.getPrototypeOf(view)).toBe(DataView.prototype);
});

it("memory, globals and floats work with frozen intrinsics", async () => {
  const bytes = assemble(`(module (memory 1) (global $g (mut f64) (f64.const 0))
    (func (export "f") (param i32) (result f64)
      (global.set $g (f64.sqrt (f64.convert_i32_s (local.get 0))))
      (f64.store (i32.const 8) (global.get $g))
      (drop (memory.grow (i32.const 3)))
      (f64.add (f64.load (i32.const 8)) (f64.convert_i32_u (memory.size)))))`);
  const script = `
    const module = Module.from(new Uint8Array([${[...bytes]}]));
    const instance = new Store().instantiate(module);
    console.log(instance.func("f").call(81));
  `;
  expect(await printedBy("api/index.ts", "Module, Store", script)).toBe("13\n");
});
