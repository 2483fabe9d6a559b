// The polyfill in processes of its own: with and without WebAssembly of the host's own, and where no
// code may be made from strings. What runs there is a program that knows nothing of wasmeter.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
import { assemble } from "./support.ts";

const run = promisify(execFile);

const MODULE = assemble(`(module
  (import "m" "log" (func $log (param i32 i64 f64)))
  (memory (export "memory") 1)
  (func $sum (export "sum") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (call $sum (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "trap") unreachable)
  (func (export "log") (call $log (i32.const 1) (i64.const 2) (f64.const 0.5))))`);

/** Prints one line of JSON: what any implementation of the JavaScript API gives. */
const PROGRAM = `
  const bytes = Uint8Array.from(${JSON.stringify([...MODULE])});
  const seen = [];
  const log = (...args) => seen.push(args.map(String));
  const { instance } = await WebAssembly.instantiate(bytes, { m: { log } });
  const { memory, sum, grow, trap } = instance.exports;
  seen.push(sum(10000), memory.buffer.byteLength, grow(), memory.buffer.byteLength);
  instance.exports.log();
  try { trap(); } catch (error) {
    seen.push(error instanceof WebAssembly.RuntimeError, error.message);
  }
  const { enumerable, writable, configurable } =
    Object.getOwnPropertyDescriptor(globalThis, "WebAssembly");
  seen.push(enumerable, writable, configurable, String(WebAssembly));
  console.log(JSON.stringify(seen));
`;

async function output(flags: readonly string[], program: string): Promise<string> {
  const args = [...flags, "--input-type=module", "-e", program];
  const { stdout } = await run(process.execPath, args, { timeout: 60_000 });
  return stdout.trim();
}

describe("the polyfill", () => {
  let bundle: SourceBundle;

  beforeAll(async () => {
    bundle = await bundleSource("js-api/polyfill.ts");
  });

  afterAll(() => bundle.remove());

  const withPolyfill = (flags: readonly string[], program: string) => {
    return output(["--import", bundle.path, ...flags], program);
  };

  it.each([
    ["in place of the host's", []],
    ["without one (--jitless)", ["--jitless"]],
    ["without code from strings", ["--disallow-code-generation-from-strings"]],
    ["without either", ["--jitless", "--disallow-code-generation-from-strings"]],
  ])("gives the host's answers %s", async (_, flags) => {
    const native = await output([], PROGRAM);
    expect(JSON.parse(native)).toHaveLength(11);
    expect(await withPolyfill(flags, PROGRAM)).toBe(native);
  });

  it("is what the program sees, and nothing of the host's", async () => {
    const program = `console.log(Object.prototype.toString.call(WebAssembly),
      /native code/.test(String(WebAssembly.Module)), typeof WebAssembly.JSTag)`;
    expect(await withPolyfill([], program)).toBe("[object WebAssembly] false object");
    expect(await withPolyfill(["--jitless"], program)).toBe("[object WebAssembly] false object");
    const absent = `console.log(typeof WebAssembly)`;
    expect(await output(["--jitless"], absent)).toBe("undefined");
  });

  it("detaches and grows buffers without memory of the host's own", async () => {
    const program = `
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
      const first = memory.buffer;
      new Uint8Array(first)[5] = 55;
      memory.grow(1);
      memory.grow(1);
      const second = memory.buffer;
      memory.grow(1);
      console.log(first.byteLength, second.byteLength, memory.buffer.byteLength,
        new Uint8Array(memory.buffer)[5]);`;
    for (const flags of [[], ["--jitless"]]) {
      expect(await withPolyfill(flags, program)).toBe("0 0 262144 55");
    }
  });
});
