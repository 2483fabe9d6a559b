// @swc/wasm (wasm-bindgen, a module of 18 MB): compiles TypeScript down to old JavaScript, reports a
// syntax error. What is big here is the module; the work is small.

import { program, sha256 } from "./data.mjs";

export async function load() {
  const { default: swc } = await import("@swc/wasm");
  return swc;
}

const TYPESCRIPT = `
  enum Level { low = 1, high }
  export default class Box<T> {
    #secret = Level.high;
    constructor(private readonly item: T) {}
    async *items(): AsyncGenerator<number> { yield* [this.#secret, 2].map((x) => x ** 2); }
  }
`;

export function job(swc) {
  const jsc = { parser: { syntax: "typescript" }, target: "es5" };
  const { code, map } = swc.transformSync(TYPESCRIPT, {
    filename: "box.ts",
    jsc,
    sourceMaps: true,
  });
  const { code: minified } = swc.minifySync(program(12), { module: true, compress: true });
  let refused = "";
  try {
    swc.transformSync("let a = ;", {});
  } catch (error) {
    refused = String(error?.message ?? error);
  }
  return { code, map, minified: [minified.length, sha256(minified)], refused };
}
