// A program for WASI that waits for its input becomes bytes, and goes on with a `wasi` of its own.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import { WasiExit, wasi } from "../../src/wasi/index.ts";

it("in the middle of a read", async () => {
  const module = Module.from(readFileSync(new URL("../../fixtures/wasi/wc.wasm", import.meta.url)));
  const waiting = (async function* () {
    yield new Promise<Uint8Array>(() => {});
  })();
  const store = new Store();
  const { imports } = wasi({ args: ["wc"], stdin: waiting });
  const run = store.instantiate(module, imports).func("_start").start();
  let outcome = run.run();
  while (outcome.kind === "suspended" && outcome.reason !== "host") outcome = run.run();
  expect(outcome.kind).toBe("suspended");
  const bytes = store.snapshot({ executions: { run } });
  let output = "";
  const program = wasi({
    args: ["wc"],
    stdin: "one two\nthree\n",
    stdout: (chunk) => {
      output += new TextDecoder().decode(chunk);
    },
  });
  const back = Store.restore(bytes, { modules: [module], imports: program.imports });
  let end = back.executions.run.run();
  while (end.kind === "suspended") end = back.executions.run.run();
  if (end.kind === "threw") expect(end.error).toBeInstanceOf(WasiExit);
  expect(output.trim().split(/\s+/)).toEqual(["2", "3", "14"]);
});
