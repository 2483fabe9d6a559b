// The official WASI programs on the command line (host directory, suspended while they wait) and on
// the library (files in memory, blocking). What is known to fail is in expectations.json with its
// reason and may only shrink: a listed program that passes fails the test.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleSource, type SourceBundle } from "../../tools/bundle-source.ts";
import {
  commandLine,
  type Engine,
  LibraryInMemory,
  nodeWasi,
  type Program,
  processes,
  runProgram,
  runPrograms,
  SUITE_IS_THERE,
  suitePrograms,
  warnOfAbsentSuite,
} from "./suite.ts";

type KnownFailures = Readonly<Record<string, string>>;

const expectations = JSON.parse(
  readFileSync(new URL("expectations.json", import.meta.url), "utf8"),
) as Readonly<Record<string, KnownFailures>>;

const PROGRAMS = 72;
const MINUTES = 60_000;

if (!SUITE_IS_THERE) warnOfAbsentSuite();

/** Programs that fail, with what is wrong. */
async function failures(engine: Engine): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const programs = suitePrograms();
  expect(programs).toHaveLength(PROGRAMS);
  await runPrograms(engine, programs, ({ name, problem, stderr }) => {
    if (problem !== null) found[name] = `${problem}\n${stderr}`;
  });
  return found;
}

/** Neither an unlisted failure nor a listed one that is none. */
function judge(found: Readonly<Record<string, string>>, known: KnownFailures): void {
  const unlisted = Object.entries(found).filter(([name]) => !(name in known));
  expect(Object.fromEntries(unlisted)).toEqual({});
  const passes = Object.keys(known).filter((name) => !(name in found));
  expect(passes, "take them off the list").toEqual([]);
}

describe.skipIf(!SUITE_IS_THERE)("the WASI suite", () => {
  const bundles: SourceBundle[] = [];
  afterAll(() => {
    for (const bundle of bundles) bundle.remove();
  });

  const bundled = async (module: string): Promise<string> => {
    const bundle = await bundleSource(module);
    bundles.push(bundle);
    return bundle.path;
  };

  it("command line", { timeout: 5 * MINUTES }, async () => {
    const found = await failures(commandLine(await bundled("cli/main.ts")));
    judge(found, expectations["command line"]);
  });

  it("library, files in memory", { timeout: 5 * MINUTES }, async () => {
    const library = new LibraryInMemory(await bundled("../test/wasi/child.ts"));
    try {
      judge(await failures(library.run), expectations["library, files in memory"]);
    } finally {
      library.close();
    }
  });

  // The proof that the runner judges rightly; uvwasi differs from version to version.
  const isNode20 = process.versions.node.startsWith("20.");
  it.runIf(isNode20)("node:wasi on Node 20", { timeout: 5 * MINUTES }, async () => {
    judge(await failures(nodeWasi), expectations["node:wasi on Node 20"]);
  });
});

describe("the runner", () => {
  let folder: string;
  let program: Program;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "wasmeter-suite-"));
    writeFileSync(join(folder, "kept.txt"), "kept");
    const expected = { exitCode: 3, stdout: "out", stderr: null };
    program = { name: "x", wasm: "/x.wasm", args: ["a"], env: {}, root: folder, ...expected };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const script = (text: string): Engine => {
    return processes((job) => [process.execPath, "-e", text, JSON.stringify(job)]);
  };
  const problemOf = async (text: string, timeout?: number) => {
    return (await runProgram(script(text), program, timeout)).problem;
  };

  it("gives the program its name, arguments and a copy of the folder", async () => {
    const text = `
      const { args, env, root } = JSON.parse(process.argv[1]);
      const fs = require("node:fs");
      if (args.join() !== "x.wasm,a" || Object.keys(env).length > 0) process.exit(1);
      if (fs.readFileSync(root + "/kept.txt", "utf8") !== "kept") process.exit(2);
      fs.writeFileSync(root + "/kept.txt", "changed");
      process.stdout.write("out");
      process.exitCode = 3;`;
    expect(await problemOf(text)).toBeNull();
    expect(readFileSync(join(folder, "kept.txt"), "utf8")).toBe("kept");
  });

  it("sees another exit code, another output, a signal", async () => {
    expect(await problemOf(`process.stdout.write("out")`)).toBe("exit code 0, expected 3");
    const other = `process.stdout.write("out\\n"); process.exitCode = 3`;
    expect(await problemOf(other)).toBe(`unexpected stdout: "out\\n"`);
    expect(await problemOf(`process.kill(process.pid, "SIGTERM")`)).toMatch(/did not come/);
  });

  it("stops a program that hangs", async () => {
    expect(await problemOf("setInterval(() => {}, 1000)", 500)).toBe("did not come to an end");
  });
});
