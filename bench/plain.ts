// The benchmarks as plain JavaScript, for the processes that measure. What loads TypeScript detaches
// an ArrayBuffer on its way, and from then on V8 of Node 20 checks at each access of a typed array
// whether it was detached: the interpreter would lose an eighth of its speed or more
// (`node --trace-protector-invalidation` shows it).

import { rmSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { DEFAULT_TIER, type Tier } from "../src/runtime/tier.ts";
import { defaultTier } from "../tools/default-tier.ts";

/** Below node_modules, so that packages are found from there. */
const folder = new URL("../node_modules/.cache/wasmeter-bench/", import.meta.url);

/**
 * Writes the script, with everything of ours that it imports; the path, and how to remove it.
 * `tier`: that of stores whose options do not say.
 */
export async function plainScript(
  script: URL,
  tier: Tier = DEFAULT_TIER,
): Promise<{ path: string; remove(): void }> {
  const bundle = await rolldown({
    input: fileURLToPath(script),
    external: /^(node:|[a-z@])/,
    platform: "node",
    plugins: [
      {
        name: "where a module was written",
        transform: (code, id) =>
          code.replace(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(id).href)),
      },
      defaultTier(tier),
    ],
  });
  const path = fileURLToPath(new URL(`${process.pid}-${tier}.mjs`, folder));
  await bundle.write({ file: path, format: "esm", codeSplitting: false });
  await bundle.close();
  return { path, remove: () => rmSync(path, { force: true }) };
}
