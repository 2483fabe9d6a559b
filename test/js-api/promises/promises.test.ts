// Random scenarios of JavaScript Promise Integration: what happens, and in which order, is what a
// model of the specification says, and what V8 does. Against another host, and more of them:
// WASMETER_HOST="npx -y node@26" WASMETER_SCENARIOS=20000 npx vitest run test/js-api/promises

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { PromisingThread } from "../../../src/interpreter/promising.ts";
import { createNamespace, WebAssembly as Ours } from "../../../src/js-api/index.ts";
import { evictAll } from "../../interpreter/evicting.ts";
import { type Scenario, scenarioOf } from "./generate.ts";
import { MODEL } from "./model.ts";
import { engineOf, logsOf } from "./scenario.ts";

const { WASMETER_HOST: host, WASMETER_SCENARIOS: count = "300" } = process.env;
const SEED = 1;
const scenarios = Array.from({ length: Number(count) }, (_, i) => scenarioOf(SEED, i));

const { advance } = PromisingThread.prototype;
const CHILD = fileURLToPath(new URL("scenario.ts", import.meta.url));

/** The logs of another engine. */
function logsOfHost(command: string, all: readonly Scenario[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), "wasmeter-scenarios-"));
  try {
    const [input, report] = ["scenarios.json", "logs.json"].map((name) => join(folder, name));
    writeFileSync(input, JSON.stringify(all));
    const [program, ...args] = command.split(" ");
    execFileSync(program, [...args, CHILD, input, report]);
    return JSON.parse(readFileSync(report, "utf8")) as string[][];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("random scenarios", () => {
  it("go as the specification says", async () => {
    const expected = await logsOf(MODEL, scenarios);
    const found = await logsOf(engineOf(Ours), scenarios);
    found.forEach((log, i) => expect(log, `scenario ${i}`).toEqual(expected[i]));
    const all = expected.flat();
    for (const part of ["gives", "SuspendError", "sees", "fails: RuntimeError", "fails: tag"]) {
      expect(all.filter((line) => line.includes(part)).length).toBeGreaterThan(20);
    }
  }, 600_000);

  it("go the same way under fuel and a time limit", async () => {
    const few = scenarios.slice(0, 100);
    const engine = engineOf(createNamespace({ fuel: 1e9, timeout: 10_000 }));
    expect(await logsOf(engine, few)).toEqual(await logsOf(MODEL, few));
  });

  it("go the same way when all code is evicted wherever guests wait", async () => {
    const few = scenarios.slice(0, 100);
    const promise = vi.spyOn(PromisingThread.prototype, "advance");
    promise.mockImplementation(function (this: PromisingThread, settled) {
      evictAll();
      return advance.call(this, settled);
    });
    expect(await logsOf(engineOf(Ours), few)).toEqual(await logsOf(MODEL, few));
    expect(promise).toHaveBeenCalled();
    promise.mockRestore();
  });

  it.skipIf(host === undefined)(
    "go as on the other host",
    async () => {
      const expected = logsOfHost(host as string, scenarios);
      const found = await logsOf(engineOf(Ours), scenarios);
      found.forEach((log, i) => expect(log, `scenario ${i}`).toEqual(expected[i]));
    },
    600_000,
  );
});
