// Compiles fixtures/wasi/*.c for WASI: `tsx tools/wasi-fixtures.ts`. Needs clang, lld, wasi-libc and
// clang's runtime library for wasm32; fixtures/README.md names Debian's packages.

import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../fixtures/wasi/", import.meta.url));
const FLAGS = ["--target=wasm32-wasi", "-Os", "-Wall", "-Wextra", "-Werror", "-Wl,--strip-all"];

for (const source of readdirSync(FOLDER).filter((name) => name.endsWith(".c"))) {
  const binary = source.replace(/\.c$/, ".wasm");
  const args = [...FLAGS, "-o", binary, source];
  const { error, status } = spawnSync("clang", args, { cwd: FOLDER, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`clang ${args.join(" ")}: exit code ${status}`);
  chmodSync(FOLDER + binary, 0o644);
  console.log(`${binary}: ${statSync(FOLDER + binary).size} bytes`);
}
