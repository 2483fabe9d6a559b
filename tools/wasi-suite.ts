// Runs programs of the WASI test suite and shows what fails:
// `tsx tools/wasi-suite.ts [NAME…] [-v] [--native | --memory]`. A NAME is a part of
// `rust/fd_readdir`; all programs by default. -v shows what the programs print. What runs them is the
// command line, with --memory the library with files in memory, with --native `node:wasi`.

import { parseArgs } from "node:util";
import {
  commandLine,
  type Engine,
  LibraryInMemory,
  nodeWasi,
  type Result,
  runPrograms,
  SUITE_IS_THERE,
  suitePrograms,
  warnOfAbsentSuite,
} from "../test/wasi/suite.ts";
import { bundleSource } from "./bundle-source.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verbose: { type: "boolean", short: "v", default: false },
    native: { type: "boolean", default: false },
    memory: { type: "boolean", default: false },
  },
});

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, "      ");
}

function show({ milliseconds, name, problem, stderr, stdout }: Result): void {
  const seconds = (milliseconds / 1000).toFixed(1);
  console.log(`${problem === null ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  if (problem !== null) console.log(`    ${problem}`);
  if (!values.verbose) return;
  for (const text of [stdout, stderr]) if (text !== "") console.log(indented(text));
}

async function engine(): Promise<{ run: Engine; remove(): void }> {
  if (values.native) return { run: nodeWasi, remove: () => undefined };
  const bundle = await bundleSource(values.memory ? "../test/wasi/child.ts" : "cli/main.ts");
  if (!values.memory) return { run: commandLine(bundle.path), remove: bundle.remove };
  const library = new LibraryInMemory(bundle.path);
  const remove = () => {
    library.close();
    bundle.remove();
  };
  return { run: library.run, remove };
}

async function main(): Promise<void> {
  const all = suitePrograms();
  const wanted = ({ name }: { name: string }) => positionals.some((part) => name.includes(part));
  const programs = positionals.length === 0 ? all : all.filter(wanted);
  const failed: string[] = [];
  const { remove, run } = await engine();
  await runPrograms(run, programs, (result) => {
    show(result);
    if (result.problem !== null) failed.push(result.name);
  });
  remove();
  if (failed.length > 0) console.log(`failed: ${failed.sort().join(" ")}`);
  console.log(`${programs.length - failed.length} of ${programs.length} programs pass`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

if (SUITE_IS_THERE) await main();
else warnOfAbsentSuite();
