// Assembles every fixtures/*.wat into the .wasm beside it, or with --check tells which are stale.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const folder = new URL("../fixtures/", import.meta.url);

/** The binary of each fixture, by the name of its .wasm file. */
export async function assembleFixtures(): Promise<Map<string, Uint8Array>> {
  const { parseWat } = await wabt();
  const sources = readdirSync(folder).filter((name) => name.endsWith(".wat"));
  return new Map(
    sources.map((name) => {
      const module = parseWat(name, readFileSync(new URL(name, folder), "utf8"), {
        threads: true,
      });
      const { buffer } = module.toBinary({ write_debug_names: true });
      return [name.replace(/\.wat$/, ".wasm"), buffer];
    }),
  );
}

/** The fixtures whose binary is missing or differs from what their source assembles to. */
export async function staleFixtures(): Promise<string[]> {
  const stale: string[] = [];
  for (const [name, bytes] of await assembleFixtures()) {
    try {
      if (!readFileSync(new URL(name, folder)).equals(bytes)) stale.push(name);
    } catch {
      stale.push(name);
    }
  }
  return stale;
}

if (process.argv[1]?.endsWith("assemble-fixtures.ts")) {
  if (process.argv.includes("--check")) {
    const stale = await staleFixtures();
    if (stale.length > 0) console.error(`stale: ${stale.join(", ")}`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    for (const [name, bytes] of await assembleFixtures()) {
      writeFileSync(new URL(name, folder), bytes);
      console.log(`fixtures/${name}: ${bytes.length} bytes`);
    }
  }
}
