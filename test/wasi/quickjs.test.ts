// A WASI program from npm: QuickJS as a reactor (package quickjs-wasi). Scripts give the same on it
// as on the JavaScript engine that runs this test. Its clock and random numbers are WASI's. Where
// the package is not installed this says so and is skipped; if package.json names it, it must be.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { Exhaustion, type Instance, Module, Store } from "../../src/api/index.ts";
import { fixedClock, systemClock, type WasiOptions, wasi } from "../../src/wasi/index.ts";

const PACKAGE = "quickjs-wasi";

function installed(): Uint8Array | null {
  const require = createRequire(import.meta.url);
  const { devDependencies } = require("../../package.json");
  try {
    return readFileSync(require.resolve(`${PACKAGE}/quickjs.wasm`));
  } catch (error) {
    if (PACKAGE in devDependencies) throw error;
    console.warn(`*** PACKAGE ${PACKAGE} NOT INSTALLED: THIS PROGRAM FROM NPM IS NOT RUN ***`);
    return null;
  }
}

const bytes = installed();

/** The functions of the reactor that are used here. */
interface Exports {
  qjs_init(): number;
  wasm_malloc(size: number): number;
  qjs_eval(code: number, length: number, fileName: number, flags: number): number;
  qjs_is_exception(value: number): number;
  qjs_get_exception(): number;
  qjs_get_string(value: number): number;
}

/** A script engine in a guest. */
class Engine {
  readonly store: Store;
  private readonly instance: Instance<Exports>;

  constructor(module: Module, options: WasiOptions) {
    const program = wasi(options);
    this.store = new Store();
    const none = () => 0;
    const env = {
      host_call: none,
      host_interrupt: none,
      host_promise_rejection: () => undefined,
      host_module_normalize: none,
      host_module_load: none,
      host_get_timezone_offset: none,
    };
    this.instance = this.store.instantiate<Exports>(module, { ...program.imports, env });
    program.initialize(this.instance);
    if (this.instance.exports.qjs_init() !== 0) throw new Error("qjs_init failed");
  }

  /** The result of a script as text. @throws Error with the text of what it has thrown */
  evaluate(code: string): string {
    const { qjs_eval, qjs_get_exception, qjs_is_exception } = this.instance.exports;
    const [source, length] = this.put(code);
    const [fileName] = this.put("script");
    const result = qjs_eval(source, length, fileName, 0);
    if (qjs_is_exception(result) === 0) return this.textOf(result);
    throw new Error(this.textOf(qjs_get_exception()));
  }

  private put(text: string): [number, number] {
    const encoded = Buffer.from(`${text}\0`);
    const address = this.instance.exports.wasm_malloc(encoded.length);
    this.instance.memory().write(address, encoded);
    return [address, encoded.length - 1];
  }

  private textOf(value: number): string {
    const address = this.instance.exports.qjs_get_string(value);
    const memory = this.instance.memory().bytes;
    const text = Buffer.from(memory.subarray(address, memory.indexOf(0, address)));
    return text.toString();
  }
}

/** What the host's engine makes of a script. */
const onHost = (code: string): string => String(runInNewContext(code));

const SCRIPTS = [
  "1 + 2",
  "[3, 1, 2].sort().map((x) => x ** 20).join()",
  "JSON.stringify({ a: [1.5, null, 'ä'], b: { c: 1e21 } })",
  "[0.1 + 0.2, 1 / 3, 5e-324, 2 ** 53, -0, 123456789.123].map(String).join()",
  "(2n ** 200n).toString(36)",
  "'The Quick brown'.replace(/\\b(\\w)(\\w*)/g, (_, a, b) => b + a.toLowerCase())",
  "let f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); f(18)",
  "[...new Map([[1, 'a'], [2, 'b']]).entries()].flat().join('-')",
  "new Date(Date.UTC(2024, 1, 29, 12)).toISOString()",
  "class A { #x = 1; get x() { return this.#x; } } new A().x",
  "Array.from({ length: 300 }, (_, i) => (i * 7919) % 1009).sort((a, b) => a - b).join()",
];

describe.skipIf(bytes === null)("QuickJS from npm", () => {
  const module = bytes === null ? null : Module.from(bytes);
  const engine = (options: WasiOptions = {}) => new Engine(module as Module, options);

  it("scripts give what they give on the host's engine", () => {
    const guest = engine();
    for (const script of SCRIPTS) expect(guest.evaluate(script), script).toBe(onHost(script));
  });

  it("errors come out as they are", () => {
    const guest = engine();
    expect(() => guest.evaluate("null.x")).toThrow(/TypeError/);
    expect(guest.evaluate("6 * 7")).toBe("42");
  });

  it("the time is what the clock says", () => {
    // 10^9 seconds after 1970 by default.
    expect(engine().evaluate("new Date().toISOString()")).toMatch(/^2001-09-09T01:46:40/);
    const now = Number(engine({ clock: systemClock() }).evaluate("Date.now()"));
    expect(Math.abs(now - Date.now())).toBeLessThan(10_000);
  });

  it("runs repeat exactly: QuickJS makes random numbers from the time", () => {
    const roll = (start: bigint) =>
      engine({ clock: fixedClock({ start }) }).evaluate("Math.random()");
    expect(roll(1n)).toBe(roll(1n));
    expect(roll(1n)).not.toBe(roll(10n ** 18n));
  });

  it("an endless script runs out of fuel", () => {
    const guest = engine();
    guest.store.fuel = 3_000_000;
    expect(() => guest.evaluate("for (;;);")).toThrow(Exhaustion);
  });
});
